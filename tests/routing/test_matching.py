"""The rules: the index follows them, and they explain what it does."""

from itertools import pairwise

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from requests_mounts import MountedSession, parse_config
from requests_mounts._explain import explain_url
from requests_mounts._routing.index import HOST_AT, Index
from requests_mounts._routing.location import Location, prepare
from requests_mounts._routing.matching import explain_loss, explain_miss
from requests_mounts._routing.prefix import Prefix
from urls import (
    HOSTILE_PREFIXES,
    HOSTILE_URLS,
    PLAIN_PREFIXES,
    PLAIN_URLS,
    PREFIXES,
    TEXT_KEYS,
    URLS,
)


def session_of(rules: list[str]) -> MountedSession:
    return MountedSession(parse_config("\n".join(f"[mounts.'{rule}']" for rule in rules)))


def naive(prefixes: list[Prefix], url: str) -> list[Prefix]:
    """Compare each prefix with the URL as the design words it, and put the strongest first.

    A URL that cannot be parsed has no host that a prefix could name.
    """
    try:
        place = Location.parse(url)
    except ValueError:
        scheme = url.partition("://")[0].lower()
        return [prefix for prefix in prefixes if (prefix.scheme, prefix.host) == (scheme, "")]
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


def naive_key(keys: list[str], url: str) -> str | None:
    """Choose among keys of which some are not prefixes: these are compared as text."""
    prefixes = {prefix: key for key in reversed(keys) if (prefix := Prefix.read(key))}
    texts = [
        key for key in keys if key not in prefixes.values() and url.lower().startswith(key.lower())
    ]
    long = [key for key in texts if key.lower().startswith(("http://", "https://"))]
    short = [key for key in texts if key not in long]
    return next(iter([*long, *(prefixes[one] for one in naive([*prefixes], url)), *short]), None)


def look_up_twice(index: Index[Prefix], url: str) -> list[Prefix | None]:
    """Find what serves a URL, and again by what the index has learned, as a session does."""
    first = index.find(url)
    origin = url[: url.find("/", HOST_AT) + 1]
    quick = index.routes.get(origin)
    if tiers := index.tiers.get(origin):
        quick = tiers.find_plain(url, len(origin) - 1)
    return [first, quick or first]


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


@given(
    st.lists(PREFIXES | HOSTILE_PREFIXES),
    st.lists(URLS | HOSTILE_URLS, min_size=1),
)
def test_the_index_equals_a_naive_matcher(texts: list[str], urls: list[str]) -> None:
    """For any prefixes and URLs, the index finds what comparing each prefix finds."""
    prefixes = [*map(Prefix.parse, texts), Prefix("http", "", "", "")]
    index = Index((str(prefix), prefix) for prefix in prefixes)
    for url in urls:
        matching = naive(prefixes, url)
        winner = matching[0] if matching else None
        assert look_up_twice(index, url) == [winner, winner]
        assert index.find_all(url) == matching


@given(st.lists(HOSTILE_PREFIXES, unique=True), st.lists(TEXT_KEYS, unique=True), HOSTILE_URLS)
def test_everyone_agrees_about_a_hostile_url(keys: list[str], texts: list[str], url: str) -> None:
    """The session, its explanation, the command line, and a naive matcher name one key."""
    session = session_of(keys)
    assert explain_url(session.config, url).prefix == session.explain(url).prefix
    for key in texts:
        session.mount(key, requests.adapters.HTTPAdapter())
    for asked in (url, prepare(url)):
        try:
            adapter = session.get_adapter(asked)
        except requests.exceptions.InvalidSchema:
            served = None
        else:
            served = next(key for key, value in session.adapters.items() if value is adapter)
        assert served == naive_key([*session.adapters], asked)
    assert session.explain(url).prefix == served


@given(st.lists(PREFIXES | HOSTILE_PREFIXES, unique=True), URLS | HOSTILE_URLS)
def test_what_does_not_serve_a_url_has_a_reason(texts: list[str], url: str) -> None:
    """A prefix matches or says why not, and one that matches and loses says by what."""
    place = Location.find(url)
    if not place:
        return
    prefixes = list(dict.fromkeys(map(Prefix.parse, texts)))
    matching = naive(prefixes, url)
    for prefix in prefixes:
        assert (explain_miss(prefix, place) is None) is (prefix in matching)
    for winner, loser in pairwise(matching):
        assert explain_loss(loser, winner) != explain_loss(winner, winner)


@given(PREFIXES, st.lists(PREFIXES))
def test_one_more_mount_is_like_all_of_them_at_once(text: str, texts: list[str]) -> None:
    """An index that was extended answers as one that was made with the mount."""
    prefixes = [*map(Prefix.parse, texts)]
    added = Prefix.parse(text)
    extended = Index((str(prefix), prefix) for prefix in prefixes).extended(text, added)
    assert (extended is None) is (added in prefixes)
    for prefix in [added, *prefixes] if extended else []:
        url = str(prefix).replace("*.", "x.").replace(":*", "")
        assert extended
        assert extended.find(url) == next(iter(naive([*prefixes, added], url)), None)


@given(PREFIXES | PLAIN_PREFIXES)
def test_a_canonical_prefix_is_its_own_spelling(text: str) -> None:
    """Parsing what a prefix prints gives the same prefix, so that keys can be mounted again."""
    prefix = Prefix.parse(text)
    assert Prefix.parse(str(prefix)) == prefix
    assert str(prefix).endswith("/")


@pytest.mark.parametrize(
    "url", ["https://h.org/v2/", "https://other.org/v1/", "https://h .org/v1/"]
)
def test_where_nothing_matches(url: str) -> None:
    """Neither another path of the host, nor a host that nothing is mounted for, nor half of one."""
    assert Index([("https://h.org/v1/", 1)]).find(url) is None
    assert Index([("https://h.org/v1/", 1)]).find_all(url) == []


def test_what_is_learned_about_origins_is_bounded() -> None:
    """A crawler that meets new hosts without end does not fill the memory."""
    index = Index([("https://", 1), ("https://*.b.org/v1/", 2)])
    for number in range(3 * 4096):
        url = f"https://h{number}.{'b' if number % 2 else 'c'}.org/v1/"
        assert index.find(url) == 1 + number % 2
        assert len(index.routes) + len(index.tiers) <= 4096 + 2


def test_passwords_are_not_remembered() -> None:
    """The text of an origin with userinfo is not kept."""
    index = Index([("https://", 1)])
    index.find("https://user:password@h/")
    assert not index.routes
