"""Connections that age, seen from real servers."""

import time
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from loopback import Handler, Server
from servers import Serve, SessionOf


@pytest.mark.parametrize(
    ("settings", "connections"),
    [
        ("", 1),
        ("keepalive_expiry = 0.2", 2),
        ("keepalive_expiry = 60", 1),
        ("keepalive_expiry = inf", 1),
        ("max_connection_age = 0.2", 2),
        ("max_connection_age = 60", 1),
    ],
)
def test_keepalive(serve: Serve, session_of: SessionOf, settings: str, connections: int) -> None:
    """A connection that was idle for too long, or is too old, is not used again."""
    server = serve()
    session = session_of(f'[mounts."{server.url}"]\n{settings}')
    session.get(server.url)
    time.sleep(0.3)
    session.get(server.url)
    assert server.connections == connections


class Opened(HTTPConnection):
    """A connection of a tool, open as soon as it is made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connect()


@pytest.mark.parametrize("key", ["keepalive_expiry = 60", "max_connection_age = 60"])
def test_a_connection_that_was_never_closed(
    server: Server, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Nobody knows how old it is, and it is used."""
    monkeypatch.setattr("urllib3.connectionpool.HTTPConnectionPool.ConnectionCls", Opened)
    session = session_of(f"[defaults]\n{key}")
    assert [session.get(server.url).ok for _ in range(2)] == [True] * 2
    assert server.connections == 1


def test_a_busy_connection_grows_old(serve: Serve, session_of: SessionOf) -> None:
    """Being used keeps it from being idle, but does not make it younger."""
    server = serve()
    session = session_of(
        f'[mounts."{server.url}"]\nkeepalive_expiry = 60\nmax_connection_age = 0.5'
    )
    start = time.monotonic()
    while server.connections < 3 and time.monotonic() - start < 20:
        session.get(server.url)
    assert server.connections == 3
    assert time.monotonic() - start >= 1


def test_a_server_that_drops_idle_connections(session_of: SessionOf) -> None:
    """A POST that requests would lose arrives, as the connection was given up before the server did."""

    class Dropping(Handler):
        timeout = 1

    with Server() as server:
        server.RequestHandlerClass = Dropping
        session = session_of("[defaults]\nkeepalive_expiry = 0.1")
        for _ in range(3):
            assert session.post(server.url, data="x").ok
            time.sleep(0.99)
        assert server.connections == 3
