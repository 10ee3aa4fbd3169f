"""The sockets of connections, seen from real servers."""

import socket

import pytest

from loopback import Answer, Handler
from servers import Serve, SessionOf

WAYS = ["", 'connect_to = ["127.0.0.1"]', 'addresses = ["loopback"]', "deadline = 60"]


@pytest.mark.parametrize("key", WAYS)
def test_source_address(serve: Serve, session_of: SessionOf, key: str) -> None:
    """The server sees the address that the file names, whoever dials."""
    clients: list[str] = []

    def answer(handler: Handler) -> Answer:
        clients.append(handler.client_address[0])
        return Answer()

    server = serve(answer=answer)
    session_of(f'[mounts."{server.url}"]\nsource_address = "127.0.0.9"\n{key}').get(server.url)
    assert clients == ["127.0.0.9"]


@pytest.mark.parametrize("key", WAYS)
def test_tcp_keepalive(serve: Serve, session_of: SessionOf, key: str) -> None:
    """The socket has the options, whoever dials, and Nagle's algorithm stays off."""
    server = serve()
    session = session_of(
        f'[mounts."{server.url}"]\ntcp_keepalive = {{ idle = 31, interval = 7, count = 3 }}\n{key}'
    )
    with session.get(server.url, stream=True) as response:
        sock = response.raw._connection.sock
        options = [
            sock.getsockopt(level, option)
            for level, option in [
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
            ]
        ]
        assert options == [1, 31, 7, 3]
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
