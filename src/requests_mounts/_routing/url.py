"""The canonical spelling of hosts and paths, under which URLs that mean the same are equal.

Follows RFC 3986 (sections 3.2.2, 5.2.4 and 6.2.2) for paths, the URL standard of the WHATWG for the
numeric forms of IPv4 addresses, which are also what ``getaddrinfo`` accepts, and IDNA 2008 with
UTS 46 mapping for names, as requests encodes them.
"""

import re
from ipaddress import IPv6Address
from urllib.parse import quote

import idna  # A dependency of requests; a host must be encoded here just as requests encodes it.

DEFAULT_PORTS = {"http": "80", "https": "443"}
LONGEST_HOST = 253
"""Characters of a name, RFC 1035 section 2.3.4 as commonly counted."""

_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.DOTALL)
_IPV4_PARTS = 4
_IPV4_NUMBER = re.compile(r"0[0-7]{0,20}|[1-9][0-9]{0,20}|0x[0-9a-f]{0,20}")
_LARGEST_BYTE = 0xFF
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# A path that is its own canonical spelling, up to the query or fragment: most of them are, and are
# told from the rest in a tenth of the time. The possessive quantifiers never go back.
match_plain_path = re.compile(r"(?!//)(?:/(?!\.)[A-Za-z0-9\-._~!$&'()*+,;=:@]*+)++(?![^?#])").match
_KEPT_IN_PATH = "/%!$&'()*+,;=:@-._~"


def canonical_host(host: str) -> str:
    """Return the one spelling of a host: lower case, IDNA, no final dot, shortest IP address.

    Raises `ValueError` if it cannot be one, such as a bracketed text that is not an IPv6 address.
    """
    if host.startswith("["):
        return _canonical_ipv6(host)
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode("ascii")
    host = host.lower().removesuffix(".")
    return _canonical_ipv4(host) if _NUMERIC.fullmatch(host) else host


def canonical_path(path: str) -> str:
    """Return the one spelling of a path that starts with ``/``.

    Escapes of unreserved characters are decoded, those of reserved ones kept in upper case, other
    characters escaped as UTF-8, and dot segments resolved, ``%2e%2e`` too. Slashes at the beginning
    are one, as some releases of requests send them so.
    """
    if match_plain_path(path):
        return path
    if _STRAY_PERCENT.search(path):
        path = _without_dot_segments(path)  # As urllib3 does first; it may take the stray one away.
    if _STRAY_PERCENT.search(path):  # urllib3 then takes every % of the path for the character.
        path = _ESCAPE.sub(lambda escape: escape[0].upper(), path).replace("%", "%25")
    path = quote(_ESCAPE.sub(canonical_escape, path), safe=_KEPT_IN_PATH)
    return _without_dot_segments(path)


def is_ip_address(host: str) -> bool:
    """Tell whether a canonical host is an address, which has no subdomains."""
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


def _canonical_ipv6(host: str) -> str:
    if not host.endswith("]"):
        raise ValueError("no closing bracket")
    address = IPv6Address(host[1:-1].replace("%25", "%", 1))
    return f"[{address.compressed}]"


def _canonical_ipv4(host: str) -> str:
    """Read one to four numbers, decimal, octal or hexadecimal, the last filling what is left."""
    parts = host.split(".")
    if len(parts) > _IPV4_PARTS or not all(map(_IPV4_NUMBER.fullmatch, parts)):
        raise ValueError("not an IPv4 address")
    *firsts, last = map(_ipv4_number, parts)
    if any(number > _LARGEST_BYTE for number in firsts) or last >= 256 ** (
        _IPV4_PARTS - len(firsts)
    ):
        raise ValueError("not an IPv4 address")
    value = last + sum(number << (24 - 8 * index) for index, number in enumerate(firsts))
    return ".".join(map(str, value.to_bytes(_IPV4_PARTS, "big")))


def _ipv4_number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)


def canonical_escape(match: re.Match[str]) -> str:
    """Decode an escape of an unreserved character, and write that of any other in upper case."""
    char = chr(int(match[0][1:], 16))
    return char if char in _UNRESERVED else match[0].upper()


def _without_dot_segments(path: str) -> str:
    """Resolve ``.`` and ``..`` as RFC 3986 does in section 5.2.4, without empty first segments."""
    _, *segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept).lstrip("/")
