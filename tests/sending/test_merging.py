"""What a session prepares and merges, beside what requests does with the same."""

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from requests_mounts import MountedSession, parse_config
from requests_mounts._sending.environment import read_proxies

CONFIG = parse_config("")
URLS = [
    "http://h.example/",
    "https://h.example:8443/a?b=http://c/",
    "http://user:pw@127.0.0.1:80/x",
    "http://[::1]/",
    "https://deep.in.example?x=/y",
    "mock://thing",
    "file:///etc",
]
VARIABLES = {
    "HTTP_PROXY": st.sampled_from(["http://one:1", ""]),
    "https_proxy": st.sampled_from(["http://two:2", "http://u:p@two:2"]),
    "HTTPS_PROXY": st.just("http://three:3"),
    "ALL_PROXY": st.just("socks5://four:4"),
    "no_proxy": st.sampled_from(["h.example", "127.0.0.0/8,::1", "*", "example:8443", ""]),
    "NO_PROXY": st.sampled_from([".in.example, h.example", "127.0.0.1"]),
    "REQUEST_METHOD": st.just("GET"),
    "REQUESTS_CA_BUNDLE": st.sampled_from(["/one.pem", ""]),
    "CURL_CA_BUNDLE": st.just("/two.pem"),
}
PROXIES = st.dictionaries(
    st.sampled_from(["http", "https", "all", "http://h.example", "no_proxy"]),
    st.sampled_from(["http://mine:9", "h.example", "", None]),
    max_size=2,
)


@pytest.fixture(scope="module")
def session() -> Iterator[MountedSession]:
    with MountedSession(CONFIG) as session:
        yield session


@given(
    url=st.sampled_from(URLS),
    environment=st.fixed_dictionaries({}, optional=VARIABLES),
    proxies=PROXIES,
    stream=st.sampled_from([None, True, False]),
    verify=st.sampled_from([None, True, False, "/mine.pem"]),
    of_session=st.fixed_dictionaries(
        {
            "proxies": st.none() | PROXIES,
            "verify": st.sampled_from([None, True, False, "/session.pem"]),
            "trust_env": st.booleans(),
        }
    ),
    cert=st.sampled_from([None, "/cert.pem"]),
)
def test_settings_are_merged_as_requests_merges_them(  # noqa: PLR0913, PLR0917
    session: MountedSession,
    url: str,
    environment: dict[str, str],
    proxies: Any,
    of_session: dict[str, Any],
    stream: Any,
    verify: Any,
    cert: Any,
) -> None:
    """Whatever the caller, the session and the environment say; what the caller passes stays."""
    plain = requests.Session()
    for each in (session, plain):
        vars(each).update(of_session)
    before = dict(proxies)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        ours = session.merge_environment_settings(url, proxies, stream, verify, cert)
        assert proxies == before
        theirs = plain.merge_environment_settings(url, proxies, stream, verify, cert)
    assert ours["proxies"] == (theirs["proxies"] or {})
    assert ours | {"proxies": None} == theirs | {"proxies": None}


@given(
    headers=st.sampled_from([None, {}, {"A": "1"}, {"user-agent": None}]),
    of_session=st.sampled_from([None, {}, {"B": "2"}, {"B": None}, {"a": "x", "A": "y"}]),
    plain_dict=st.booleans(),
    params=st.sampled_from([None, {}, "", b"", [], "q=1", {"p": "1"}, {"p": None}, [("l", "2")]]),
    params_of_session=st.sampled_from([None, {}, {"p": "3", "s": "4"}, {"s": None}, [("t", "5")]]),
)
def test_requests_are_prepared_as_requests_prepares_them(  # noqa: PLR0913, PLR0917
    session: MountedSession,
    headers: Any,
    of_session: Any,
    plain_dict: bool,  # noqa: FBT001
    params: Any,
    params_of_session: Any,
) -> None:
    """The same URL and headers, in the same order, or the same error; the request stays as it was."""

    def prepare(session: requests.Session) -> Any:
        kind: Any = dict if plain_dict else CaseInsensitiveDict
        of_ours = None if of_session is None else kind(of_session)
        vars(session).update(headers=of_ours, params=params_of_session)
        request = requests.Request("POST", "http://h/?a=b", headers, params=params, data="body")
        before = dict(vars(request))
        try:
            prepared = session.prepare_request(request)
        except requests.exceptions.RequestException as error:
            return type(error), str(error)
        assert vars(request) == before
        return prepared.url, list(prepared.headers.items()), prepared.body

    assert prepare(session) == prepare(requests.Session())


def test_the_callers_exceptions_are_those_of_the_environments_proxies(
    session: MountedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in requests, which hands on ``no_proxy`` among the proxies."""
    monkeypatch.setenv("http_proxy", "http://one:1")
    for url, excepted in (("http://h.example/", True), ("http://i.example/", False)):
        proxies = {"no_proxy": "h.example"}
        arguments: Any = (url, dict(proxies), None, None, None)
        vars(session).update(proxies={}, trust_env=True)
        merged = session.merge_environment_settings(*arguments)["proxies"]
        assert ("http" not in merged) is excepted
        assert merged == requests.Session().merge_environment_settings(*arguments)["proxies"]


def test_what_replaces_the_methods_of_requests_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by the snippets that switch verification off, or add a header, for all sessions."""
    merge = requests.Session.merge_environment_settings
    prepare = requests.Session.prepare_request

    def lax(self: requests.Session, *args: Any) -> dict[str, Any]:
        return merge(self, *args) | {"verify": False}

    def named(self: requests.Session, request: requests.Request) -> requests.PreparedRequest:
        request.headers["X-Name"] = "mine"  # type: ignore[index]
        return prepare(self, request)

    monkeypatch.setattr(requests.Session, "merge_environment_settings", lax)
    monkeypatch.setattr(requests.Session, "prepare_request", named)
    monkeypatch.setenv("http_proxy", "http://one:1")
    session, proxies = MountedSession(CONFIG), {"https": "http://mine:9"}
    merged = session.merge_environment_settings("http://h/", proxies, None, None, None)
    assert merged["verify"] is False
    assert merged["proxies"] == {"https": "http://mine:9", "http": "http://one:1"}
    assert proxies == {"https": "http://mine:9"}
    monkeypatch.delenv("http_proxy")  # Which requests before 2.34 would add to no dictionary.
    assert session.merge_environment_settings("http://h/", None, None, None, None)["proxies"] == {}
    request = requests.Request("GET", "http://h/")
    assert session.prepare_request(request).headers["X-Name"] == "mine"


def test_a_request_of_ones_own_class_is_prepared_itself() -> None:
    """Its class may compute what requests reads."""

    class Own(requests.Request):
        headers: Any = property(lambda _: {"X-Own": "1"}, lambda *_: None)

    prepared = MountedSession(CONFIG).prepare_request(Own("GET", "http://h/"))
    assert prepared.headers["X-Own"] == "1"


def test_the_environment_is_read_anew_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any of the variables that Python looks at counts."""
    assert read_proxies("http://h/", None) == {}
    monkeypatch.setenv("HTTP_PROXY", "http://one:1")
    assert read_proxies("http://h/", None) == {"http": "http://one:1"}
    monkeypatch.setenv("HTTP_PROXY", "http://other:1")
    assert read_proxies("http://h/", None) == {"http": "http://other:1"}
    monkeypatch.setenv("REQUEST_METHOD", "GET")  # A CGI program: the variable may be a header.
    assert read_proxies("http://h/", None) == {}
    monkeypatch.setenv("http_proxy", "http://two:2")
    assert read_proxies("http://h/", None) == {"http": "http://two:2"}
    monkeypatch.setenv("no_proxy", "h")
    assert read_proxies("http://h/a/b", None) == {}
    assert read_proxies("http://h?a", None) == {}
    assert read_proxies("http://h/a/b", "elsewhere")["http"] == "http://two:2"


def test_a_system_that_knows_proxies_is_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS and Windows do, and a test that puts something in the place of Python's functions."""
    of_system: dict[str, str] = {}
    exceptions: list[str] = []
    monkeypatch.setattr("requests.utils.proxy_bypass", exceptions.__contains__)
    monkeypatch.setenv("http_proxy", "http://two:2")
    assert read_proxies("http://h/", None) == {"http": "http://two:2"}
    exceptions.append("h")
    assert read_proxies("http://h/", None) == {}
    monkeypatch.setattr("requests.utils.getproxies", lambda: dict(of_system))
    assert read_proxies("http://i/", None) == {}
    of_system["http"] = "http://three:3"
    assert read_proxies("http://i/", None) == of_system
    monkeypatch.undo()
    monkeypatch.setenv("https_proxy", "http://two:2")
    monkeypatch.setattr("requests.utils.getproxies", lambda: dict(of_system))
    assert read_proxies("http://i/", None) == of_system
    of_system.clear()
    assert read_proxies("http://i/", None) == {}


def test_no_exceptions_are_looked_for_where_there_is_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That takes most of the time, and changes nothing."""
    asked: list[str] = []
    monkeypatch.setattr("requests.utils.proxy_bypass", asked.append)
    assert read_proxies("http://h/", None) == {}
    assert asked == []


def test_python_reads_proxies_as_before() -> None:
    """From the variables that end in ``_proxy``, and ``REQUEST_METHOD``, on which ours are kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("Ftp_Proxy", "ftp://f:1")
        patch.setenv("HTTP_PROXY", "http://h:1")
        assert urllib.request.getproxies_environment() == {"ftp": "ftp://f:1", "http": "http://h:1"}
        patch.setenv("REQUEST_METHOD", "GET")
        assert urllib.request.getproxies_environment() == {"ftp": "ftp://f:1"}
