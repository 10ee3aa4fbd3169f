"""TLS, seen from real servers."""

import ssl
import threading
from pathlib import Path
from typing import Any

import certifi
import pytest
import requests

from requests_mounts import (
    ConfigError,
    MountAdapter,
    MountedSession,
    parse_config,
)
from requests_mounts._file.options import Tls
from requests_mounts._file.policy import Policy
from requests_mounts._sending.contexts import TlsContext, tls_context
from servers import Knowing, adapter_of, tls_session


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
    assert wrong == f'2: key_password: expected the password of "{client}/locked.key" (got another)'
    assert problems(client, f"{certificate} 'other.key', key_password = 'x' }}") == [
        f"{expected}the key does not fit the certificate)"
    ]
    (directory,) = problems(client, "tls = { cert_file = '.' }")
    assert directory == f'2: cert_file: expected a file (got "{client}/.": there is none)'
    assert parse_config(
        "[mounts.'https://h/']\ntls = { verify = '.' }", source=str(client / "mounts.toml")
    ).mounts


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (
            "maximum_version = '1.1'",
            "2: maximum_version: expected TLSv1.2 or newer without a minimum_version (got TLSv1.1)",
        ),
        (
            "minimum_version = '1.3', maximum_version = '1.2'",
            "2: minimum_version: expected at most the maximum_version TLSv1.2 (got TLSv1.3)",
        ),
    ],
)
def test_versions_that_leave_none(client: Path, versions: str, expected: str) -> None:
    """They are found when the file is loaded, also against the minimum_version of urllib3."""
    assert problems(client, f"tls = {{ {versions} }}") == [expected]


def test_an_old_version_can_be_asked_for(client: Path) -> None:
    """By both ends."""
    text = "[mounts.'https://h/']\ntls = { minimum_version = '1.1', maximum_version = '1.1' }"
    assert parse_config(text, source=str(client / "mounts.toml")).mounts


def test_a_socks_proxy_needs_its_extra(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says what to install."""
    monkeypatch.setattr("requests_mounts._file.loading.find_spec", lambda _: None)
    (found,) = problems(client, "proxy = 'socks5h://127.0.0.1:1'")
    assert found == '2: : a socks proxy needs pip install "requests-mounts[socks]"'


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
        assert isinstance(found, TlsContext)
        return tls_context(found.tls)

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
