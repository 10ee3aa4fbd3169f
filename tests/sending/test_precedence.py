"""Who decides: the caller, the file, or the environment, as the rules of `precedence` number them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from requests.exceptions import SSLError

from loopback import Answer, Server
from proxies import HttpProxy
from requests_mounts import MountAdapter, MountedSession, mount, parse_config
from servers import Knowing, environment, tls_session

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    with HttpProxy() as proxy:
        yield proxy


@pytest.fixture
def private(authority: trustme.CA) -> Iterator[Knowing]:
    """A server of an authority that nobody trusts by default."""
    with Knowing(authority, "127.0.0.2") as server:
        yield server


CLOSE = {"Connection": "close"}  # A connection of the proxy leads to one server.


def prepare(url: str) -> requests.PreparedRequest:
    return requests.Request("GET", url, CLOSE).prepare()


def test_the_callers_verify_survives_a_redirect(private: Knowing) -> None:
    """verify=True is not lost on the way to a mount that verifies nothing; without, the file decides."""
    config = parse_config(f"[mounts.'{private.url}']\ntls.verify = false")
    with (
        Server(answer=lambda _: Answer(302, {"Location": private.url})) as first,
        MountedSession(config) as session,
    ):
        for url in (first.url, private.url):
            with pytest.raises(SSLError):
                session.get(url, verify=True)
            with pytest.raises(SSLError):
                session.send(prepare(url), verify=True)
            with pytest.raises(SSLError):
                session.send(prepare(url), verify=True, proxies={})
            assert session.get(url).ok
            assert session.send(prepare(url)).ok
            assert session.send(prepare(url), proxies=None).ok


def test_verify_of_a_redirect_is_of_the_first_mount_no_more(
    private: Knowing, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller's bundle counts at each hop, also if the environment has the same one."""
    bundle = str(client / "authority.pem")
    config = parse_config(f"[mounts.'{private.url}']\ntls.verify = true")
    with (
        Server(answer=lambda _: Answer(302, {"Location": private.url})) as first,
        MountedSession(config) as session,
    ):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
        for url in (first.url, private.url):
            with pytest.raises(SSLError):
                session.get(url)
            assert session.get(url, verify=bundle).ok
            assert session.send(prepare(url), verify=bundle).ok


def test_what_requests_documents_for_prepared_requests(private: Knowing, client: Path) -> None:
    """Settings that were merged and passed on say no more than those of a request."""
    with tls_session(client, private.url, "verify = 'authority.pem'") as session:
        request = prepare(private.url)
        settings = session.merge_environment_settings(request.url, {}, None, None, None)
        assert settings == requests.Session().merge_environment_settings(
            request.url or "", {}, None, None, None
        )
        assert session.send(request, **settings).ok
        settings = session.merge_environment_settings(request.url, {}, None, verify=True, cert=None)
        with pytest.raises(SSLError):
            session.send(request, **settings)


@pytest.mark.parametrize("text", ["", "proxy = 'direct'"])
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_both_variables_of_the_environment_are_read(
    private: Knowing, client: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """Where the file says nothing of verify; the file wins over both."""
    monkeypatch.setenv(name, str(client / "authority.pem"))
    config = parse_config(f"[mounts.'https://']\n{text}", source=str(client / "mounts.toml"))
    with MountedSession(config) as session:
        assert session.get(private.url).ok
    for make in (MountedSession, lambda config: mount(requests.Session(), config)):
        strict = parse_config(f"[mounts.'https://']\ntls.verify = true\n{text}")
        with make(strict) as session, pytest.raises(SSLError):
            session.get(private.url)


def test_the_callers_certificate_has_no_password_of_the_file(
    knowing: Knowing, client: Path
) -> None:
    """The file's password is for the file's key."""
    text = "verify = 'authority.pem', cert_file = 'client.pem', key_file = 'locked.key', key_password = 'hunter2'"
    callers = (str(client / "client.pem"), str(client / "locked.key"))
    with tls_session(client, knowing.url, text) as session:
        assert session.get(knowing.url).ok
        with pytest.raises(SSLError, match="key_password"):
            session.get(knowing.url, cert=callers)
        assert session.get(knowing.url, cert=(callers[0], str(client / "client.key"))).ok
    assert knowing.clients == [True, True]


def test_the_callers_proxy_wins_even_if_the_environment_has_it_too(
    server: Server, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On our own sessions, where the two can be told apart, at each hop of a redirect."""
    proxies = {"http": proxy.url}
    with Server("127.0.0.2", answer=lambda _: Answer(302, {"Location": f"{server.url}/"})) as first:
        for name in ("direct", "http://127.0.0.1:1"):
            environment(monkeypatch, proxy.url)
            session = MountedSession(parse_config(f"[defaults]\nproxy = '{name}'"))
            before = len(proxy.asked)
            assert session.get(first.url, proxies=proxies, headers=CLOSE).ok
            assert session.send(prepare(first.url), proxies=proxies).ok
            session.proxies = {"all": proxy.url}
            assert session.get(first.url, headers=CLOSE).ok
            assert session.send(prepare(first.url)).ok
            assert len(proxy.asked) == before + 8
            session.close()
    assert proxies == {"http": proxy.url}


def test_the_environments_proxy_is_of_the_mounts_that_ask_for_it(
    server: Server, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a direct mount to one of the environment's, and back."""
    environment(monkeypatch, proxy.url)
    with Server("127.0.0.2", answer=lambda _: Answer(302, {"Location": f"{server.url}/"})) as first:
        for direct, asked in ((first, server), (server, first)):
            session = MountedSession(parse_config(f"[mounts.'{direct.url}']\nproxy = 'direct'"))
            for sent in (True, False):
                proxy.asked.clear()
                request = prepare(first.url)
                assert (session.send(request) if sent else session.get(first.url, headers=CLOSE)).ok
                assert proxy.asked == [f"GET {asked.url}/"]
            session.close()


def test_a_session_raises_where_requests_does() -> None:
    """A URL without an adapter can be merged, and a request that is not prepared is a ValueError."""
    session = MountedSession(parse_config(""))
    merged = session.merge_environment_settings("mock://x", {}, None, None, None)
    assert merged == requests.Session().merge_environment_settings("mock://x", {}, None, None, None)
    unprepared: Any = requests.Request("GET", "https://h/")
    with pytest.raises(ValueError, match=r"^You can only send PreparedRequests\.$"):
        session.send(unprepared)
    with pytest.raises(requests.exceptions.InvalidSchema):
        session.send(prepare("mock://x"))
    session.proxies = None  # type: ignore[assignment]
    assert session.merge_environment_settings("http://h", None, None, None, None)["proxies"] == {}


def test_a_policy_is_read_only() -> None:
    """Half of an old policy could not be replaced by half of a new one."""
    adapter: Any = MountedSession(parse_config("")).get_adapter("https://h/")
    assert isinstance(adapter, MountAdapter)
    with pytest.raises(AttributeError):
        adapter.policy = adapter.policy  # type: ignore[misc]
