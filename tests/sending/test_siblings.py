"""The mounts of a file on sessions that are not ours, which find adapters by comparing text."""

import copy
import gc
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

import pytest
import requests
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_cache import CachedSession

from loopback import Answer, Server
from requests_mounts import (
    BodyTooLarge,
    ConfigError,
    DeniedURL,
    MountAdapter,
    MountedSession,
    load_session,
    mount,
    parse_config,
)
from urls import HOSTILE_PREFIXES, HOSTILE_URLS, PREFIXES, URLS

Make = Callable[[str], requests.Session]


def mounted(text: str) -> requests.Session:
    return mount(requests.Session(), parse_config(text))


def wrapped(text: str) -> requests.Session:
    return CachedSession.wrap(MountedSession(parse_config(text)), backend="memory")


def remounted(text: str) -> requests.Session:
    session = requests.Session()
    for key, adapter in mounted(text).adapters.items():
        session.mount(key, adapter)
    return session


def copied(text: str) -> requests.Session:
    session = requests.Session()
    session.adapters = OrderedDict(mounted(text).adapters)
    return session


def pickled(text: str) -> requests.Session:
    return pickle.loads(pickle.dumps(mounted(text)))  # type: ignore[no-any-return]


def deepcopied(text: str) -> requests.Session:
    return copy.deepcopy(mounted(text))


def pickled_table(text: str) -> requests.Session:
    return pickle.loads(pickle.dumps(unwrapped(text)))  # type: ignore[no-any-return]


def unwrapped(text: str) -> requests.Session:
    session = requests.Session()
    session.adapters = MountedSession(parse_config(text)).adapters
    return session


def unpickled_before(text: str) -> requests.Session:
    session = requests.Session()
    session.adapters = pickle.loads(pickle.dumps(MountedSession(parse_config(text)))).adapters
    return session


def with_another_file(text: str) -> requests.Session:
    session = requests.Session()
    of_both = mount(MountedSession(parse_config(text)), parse_config("[mounts.'https://other/']"))
    session.adapters = of_both.adapters
    return session


def table_beside_a_copy(text: str) -> requests.Session:
    session = unwrapped(text)
    copy.copy(session.adapters)
    return session


WAYS = [
    mounted,
    wrapped,
    remounted,
    copied,
    pickled,
    deepcopied,
    pickled_table,
    unpickled_before,
    with_another_file,
    table_beside_a_copy,
]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the prefixes of the adapters that send; nothing is sent."""
    prefixes: list[str] = []

    def send(self: HTTPAdapter, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        prefixes.append(self.prefix if isinstance(self, MountAdapter) else "code")
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url or "", request
        response.raw = None
        response._content = b""
        return response

    monkeypatch.setattr(HTTPAdapter, "send", send)
    monkeypatch.setattr("requests.sessions.extract_cookies_to_jar", lambda *_: None)
    return prefixes


WILDCARD = "https://*.example.com/"
FILE = """
[mounts."https://api.example.com/"]
[mounts."https://api.example.com/v1/"]
[mounts."https://*.example.com/"]
[mounts."https://*.example.com:*/admin/"]
[mounts."https://any.org:*/"]
"""


@pytest.mark.parametrize("make", [mounted, copied, pickled, pickled_table])
@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://api.example.com/x", "https://api.example.com/"),
        ("https://api.example.com/v1/x", "https://api.example.com/v1/"),
        ("https://api.example.com/v1", "https://api.example.com/v1/"),
        ("https://api.example.com/v1?x", "https://api.example.com/v1/"),
        ("https://api.example.com/V1/x", "https://api.example.com/"),
        ("https://api.example.com/v10", "https://api.example.com/"),
        ("HTTPS://API.Example.com/v1/x", "https://api.example.com/v1/"),
        ("https://api.example.com./v1/x", "https://api.example.com/v1/"),
        ("https://api.example.com:443/v1/x", "https://api.example.com/v1/"),
        ("https://user:password@api.example.com/v1/x", "https://api.example.com/v1/"),
        ("https://api.example.com/v1/%2e%2e/x", "https://api.example.com/"),
        ("https://api.example.com/x/../v1/x", "https://api.example.com/v1/"),
        ("https://api.example.com/%76%31/x", "https://api.example.com/v1/"),
        ("https://b.example.com/", "https://*.example.com/"),
        ("https://a.b.example.com/admin/", "https://*.example.com/"),
        ("https://b.example.com:8443/admin", "https://*.example.com:*/admin/"),
        ("https://b.example.com:8443/", "https://"),
        ("https://any.org:8443/", "https://any.org:*/"),
        ("https://any.org.evil.org:8443/", "https://"),
        ("http://api.example.com/v1/x", "http://"),
    ],
)
def test_each_url_is_served_by_its_mount(
    make: Make, url: str, prefix: str, served: list[str]
) -> None:
    """However it is spelled, and although the session looks for text; once, by that mount alone."""
    with make(FILE) as session:
        assert session.get(url).ok
    assert served == [prefix]


@pytest.mark.parametrize("make", WAYS)
def test_deny_acts(make: Make, server: Server) -> None:
    """A wildcard port, a spelling, and a redirect lead to the mount that denies."""
    text = f'[mounts."http://127.0.0.9:*/"]\ndeny = true\n[mounts."{server.url}/no"]\ndeny = true'
    server.answer = lambda handler: Answer(
        302, {"Location": "http://127.0.0.9:1/" if "far" in handler.path else "/%6eo"}
    )
    with make(text) as session:
        for path in ("/no", "/x/%2e%2e/no/x", "/far", "/near"):
            with pytest.raises(DeniedURL):
                session.get(server.url + path)
    assert server.requests == ["GET /far", "GET /near"]


@given(st.lists(HOSTILE_PREFIXES | PREFIXES, max_size=6), HOSTILE_URLS | URLS)
@settings(max_examples=150)
def test_it_agrees_with_a_session_of_ours(prefixes: list[str], url: str) -> None:
    """About any URL that requests can prepare."""
    try:
        config = parse_config("".join(f"[mounts.'{prefix}']\n" for prefix in prefixes))
        request = requests.Request("GET", url).prepare()
        found = mount(requests.Session(), config).get_adapter(request.url or "")
    except (ConfigError, requests.RequestException, ValueError):
        assume(False)  # noqa: FBT003
    assert isinstance(found, MountAdapter)
    right = MountedSession(config).get_adapter(request.url or "")
    assert isinstance(right, MountAdapter)
    assert (found._find_other(request, {}) or found).prefix == right.prefix


def test_what_code_mounts_serves_what_requests_finds_it_for(served: list[str]) -> None:
    """No less, and no more: another spelling belongs to the file."""
    session = mount(requests.Session(), parse_config(FILE))
    session.mount("https://api.example.com/v1/code/", HTTPAdapter())
    session.mount("https://api.example.com:8", HTTPAdapter())
    session.get("https://api.example.com/v1/code/x")
    session.get("https://api.example.com:443/v1/code/x")
    session.get("https://api.example.com:80/admin/")
    assert served == ["code", "https://api.example.com/v1/", "code"]


def test_code_beside_a_wrapped_session(served: list[str]) -> None:
    """The table of a session of ours has what code mounts too, and it hides no mount of the file."""
    session = requests.Session()
    ours = MountedSession(parse_config(FILE))
    session.adapters = ours.adapters
    session.mount("https://api.example.com/v1/code/", HTTPAdapter())
    session.get("https://api.example.com/v1/code/x")
    session.get("https://api.example.com:443/v1/code/x")
    ours.get("https://api.example.com:443/v1/code/x")
    assert served == ["code", "https://api.example.com/v1/", "code"]


def test_an_adapter_of_ours_that_code_mounts_elsewhere(served: list[str]) -> None:
    """It serves what it is mounted for, on the same session and on any other."""
    session = mount(requests.Session(), parse_config(FILE))
    api = session.adapters["https://api.example.com/"]
    for one in (session, requests.Session()):
        one.mount("https://elsewhere.example.com/", api)
        one.get("https://elsewhere.example.com/x")
    session.get("https://elsewhere.example.com:443/x")
    mount(session, parse_config(""))
    session.get("https://elsewhere.example.com/x")
    session.get("https://elsewhere.example.com:443/x")
    assert served == [
        *["https://api.example.com/"] * 2,
        WILDCARD,
        "https://api.example.com/",
        WILDCARD,
    ]


def test_a_copy_of_an_adapter_keeps_its_place(served: list[str]) -> None:
    """It sends the requests of its mount itself, and hands over those of others."""
    session = mount(requests.Session(), parse_config(FILE))
    again = copy.copy(session.adapters["https://"])
    session.mount("https://", again)
    assert again._find_other(requests.Request("GET", "https://h/").prepare(), {}) is None  # type: ignore[attr-defined]
    session.get("https://b.example.com/")
    assert served == ["https://*.example.com/"]


class Wrapping(HTTPAdapter):
    """An adapter of code that asks one of ours."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self.inner = inner

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        return self.inner.send(*args, **kwargs)


@pytest.mark.parametrize("make", [mounted, unwrapped])
def test_an_adapter_of_code_around_ours(make: Make, served: list[str]) -> None:
    """It is asked once, and so is ours."""
    session = make(FILE)
    session.mount("https://", Wrapping(session.adapters["https://"]))
    session.get("https://elsewhere.org/")
    assert served == ["https://"]


def test_two_files_on_one_session(served: list[str]) -> None:
    """Each mount of both serves its URLs; of equal prefixes the later file's."""
    session = mount(requests.Session(), parse_config(FILE))
    wildcard = session.adapters["https://*.example.com/"]
    mount(session, parse_config('[mounts."https://api.example.com/v1/new"]'))
    session.get("https://b.example.com/")
    session.get("https://api.example.com/x/%2e%2e/v1/new")
    session.get("https://api.example.com/v1/x")
    assert served == [
        "https://*.example.com/",
        "https://api.example.com/v1/new/",
        "https://api.example.com/v1/",
    ]
    assert session.adapters["https://*.example.com/"] is wildcard


def test_a_file_mounted_twice(served: list[str]) -> None:
    """It is as if it were mounted once."""
    session = mount(requests.Session(), parse_config(FILE))
    mount(session, parse_config(FILE))
    session.get("https://b.example.com/")
    assert served == ["https://*.example.com/"]


def test_a_second_file_is_of_one_session_alone(server: Server) -> None:
    """A session that has the same adapters learns nothing of it, and keeps their connections."""
    text = f'[defaults]\npool_maxsize = 7\n[mounts."{server.url}/yes"]'
    session = mount(requests.Session(), parse_config(text))
    other = requests.Session()
    other.adapters = OrderedDict(session.adapters)
    mount(other, parse_config(f'[mounts."{server.url}/yes/no"]\ndeny = true'))
    for path in ("/yes", "/yes/no", "/yes/%2e/no"):
        assert session.get(server.url + path).ok
    with pytest.raises(DeniedURL):
        other.get(f"{server.url}/yes/%2e/no")
    with session, other:
        assert other.get(f"{server.url}/yes/x").ok
        key = f"{server.url}/yes/"
        assert other.adapters[key] is not session.adapters[key]
        adapter = other.get_adapter(f"{key}x")
        assert isinstance(adapter, MountAdapter)
        assert adapter.policy.pool_maxsize == 7


def test_the_adapters_of_a_session_that_is_gone(served: list[str]) -> None:
    """Whoever mounts a file on a copy of them has them, and not copies."""
    session = copied(FILE)
    wildcard = session.adapters["https://*.example.com/"]
    gc.collect()
    mount(session, parse_config(""))
    assert session.adapters["https://*.example.com/"] is wildcard
    session.get("https://b.example.com/")
    assert served == ["https://*.example.com/"]


def test_adapters_taken_from_a_session_of_ours_that_is_gone(served: list[str]) -> None:
    """What is left of them serves by requests' comparison."""
    session = requests.Session()
    session.mount("https://", MountedSession(parse_config(FILE)).adapters["https://"])
    gc.collect()
    session.get("https://b.example.com/")
    assert served == ["https://"]


def test_numbers_and_reload_below_a_wrapping_session(server: Server, tmp_path: Any) -> None:
    """Each request counts once, on its mount; after a reload the new mounts serve."""
    path = tmp_path / "mounts.toml"
    path.write_text(f'[mounts."{server.url.rpartition(":")[0]}:*/"]')
    ours = load_session(path)
    session = requests.Session()
    session.adapters = ours.adapters
    with session:
        session.get(server.url)
        counted = {stats.prefix: stats.requests for stats in ours.stats() if stats.requests}
        assert counted == {f"{server.url.rpartition(':')[0]}:*/": 1}
        path.write_text(f'[mounts."{server.url.rpartition(":")[0]}:*/x"]\ndeny = true')
        ours.reload()
        session.get(server.url)
        with pytest.raises(DeniedURL):
            session.get(f"{server.url}/x")


class Falling(MountedSession):
    """A session of ours that sends everything by one mount."""

    def get_adapter(self, url: str) -> BaseAdapter:  # noqa: ARG002 - it takes no notice
        return super().get_adapter("https://api.example.com/")


def test_a_session_of_ours_decides_by_itself(served: list[str]) -> None:
    """Also if code derives a session from it that chooses another adapter."""
    Falling(parse_config(FILE)).get("https://api.example.com/v1/x")
    assert served == ["https://api.example.com/"]


@pytest.mark.parametrize("made", [lambda session: session, copy.deepcopy])
def test_a_session_of_ours_is_freed_at_once(
    made: Callable[[MountedSession], MountedSession],
) -> None:
    """Its adapters hold no table, so that its connections are closed when it is dropped."""
    session = made(MountedSession(parse_config(FILE)))
    adapter = ref(session.adapters["https://"])
    gc.disable()
    try:
        del session
        assert adapter() is None
    finally:
        gc.enable()


def test_a_pickled_adapter_of_a_session_of_ours_comes_alone() -> None:
    """The policies of other mounts, which may be secret, are not in it."""
    session = MountedSession(parse_config(FILE))
    assert b"any.org" not in pickle.dumps(session.adapters["https://api.example.com/"])


def test_thousands_of_mounts_are_pickled() -> None:
    """Without a call for each of them in another."""
    text = "\n".join(f'[mounts."https://h{number}.org/"]' for number in range(3000))
    again = pickled(text)
    assert len(again.adapters) == 3002


def test_adapters_of_another_session_know_their_file(server: Server) -> None:
    """The copies that a session has of them name its lines as they do."""
    text = f'[mounts."{server.url}"]\nmax_body_size = 1'
    first, second = (
        mount(requests.Session(), parse_config(text, source="a.toml")),
        requests.Session(),
    )
    second.adapters = OrderedDict(first.adapters)
    mount(second, parse_config("[mounts.'https://other/']"))
    for session in (first, second):
        with session, pytest.raises(BodyTooLarge, match=r"a\.toml:2"):
            session.get(server.url)


def test_a_file_mounted_on_a_session_of_ours(tmp_path: Any) -> None:
    """Its errors name its own lines, and a reload of the session's file leaves its adapters."""
    first = tmp_path / "first.toml"
    first.write_text("[mounts.'https://a.example/']\n[mounts.'https://b.example/']")
    second = parse_config(
        "\n[mounts.'https://b.example/']\ndeny = true\n[mounts.'https://c.example/']\ndeny = true",
        source="second.toml",
    )
    with load_session(first) as session:
        assert mount(session, second) is session
        denying = [session.adapters[f"https://{host}.example/"] for host in "bc"]
        first.write_text("[mounts.'https://b.example/']\npool_maxsize = 3")
        assert session.reload().removed == ("https://a.example/",)
        assert [session.adapters[f"https://{host}.example/"] for host in "bc"] == denying
        copied = pickle.loads(pickle.dumps(session))
        for one in (session, copied):
            for host, line in (("b", 3), ("c", 5)):
                with pytest.raises(DeniedURL, match=rf"second\.toml:{line}\)"):
                    one.get(f"https://{host}.example/")
            assert "https://a.example/" not in one.adapters
