"""What a deadline cuts, whatever the connection does at the moment, seen from servers and relays."""

import contextlib
import gc
import socket
import ssl
import time
import weakref
from collections.abc import Callable, Iterator
from queue import LifoQueue
from typing import Any

import pytest
import requests
import urllib3
from urllib3.connectionpool import ConnectionPool

from loopback import Answer, Handler, Server
from proxies import HttpProxy, SocksProxy
from requests_mounts import MountedSession, parse_config
from servers import (
    Scripted,
    Serve,
    SessionOf,
    adapter_of,
    drip,
    free_places,
    slow,
    trickle,
    trickle_to_the_end,
)

SOON = 5
"""Seconds; what is not cut takes at least twice as long."""


@contextlib.contextmanager
def ends_in_time() -> Iterator[None]:
    start = time.monotonic()
    with pytest.raises(requests.Timeout, match="took longer than its deadline"):
        yield
    assert time.monotonic() - start < SOON


def test_a_tunnel_and_a_handshake_that_trickle(serve: Serve, session_of: SessionOf) -> None:
    """The socket is known before the proxy answers, and while the `ssl` module has it."""
    server = serve()
    if not server.tls:
        return

    def tunnel(client: socket.socket) -> None:
        client.recv(65536)
        time.sleep(2.5)  # The handshake alone would have the timeout of the socket again.
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with socket.create_connection(("127.0.0.1", server.server_port)) as upstream:
            upstream.sendall(client.recv(65536))
            for byte in upstream.recv(65536):
                client.sendall(bytes([byte]))
                time.sleep(0.05)

    with Scripted(tunnel) as proxy:
        session = session_of(
            f"[defaults]\nproxy = '{proxy.url}'\ndeadline = 3\n"
            "pool_block = true\npool_maxsize = 1\nmax_retries = 3"
        )
        with ends_in_time():
            session.get(server.url)
        assert free_places(session, server.url) == 1
        assert proxy.connections == 1


def test_the_answer_of_a_proxy_that_trickles(session_of: SessionOf) -> None:
    """Each line of it comes in time, and all of it never."""

    def trickle_answer(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(200):
            client.sendall(f"X-{number}: x\r\n".encode())
            time.sleep(0.05)

    with Scripted(trickle_answer) as proxy:
        session = session_of(
            f"[defaults]\nproxy = '{proxy.url}'\ndeadline = 0.5\npool_block = true\npool_maxsize = 1"
        )
        with ends_in_time():
            session.get("https://127.0.0.1:1/")
        assert free_places(session, "https://127.0.0.1:1/") == 1


@pytest.mark.parametrize("kind", ["http", "https", "socks"])
@pytest.mark.parametrize("answer", [slow(10), trickle, trickle_to_the_end])
def test_through_a_proxy(
    serve: Serve,
    authority_file: str,
    server_tls: ssl.SSLContext,
    kind: str,
    answer: Callable[[Handler], Answer],
) -> None:
    """TLS in TLS too, whose socket is none of Python's."""
    server = serve(answer=answer)
    if kind == "https" and not server.tls:
        return
    kinds = {"http": HttpProxy, "https": lambda: HttpProxy(server_tls), "socks": SocksProxy}
    with kinds[kind]() as proxy:
        config = parse_config(
            f"[defaults]\nproxy = '{proxy.url}'\ndeadline = 0.5\nsource_address = '127.0.0.1'\n"
            "pool_block = true\npool_maxsize = 1\n"
            f"[mounts.'https://']\ntls = {{ verify = '{authority_file}' }}"
        )
        with MountedSession(config) as session:
            with ends_in_time():
                session.get(server.url)
            assert free_places(session, server.url) == 1


def test_a_socks_handshake_that_trickles(session_of: SessionOf) -> None:
    """The proxy has the whole timeout for each byte of it."""

    def shake(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(b"\x05\x00")
        client.recv(65536)
        client.sendall(b"\x05\x00\x00\x03\xff")
        for _ in range(255):
            client.sendall(b"x")
            time.sleep(0.05)

    with Scripted(shake) as proxy:
        session = session_of(
            f"[defaults]\nproxy = 'socks5{proxy.url[4:]}'\ndeadline = 0.5\n"
            "pool_block = true\npool_maxsize = 1"
        )
        with ends_in_time():
            session.get("http://127.0.0.1:1/")
        assert free_places(session, "http://127.0.0.1:1/") == 1


def test_a_slow_lookup_of_a_name(
    serve: Serve, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can interrupt it, but nothing is sent any more afterwards."""
    server = serve()
    look_up = socket.getaddrinfo

    def look_up_slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.5)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_slowly)
    session = session_of("[defaults]\ndeadline = 0.2\npool_block = true\npool_maxsize = 1")
    with ends_in_time():
        session.post(server.url, data="x")
    time.sleep(0.1)
    assert server.connections == 0
    assert free_places(session, server.url) == 1


def test_a_slow_connection_of_a_tools_own(
    serve: Serve, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function in the place of urllib3's is still asked for the host, and nothing is sent late."""
    server = serve()
    asked = []
    connect = urllib3.util.connection.create_connection

    def connect_slowly(address: tuple[str, int], *args: Any, **kwargs: Any) -> Any:
        asked.append(address[0])
        time.sleep(0.5)
        return connect(("127.0.0.1", server.server_port), *args, **kwargs)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect_slowly)
    url = server.url.replace("127.0.0.1", "localhost")
    with ends_in_time():
        session_of("[defaults]\ndeadline = 0.2").post(url, data="x")
    assert server.requests == []
    assert session_of("[defaults]\ndeadline = 20").get(url).ok
    assert asked == ["localhost", "localhost"]


def test_several_addresses_that_swallow_packets(
    session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All together they have what is left, not each of them."""
    with contextlib.ExitStack() as stack:
        hole = stack.enter_context(socket.socket())
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):  # When the queue of a socket that accepts nothing is full, it is silent.
            filling = stack.enter_context(socket.socket())
            filling.settimeout(0)
            filling.connect_ex(hole.getsockname())
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", hole.getsockname())] * 10
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *_: found if host == "h" else [found[0]]
        )
        session = session_of("[defaults]\ndeadline = 1\ntimeout = 20\npool_block = true")
        with ends_in_time():
            session.get("http://h/")
        assert free_places(session, "http://h/") == 10


@pytest.mark.parametrize("proxy", ["direct", "socks5://127.0.0.1:{}", "socks5h://127.0.0.1:{}"])
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{}/", "http://no.such.invalid/", "http://{long}/"]
)
def test_errors_of_connecting_are_urllib3s(
    session_of: SessionOf, proxy: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their kinds and words, with a deadline as without."""
    look_up = socket.getaddrinfo

    def look_up_here(host: str, *args: Any) -> Any:
        if "invalid" in host:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    with Server() as dead:
        port = dead.server_port
    seen = []
    for deadline in ("", "deadline = 20"):
        session = session_of(f"[defaults]\nproxy = '{proxy.format(port)}'\n{deadline}")
        with pytest.raises(Exception, match=r".") as caught:
            session.get(url.format(port, long="x" * 64))
        seen.append((caught.type, str(caught.value).partition(" at 0x")[0]))
    assert seen[0] == seen[1]


def test_a_timeout_of_connecting_is_urllib3s(
    session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the host and the timeout that the caller gave, through a SOCKS proxy as well."""

    def never_answer(client: socket.socket) -> None:
        client.recv(65536)
        time.sleep(10)

    with Scripted(never_answer) as proxy:
        for url, said in (("http://127.0.0.1:1/", "Connection to 127.0.0.1 timed out"),):
            session = session_of(f"[defaults]\nproxy = 'socks5{proxy.url[4:]}'\ndeadline = 20")
            with pytest.raises(requests.ConnectTimeout, match=said) as caught:
                session.get(url, timeout=0.2)
            assert "connect timeout=0.2" in str(caught.value)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    with pytest.raises(requests.ConnectionError, match="getaddrinfo returns an empty list"):
        session_of("[defaults]\ndeadline = 20").get("http://h/")


def test_a_retry_whose_response_is_drained(serve: Serve, session_of: SessionOf) -> None:
    """Its connection has let go of the socket, as the server says that it will close it."""

    def answer(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n")
        drip(handler)
        raise ConnectionError

    server = serve(answer=answer)
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 1\npool_block = true\npool_maxsize = 1\n'
        "max_retries = { total = 3, status_forcelist = [503] }"
    )
    with ends_in_time():
        session.get(server.url)
    assert len(server.requests) == 1
    assert free_places(session, server.url) == 1


class Late(LifoQueue[Any]):
    """A queue of connections that takes its time."""

    seconds = 0.0

    def get(self, *args: Any, **kwargs: Any) -> Any:
        time.sleep(self.seconds)
        return super().get(*args, **kwargs)


def test_a_connection_that_comes_too_late(
    serve: Serve, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent over it, and its place in the pool is free again."""
    server = serve()
    monkeypatch.setattr(ConnectionPool, "QueueCls", Late)
    session = session_of("[defaults]\ndeadline = 3\npool_block = true\npool_maxsize = 1")
    assert session.get(server.url).ok
    monkeypatch.setattr(Late, "seconds", 3.1)
    with pytest.raises(requests.Timeout, match="took longer than its deadline"):
        session.post(server.url, data="x")
    assert server.requests == ["GET /"]
    assert free_places(session, server.url) == 1


def test_a_connection_that_was_put_back_is_left_alone(serve: Serve, session_of: SessionOf) -> None:
    """A response hook takes longer than the deadline, and another request has the connection."""
    server = serve(
        answer=lambda handler: slow(1.2)(handler) if "slow" in handler.path else Answer()
    )
    session = session_of("[defaults]\ndeadline = 3")
    bodies = []

    def ask_again(response: requests.Response, **_: Any) -> None:
        bodies.append(response.content)  # Now the connection is free.
        time.sleep(2.4)
        bodies.append(session.get(f"{server.url}/slow").content)

    assert session.get(server.url, hooks={"response": ask_again}).ok
    assert bodies == [b"ok", b"ok"]
    assert server.connections == 1


def test_a_hook_that_asks_the_pools_themselves(server: Server, session_of: SessionOf) -> None:
    """What it sends is not under the deadline of the request that it belongs to."""
    session = session_of("[defaults]\ndeadline = 1")
    adapter = adapter_of(session, server.url)
    statuses = []

    def ask(response: requests.Response, **_: Any) -> None:
        assert response.content == b"ok"
        time.sleep(1.1)
        statuses.append(adapter.poolmanager.request("GET", server.url).status)

    assert session.get(server.url, hooks={"response": ask}).ok
    assert statuses == [200]


def test_an_idle_connection_keeps_no_request(server: Server, session_of: SessionOf) -> None:
    """What was sent over it, such as a large body, can be freed."""
    session = session_of("[defaults]\ndeadline = 20")
    request = session.prepare_request(requests.Request("POST", server.url, data=b"x"))
    kept = weakref.ref(request)
    assert session.send(request).ok
    del request
    gc.collect()
    assert kept() is None
    assert server.connections == 1
