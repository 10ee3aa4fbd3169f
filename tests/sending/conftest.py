"""What the tests of sending share: servers, proxies, a client certificate."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter

from loopback import Server
from proxies import HttpProxy, SocksProxy
from servers import Knowing


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Note what reaches the send of requests, which sends nothing."""
    calls: list[dict[str, Any]] = []

    def send(_: HTTPAdapter, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        calls.append(kwargs)
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url or "", request
        response.raw = None
        response._content = b""
        return response

    monkeypatch.setattr(HTTPAdapter, "send", send)
    monkeypatch.setattr("requests.sessions.extract_cookies_to_jar", lambda *_: None)
    return calls


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note when each request goes out, over a connection that is there by then."""
    noted: list[float] = []
    send = http.client.HTTPConnection.send

    def note(connection: http.client.HTTPConnection, data: Any) -> None:
        if connection.sock is None:
            connection.connect()
        noted.append(time.monotonic())
        send(connection, data)

    monkeypatch.setattr(http.client.HTTPConnection, "send", note)
    return noted


@pytest.fixture(scope="session")
def client(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a client certificate and keys."""
    folder = tmp_path_factory.mktemp("client")
    certificate = authority.issue_cert("client@example.com")
    certificate.cert_chain_pems[0].write_to_path(folder / "client.pem")
    certificate.private_key_pem.write_to_path(folder / "client.key")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    other = authority.issue_cert("other@example.com")
    other.private_key_pem.write_to_path(folder / "other.key")
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    (folder / "locked.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return folder


@pytest.fixture
def knowing(authority: trustme.CA) -> Iterator[Knowing]:
    with Knowing(authority) as server:
        yield server


@pytest.fixture(params=[HttpProxy, SocksProxy])
def proxy(request: pytest.FixtureRequest) -> Iterator[HttpProxy | SocksProxy]:
    with request.param() as proxy:
        yield proxy
