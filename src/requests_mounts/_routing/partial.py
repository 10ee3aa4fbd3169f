"""A prefix that lacks a variable, and what it may serve.

1. A variable may hold anything, or nothing: labels, a port, a path, dot segments.
2. What is written before the first and after the last is compared as text with the canonical
   spelling of a place. What may become another text there stands for anything too: a label that is
   not whole, or begins with a digit as those of addresses do, and a path with a variable, an escape
   or dot segments in it.
3. So a prefix that may not serve a place never does; one that may does not have to.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from requests_mounts._routing.location import Location
from requests_mounts._routing.prefix import Prefix
from requests_mounts._routing.url import DEFAULT_PORTS

_ANY, _STAR = "\0", "\1"
_REFERENCE = re.compile(r"\$\$|\$\{[^{}]*\}")
_LABEL = r"(?:\0|[a-z_-][a-z0-9_-]*)"
_PLAIN_PATH = re.compile(r"(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*)?")
_PLAIN = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*(?::(?:[*\0]|[1-9][0-9]*))?")


class PartialPrefix(NamedTuple):
    """A prefix as a file writes it, of which variables are not known."""

    text: str
    variable: str
    """The first of those variables."""

    def may_serve(self, url: str) -> bool:
        """Tell whether a prefix that it may turn out to be serves the URL of a request."""
        place = Location.find(url)
        if not place:
            return False
        pattern = _compile(self.text)
        return any(pattern.match(text) for text in _spell(place))


def _spell(place: Location) -> tuple[str, ...]:
    """Write a place with its port and, if that is the default, without it too."""
    path = place.path if place.path.endswith("/") else f"{place.path}/"
    port = place.port or DEFAULT_PORTS[place.scheme]
    explicit = f"{place.scheme}://{place.host}:{port}{path}"
    return (explicit,) if place.port else (explicit, f"{place.scheme}://{place.host}{path}")


@lru_cache
def _compile(text: str) -> re.Pattern[str]:
    """Return a pattern that matches the beginning of whatever a prefix may serve."""
    known = _REFERENCE.sub(lambda found: "$" if found[0] == "$$" else _ANY, text)
    scheme, separator, rest = known.partition("://")
    if not separator or _ANY in scheme:
        return re.compile("")
    authority, _, path = rest.partition("/")
    plain = _PLAIN_PATH.fullmatch(path)
    path = f"/{path}".rstrip("/") + "/" if plain else f"/{_ANY}"
    whole = f"{scheme.lower()}://{_known_authority(scheme, authority)}{path}"
    parts = map(_with_stars, (whole.partition(_ANY)[0], whole.rpartition(_ANY)[2]))
    return re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)


def _with_stars(text: str) -> str:
    return ".*".join(map(re.escape, text.split(_STAR)))


def _known_authority(scheme: str, text: str) -> str:
    """Write what is known of a host and a port, in their canonical spelling."""
    if _ANY not in text:
        prefix = Prefix.read(f"{scheme}://{text}/")
        text = str(prefix).split("/")[2] if prefix else _ANY
        return text.replace("*", _STAR)
    labels = re.split("([.:])", text.lower())
    text = "".join(_ANY if _ANY in label else label for label in labels)
    if not _PLAIN.fullmatch(text):
        return _ANY
    return text.replace("*", _STAR).replace(f".{_ANY}", _ANY)  # The dot may be a host's final one.
