"""What records traffic and plays it again: the second time no server is there."""

from collections.abc import Callable
from pathlib import Path

import pytest
import vcr
from betamax import Betamax
from vcr.cassette import Cassette

from loopback import Answer, Handler, Server
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


@pytest.mark.parametrize("key", ["keepalive_expiry = 60", "max_connection_age = 60"])
def test_vcrpy_records_over_a_connection_that_ages(
    session_of: SessionOf, tmp_path: Path, key: str
) -> None:
    """It opens the real one by itself, and nobody knows when."""
    with Server() as server, vcr.use_cassette(str(tmp_path / "cassette.yaml")):
        session = session_of(f"[defaults]\n{key}")
        for path in ("/1", "/2"):
            assert session.get(server.url + path).text == "ok"
    assert server.requests == ["GET /1", "GET /2"]


@pytest.mark.parametrize("key", ["", "deadline = 20", 'connect_to = ["127.0.0.1"]'])
def test_vcrpy_records_no_header_that_is_taken_away(
    session_of: SessionOf, tmp_path: Path, key: str
) -> None:
    """It is not sent either, also to a server that is recorded."""
    cassette = tmp_path / "cassette.yaml"
    seen: list[list[str]] = []

    def note(handler: Handler) -> Answer:
        seen.append(handler.headers.keys())
        return Answer()

    with Server(answer=note) as server, vcr.use_cassette(str(cassette)):
        text = f"[mounts.'{server.url}']\nheaders = {{ User-Agent = false, accept-encoding = false }}\n{key}"
        session_of(text).get(server.url)
        session_of(text).get(f"{server.url}/2", headers={"user-agent": "mine"})
    ours = ["Accept", "Connection"]
    assert [sorted(names) for names in seen] == [[*ours, "Host"], [*ours, "Host", "user-agent"]]
    recorded = [request.headers for request in Cassette.load(path=str(cassette)).requests]
    assert [sorted(headers) for headers in recorded] == [ours, [*ours, "user-agent"]]


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
