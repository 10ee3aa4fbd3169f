"""Every URL finds exactly its mount: a table of cases, and properties against two oracles."""

import string
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
import tomli
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import InvalidSchema

from requests_mounts import MountedSession, parse_config
from requests_mounts._routing.index import Location, Router
from requests_mounts._routing.prefix import Prefix
from requests_mounts._sending.table import MountTable

CASES = tomli.loads((Path(__file__).parent / "data/routing.toml").read_text("utf-8"))["group"]
ROWS = [
    pytest.param(
        group["rules"], *row, *[None] * (3 - len(row)), id=f"{group['name'][:20]}: {row[0]}"
    )
    for group in CASES
    for row in group["rows"]
]


def session_of(rules: list[str]) -> MountedSession:
    return MountedSession(parse_config("\n".join(f"[mounts.'{rule}']" for rule in rules)))


def served(session: requests.Session, get_adapter: Any, url: str) -> str:
    """Return the key of the adapter that serves a URL; empty where there is none."""
    try:
        adapter = get_adapter(url)
    except InvalidSchema as error:
        assert str(error) == f"No connection adapters were found for {url!r}"
        return ""
    return next(key for key, value in session.adapters.items() if value is adapter)


def test_there_are_enough_rows() -> None:
    """The table is no sample: at least 250 rows in groups, none twice."""
    assert len({str(row.values[:2]) for row in ROWS}) == len(ROWS) >= 250


@pytest.mark.parametrize(("rules", "url", "prefix", "differs"), ROWS)
def test_row(rules: list[str], url: str, prefix: str, differs: str | None) -> None:
    """A URL is served by the prefix of its row, by requests' own lookup too unless it says why."""
    session = session_of(rules)
    for _ in range(2):  # The second time, the origin is known.
        assert served(session, session.get_adapter, url) == prefix
    plain = requests.Session()
    plain.adapters = session.adapters
    assert (served(session, plain.get_adapter, url) == prefix) is (differs is None)


@pytest.mark.parametrize(("rules", "url", "prefix", "differs"), ROWS)
def test_row_prepared(rules: list[str], url: str, prefix: str, differs: str | None) -> None:
    """The URL that requests makes of one is never served by a prefix of another place."""
    del differs
    try:
        prepared = requests.Request("GET", url).prepare().url
    except requests.exceptions.RequestException:
        return
    assert prepared is not None
    session = session_of(rules)
    winner = served(session, session.get_adapter, prepared)
    if winner not in {prefix, "", "https://", "http://"}:
        place, serving = Location.parse(prepared), Prefix.parse(winner)
        domain = serving.host.removeprefix("*")
        assert place.host == domain or (domain.startswith(".") and place.host.endswith(domain))
        assert serving.port in {place.port, "*"}
        assert f"{place.path}/".startswith(serving.path)


# --- properties ---------------------------------------------------------------------------------

LABELS = st.sampled_from(["a", "b", "api", "x-1", "com", "org"])
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = st.sampled_from(["", ":8080", ":8443"])
SEGMENTS = st.text(string.ascii_letters + string.digits + "-_~", min_size=1, max_size=2)
PLAIN_PATHS = st.lists(SEGMENTS, max_size=4).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)
ODD_PATHS = st.text("/.ab%2eE5~!\\ü ", max_size=12).map(lambda text: f"/{text}")
ORIGINS = st.builds("{}://{}{}".format, st.sampled_from(["http", "https"]), HOSTS, PORTS)
PLAIN_PREFIXES = st.builds("{}{}/".format, ORIGINS, PLAIN_PATHS)
PLAIN_URLS = st.builds("{}{}/{}".format, ORIGINS, PLAIN_PATHS, st.sampled_from(["", "x", "?q=/a"]))
PREFIXES = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["", "*."]),
    HOSTS,
    st.sampled_from(["", ":8080", ":*", ":80", ":443"]),
    PLAIN_PATHS,
)
URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["", "u:p@"]),
    HOSTS,
    st.sampled_from(["", ":8080", ":80", ":443", ":"]),
    PLAIN_PATHS | ODD_PATHS,
)


@given(st.lists(PLAIN_PREFIXES), st.lists(PLAIN_URLS, min_size=1))
def test_for_plain_urls_the_answer_is_that_of_requests(
    prefixes: list[str], urls: list[str]
) -> None:
    """Where text decides, the adapter is the one that requests would take."""
    session = session_of(list(dict.fromkeys(prefixes)))
    plain = requests.Session()
    plain.adapters = session.adapters
    for url in urls:
        assert session.get_adapter(url) is plain.get_adapter(url)


def naive(prefixes: list[Prefix], url: str) -> Prefix | None:
    """Choose as the design words it: by host, then port, then path."""
    return next(iter(all_naive(prefixes, url)), None)


def all_naive(prefixes: list[Prefix], url: str) -> list[Prefix]:
    """Compare each prefix with the URL, and put the strongest first."""
    place = Location.parse(url)
    path = place.path if place.path.endswith("/") else place.path + "/"

    def matches(prefix: Prefix) -> bool:
        if prefix.scheme != place.scheme:
            return False
        if not prefix.host:
            return True
        host = prefix.host == place.host or (
            prefix.host.startswith("*.") and place.host.endswith(prefix.host[1:])
        )
        return host and prefix.port in {place.port, "*"} and path.startswith(prefix.path)

    def strength(prefix: Prefix) -> tuple[int, int, int, int]:
        exact = bool(prefix.host) and not prefix.host.startswith("*.")
        return exact, len(prefix.host), prefix.port != "*", len(prefix.path)

    return sorted(filter(matches, dict.fromkeys(prefixes)), key=strength, reverse=True)


@given(st.lists(PREFIXES), st.lists(URLS, min_size=1))
def test_the_index_equals_a_naive_matcher(texts: list[str], urls: list[str]) -> None:
    """For any prefixes and URLs, the router finds what comparing each prefix finds."""
    prefixes = [*map(Prefix.parse, texts), Prefix("http", "", "", "")]
    router = Router((prefix, prefix) for prefix in prefixes)
    for url in urls:
        assert router.find(url) == naive(prefixes, url)
        origin = url[: url.find("/", 8) + 1]
        quick = router.routes.get(origin)
        if tiers := router.tiers.get(origin):
            quick = tiers.find_plain(url, len(origin) - 1)
        assert quick in {None, naive(prefixes, url)}
        assert router.find_all(url) == all_naive(prefixes, url)


@given(PREFIXES, st.lists(PREFIXES))
def test_one_more_mount_is_like_all_of_them_at_once(text: str, texts: list[str]) -> None:
    """A router that was extended answers as one that was made with the mount."""
    prefixes = [*map(Prefix.parse, texts)]
    added = Prefix.parse(text)
    extended = Router((prefix, prefix) for prefix in prefixes).extended(added, added)
    for prefix in [added, *prefixes]:
        url = str(prefix).replace("*.", "x.").replace(":*", "")
        assert extended.find(url) == naive([*prefixes, added], url)


@given(PREFIXES | PLAIN_PREFIXES)
def test_a_canonical_prefix_is_its_own_spelling(text: str) -> None:
    """Parsing what a prefix prints gives the same prefix, so that keys can be mounted again."""
    prefix = Prefix.parse(text)
    assert Prefix.parse(str(prefix)) == prefix
    assert str(prefix).endswith("/")


def test_where_nothing_matches() -> None:
    """Neither another path of the host, nor a host that nothing is mounted for."""
    router = Router([(Prefix.parse("https://h.org/v1/"), 1)])
    assert router.find("https://h.org/v2/") is None
    assert router.find("https://other.org/v1/") is None


def test_what_is_learned_about_origins_is_bounded() -> None:
    """A crawler that meets new hosts without end does not fill the memory."""
    router = Router([(Prefix.parse("https://"), 1), (Prefix.parse("https://*.b.org/v1/"), 2)])
    for number in range(3 * 4096):
        url = f"https://h{number}.{'b' if number % 2 else 'c'}.org/v1/"
        assert router.find(url) == 1 + number % 2
        assert len(router.routes) + len(router.tiers) <= 4096 + 2


def test_passwords_are_not_remembered() -> None:
    """The text of an origin with userinfo is not kept."""
    router = Router([(Prefix.parse("https://"), 1)])
    router.find("https://user:password@h/")
    assert not router.routes


# --- the mapping --------------------------------------------------------------------------------


def fresh() -> tuple[MountedSession, BaseAdapter]:
    session = session_of(["https://h.org/", "https://h.org/v1/"])
    return session, HTTPAdapter()


URL = "https://h.org/v1/x"


def test_routing_follows_every_change_of_the_mapping() -> None:
    """Each way to change an OrderedDict is seen by the next lookup."""
    session, mine = fresh()
    old, key = session.get_adapter(URL), "https://h.org/v1/"
    short = session.adapters["https://h.org/"]
    session.adapters[key] = mine
    assert session.get_adapter(URL) is mine
    del session.adapters[key]
    assert session.get_adapter(URL) is short
    session.adapters.update({key: old})
    assert session.get_adapter(URL) is old
    assert session.adapters.pop(key) is old
    assert session.adapters.pop(key, None) is None
    assert session.get_adapter(URL) is short
    assert session.adapters.setdefault(key, mine) is mine
    assert session.get_adapter(URL) is mine
    session.adapters |= {key: old}
    assert session.get_adapter(URL) is old
    session.adapters.move_to_end(key)
    assert list(session.adapters)[-1] == key
    assert session.get_adapter(URL) is old
    assert session.adapters.popitem() == (key, old)
    assert session.get_adapter(URL) is short
    session.adapters.clear()
    with pytest.raises(InvalidSchema, match="No connection adapters were found for"):
        session.get_adapter(URL)
    session.adapters = {"https://": mine}
    assert session.get_adapter(URL) is mine
    assert isinstance(session.adapters, MountTable)


def test_mount_puts_keys_where_requests_puts_them() -> None:
    """Also after changes that left the mapping out of order."""
    session, mine = fresh()
    plain = requests.Session()
    plain.adapters.clear()
    plain.adapters.update(session.adapters)
    for both in (session, plain):
        both.mount("https://h.org/a/", mine)
        both.get_adapter(URL)
        both.mount("https://b.org/", mine)
        both.adapters["https://a.much.longer.name.org/"] = mine
        both.get_adapter(URL)
        both.mount("https://c.org/d/", mine)
        both.mount("http", mine)
    assert list(session.adapters) == list(plain.adapters)


def test_mounting_from_code_takes_every_spelling() -> None:
    """A key keeps its spelling in the mapping, and is matched as what it means."""
    session, mine = fresh()
    session.get_adapter(URL)
    session.mount("HTTPS://H.org:443/v2", mine)
    assert "HTTPS://H.org:443/v2" in session.adapters
    assert session.get_adapter("https://h.org/v2/x") is mine
    assert session.get_adapter("https://h.org/v20") is not mine
    again = HTTPAdapter()
    session.mount("HTTPS://H.org:443/v2", again)
    assert session.get_adapter("https://h.org/v2/x") is again


def test_of_two_spellings_of_a_prefix_the_first_serves() -> None:
    """As in requests, where the longer key is asked first."""
    session, mine = fresh()
    session.get_adapter(URL)
    session.mount("https://H.org:443/v1/", mine)
    assert session.get_adapter(URL) is mine
    session.mount("https://h.org/v1", HTTPAdapter())
    assert session.get_adapter(URL) is mine
    del session.adapters["https://H.org:443/v1/"]
    assert session.get_adapter(URL) is session.adapters["https://h.org/v1/"]


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("file://", "file:///etc/hosts"),
        ("mock://", "mock://h.org/v1/"),
        ("MOCK://A", "mock://alpha"),
        ("http", "httpx://h"),
        ("", "anything"),
        ("https://other.org?page=", "https://other.org?page=2"),
        ("https://h.org/v1/?page=", "https://h.org/v1/?page=2"),
        ("https://user@h.org/", "https://user@h.org/v1/"),
    ],
)
def test_other_keys_are_compared_as_text(key: str, url: str) -> None:
    """What is no http or https prefix works as in requests."""
    session, mine = fresh()
    before = session.get_adapter(URL)
    session.mount(key, mine)
    assert session.get_adapter(url) is mine
    assert session.get_adapter(URL) is before


def test_a_short_key_does_not_outdo_a_prefix() -> None:
    """The empty key takes what nothing else takes."""
    session, mine = fresh()
    session.mount("", mine)
    session.mount("http", mine)
    assert session.get_adapter("https://any.org/") is session.adapters["https://"]
    del session.adapters["https://"]
    assert session.get_adapter("https://any.org/") is mine


def test_lookups_go_on_while_another_thread_mounts() -> None:
    """There is never a moment without a route, nor a mapping that changes while it is walked."""
    session, mine = fresh()
    expected = session.get_adapter(URL)
    errors: list[BaseException] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            while not done.is_set():
                assert session.get_adapter(URL) is expected
                assert session.get_adapter("https://\t/") is session.adapters["https://"]
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            errors.append(error)

    threads = [threading.Thread(target=look_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(300):
        session.mount(f"https://h{number}.org/", mine)
        session.adapters[f"https://i{number}.org/"] = mine
        session.adapters.pop(f"https://i{number}.org/")
    done.set()
    for thread in threads:
        thread.join()
    assert not errors
