"""Proxies on loopback: a CONNECT and forwarding one, and a SOCKS 5 one, that note what they are asked."""

import select
import socket
import socketserver
import ssl
import threading
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


def pump(one: socket.socket, other: socket.socket) -> None:
    """Pass on what comes, both ways, until one side has enough."""
    while True:
        ready, _, _ = select.select([one, other], [], [], 10)
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
        if not ready:
            return


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy on 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 64
    scheme = "http"

    def __init__(
        self, handler: type[socketserver.BaseRequestHandler], tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.tls = tls
        self.connections = 0
        self.asked: list[str] = []
        """The target of each request."""
        self.headers: list[str] = []
        """The text of each request's headers."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if not self.tls:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()


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
