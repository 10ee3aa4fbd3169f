"""The canonical spelling of hosts, paths and prefixes."""

from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from requests_mounts._routing.location import Location
from requests_mounts._routing.prefix import Prefix
from requests_mounts._routing.url import canonical_host, canonical_path


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        # RFC 3986, section 5.2.4, and what follows from it.
        ("/a/b/c/./../../g", "/a/g"),
        ("/..", "/"),
        ("/.", "/"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("/a//..", "/a/"),
        ("/a//b", "/a//b"),
        # Some releases of requests send these so.
        ("//", "/"),
        ("///a//b", "/a//b"),
        ("/.//a", "/a"),
        ("/a/..//b/", "/b/"),
        ("//..//a", "/a"),
        ("//%2e%2e//a", "/a"),
        ("/a/..b", "/a/..b"),
        # RFC 3986, section 6.2.2.
        ("/%7Efoo/%2f", "/~foo/%2F"),
        ("/%2E%2e/x", "/x"),
        ("/ü", "/%C3%BC"),
        ('/"<>^`{|} \\', "/%22%3C%3E%5E%60%7B%7C%7D%20%5C"),
        ("/!$&'()*+,;=:@", "/!$&'()*+,;=:@"),
        # urllib3 takes every % for the character where one of them is no escape.
        ("/%2e%2e/%zz", "/%252E%252E/%25zz"),
    ],
)
def test_paths(path: str, canonical: str) -> None:
    """Each has one spelling, which is its own."""
    assert canonical_path(path) == canonical
    assert canonical_path(canonical) == canonical


@pytest.mark.parametrize(
    "host", ["1.2.3.4.5", "1.256.1.1", "0x100000000", "09", "[::1", "[x]", "é" * 300]
)
def test_hosts_that_are_none(host: str) -> None:
    """What no resolver would take for an address is no host."""
    with pytest.raises(ValueError, match=r"."):
        canonical_host(host)


@pytest.mark.parametrize(
    ("host", "canonical"), [("0x", "0.0.0.0"), ("0", "0.0.0.0"), ("1.0x1", "1.0.0.1")]
)
def test_numbers_that_are_addresses(host: str, canonical: str) -> None:
    """The odd ones, of which the routing table has no row."""
    assert canonical_host(host) == canonical


def test_the_zone_of_an_address() -> None:
    """Its percent sign may be escaped, as RFC 6874 asks in URLs, or not, and means the same."""
    assert (
        canonical_host("[FE80::0:1%25eth0]") == canonical_host("[fe80::1%eth0]") == "[fe80::1%eth0]"
    )


@given(st.text("/.%2eE5~ab!\\ü ?#", max_size=20))
def test_the_path_that_requests_sends_has_the_same_spelling(text: str) -> None:
    """Preparing a URL, which decodes and encodes some of it, does not change what it means."""
    url = f"https://h.org/{text}"
    prepared = requests.Request("GET", url).prepare().url
    assert prepared is not None
    assert Location.parse(prepared) == Location.parse(url)


PIECES = [
    "h",
    "A.b",
    "127.1",
    "0x7f",
    ":",
    ":80",
    ":1",
    "@",
    "[::1]",
    "[",
    "]",
    "?",
    "#",
    "\\",
    "%41",
    "é",
    ".",
    " ",
    "\t",
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join))
def test_the_host_is_the_one_that_is_contacted(authority: str) -> None:
    """For raw URLs, of which requests asks the standard library, and for prepared ones."""
    url = f"http://{authority}/"
    try:
        place = Location.parse(url)
        contacted = urlsplit(url)
        port = contacted.port
    except ValueError:
        return
    assert contacted.hostname
    assert (
        canonical_host(
            f"[{contacted.hostname}]" if ":" in contacted.hostname else contacted.hostname
        )
        == place.host
    )
    assert port == (int(place.port) if place.port else port if port in {None, 80} else -1)
    try:
        prepared = requests.Request("GET", url).prepare().url
    except requests.exceptions.RequestException:
        return
    assert prepared is not None
    if "%" not in place.host:  # Such an escape is decoded by preparing, and a host of its own raw.
        assert Location.parse(prepared).host == place.host


@given(st.from_regex(r"https?://[a-z0-9_.-]{1,12}(/[a-z.~_-]{0,4}){0,3}", fullmatch=True))
def test_what_is_read_quickly_is_read_the_same(text: str) -> None:
    """A prefix in canonical spelling, read at a glance, equals one that is read in full."""
    quick = Prefix.read(text)
    full = Prefix.read(text.replace("http", "HTTP"))
    assert quick == full
