"""Proxies on loopback: a CONNECT and forwarding one, and a SOCKS 5 one, that note what they are asked."""

import select
import socket
import socketserver
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from loopback import Counting


def pump(
    one: socket.socket, other: socket.socket, note: Callable[[bytes], None] = lambda _: None
) -> None:
    """Pass on what comes, both ways, until one side has enough."""
    while True:
        ready, _, _ = select.select([one, other], [], [], 10)
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            note(data)
            (other if source is one else one).sendall(data)
        if not ready:
            return


class Proxy(Counting):
    """A proxy on 127.0.0.1."""

    scheme = "http"

    def __init__(
        self, handler: type[socketserver.BaseRequestHandler], tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.tls = tls
        self.asked: list[str] = []
        """The target of the first request of each connection."""
        self.headers: list[str] = []
        """The text of its headers."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"


class HttpHandler(socketserver.StreamRequestHandler):
    """CONNECT, and requests with an absolute URL."""

    server: Proxy

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        headers = b""
        while (header := self.rfile.readline()) not in {b"\r\n", b""}:
            headers += header
        if not line:
            return
        method, target, _ = line.split()
        self.server.asked.append(f"{method} {target}")
        self.server.headers.append(headers.decode())
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port))) as upstream:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                pump(self.request, upstream)
            return
        parts = urlsplit(target)
        path = target[target.index(parts.netloc) + len(parts.netloc) :]
        with socket.create_connection((parts.hostname, parts.port or 80)) as upstream:
            upstream.sendall(f"{method} {path} HTTP/1.1\r\n".encode() + headers + b"\r\n")
            pump(self.request, upstream)


class SocksHandler(socketserver.StreamRequestHandler):
    """SOCKS 5 (RFC 1928) without authentication."""

    server: Proxy

    def handle(self) -> None:
        _, methods = self.rfile.read(2)
        self.rfile.read(methods)
        self.wfile.write(b"\x05\x00")
        _, _, _, kind = self.rfile.read(4)
        host = (
            socket.inet_ntoa(self.rfile.read(4))
            if kind == 1
            else self.rfile.read(self.rfile.read(1)[0]).decode()
        )
        port = int.from_bytes(self.rfile.read(2), "big")
        self.server.asked.append(f"{host}:{port}")
        with socket.create_connection((host, port)) as upstream:
            self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
            pump(self.request, upstream)


class HttpProxy(Proxy):
    """An HTTP proxy, itself reached over TLS if it is given a context."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(HttpHandler, tls)
        self.scheme = "https" if tls else "http"


class SocksProxy(Proxy):
    """A SOCKS 5 proxy."""

    scheme = "socks5"

    def __init__(self) -> None:
        super().__init__(SocksHandler)
