"""Where a request goes: the place that a URL names, once requests has prepared it."""

import re
from typing import NamedTuple, Self

from requests_mounts._routing.url import (
    DEFAULT_PORTS,
    canonical_escape,
    canonical_host,
    canonical_path,
)

_SCHEME = re.compile(r"(https?)://", re.IGNORECASE)
# Parsers disagree where a host ends that is followed by a backslash, a space or a control
# character, so an authority with one of them is not parsed. What follows it cannot be mistaken.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#\\\x00-\x20\x7f]+)"
    r"(?P<path>/[^?#]*)?(?:[?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_AUTHORITY = re.compile(r"(?:.*@)?(?P<host>\[[^@]*\]|[^:@\[\]]+)(?::(?P<port>[0-9]{0,5}))?")
# The standard library drops these wherever they stand in a path, so that they are not sent.
_DROPPED = str.maketrans(dict.fromkeys("\t\r\n"))
_LARGEST_PORT = "65535"

_WRITTEN = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^\\/?#]+)(?P<path>[^?#]*)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_NO_PORT = re.compile(r":0+\Z")
_QUOTED = re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f]")


class Location(NamedTuple):
    """Where a request goes, spelled canonically.

    The port is empty for the scheme's default. The host is empty if no prefix can name it.
    """

    scheme: str
    host: str
    port: str
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port in one text, such as ``https://h:443``."""
        return f"{self.scheme}://{self.host}:{self.port or DEFAULT_PORTS[self.scheme]}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an absolute http or https URL; raises `ValueError` if its host is in any doubt."""
        parts = _URL.fullmatch(url)
        authority = _AUTHORITY.fullmatch(parts["authority"]) if parts else None
        if not parts or not authority:
            raise ValueError("not an absolute http or https URL")
        scheme = parts["scheme"].lower()
        port = str(int(authority["port"])) if authority["port"] else ""
        if len(port) == len(_LARGEST_PORT) and port > _LARGEST_PORT:
            raise ValueError("not a port")
        return cls(
            scheme,
            canonical_host(authority["host"]),
            "" if port == DEFAULT_PORTS[scheme] else port,
            canonical_path((parts["path"] or "/").translate(_DROPPED)),
        )

    @classmethod
    def find(cls, url: str) -> Self | None:
        """Return where a URL leads, without a host that is in doubt; `None` if not to http(s)."""
        try:
            return cls.parse(url)
        except ValueError:
            scheme = _SCHEME.match(url)
            return cls(scheme[1].lower(), "", "", "/") if scheme else None


def origin_of(url: str) -> str:
    """Return the origin of an absolute URL, the same for all spellings that lead to one mount.

    A host that is in doubt is a matter of its text.
    """
    try:
        return Location.parse(url).origin
    except ValueError:
        return "/".join(url.split("/", 3)[:3])


def prepare(url: str) -> str:
    """Return a URL as a request has it, of the text that a caller passes for it.

    `requests.PreparedRequest.prepare_url` leaves out white space before it and a port of 0, decodes
    the escapes in the host that need not be there, and escapes what may not stand in a URL. The
    path, of which it may leave several spellings, comes out in the canonical one.
    """
    parts = _WRITTEN.fullmatch(url.lstrip())
    if not parts:
        return url
    authority = _ESCAPE.sub(canonical_escape, _QUOTED.sub(_quote, parts["authority"]))
    authority = _NO_PORT.sub("", authority)
    path = canonical_path(f"/{parts['path'].removeprefix('/')}")
    return f"{parts['scheme'].lower()}://{authority}{path}{_QUOTED.sub(_quote, parts['rest'])}"


def _quote(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"
