"""Servers for the tests, and the sessions that talk to them."""

import socket
import socketserver
import ssl
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from loopback import Answer, Counting, Handler, Server
from requests_mounts import (
    MountAdapter,
    MountedSession,
    parse_config,
)
from requests_mounts._sending.limit import Limiter, Permit

Serve = Callable[..., Server]
SessionOf = Callable[[str], MountedSession]


def slow(seconds: float) -> Callable[[Handler], Answer]:
    """Answer after a while."""

    def answer(_: Handler) -> Answer:
        time.sleep(seconds)
        return Answer()

    return answer


def trickle(handler: Handler) -> Answer:
    """Send the body a byte at a time, for a long time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    drip(handler)
    raise ConnectionError


def trickle_to_the_end(handler: Handler) -> Answer:
    """The same without a length, where the end of the connection is the end of the body."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    drip(handler)
    raise ConnectionError


def trickle_headers(handler: Handler) -> Answer:
    """Send the headers a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    drip(handler)
    raise ConnectionError


def drip(handler: Handler) -> None:
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so, which does not take long."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def adapter_of(session: requests.Session, url: str) -> MountAdapter:
    adapter = session.get_adapter(url)
    assert isinstance(adapter, MountAdapter)
    return adapter


def free_places(session: requests.Session, url: str) -> int:
    adapter: Any = session.get_adapter(url)
    managers = [adapter.poolmanager, *adapter.proxy_manager.values()]
    pools = [manager.pools[key] for manager in managers for key in manager.pools.keys()]  # noqa: SIM118
    assert pools
    return int(min(pool.pool.qsize() for pool in pools))


class Scripted(Counting):
    """Plays a part on every connection."""

    def __init__(self, play: Callable[[socket.socket], None]) -> None:
        class Part(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                play(self.request)

        super().__init__(("127.0.0.1", 0), Part)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Knowing(Server):
    """A TLS server that notes the client certificates it is shown."""

    def __init__(self, authority: trustme.CA, host: str = "127.0.0.1", **options: Any) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host, "name.example").configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        super().__init__(host, tls=context, **options)
        self.clients: list[bool] = []
        self.serials: list[str | None] = []
        self.protocols: list[str | None] = []
        self.versions: list[str | None] = []
        self.names: list[str] = []
        context.sni_callback = lambda _, name, __: self.names.extend(filter(None, [name]))

    def finish_request(self, request: Any, client_address: Any) -> None:
        assert self.tls
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            shown: dict[str, Any] = wrapped.getpeercert() or {}
            self.clients.append(bool(shown))
            self.serials.append(shown.get("serialNumber"))
            self.protocols.append(wrapped.selected_alpn_protocol())
            self.versions.append(wrapped.version())
            self.RequestHandlerClass(wrapped, client_address, self)  # type: ignore[arg-type]


def tls_session(folder: Path, url: str, tls: str) -> MountedSession:
    """Make a session that does not trust the authority by itself."""
    return MountedSession(
        parse_config(f'[mounts."{url}"]\ntls = {{ {tls} }}', source=str(folder / "mounts.toml"))
    )


def environment(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, url)


def enter(
    limiter: Limiter, *, left: float = inf, admit: Callable[[], object] | None = None
) -> Permit:
    """Wait at most some seconds for a permit."""
    permit = Permit()
    limiter.enter(permit, limiter._clock() + left, admit)
    return permit
