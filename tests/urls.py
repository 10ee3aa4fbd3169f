"""Prefixes and URLs for properties: plain ones, odd ones, and ones that are meant to confuse."""

import string

from hypothesis import strategies as st

_LABELS = st.sampled_from(["a", "b", "api", "x-1", "com", "org"])
_HOSTS = st.lists(_LABELS, min_size=1, max_size=4).map(".".join)
_PORTS = st.sampled_from(["", ":8080", ":8443"])
_SEGMENTS = st.text(string.ascii_letters + string.digits + "-_~", min_size=1, max_size=2)
_PATHS = st.lists(_SEGMENTS, max_size=4).map(lambda parts: "".join(f"/{part}" for part in parts))
_ODD_PATHS = st.text("/.ab%2eE5~!\\ü ", max_size=12).map(lambda text: f"/{text}")
_ORIGINS = st.builds("{}://{}{}".format, st.sampled_from(["http", "https"]), _HOSTS, _PORTS)

# The lookup of requests takes no account of case, where that of a path tells the letters apart.
PLAIN_PREFIXES = st.builds("{}{}/".format, _ORIGINS, _PATHS.map(str.lower))
PLAIN_URLS = st.builds(
    "{}{}/{}".format, _ORIGINS, _PATHS.map(str.lower), st.sampled_from(["", "x", "?q=/a"])
)

PREFIXES = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["", "*."]),
    _HOSTS,
    st.sampled_from(["", ":8080", ":*", ":80", ":443"]),
    _PATHS,
)
URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["", "u:p@"]),
    _HOSTS,
    st.sampled_from(["", ":8080", ":80", ":443", ":"]),
    _PATHS | _ODD_PATHS,
)

HOSTILE_PREFIXES = st.sampled_from(
    [
        "https://h.org/",
        "https://h.org/API/",
        "https://h.org/API/x/",
        "https://h.org/api/",
        "https://h.org:*/API/",
        "https://h.org:8443/",
        "https://*.org/",
        "https://*.h.org/x/",
        "http://h.org/",
        "https://evil.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
    ]
)
TEXT_KEYS = st.sampled_from(
    ["", "http", "https:", "file://", "https://h.org/?", "https://h.org\\", "https://1.2.3.4.5/"]
)
_PIECES = st.sampled_from(
    [
        *(
            "h.org",
            "H.ORG",
            "evil.org",
            "x.h.org",
            "%68.org",
            "h%2eorg",
            "\uff48.org",
            "ü",
            ".",
            "*",
        ),
        *("127.1", "1.2.3.4.5", "[::1]", "[::1", "[", "]", "@", "u:p@"),
        *(":", ":0", ":00443", ":8443", ":99999"),
        *("/", "//", "/API", "/api", "/API/", "/%41PI", "/x", "/../", "/%2e%2e/", "?", "#", "?q="),
        *("\\", "\\@", "%", "%zz", "%09", '"', "<", "^"),
        *(" ", "\t", "\r\n", "\x00", "\x0b", "\x7f", "\x85", "\u3000"),
    ]
)
HOSTILE_URLS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", " ", "\t", "\x00", "\u3000"]),
    st.sampled_from(["https://", "https://", "HTTPS://", "http://", "https:/", "ht\ttps://", "x:"]),
    st.sampled_from(["", "h.org", "h.org/API/", "h.org/"]),
    st.lists(_PIECES, max_size=6).map("".join),
)
