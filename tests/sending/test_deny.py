"""What is denied, seen from real servers."""

import pickle

import pytest
import requests

from loopback import Answer, Server
from requests_mounts import (
    BodyTooLarge,
    DeniedURL,
    MountsError,
)
from servers import SessionOf, adapter_of


def test_deny(server: Server, session_of: SessionOf) -> None:
    """A request is refused before a byte is sent, by name, file and line."""
    session = session_of(f'[mounts."{server.url}/secret"]\ndeny = true\n')
    assert session.get(server.url).ok
    with pytest.raises(DeniedURL) as caught:
        session.get(f"{server.url}/secret/x")
    error = caught.value
    assert isinstance(error, MountsError)
    assert isinstance(error, requests.exceptions.InvalidURL)
    assert str(error) == f"{server.url}/secret/x is denied by {server.url}/secret/ (mounts.toml:2)"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert (server.connections, len(server.requests)) == (1, 1)


@pytest.mark.parametrize("path", ["//secret", "///secret/x", "/.//secret", "/x/..//%73ecret"])
def test_slashes_at_the_beginning_hide_nothing(
    server: Server, session_of: SessionOf, path: str
) -> None:
    """Some releases of requests send one of them, and many servers take them for one."""
    session = session_of(f'[mounts."{server.url}/secret"]\ndeny = true\n')
    with pytest.raises(DeniedURL):
        session.get(f"{server.url}{path}")
    assert server.connections == 0


def test_neither_text_of_an_error_shows_a_password() -> None:
    """Logs have `repr` of an error as often as its `str`."""
    url = "http://user:hunter2@h.example/"
    denied, too_large = DeniedURL(url, "http://", "mounts.toml:1"), BodyTooLarge(url, 1)
    for error in (denied, too_large, *map(pickle.loads, map(pickle.dumps, (denied, too_large)))):
        assert error.url == url
        assert "hunter2" not in f"{error} {error!r} {error.args}"


def test_deny_on_a_redirect(session_of: SessionOf) -> None:
    """Where a server points is looked up as any URL."""
    with Server("127.0.0.2") as b, Server(answer=lambda _: Answer(302, {"Location": b.url})) as a:
        session = session_of('[mounts."http://127.0.0.2:*/"]\ndeny = true')
        with pytest.raises(DeniedURL):
            session.get(a.url)
        assert b.connections == 0


def test_unmatched(server: Server, session_of: SessionOf) -> None:
    """What no prefix of the file serves can be denied, even if it cannot be parsed."""
    session = session_of(f'unmatched = "deny"\n[mounts."{server.url}"]\n[mounts."https://"]')
    assert session.get(server.url).ok
    with pytest.raises(
        DeniedURL, match=r"http://127.0.0.1:1/ is denied by http:// \(mounts.toml:1\)"
    ):
        session.get("http://127.0.0.1:1/")
    with pytest.raises(DeniedURL):
        session.get_adapter("http://[::1").send(requests.Request("GET", "http://h/").prepare())
    assert not adapter_of(session, "https://anything.org/").policy.deny
