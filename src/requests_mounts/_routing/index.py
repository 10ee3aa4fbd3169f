"""Which prefix a URL belongs to, in the time of a dictionary lookup.

The rules, of which each decides before the next is asked:

1. an exact host, then the longest wildcard that ends it, then no host at all;
2. the exact port, then any port;
3. the longest path, by whole segments. Where no path of a host matches, the next rule's turn comes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from requests_mounts._routing.prefix import DEFAULT_PORTS, Prefix
from requests_mounts._routing.url import canonical_host, canonical_path, is_ip_address

_T = TypeVar("_T")

# Characters about which parsers disagree where the host ends, or which they drop, match nowhere.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#\\\x00-\x20\x7f]+)"
    r"(?P<path>/[^?#\x00-\x1f\x7f]*)?(?:[?#][^\x00-\x1f\x7f]*)?",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(
    r"(?:.*@)?(?P<host>\[[^@]*\]|[^:@\[\]]+)(?::(?P<port>[0-9]{0,5}))?", re.DOTALL
)
# A path that is its own canonical spelling, up to the query or fragment.
_match_plain_path = re.compile(r"(?:/(?!\.)[!$&-.0-;=@-Z_a-z~]*+)++(?![^?#])").match
_ORIGIN = re.compile(r"https?://[^/?#\\@]+/", re.IGNORECASE)  # No password is remembered.
_LEARNED_AT_LEAST = 4096
_LARGEST_PORT = "65535"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a request goes, spelled canonically; the port is empty for the scheme's default."""

    scheme: str
    host: str
    port: str
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an absolute http or https URL; raises `ValueError` where there can be doubt."""
        parts = _URL.fullmatch(url)
        authority = _AUTHORITY.fullmatch(parts["authority"]) if parts else None
        if not parts or not authority:
            raise ValueError("no absolute http or https URL")
        scheme = parts["scheme"].lower()
        port = str(int(authority["port"])) if authority["port"] else ""
        if len(port) == len(_LARGEST_PORT) and port > _LARGEST_PORT:
            raise ValueError("no port")
        return cls(
            scheme,
            canonical_host(authority["host"]),
            "" if port == DEFAULT_PORTS[scheme] else port,
            canonical_path(parts["path"] or "/"),
        )

    def origins(self) -> Iterator[str]:
        """Name the origins of the prefixes that may serve this place, the strongest first."""
        yield from _with_ports(f"{self.scheme}://{self.host}", self.port)
        if not is_ip_address(self.host):
            dot = self.host.find(".")
            while dot >= 0:
                yield from _with_ports(f"{self.scheme}://*{self.host[dot:]}", self.port)
                dot = self.host.find(".", dot + 1)
        yield f"{self.scheme}://"


def _with_ports(origin: str, port: str) -> Iterator[str]:
    yield f"{origin}:{port}" if port else origin
    yield f"{origin}:*"


class _Paths(Generic[_T]):
    """The mounts of one origin by their paths."""

    __slots__ = ("by_path", "levels", "root")

    def __init__(self, by_path: dict[str, _T]) -> None:
        self.by_path = by_path
        self.root = by_path.get("/")
        self.levels = range(1, max(path.count("/") for path in by_path))
        """One for each segment of the deepest path."""

    def find(self, path: str) -> _T | None:
        """Return what is mounted at the longest part of a canonical path."""
        found = self.root
        end = 0
        for _ in self.levels:
            end = path.find("/", end + 1)
            if end < 0:
                return found if path[-1] == "/" else self.by_path.get(path + "/", found)
            found = self.by_path.get(path[: end + 1], found)
        return found

    def find_all(self, path: str) -> list[_T]:
        """Return what is mounted at each part of a canonical path, the longest first."""
        path = path if path[-1] == "/" else path + "/"
        parts = (path[:end] for end in range(len(path), 0, -1) if path[end - 1] == "/")
        return [self.by_path[part] for part in parts if part in self.by_path]


class Tiers(Generic[_T]):
    """What an origin leads to: the mounts that may serve it, the strongest first."""

    __slots__ = ("_tiers",)

    def __init__(self, tiers: tuple[_Paths[_T], ...]) -> None:
        self._tiers = tiers

    def find(self, path: str) -> _T | None:
        """Return the mount of a canonical path."""
        for paths in self._tiers:
            if (found := paths.find(path)) is not None:
                return found
        return None

    def find_plain(self, url: str, start: int) -> _T | None:
        """Return the mount of a URL whose path, from ``start`` on, is plain; none otherwise."""
        plain = _match_plain_path(url, start)
        return self.find(plain[0]) if plain else None

    def only(self) -> _T | None:
        """Return the mount that serves every path, if there is one."""
        first = self._tiers[0]
        return first.root if len(first.by_path) == 1 else None


class Router(Generic[_T]):
    """An index of mounts. It is never changed, so any thread may look up in it.

    What it learns about the origins of URLs is kept within bounds, under the text of a URL up to
    the slash that begins its path: in ``routes`` the mount of an origin that has a single one, in
    ``tiers`` the mounts of one that has several.
    """

    __slots__ = ("_limit", "_origins", "_paths", "routes", "tiers")

    def __init__(self, mounts: Iterable[tuple[Prefix, _T]]) -> None:
        by_origin: dict[str, dict[str, _T]] = {}
        for prefix, target in mounts:
            by_origin.setdefault(prefix.origin, {}).setdefault(prefix.path or "/", target)
        self._start(by_origin)

    def _start(self, origins: dict[str, dict[str, _T]]) -> None:
        self._origins = origins
        self._paths: dict[str, _Paths[_T]] = {}
        self._limit = _LEARNED_AT_LEAST + len(origins)
        self.routes: dict[str, _T] = {}
        self.tiers: dict[str, Tiers[_T]] = {}

    def at(self, prefix: Prefix) -> _T | None:
        """Return what is mounted at a prefix itself."""
        return self._origins.get(prefix.origin, {}).get(prefix.path or "/")

    def extended(self, prefix: Prefix, target: _T) -> "Router[_T]":
        """Return a router that has one more mount, or another target for one."""
        router: Router[_T] = Router.__new__(Router)
        by_path = self._origins.get(prefix.origin, {}) | {prefix.path or "/": target}
        router._start(self._origins | {prefix.origin: by_path})
        return router

    def find(self, url: str) -> _T | None:
        """Return the mount of a URL; raises `ValueError` where the URL leaves any doubt."""
        location = Location.parse(url)
        found = tuple(filter(None, map(self._paths_of, location.origins())))
        if not found:
            return None
        tiers = Tiers(found)
        self._learn(url[: url.find("/", 8) + 1], tiers)
        return tiers.find(location.path)

    def find_all(self, url: str) -> list[_T]:
        """Return every mount that a URL matches, the one that serves it first."""
        location = Location.parse(url)
        found = filter(None, map(self._paths_of, location.origins()))
        return [mount for paths in found for mount in paths.find_all(location.path)]

    def _paths_of(self, origin: str) -> _Paths[_T] | None:
        """Return the mounts of the origin of prefixes, made ready when they are first asked for."""
        paths = self._paths.get(origin)
        if paths is None and origin in self._origins:
            paths = self._paths[origin] = _Paths(self._origins[origin])
        return paths

    def _learn(self, origin: str, tiers: Tiers[_T]) -> None:
        """Remember what an origin leads to, where the text is nothing but an origin."""
        if not _ORIGIN.fullmatch(origin):
            return
        if len(self.routes) + len(self.tiers) >= self._limit:
            self.routes.clear()
            self.tiers.clear()
        if (only := tiers.only()) is not None:
            self.routes[origin] = only
        else:
            self.tiers[origin] = tiers
