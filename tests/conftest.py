"""What all tests share: no way out of the machine, a clean environment, a certificate authority."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, settings

from loopback import Server
from requests_mounts import MountedSession, parse_config

# How long it takes to make examples is the machine's affair.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("local", patient)
settings.register_profile("ci", patient, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def checked(self: socket.socket, address: Any) -> None:
        inside = isinstance(address, str) or ipaddress.ip_address(address[0]).is_loopback
        assert inside, f"a way out of the machine: {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert("127.0.0.1", "127.0.0.2", "localhost")
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(params=["http", "https"])
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[..., Server]]:
    """Start servers, plain and with TLS; they end with the test."""
    tls = request.getfixturevalue("server_tls") if request.param == "https" else None
    servers = []

    def start(host: str = "127.0.0.1", **options: Any) -> Server:
        server = Server(host, tls=tls, **options)
        servers.append(server)
        return server.__enter__()

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def session_of(authority_file: str) -> Iterator[Callable[[str], MountedSession]]:
    """Make sessions from the text of a file, which trust the authority; they end with the test."""
    sessions: list[requests.Session] = []

    def make(text: str) -> MountedSession:
        session = MountedSession(parse_config(text, source="mounts.toml"))
        session.verify = authority_file
        sessions.append(session)
        return session

    yield make
    for session in sessions:
        session.close()


@pytest.fixture(scope="session")
def locked_key(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a client certificate and a key that has the password hunter2."""
    folder = tmp_path_factory.mktemp("locked")
    certificate = authority.issue_cert("client@example.com")
    certificate.cert_chain_pems[0].write_to_path(folder / "client.pem")
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"hunter2"),
    )
    (folder / "locked.key").write_bytes(locked)
    return folder
