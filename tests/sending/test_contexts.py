"""TLS contexts: shared, never changed, and as new as the files that they are made of."""

import os
import shutil
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
import requests
import trustme
from urllib3.util import ssl_

from loopback import Server
from proxies import HttpProxy
from requests_mounts import MountedSession, mount, parse_config
from requests_mounts._file.options import Tls
from requests_mounts._sending.contexts import TlsContext, tls_context
from servers import Knowing, Serve, tls_session

CLOSE = {"Connection": "close"}
BUNDLES = ("authority.pem", "other.pem")


@pytest.fixture
def folder(client: Path, tmp_path: Path) -> Path:
    """A copy of the folder of certificates that a test may change, with another authority."""
    shutil.copytree(client, tmp_path / "client")
    trustme.CA().cert_pem.write_to_path(tmp_path / "client/other.pem")
    return tmp_path / "client"


def padded(folder: Path) -> tuple[bytes, bytes]:
    """Read the good and the other bundle, made equally long."""
    good, other = ((folder / name).read_bytes() for name in BUNDLES)
    size = max(len(good), len(other)) + 2
    return good.ljust(size, b"\n"), other.ljust(size, b"\n")


def write_in_place(path: Path, content: bytes) -> None:
    """Change a file of which only the time tells."""
    path.write_bytes(content)
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file by one of the same size and time."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.utime(new, ns=(1, path.stat().st_mtime_ns))
    new.replace(path)


def append(path: Path, content: bytes) -> None:
    """Change a file of which only the size tells, as on a disk with a coarse clock."""
    time = path.stat().st_mtime_ns
    path.write_bytes(content + b"\n" * (path.stat().st_size - len(content) + 1))
    os.utime(path, ns=(1, time))


def swap_link(path: Path, content: bytes) -> None:
    """Let a link lead to another file, as a rotated secret of Kubernetes does."""
    target = path.with_name(f"target-{len(list(path.parent.iterdir()))}")
    target.write_bytes(content)
    link = path.with_suffix(".link")
    link.symlink_to(target)
    link.replace(path)


@pytest.mark.parametrize("change", [write_in_place, append, replace_file, swap_link])
def test_a_replaced_authority_counts_for_the_next_connection(
    knowing: Knowing, folder: Path, change: Callable[[Path, bytes], None]
) -> None:
    """One that is taken away too, however it is replaced; an open connection goes on."""
    good, other = padded(folder)
    bundle = folder / "bundle.pem"
    bundle.write_bytes(good)
    with tls_session(folder, knowing.url, "verify = 'bundle.pem'") as session:
        assert session.get(knowing.url).ok
        change(bundle, other)
        assert session.get(knowing.url, headers=CLOSE).ok
        with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            session.get(knowing.url)
        change(bundle, good)
        assert session.get(knowing.url).ok


def test_a_directory_of_authorities_is_watched(knowing: Knowing, folder: Path) -> None:
    """What is put into it, taken out of it and changed in it; a dead link there is no harm."""
    good, other = padded(folder)
    authorities = folder / "authorities"
    authorities.mkdir()
    (authorities / "dead").symlink_to("nowhere")
    tls = Tls(verify=str(authorities))
    (authorities / "one.pem").write_bytes(good)
    first = tls_context(tls)
    assert tls_context(tls) is first
    write_in_place(authorities / "one.pem", other)
    second = tls_context(tls)
    assert second is not first
    (authorities / "one.pem").rename(authorities / "two.pem")
    assert tls_context(tls) is not second
    with (
        tls_session(folder, knowing.url, "verify = 'authorities'") as session,
        pytest.raises(requests.exceptions.SSLError),
    ):
        session.get(knowing.url)


@pytest.mark.parametrize("files", ["cert_file = 'both.pem'", "cert_file = 'c', key_file = 'k'"])
def test_a_replaced_client_certificate_is_shown_by_the_next_connection(
    authority: trustme.CA, folder: Path, files: str
) -> None:
    """With its new key."""
    new = authority.issue_cert("new@example.com")
    shutil.copy(folder / "client.pem", folder / "c")
    shutil.copy(folder / "client.key", folder / "k")
    with (
        Knowing(authority) as server,
        tls_session(folder, server.url, f"verify = 'authority.pem', {files}") as session,
    ):
        for _ in range(2):
            assert session.get(server.url, headers=CLOSE).ok
        new.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
        new.cert_chain_pems[0].write_to_path(folder / "c")
        new.private_key_pem.write_to_path(folder / "k")
        assert session.get(server.url).ok
    one, same, other = server.serials
    assert one == same != other


def test_a_file_that_vanished_is_missed_by_the_next_connection(
    knowing: Knowing, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the key, and no path that came from a variable."""
    monkeypatch.setenv("BUNDLE", str(folder / "authority.pem"))
    with tls_session(folder, knowing.url, "verify = '${BUNDLE}'") as session:
        assert session.get(knowing.url).ok
        (folder / "authority.pem").unlink()
        assert session.get(knowing.url, headers=CLOSE).ok
        with pytest.raises(requests.exceptions.SSLError) as caught:
            session.get(knowing.url)
    assert "cannot be used: No such file or directory" in str(caught.value)
    assert "tls.verify" in str(caught.value)
    assert str(folder) not in str(caught.value)


def test_a_caller_with_many_certificates_keeps_the_connections(
    authority: trustme.CA, folder: Path
) -> None:
    """One for each certificate."""
    paths = [folder / f"copy-{number}.pem" for number in range(70)]
    for path in paths:
        shutil.copy(folder / "both.pem", path)
    config = parse_config(
        "[defaults]\npool_connections = 100\ntls.verify = 'authority.pem'",
        source=str(folder / "mounts.toml"),
    )
    with Knowing(authority) as server, MountedSession(config) as session:
        for path in (*paths, *paths):
            assert session.get(server.url, cert=str(path)).ok
    assert server.clients == [True] * len(paths)


def test_the_protocols_are_set_once(
    knowing: Knowing, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a context is made, however many connections urllib3 makes with it."""
    calls: list[list[str]] = []
    original = ssl.SSLContext.set_alpn_protocols

    def note(context: ssl.SSLContext, protocols: list[str]) -> None:
        calls.append(protocols)
        original(context, protocols)

    assert knowing.tls
    knowing.tls.set_alpn_protocols(["http/1.1"])
    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", note)
    with tls_session(folder, knowing.url, "verify = 'authority.pem'") as session:
        for _ in range(3):
            assert session.get(knowing.url, headers=CLOSE).ok
    assert knowing.connections == 3
    assert calls == [["http/1.1"]] == [ssl_.ALPN_PROTOCOLS]
    assert knowing.protocols == ["http/1.1"] * 3


def test_a_context_is_urllib3s_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attribute by attribute, also with what urllib3 reads from the environment."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(folder / "keys.log"))
    ours, theirs = tls_context(Tls()), ssl_.create_urllib3_context()
    names = [name for name in dir(theirs) if not callable(getattr(theirs, name))]
    assert "keylog_filename" in names
    for name in set(names) - {"__dict__", "__weakref__"}:
        assert getattr(ours, name) == getattr(theirs, name), name
    monkeypatch.delenv("SSLKEYLOGFILE")
    assert tls_context(Tls()).keylog_filename is None
    standing = TlsContext(Tls())
    for name in ("verify_mode", "check_hostname", "hostname_checks_common_name"):
        assert getattr(standing, name) == getattr(theirs, name)


def test_what_stands_for_a_context_does_not_verify_otherwise() -> None:
    """It is equal to another of the same settings, and shows them."""
    standing = TlsContext(Tls(verify=False))
    standing.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="stays at"):
        TlsContext(Tls()).verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="stays at"):
        standing.verify_mode = ssl.CERT_REQUIRED
    assert standing == TlsContext(Tls(verify=False)) != TlsContext(Tls())
    assert repr(standing).startswith("<TlsContext Tls(verify=False")


class Patient(ssl.SSLContext):
    """A context that holds a lock during the handshake, as those of truststore do."""

    def __init__(self, *_: Any) -> None:
        self.lock = Lock()

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        with self.lock:
            return super().wrap_socket(*args, **kwargs)


def test_a_host_that_hangs_does_not_hold_up_others(
    knowing: Knowing, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context of a class that tools put in the place of the standard library's is not shared."""
    monkeypatch.setattr(ssl_, "SSLContext", Patient)
    config = parse_config(
        "[defaults]\ntls.verify = 'authority.pem'", source=str(folder / "mounts.toml")
    )
    with socket.create_server(("127.0.0.1", 0)) as silent, MountedSession(config) as session:

        def hang() -> None:
            with pytest.raises(requests.exceptions.RequestException):
                session.get(f"https://127.0.0.1:{silent.getsockname()[1]}/")

        thread = Thread(target=hang)
        thread.start()
        connection = silent.accept()[0]
        assert connection.recv(1)  # It is within the handshake.
        assert session.get(knowing.url, timeout=20).ok
        assert thread.is_alive()
        connection.close()
        thread.join()


@pytest.mark.parametrize("told", ["the environment", "the session", "the caller"])
def test_an_https_proxy_of_a_private_authority(
    serve: Serve,
    server_tls: ssl.SSLContext,
    authority_file: str,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
) -> None:
    """It is verified by what verifies the servers behind it, and fails without."""
    server = serve()
    with HttpProxy(server_tls) as proxy:
        for session in (
            MountedSession(parse_config("")),
            mount(requests.Session(), parse_config("")),
        ):
            session.trust_env = told == "the environment"
            session.proxies = {"all": proxy.url}
            with pytest.raises((requests.exceptions.ProxyError, requests.exceptions.SSLError)):
                session.get(server.url)
            if told == "the environment":
                monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority_file)
            if told == "the session":
                session.verify = authority_file
            arguments = {"verify": authority_file} if told == "the caller" else {}
            assert session.get(server.url, **arguments).ok  # type: ignore[arg-type]
            session.close()
            monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_an_https_proxy_that_nobody_wants_verified(
    serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """verify = false of the caller or the file is for the proxy too, and ends with it."""
    server = serve()
    with HttpProxy(server_tls) as proxy:
        session = MountedSession(parse_config(f"[defaults]\nproxy = '{proxy.url}'"))
        assert session.get(server.url, verify=False).ok
        with pytest.raises((requests.exceptions.ProxyError, requests.exceptions.SSLError)):
            session.get(server.url)
        lax = parse_config(f"[mounts.'https://']\nproxy = '{proxy.url}'\ntls.verify = false")
        assert MountedSession(lax).get(server.url).ok or server.url.startswith("http:")


def test_an_https_proxy_is_verified_by_a_directory_too(tmp_path: Path) -> None:
    """For an http URL, as its pool is made with the directory that requests found."""
    with MountedSession(parse_config("")) as session:
        request = requests.Request("GET", "http://h/").prepare()
        adapter: Any = session.get_adapter("http://h/")
        proxies = {"http": "https://127.0.0.1:1"}
        pool = adapter.get_connection_with_tls_context(request, str(tmp_path), proxies)
    assert pool.proxy_config.ssl_context == TlsContext(Tls(verify=str(tmp_path)))


def test_a_proxy_with_a_context_of_ones_own(
    server: Server, server_tls: ssl.SSLContext, authority_file: str
) -> None:
    """What a subclass passes on to `proxy_manager_for` stays."""
    own = ssl.create_default_context(cafile=authority_file)
    with HttpProxy(server_tls) as proxy, MountedSession(parse_config("")) as session:
        adapter: Any = session.get_adapter(server.url)
        adapter.proxy_manager_for(proxy.url, proxy_ssl_context=own)
        session.proxies = {"http": proxy.url}
        assert session.get(server.url).ok
