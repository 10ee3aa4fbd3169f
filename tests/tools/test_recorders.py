"""What records traffic and plays it again: the second time no server is there."""

from collections.abc import Callable
from pathlib import Path

import pytest
import vcr
from betamax import Betamax

from loopback import Server
from requests_mounts import MountedSession

SessionOf = Callable[[str], MountedSession]
KINDS = [
    "",
    "[defaults]\ndeadline = 20\npool_block = true\nkeepalive_expiry = 5\nmax_body_size = 100",
]


@pytest.mark.parametrize("text", KINDS)
def test_vcrpy_replaces_the_connections(session_of: SessionOf, tmp_path: Path, text: str) -> None:
    """It replaces the connection classes of urllib3's pools, which ours leave alone."""
    cassette = str(tmp_path / "cassette.yaml")
    with Server() as server, vcr.use_cassette(cassette):
        assert session_of(text).get(server.url).text == "ok"
    with vcr.use_cassette(cassette, record_mode="none") as played:
        assert session_of(text).get(server.url).text == "ok"
    assert played.play_count == 1
    assert len(server.requests) == 1


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # Its own.
@pytest.mark.parametrize("text", KINDS)
def test_betamax_replaces_the_adapters(session_of: SessionOf, tmp_path: Path, text: str) -> None:
    """It mounts itself at http:// and https://, and puts the adapters back."""
    session = session_of(text)
    before = dict(session.adapters)
    with Server() as server, Betamax(session, cassette_library_dir=str(tmp_path)) as recorder:
        recorder.use_cassette("one")
        assert session.get(server.url).text == "ok"
    with Betamax(session, cassette_library_dir=str(tmp_path)) as recorder:
        recorder.use_cassette("one", record="none")
        assert session.get(server.url).text == "ok"
    assert len(server.requests) == 1
    assert dict(session.adapters) == before
