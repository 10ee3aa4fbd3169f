"""Prefixes that lack a variable: what they may serve."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from requests_mounts._routing.location import Location
from requests_mounts._routing.matching import explain_miss
from requests_mounts._routing.partial import PartialPrefix
from requests_mounts._routing.prefix import Prefix

WRITTEN = some.sampled_from(
    ["api", "API", ".", "example.com", ".example.com", "*.", "*", ":443", ":8443", ":*", ":", "/",
     "/v1/", "/V1", "//", "/../", "/./", "%2e%2E", "127.", "1", "0177.0.0.1", "[::1]", "]", "ü", "-",
     "bücher.example", "_", "$$", "1.example.com", "。", "//x/"]
)  # fmt: skip
HELD = some.sampled_from(
    ["", "a", "api", "x.y", "*.", "a.", "..", "../b", "a/..", "/", "h/", "h:8443", "h:443/x", ":443",
     "443", "0x7f.0.0", "127.0.0.1", "1", "256", "10.0.", "2.3.4]", "[::ffff:1", "ü.", "https://h/",
     "https://", "s", "h/v1", "%2", "%41", "e", "example.com", "x.org/", "\u0301", "。"]
)  # fmt: skip
PIECES = some.lists(some.one_of(WRITTEN, some.sampled_from(["${A}", "${B}"])), max_size=5)


@given(some.sampled_from(["https://", "HTTP://", "${A}"]), PIECES, HELD, HELD)
def test_whatever_the_variables_hold(scheme: str, pieces: list[str], a: str, b: str) -> None:
    """A place that the prefix with its variables serves is one that it may serve without them."""
    text = scheme + "".join(pieces)
    filled = "".join(
        {"${A}": a, "${B}": b, "$$": "$"}.get(piece, piece) for piece in (scheme, *pieces)
    )
    prefix = Prefix.read(filled)
    assume("${" in text)
    if not prefix:
        return
    host = (prefix.host or "elsewhere.example").replace("*", "any.of", 1)
    port = {"": "", "*": ":9999"}.get(prefix.port, f":{prefix.port}")
    path = prefix.path or "/"
    for end in (path, path[:-1], f"{path}x?y"):
        url = f"{prefix.scheme}://{host}{port}{end}"
        place = Location.find(url)
        assert place
        assert explain_miss(prefix, place) or PartialPrefix(text, "A").may_serve(url)


@pytest.mark.parametrize(
    ("text", "serves", "never"),
    [
        ("https://${HOST}/", "https://h:1/x", "http://h/"),
        ("https://${HOST}/v1/", "https://h/v1/x", "https://h/v2/"),
        ("https://${HOST}/../v1/", "https://h/v2/", "http://h/v1/"),
        ("https://api.${ENV}.example.com/", "https://api.a.b.example.com/", "https://api.example.org/"),
        ("https://api.${DOMAIN}/", "https://api.example.org/", "https://www.example.org/"),
        ("https://api.${DOMAIN}/", "https://api/", "https://www/"),
        ("https://${A}.b.${B}/", "https://c/x", "http://c/x"),
        ("https://api-${ENV}.example.com/", "https://api-x.example.com/", "https://api-x.example.org/"),
        ("https://*.${DOMAIN}/", "https://a.example.org/", "http://a.example.org/"),
        ("https://10.${NET}.0.1/", "https://10.2.0.1/", "http://10.2.0.1/"),
        ("https://h:${PORT}/", "https://h:8443/x", "https://i:8443/x"),
        ("https://H:443/${PATH}/", "https://h/x", "https://h:1/x"),
        ("https://*.h:*/${PATH}/", "https://a.h:1/x", "https://h:1/x"),
        ("https://a b/${PATH}/", "https://c/", "http://a/"),
        ("${BASE}/v1/", "http://h/", "ftp://h/v1/"),
        ("${SCHEME}://h/", "http://i/", "file:///h/"),
        ("ftp://${HOST}/", "ftp", "https://h/"),
    ],
)  # fmt: skip
def test_what_a_prefix_may_serve(text: str, serves: str, never: str) -> None:
    """What is written beside the variables tells hosts apart, and no more than that."""
    prefix = PartialPrefix(text, "X")
    assert prefix.may_serve(serves) is (serves != "ftp")
    assert not prefix.may_serve(never)
