"""What each policy does, seen from real servers."""

import copy
import pickle
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
import requests
import trustme
import urllib3
from requests.adapters import HTTPAdapter

from loopback import Answer, Handler, Server
from proxies import HttpProxy, SocksProxy
from requests_mounts import (
    ConfigError,
    DeniedURL,
    MountAdapter,
    MountedSession,
    MountsError,
    PoolTimeout,
    mount,
    parse_config,
)
from requests_mounts._file.policy import Policy, Tls
from requests_mounts._sending.contexts import tls_context
from requests_mounts._sending.deadline import Deadline, DeadlineReached, current_deadline

Serve = Callable[..., Server]
SessionOf = Callable[[str], MountedSession]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def slow(seconds: float) -> Callable[[Handler], Answer]:
    """Answer after a while."""

    def answer(_: Handler) -> Answer:
        time.sleep(seconds)
        return Answer()

    return answer


def adapter_of(session: requests.Session, url: str) -> MountAdapter:
    adapter = session.get_adapter(url)
    assert isinstance(adapter, MountAdapter)
    return adapter


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


# --- timeout ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("timeout = 3", (3, 3)),
        ("timeout = inf", (None, None)),
        ("timeout = { connect = 3.05, read = 30 }", (3.05, 30)),
        ("timeout.read = 30", (None, 30)),
        ("timeout = { connect = inf, read = 30 }", (None, 30)),
        ("", None),
    ],
)
def test_timeout(
    sent: list[dict[str, Any]], session_of: SessionOf, setting: str, expected: object
) -> None:
    """The file's timeouts are those that requests is given; inf is none."""
    session_of(f"[defaults]\n{setting}").get("http://h/")
    assert sent[0]["timeout"] == expected


@pytest.mark.parametrize("given", [7, (1, 2), (None, None), (None, 5)])
def test_the_callers_timeout_wins(
    sent: list[dict[str, Any]], session_of: SessionOf, given: Any
) -> None:
    """Also where it says that there is none."""
    session_of("[defaults]\ntimeout = 3").get("http://h/", timeout=given)
    assert sent[0]["timeout"] == given


def test_a_slow_server_times_out(serve: Serve, session_of: SessionOf) -> None:
    """The timeout of the file ends the wait."""
    server = serve(answer=slow(5))
    session = session_of(f'[mounts."{server.url}"]\ntimeout = {{ connect = 5, read = 0.1 }}')
    with pytest.raises(requests.ReadTimeout):
        session.get(server.url)


# --- pool_timeout -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        "pool_timeout = 0.1",
        "timeout.connect = 0.1",
        "pool_timeout = 0.1\ntimeout = 9",
        "pool_timeout = 0",
    ],
)
def test_pool_timeout(serve: Serve, session_of: SessionOf, settings: str) -> None:
    """Nobody waits for a connection longer than the file says."""
    go = threading.Event()

    def wait(_: Handler) -> Answer:
        go.wait(10)
        return Answer()

    server = serve(answer=wait)
    session = session_of(
        f'[mounts."{server.url}"]\npool_block = true\npool_maxsize = 1\n{settings}'
    )
    first = threading.Thread(target=session.get, args=(server.url,))
    first.start()
    while not server.requests:
        time.sleep(0.01)
    with pytest.raises(PoolTimeout) as caught:
        session.get(server.url)
    assert isinstance(caught.value, MountsError)
    assert isinstance(caught.value, requests.ConnectTimeout)
    assert caught.value.request is not None
    go.set()
    first.join()
    assert session.get(server.url).ok
    assert server.connections == 1


@pytest.mark.parametrize(
    ("setting", "connect", "wait"),
    [("pool_timeout = inf", 1, None), ("pool_timeout = 5", 1, 5), ("", 1, 1), ("", None, None)],
)
def test_the_wait_for_a_connection(
    session_of: SessionOf, setting: str, connect: float | None, wait: float | None
) -> None:
    """It is without end only where the file says so, or neither the file nor the caller anything."""
    session = session_of(f"[defaults]\npool_block = true\n{setting}")
    pool: Any = adapter_of(session, "http://h/").poolmanager.connection_from_url("http://h/")
    assert pool._wait(urllib3.Timeout(connect=connect)) == wait


# --- deadline -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "answer",
    [slow(10), trickle, trickle_to_the_end, trickle_headers],
    ids=["silence", "body", "no length", "headers"],
)
def test_deadline(serve: Serve, session_of: SessionOf, answer: Callable[[Handler], Answer]) -> None:
    """However the server takes its time, the request ends."""
    server = serve(answer=answer)
    session = session_of(f'[mounts."{server.url}"]\ndeadline = 0.4')
    start = time.monotonic()
    with pytest.raises(requests.Timeout, match=r"GET .* took longer than its deadline of 0\.4 s"):
        session.get(server.url)
    assert time.monotonic() - start < 5


def test_deadline_ends_with_the_headers_of_a_stream(serve: Serve, session_of: SessionOf) -> None:
    """What the caller reads piece by piece is the caller's time."""

    def answer(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        time.sleep(0.6)
        handler.wfile.write(b"def")
        raise ConnectionError

    server = serve(answer=answer)
    session = session_of(f'[mounts."{server.url}"]\ndeadline = 0.4')
    with session.get(server.url, stream=True) as response:
        assert response.content == b"abcdef"


def test_deadline_over_attempts_and_backoff(serve: Serve, session_of: SessionOf) -> None:
    """A backoff that is longer than what is left is not even begun."""
    server = serve(answer=lambda _: Answer(503))
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 2\n'
        "max_retries = { total = 9, backoff_factor = 60, status_forcelist = [503] }"
    )
    start = time.monotonic()
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    assert time.monotonic() - start < 2
    assert len(server.requests) == 2


def test_deadline_over_attempts_that_time_out(serve: Serve, session_of: SessionOf) -> None:
    """Each attempt has only what the others left."""
    server = serve(answer=slow(10))
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 0.5\ntimeout = 0.2\nmax_retries = {{ total = 9 }}'
    )
    start = time.monotonic()
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    assert time.monotonic() - start < 2
    assert 2 <= len(server.requests) <= 3


def test_a_retry_after_beyond_the_deadline_fails_at_once(
    serve: Serve, session_of: SessionOf
) -> None:
    """Sleeping until the deadline would help nobody."""
    server = serve(answer=lambda _: Answer(503, {"Retry-After": "30"}))
    session = session_of(f'[mounts."{server.url}"]\ndeadline = 20\nmax_retries = {{ total = 9 }}')
    start = time.monotonic()
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    assert time.monotonic() - start < 5


def test_within_the_deadline_all_is_as_without(serve: Serve, session_of: SessionOf) -> None:
    """Retries, waits and errors are those of requests."""
    statuses = iter([503, 503, 503, 200, 503, 503, 503])
    server = serve(answer=lambda _: Answer(next(statuses), {"Retry-After": "0"}))
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 20\npool_block = true\npool_timeout = 1\n'
        "max_retries = { total = 3, backoff_factor = 0.01, status_forcelist = [503] }"
    )
    assert session.get(server.url).content == b"ok"
    session.adapters[f"{server.url}/"] = adapter_of(
        session_of(
            "[defaults]\ndeadline = 20\nmax_retries = { total = 2, status_forcelist = [503] }"
        ),
        server.url,
    )
    with pytest.raises(requests.exceptions.RetryError):
        session.get(server.url)
    with Server() as dead:
        pass
    with pytest.raises(requests.ConnectionError):
        session.get(dead.url)


def test_deadline_of_a_wait_for_a_connection(serve: Serve, session_of: SessionOf) -> None:
    """The wait for a place in the pool is a part of the request."""
    server = serve(answer=slow(1))
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 0.3\npool_block = true\npool_maxsize = 1'
    )
    first = threading.Thread(target=session.get, args=(server.url,), kwargs={"stream": True})
    first_errors: list[object] = []
    threading.excepthook, hook = first_errors.append, threading.excepthook
    first.start()
    time.sleep(0.1)
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    first.join()
    threading.excepthook = hook


def test_a_deadline_without_a_connection_just_passes() -> None:
    """There may be nothing to end, or what there was is in other hands."""
    deadline = Deadline(0.01, stream=False)
    watched, other = Any, object()
    deadline.watch(watched)
    deadline.release(other)
    assert deadline._connection is watched
    deadline.release(watched)
    time.sleep(0.1)
    assert deadline.reached


def test_no_connection_is_taken_after_the_deadline(server: Server, session_of: SessionOf) -> None:
    """The wait for it may have taken the rest of the time."""
    session = session_of("[defaults]\ndeadline = 5\npool_block = true\npool_maxsize = 1")
    pool: Any = adapter_of(session, server.url).poolmanager.connection_from_url(server.url)
    token = current_deadline.set(Deadline(0.001, stream=False))
    time.sleep(0.05)
    try:
        with pytest.raises(DeadlineReached):
            pool.urlopen("GET", "/")
    finally:
        current_deadline.reset(token)
    assert session.get(server.url).ok  # The place in the pool is free again.


def test_an_infinite_deadline_is_none(server: Server, session_of: SessionOf) -> None:
    """So that a mount can undo that of the defaults."""
    session = session_of("[defaults]\ndeadline = 1\n[mounts.'http://']\ndeadline = inf")
    assert session.get(server.url).ok


# --- keepalive_expiry, max_connection_age -------------------------------------------------------


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


def test_a_busy_connection_grows_old(serve: Serve, session_of: SessionOf) -> None:
    """Being used keeps it from being idle, but does not make it younger."""
    server = serve()
    session = session_of(
        f'[mounts."{server.url}"]\nkeepalive_expiry = 60\nmax_connection_age = 0.5'
    )
    start = time.monotonic()
    while time.monotonic() - start < 0.8:
        session.get(server.url)
    assert 2 <= server.connections <= 1 + (time.monotonic() - start) / 0.5


def test_a_server_that_drops_idle_connections(session_of: SessionOf) -> None:
    """A POST that requests would lose arrives, as the connection was given up before the server did."""

    class Dropping(Handler):
        timeout = 0.3

    with Server() as server:
        server.RequestHandlerClass = Dropping
        session = session_of("[defaults]\nkeepalive_expiry = 0.1")
        for _ in range(3):
            assert session.post(server.url, data="x").ok
            time.sleep(0.29)
        assert server.connections == 3


# --- tls ----------------------------------------------------------------------------------------


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


class Knowing(Server):
    """A TLS server that notes the client certificates it is shown."""

    def __init__(self, authority: trustme.CA, host: str = "127.0.0.1", **options: Any) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host, "name.example").configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        super().__init__(host, tls=context, **options)
        self.clients: list[bool] = []
        self.versions: list[str | None] = []
        self.names: list[str] = []
        context.sni_callback = lambda _, name, __: self.names.extend(filter(None, [name]))

    def finish_request(self, request: Any, client_address: Any) -> None:
        assert self.tls
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            self.clients.append(bool(wrapped.getpeercert()))
            self.versions.append(wrapped.version())
            self.RequestHandlerClass(wrapped, client_address, self)  # type: ignore[arg-type]


@pytest.fixture
def knowing(authority: trustme.CA) -> Iterator[Knowing]:
    with Knowing(authority) as server:
        yield server


def tls_session(folder: Path, url: str, tls: str) -> MountedSession:
    """Make a session that does not trust the authority by itself."""
    return MountedSession(
        parse_config(f'[mounts."{url}"]\ntls = {{ {tls} }}', source=str(folder / "mounts.toml"))
    )


@pytest.mark.parametrize(
    ("tls", "client_shown"),
    [
        ("verify = 'authority.pem'", False),
        ("verify = 'authority.pem', cert_file = 'both.pem'", True),
        ("verify = 'authority.pem', cert_file = 'client.pem', key_file = 'client.key'", True),
        (
            "verify = 'authority.pem', cert_file = 'client.pem', key_file = 'locked.key', key_password = 'hunter2'",
            True,
        ),
        ("verify = false, cert_file = 'both.pem'", True),
        ("verify = 'authority.pem', assert_hostname = 'name.example'", False),
        ("verify = 'authority.pem', assert_hostname = false", False),
        (
            "verify = 'authority.pem', server_hostname = 'name.example', assert_hostname = false",
            False,
        ),
        ("verify = 'authority.pem', ciphers = 'ECDHE+AESGCM', maximum_version = '1.2'", False),
    ],
)
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_tls(knowing: Knowing, client: Path, tls: str, client_shown: bool) -> None:  # noqa: FBT001
    """Each key does what it says; paths are relative to the file."""
    with tls_session(client, knowing.url, tls) as session:
        assert session.get(knowing.url).ok
    assert knowing.clients == [client_shown]
    assert knowing.names == (["name.example"] if "server_hostname" in tls else [])
    assert knowing.versions == ["TLSv1.2" if "1.2" in tls else "TLSv1.3"]


@pytest.mark.parametrize(
    "tls",
    [
        "",
        "verify = true",
        "verify = 'authority.pem', assert_hostname = 'other.example'",
        f"verify = 'authority.pem', assert_fingerprint = '{'00' * 32}'",
        "verify = 'authority.pem', minimum_version = '1.3', server_hostname = 'other.example'",
    ],
)
def test_tls_refuses(knowing: Knowing, client: Path, tls: str) -> None:
    """What the file does not allow is an error of requests."""
    with (
        tls_session(client, knowing.url, tls) as session,
        pytest.raises(requests.exceptions.SSLError),
    ):
        session.get(knowing.url)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[mounts.'https://h/']\n{text}", source=str(folder / "mounts.toml"))
    return [
        f"{found.line}: {found.key.partition('.tls.')[2]}: {found.message}"
        for found in caught.value.diagnostics
    ]


def test_files_that_do_not_fit(client: Path) -> None:
    """They are found when the file is loaded, and no password is asked for in the terminal."""
    certificate = "tls = { cert_file = 'client.pem', key_file ="
    expected = f'2: cert_file: expected a certificate and its key (got "{client}/client.pem": '
    assert problems(client, f"{certificate} 'other.key' }}") == [
        f"{expected}the key does not fit the certificate)"
    ]
    assert problems(client, f"{certificate} 'locked.key' }}") == [
        f"{expected}its key needs a key_password)"
    ]
    (wrong,) = problems(client, f"{certificate} 'locked.key', key_password = 'x' }}")
    assert wrong.startswith(expected)
    assert "'x'" not in wrong
    (directory,) = problems(client, "tls = { cert_file = '.' }")
    assert directory == f'2: cert_file: expected a file (got "{client}/.": there is none)'
    assert parse_config(
        "[mounts.'https://h/']\ntls = { verify = '.' }", source=str(client / "mounts.toml")
    ).mounts


def test_a_socks_proxy_needs_its_extra(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says what to install."""
    monkeypatch.setattr("requests_mounts._file.config.find_spec", lambda _: None)
    (found,) = problems(client, "proxy = 'socks5h://127.0.0.1:1'")
    assert found == '2: : a socks proxy needs "requests-mounts[socks]"'


def test_fingerprint(knowing: Knowing, client: Path) -> None:
    """A certificate is known by its digest, whatever it is called."""
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", knowing.server_port)))
    import hashlib  # noqa: PLC0415

    digest = hashlib.sha256(der).hexdigest()
    with tls_session(
        client, knowing.url, f"verify = 'authority.pem', assert_fingerprint = '{digest}'"
    ) as session:
        assert session.get(knowing.url).ok


def test_one_context_for_equal_tables(client: Path) -> None:
    """Mounts share it, requests do not change it, and it has the file's authority alone."""
    text = "".join(
        f"[mounts.'https://127.0.0.{n}/']\ntls = {{ verify = 'authority.pem' }}\n" for n in (1, 2)
    )
    session = MountedSession(parse_config(text, source=str(client / "mounts.toml")))
    request = requests.Request("GET", "https://127.0.0.1/").prepare()

    def context(url: str, **arguments: Any) -> ssl.SSLContext:
        adapter = adapter_of(session, url)
        settings = adapter.build_connection_pool_key_attributes(
            request, arguments.pop("verify", True), **arguments
        )[1]
        found = settings["ssl_context"]
        assert isinstance(found, ssl.SSLContext)
        return found

    one = context("https://127.0.0.1/")
    assert one is context("https://127.0.0.2/") is context("https://127.0.0.1/")
    assert len(one.get_ca_certs()) == 1
    assert context("https://elsewhere.org/") is context("https://other.org/") is not one
    unverified = context("https://127.0.0.1/", verify=False)
    assert unverified is not one
    assert (one.verify_mode, unverified.verify_mode) == (ssl.CERT_REQUIRED, ssl.CERT_NONE)
    assert context("https://127.0.0.1/", cert=str(client / "both.pem")) not in {one, unverified}


def test_requests_do_not_change_a_context(knowing: Knowing, client: Path) -> None:
    """After many connections it knows as many authorities as before."""
    tls = Tls(verify=str(client / "authority.pem"))
    with tls_session(client, knowing.url, "verify = 'authority.pem'") as session:
        for _ in range(3):
            session.get(knowing.url, headers={"Connection": "close"})
    assert len(tls_context(tls).get_ca_certs()) == 1
    assert tls_context(tls).verify_mode == ssl.CERT_REQUIRED
    assert knowing.connections == 3


def test_threads_share_a_context(tmp_path: Path) -> None:
    """Also those that ask at the same moment, for a bundle that takes its time."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(Path(certifi.where()).read_bytes())
    barrier = threading.Barrier(8)
    found = set()

    def ask() -> None:
        barrier.wait()
        found.add(tls_context(Tls(verify=str(bundle))))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1


def test_a_bundle_is_loaded_once_for_each_version_of_it(tmp_path: Path, client: Path) -> None:
    """Of the caller's, the session's or the environment's."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes((client / "authority.pem").read_bytes())
    one = tls_context(Tls(verify=str(bundle)))
    assert tls_context(Tls(verify=str(bundle))) is one
    bundle.write_bytes((client / "authority.pem").read_bytes() + b"\n# renewed")
    assert tls_context(Tls(verify=str(bundle))) is not one
    assert tls_context(Tls(verify=str(tmp_path))).verify_mode == ssl.CERT_REQUIRED


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_callers_verify_and_cert_win(
    knowing: Knowing, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the file and over the environment, for the request that has them."""
    with tls_session(client, knowing.url, "verify = 'authority.pem'") as session:
        assert session.get(
            knowing.url, cert=(str(client / "client.pem"), str(client / "client.key"))
        ).ok
        assert session.get(knowing.url, cert=str(client / "both.pem")).ok
        assert session.get(knowing.url).ok
        assert knowing.clients == [True, True, False]
    with tls_session(client, knowing.url, "verify = false") as session:
        assert session.get(knowing.url).ok
        with pytest.raises(requests.exceptions.SSLError):
            session.get(knowing.url, verify=True)
        assert session.get(knowing.url, verify=str(client / "authority.pem")).ok
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(client / "authority.pem"))
        assert session.get(knowing.url, verify=True).ok
    with tls_session(client, knowing.url, "verify = true") as session:
        assert session.get(knowing.url, verify=False).ok
        session.verify = False
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        assert session.get(knowing.url).ok


def test_the_file_wins_over_the_bundle_of_the_environment(
    knowing: Knowing, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where the file says nothing of it, the environment is heard as in requests."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    with tls_session(client, knowing.url, "verify = 'authority.pem'") as session:
        assert session.get(knowing.url).ok
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(client / "authority.pem"))
    with (
        tls_session(client, knowing.url, "verify = true") as session,
        pytest.raises(requests.exceptions.SSLError),
    ):
        session.get(knowing.url)
    for text in ("", "proxy = 'direct'", "tls = { cert_file = 'both.pem' }"):
        config = parse_config(f"[mounts.'https://']\n{text}", source=str(client / "mounts.toml"))
        with MountedSession(config) as session:
            assert session.get(knowing.url).ok
            session.trust_env = False
            with pytest.raises(requests.exceptions.SSLError):
                session.get(knowing.url, headers={"Connection": "close"})
    assert knowing.clients[-1]


def test_broken_files_of_the_caller(knowing: Knowing, client: Path, tmp_path: Path) -> None:
    """The errors are those of requests, and no password is asked for in the terminal."""
    (tmp_path / "empty.pem").touch()
    with tls_session(client, knowing.url, "verify = 'authority.pem'") as session:
        with pytest.raises(OSError, match="Could not find a suitable TLS CA certificate bundle"):
            session.get(knowing.url, verify=str(tmp_path / "none.pem"))
        with pytest.raises(OSError, match="Could not find the TLS certificate file"):
            session.get(knowing.url, cert=str(tmp_path / "none.pem"))
        with pytest.raises(requests.exceptions.SSLError):
            session.get(knowing.url, verify=str(tmp_path / "empty.pem"))
        with pytest.raises(requests.exceptions.SSLError, match="key_password"):
            session.get(knowing.url, cert=(str(client / "client.pem"), str(client / "locked.key")))


def test_a_context_of_an_adapter_of_ones_own(knowing: Knowing, client: Path) -> None:
    """What a subclass gives the pool manager stays, as in requests."""
    context = ssl.create_default_context(cafile=str(client / "authority.pem"))

    class Own(MountAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=context)

    adapter = Own(Policy())
    request = requests.Request("GET", knowing.url).prepare()
    pool: Any = adapter.get_connection_with_tls_context(request, verify=True)
    assert pool.conn_kw["ssl_context"] is context


def test_get_connection_of_old_still_verifies(knowing: Knowing) -> None:
    """A pool that was made without a context is given the certificates by requests."""
    adapter = MountAdapter(Policy())
    pool: Any = adapter.poolmanager.connection_from_url(knowing.url)
    adapter.cert_verify(pool, knowing.url, verify=True, cert=None)
    assert (pool.cert_reqs, bool(pool.ca_certs)) == ("CERT_REQUIRED", True)


# --- proxy --------------------------------------------------------------------------------------


@pytest.fixture(params=[HttpProxy, SocksProxy])
def proxy(request: pytest.FixtureRequest) -> Iterator[HttpProxy | SocksProxy]:
    with request.param() as proxy:
        yield proxy


def test_a_proxy_of_the_file(serve: Serve, session_of: SessionOf, proxy: HttpProxy) -> None:
    """Requests go through it, with the settings of direct ones."""
    server = serve()
    session = session_of(
        f'[mounts."{server.url}"]\nproxy = "{proxy.url}"\npool_maxsize = 3\npool_block = true\n'
        'keepalive_expiry = 0.2\ntcp_keepalive.idle = 33\nsource_address = "127.0.0.1"'
    )
    assert session.get(f"{server.url}/a").ok
    assert session.get(f"{server.url}/b").ok
    assert proxy.connections == server.connections == 1
    time.sleep(0.3)
    assert session.get(f"{server.url}/c").ok
    assert proxy.connections == 2
    (manager,) = adapter_of(session, server.url).proxy_manager.values()
    assert manager.connection_pool_kw["maxsize"] == 3
    assert manager.connection_pool_kw["block"] is True
    assert (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 33) in manager.connection_pool_kw[
        "socket_options"
    ]


def test_a_client_certificate_goes_through_a_proxy(
    knowing: Knowing, client: Path, proxy: HttpProxy
) -> None:
    """To the server at its end."""
    config = parse_config(
        f"[mounts.'{knowing.url}']\nproxy = '{proxy.url}'\ntls = {{ verify = 'authority.pem', cert_file = 'both.pem' }}",
        source=str(client / "mounts.toml"),
    )
    with MountedSession(config) as session:
        assert session.get(knowing.url).ok
    assert knowing.clients == [True]
    assert len(proxy.asked) == 1


def test_a_proxy_behind_tls(serve: Serve, server_tls: ssl.SSLContext, authority_file: str) -> None:
    """The proxy is verified by the authorities of the file."""
    server = serve()
    with HttpProxy(server_tls) as proxy:
        config = parse_config(
            f"[mounts.'https://']\nproxy = '{proxy.url}'\ntls = {{ verify = '{authority_file}' }}\n"
            f"[mounts.'http://']\nproxy = '{proxy.url}'\n"
        )
        with MountedSession(config) as session:
            if server.url.startswith("https"):
                assert session.get(server.url).ok
                assert proxy.asked == [f"CONNECT {server.url[8:]}"]
            else:
                with pytest.raises(requests.exceptions.ProxyError):
                    session.get(server.url)


def environment(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, url)


def test_the_file_wins_over_the_proxy_of_the_environment(
    serve: Serve, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """direct is direct, a URL is that proxy, and env is the environment's; the caller wins over all."""
    server = serve()
    with HttpProxy() as of_environment, HttpProxy() as of_file, HttpProxy() as of_caller:
        environment(monkeypatch, of_environment.url)
        monkeypatch.setenv("no_proxy", "elsewhere.org")
        callers = {"http": of_caller.url, "https": of_caller.url}
        prepared = requests.Request("GET", server.url).prepare()

        def used(
            proxy: str, *, of_session: Any = None, prepare: bool = False, **given: Any
        ) -> list[int]:
            before = [p.connections for p in (of_environment, of_file, of_caller)]
            session = session_of(f'[mounts."{server.url}"]\nproxy = "{proxy}"')
            session.proxies = of_session or {}
            if prepare:
                assert session.send(prepared, verify=session.verify).ok
            else:
                assert session.get(server.url, **given).ok
            after = [p.connections for p in (of_environment, of_file, of_caller)]
            return [new - old for new, old in zip(after, before, strict=True)]

        assert used("env") == [1, 0, 0]
        assert used("direct") == [0, 0, 0]
        assert used(of_file.url) == [0, 1, 0]
        for proxy in ("env", "direct", of_file.url):
            assert used(proxy, proxies=callers) == [0, 0, 1]
            assert used(proxy, of_session=callers, prepare=True) == [0, 0, 1]
        assert used("direct", of_session=callers) == [0, 0, 1]
        assert used(of_file.url, of_session=callers) == [0, 0, 1]
        assert used(of_file.url, proxies={"http": "", "https": ""}) == [0, 0, 0]
        assert used(of_file.url, prepare=True) == [0, 1, 0]


def test_a_plain_session_hears_the_file_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the environment was merged in before, it is put out again."""
    with HttpProxy() as proxy:
        environment(monkeypatch, proxy.url)
        session = mount(requests.Session(), parse_config('[mounts."http://"]\nproxy = "direct"'))
        assert session.get(server.url).ok
        prepared = requests.Request("GET", server.url).prepare()
        assert MountedSession(parse_config("")).send(prepared).ok
        assert proxy.asked == [f"GET {server.url}/"]


def test_the_number_of_proxy_managers_is_bounded() -> None:
    """The one used least recently goes."""
    adapter = MountAdapter(Policy())
    first = adapter.proxy_manager_for("http://127.0.0.1:1")
    second = adapter.proxy_manager_for("http://127.0.0.1:2")
    for port in range(3, 33):
        adapter.proxy_manager_for(f"http://127.0.0.1:{port}")
    assert adapter.proxy_manager_for("http://127.0.0.1:1") is first
    adapter.proxy_manager_for("http://127.0.0.1:99")
    assert len(adapter.proxy_manager) == 32
    assert adapter.proxy_manager_for("http://127.0.0.1:1") is first
    assert adapter.proxy_manager_for("http://127.0.0.1:2") is not second


# --- source_address, tcp_keepalive --------------------------------------------------------------


def test_source_address(serve: Serve, session_of: SessionOf) -> None:
    """The server sees the address that the file names."""
    clients: list[str] = []

    def answer(handler: Handler) -> Answer:
        clients.append(handler.client_address[0])
        return Answer()

    server = serve(answer=answer)
    session_of(f'[mounts."{server.url}"]\nsource_address = "127.0.0.9"').get(server.url)
    assert clients == ["127.0.0.9"]


def test_tcp_keepalive(serve: Serve, session_of: SessionOf) -> None:
    """The socket has the options, and Nagle's algorithm stays off."""
    server = serve()
    session = session_of(
        f'[mounts."{server.url}"]\ntcp_keepalive = {{ idle = 31, interval = 7, count = 3 }}'
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


# --- deny ---------------------------------------------------------------------------------------


def test_deny(server: Server, session_of: SessionOf) -> None:
    """A request is refused before a byte is sent, by name, file and line."""
    session = session_of(f'[mounts."{server.url}/secret"]\ndeny = true\n')
    assert session.get(server.url).ok
    with pytest.raises(DeniedURL) as caught:
        session.get(f"{server.url}/secret/x")
    error = caught.value
    assert isinstance(error, MountsError)
    assert isinstance(error, requests.exceptions.InvalidURL)
    assert str(error) == f"{server.url}/secret/x is denied by {server.url}/secret/ (mounts.toml:1)"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert (server.connections, len(server.requests)) == (1, 1)


def test_deny_on_a_redirect(session_of: SessionOf) -> None:
    """Where a server points is looked up as any URL."""
    with Server("127.0.0.2") as b, Server(answer=lambda _: Answer(302, {"Location": b.url})) as a:
        session = session_of('[mounts."http://127.0.0.2:*/"]\ndeny = true')
        with pytest.raises(DeniedURL):
            session.get(a.url)
        assert b.connections == 0


def test_unmatched(server: Server, session_of: SessionOf) -> None:
    """What no prefix of the file serves can be denied, even if it cannot be parsed."""
    session = session_of(f'unmatched = "deny"\n[mounts."{server.url}"]\n[mounts."https://"]')
    assert session.get(server.url).ok
    with pytest.raises(
        DeniedURL, match=r"http://127.0.0.1:1/ is denied by http:// \(mounts.toml:1\)"
    ):
        session.get("http://127.0.0.1:1/")
    with pytest.raises(DeniedURL):
        session.get_adapter("http://[::1").send(requests.Request("GET", "http://h/").prepare())
    assert not adapter_of(session, "https://anything.org/").policy.deny


# --- redirects ----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_nothing_of_one_mount_reaches_another(authority: trustme.CA, client: Path) -> None:
    """A client certificate and verify = false end with their hop."""
    with (
        Knowing(authority, "127.0.0.2") as b,
        Knowing(authority, answer=lambda _: Answer(302, {"Location": b.url})) as a,
    ):
        for rest in ("verify = 'authority.pem'", "verify = true"):
            config = parse_config(
                f"[mounts.'{a.url}']\ntls = {{ verify = false, cert_file = 'both.pem' }}\n"
                f"[mounts.'{b.url}']\ntls = {{ {rest} }}",
                source=str(client / "mounts.toml"),
            )
            with MountedSession(config) as session:
                if "true" in rest:
                    with pytest.raises(requests.exceptions.SSLError):
                        session.get(a.url)
                else:
                    assert session.get(a.url).ok
        assert a.clients == [True, True]
        assert b.clients == [False]


def test_each_hop_has_its_own_proxy_and_timeout(
    session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxy of one hop, with its password, is not that of the next."""
    seen: list[str | None] = []

    def note(handler: Handler) -> Answer:
        seen.append(handler.headers["Proxy-Authorization"])
        return Answer()

    with (
        HttpProxy() as proxy,
        Server("127.0.0.2", answer=note) as b,
        Server(answer=lambda _: Answer(302, {"Location": b.url})) as a,
    ):
        with_password = proxy.url.replace("://", "://user:hunter2@")
        environment(monkeypatch, with_password)
        session = session_of('[mounts."http://127.0.0.2:*/"]\nproxy = "direct"\ntimeout = 7')
        assert session.get(a.url).ok
        assert proxy.asked == [f"GET {a.url}/"]
        assert "Proxy-Authorization: Basic" in proxy.headers[0]
        assert seen == [None]
        monkeypatch.setattr(
            MountedSession,
            "rebuild_proxies",
            lambda _, request, proxies: (
                request.headers.update({"Proxy-Authorization": "mine"}) or proxies
            ),
        )
        assert session.get(a.url).ok
        assert seen == [None, "mine"]


# --- secrets ------------------------------------------------------------------------------------


def test_secrets_are_not_shown(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a repr, an explanation, nor an error."""
    monkeypatch.setenv("NAME_OF_HOST", "127.0.0.77")
    monkeypatch.setenv("PROXY_PASSWORD", "hunter2")
    config = parse_config(
        """
        [mounts."https://a.org"]
        proxy = "http://user:${PROXY_PASSWORD}@127.0.0.1:1/"
        source_address = "${NAME_OF_HOST}"
        timeout = 1
        [mounts."https://b.org"]
        proxy = "http://user:hunter2@127.0.0.1:1"
        tls = { cert_file = "client.pem", key_file = "locked.key", key_password = "hunter2", server_hostname = "$${x}" }
        """,
        source=str(client / "mounts.toml"),
    )
    session = MountedSession(config)
    shown = [repr(config), repr(config.mounts), repr(config.document)]
    for url in ("https://a.org/", "https://b.org/"):
        found = session.explain(url)
        shown += [
            str(found),
            repr(found),
            repr(session.get_adapter(url)),
            format(found.settings[0].value, ">3"),
        ]
        with pytest.raises(requests.exceptions.ProxyError) as caught:
            session.get(url)
        shown += [str(caught.value), repr(caught.value)]
    for text in shown:
        assert "hunter2" not in text
        assert "127.0.0.77" not in text
    address = adapter_of(session, "https://a.org/").policy.source_address
    assert (str(address), f"{address:>12}") == ("**********", "  **********")
    assert any('"http://**********@127.0.0.1:1"' in text for text in shown)
    policy = adapter_of(session, "https://b.org/").policy
    assert policy.tls
    assert policy.tls.server_hostname == "${x}"
    assert policy.tls.key_password == "hunter2"
    assert pickle.loads(pickle.dumps(policy)) == policy


# --- adapters of every kind ---------------------------------------------------------------------

KINDS = [
    "",
    "timeout = 1\nproxy = 'direct'",
    "pool_block = true\npool_timeout = 1\ndeadline = 20",
    "keepalive_expiry = 5\nmax_connection_age = 50",
    "tls = { verify = false }\ntcp_keepalive = {}",
]


@pytest.mark.parametrize("settings", KINDS)
def test_an_adapter_passes_on_what_it_is_given(
    sent: list[dict[str, Any]], session_of: SessionOf, settings: str
) -> None:
    """stream, timeout, verify, cert and proxies reach the send of requests."""
    session = session_of(f"[mounts.'https://']\n{settings}")
    given = {
        "stream": True,
        "timeout": 3,
        "verify": "/a",
        "cert": "/b",
        "proxies": {"https": "http://p"},
    }
    session.get_adapter("https://h/").send(requests.Request("GET", "https://h/").prepare(), **given)  # type: ignore[arg-type]
    assert sent == [given]


@pytest.mark.parametrize("settings", KINDS)
def test_copies_of_an_adapter(
    server_tls: ssl.SSLContext, session_of: SessionOf, settings: str
) -> None:
    """It works as before when it was copied or pickled, and closes its sockets."""
    session = session_of(f"[mounts.'https://']\n{settings}")
    adapter = session.adapters["https://"]
    with Server(tls=server_tls) as server:
        for again in (
            adapter,
            copy.copy(adapter),
            copy.deepcopy(adapter),
            pickle.loads(pickle.dumps(adapter)),
        ):
            assert isinstance(again, MountAdapter)
            session.mount("https://", again)
            assert session.get(server.url).ok
            (key,) = again.poolmanager.pools.keys()
            queue = again.poolmanager.pools[key].pool
            assert queue
            connection = queue.queue[-1]
            assert connection.sock
            again.close()
            assert connection.sock is None
