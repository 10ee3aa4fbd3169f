"""HTTP servers on loopback addresses that count what reaches them, for the examples and the tests.

All of 127.0.0.0/8 is loopback on Linux, so 127.0.0.1 and 127.0.0.2 can play two hosts.
"""

import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Any, NamedTuple, Self


class Answer(NamedTuple):
    """What a server sends back."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b"ok"


class Handler(BaseHTTPRequestHandler):
    """Answer the requests of one connection, which is kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def answer(self) -> None:
        """Note the request and send what the server's function says."""
        self.content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(f"{self.command} {self.path}")
        status, headers, body = self.server.answer(self)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay silent."""


class Counting(ThreadingMixIn, TCPServer):
    """Serve in threads until the end of a `with` block, and count the connections accepted."""

    daemon_threads = True
    request_queue_size = 128
    tls: ssl.SSLContext | None = None
    connections = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a connection as it is accepted."""
        self.connections += 1
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, after the TLS handshake where there is one."""
        if not self.tls:
            super().finish_request(request, client_address)
            return
        request.getpeername()  # An error if the client has gone: `ssl` would not close the socket.
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take the client's going away, or its distrust of the certificate, as no error of ours."""

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


class Server(Counting, HTTPServer):
    """An HTTP or HTTPS server on a loopback address and a free port."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        *,
        answer: Callable[[Handler], Answer] = lambda _: Answer(),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__((host, 0), Handler)
        self.answer = answer
        self.tls = tls
        self.requests: list[str] = []
        """Method and path of every request."""
        self.url = f"{'https' if tls else 'http'}://{host}:{self.server_port}"
