"""Where a request goes: what requests prepares, and what urllib3 then contacts, is the oracle."""

import pytest
import requests
from hypothesis import assume, example, given
from requests.adapters import HTTPAdapter

from requests_mounts._routing.location import Location, origin_of, prepare
from requests_mounts._routing.url import DEFAULT_PORTS, canonical_host, canonical_path
from urls import HOSTILE_URLS, URLS


@given(URLS | HOSTILE_URLS)
@example("https://h.org/API/\tx")
@example("https://%68.org:0/%zz\t%41")
@example("https://h.org/%7Eu/%/..")
@example("https://h.org/%7Eu/%/../%")
@example(" https://h.org?q")
def test_preparing_a_url_leads_where_requests_sends_it(url: str) -> None:
    """What a caller writes is explained as the request that requests makes of it."""
    try:
        prepared = requests.Request("GET", url).prepare().url
    except (requests.exceptions.RequestException, ValueError):
        return
    assert prepared is not None
    assert Location.find(prepare(url)) == Location.find(prepared)


@given(URLS | HOSTILE_URLS)
@example("https://h.org/A\tPI/")
@example("https://h.o\trg/")
def test_the_place_is_the_one_that_is_contacted(url: str) -> None:
    """A request whose URL was set by hand goes to the host, port and path that are matched."""
    request = requests.Request("GET", "https://any.org/").prepare()
    request.url = url
    try:
        place = Location.parse(url)
        pool = HTTPAdapter().get_connection_with_tls_context(request, verify=True)
    except (ValueError, requests.exceptions.RequestException):
        return
    assume(place.port != "0")  # urllib3 takes it for the default port, and since 2.8 for a port.
    assume("%" not in place.host)  # The zone of an address, which urllib3 spells in its own way.
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    assert (pool.scheme, canonical_host(host)) == (place.scheme, place.host)
    assert pool.port == int(place.port or DEFAULT_PORTS[place.scheme])
    path = request.path_url.partition("?")[0]
    assert canonical_path(path) == place.path


@pytest.mark.parametrize(
    ("url", "prepared"),
    [
        (" \u3000HTTPS://H.org?q=a b", "https://H.org/?q=a%20b"),
        ("https://%68.org/%41%2f", "https://h.org/A%2F"),
        ("https://h.org\\x", "https://h.org/%5Cx"),
        ("https://h\t.org/\t", "https://h%09.org/%09"),
        ("mailto:a@b", "mailto:a@b"),
        ("https://", "https://"),
    ],
)
def test_what_is_made_of_a_url(url: str, prepared: str) -> None:
    """White space goes, escapes are decoded or made, and what is not http stays."""
    assert prepare(url) == prepared


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://h.org/x?y", "https://h.org:443"),
        ("HTTPS://u:p@H.Org.:0443", "https://h.org:443"),
        ("http://bücher.example/", "http://xn--bcher-kva.example:80"),
        ("http://0x7f000001:8080/", "http://127.0.0.1:8080"),
        ("http://[0::1]:80/", "http://[::1]:80"),
        ("http://1.2.3.4.5:81/x/y", "http://1.2.3.4.5:81"),
    ],
)
def test_origins(url: str, origin: str) -> None:
    """All spellings of a place that a mount serves have one origin; a doubtful host has its own."""
    assert origin_of(url) == origin
