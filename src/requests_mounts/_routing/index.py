"""What serves a URL, in the time of a dictionary lookup, whatever the number of mounts."""

import re
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from requests_mounts._collector import paused_collector
from requests_mounts._routing.location import Location
from requests_mounts._routing.matching import Origin, list_origins, list_paths
from requests_mounts._routing.prefix import Prefix
from requests_mounts._routing.url import match_plain_path

_T = TypeVar("_T")

_ORIGIN = re.compile(r"https?://[^/?#\\@]+/", re.IGNORECASE)  # No password is remembered.
_LEARNED_AT_LEAST = 4096
HOST_AT = len("https://")
"""Where to look for the slash after the host, which is later still if the scheme is http."""


class _Paths(Generic[_T]):
    """The mounts of one origin by their paths."""

    __slots__ = ("by_path", "levels", "root")

    def __init__(self, by_path: dict[str, _T]) -> None:
        self.by_path = by_path
        self.root = by_path.get("/")
        self.levels = range(1, max(path.count("/") for path in by_path))
        """One for each segment of the deepest path."""

    def find(self, path: str) -> _T | None:
        """Return what is mounted at the first of `list_paths`, without making the list."""
        found = self.root
        end = 0
        for _ in self.levels:
            end = path.find("/", end + 1)
            if end < 0:
                return found if path[-1] == "/" else self.by_path.get(path + "/", found)
            found = self.by_path.get(path[: end + 1], found)
        return found

    def find_all(self, path: str) -> Iterator[_T]:
        """Return what is mounted at each of `list_paths`."""
        return (self.by_path[part] for part in list_paths(path) if part in self.by_path)


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
        """Return the mount of a URL whose path, from ``start`` on, is canonical, or `None`."""
        plain = match_plain_path(url, start)
        return self.find(plain[0]) if plain else None

    def find_all(self, path: str) -> list[_T]:
        """Return every mount that may serve a canonical path, the strongest first."""
        return [mount for paths in self._tiers for mount in paths.find_all(path)]

    def only(self) -> _T | None:
        """Return the mount that serves every path, if there is one."""
        first = self._tiers[0]
        return first.root if len(first.by_path) == 1 else None


class Index(Generic[_T]):
    """What is mounted under which key, ready to be looked up by any number of threads.

    The mounts of an index never change. What it learns about the origins of URLs does: it is a
    cache, kept within bounds, that any thread may fill, as all of them would write the same. Its
    keys are the texts of URLs up to the slash that begins their paths: ``routes`` has the mount of
    an origin with a single one, ``tiers`` the mounts of an origin with several.

    Keys that are not prefixes are compared as text, as requests does it: before all prefixes if
    they only look like one, such as ``https://h/?page=``, and so are longer than those that match
    beside them; after all prefixes otherwise, such as ``file://``, ``http`` or the empty one.
    """

    __slots__ = ("_limit", "_long_texts", "_origins", "_paths", "_short_texts", "routes", "tiers")

    def __init__(self, mounts: Iterable[tuple[str, _T]]) -> None:
        by_origin: dict[Origin, dict[str, _T]] = {}
        long: list[tuple[str, _T]] = []
        short: list[tuple[str, _T]] = []
        with paused_collector():
            for key, target in mounts:
                if parts := Prefix.split(key):
                    origin, path = parts
                    by_origin.setdefault(origin, {}).setdefault(path, target)
                else:
                    lowered = key.lower()
                    looks_alike = lowered.startswith(("http://", "https://"))
                    (long if looks_alike else short).append((lowered, target))
        self._start(by_origin, tuple(long), tuple(short))

    def _start(
        self,
        origins: dict[Origin, dict[str, _T]],
        long_texts: tuple[tuple[str, _T], ...],
        short_texts: tuple[tuple[str, _T], ...],
    ) -> None:
        self._origins = origins
        self._long_texts = long_texts
        self._short_texts = short_texts
        self._paths: dict[Origin, _Paths[_T]] = {}
        self._limit = _LEARNED_AT_LEAST + len(origins)
        self.routes: dict[str, _T] = {}
        self.tiers: dict[str, Tiers[_T]] = {}

    def extended(self, key: str, target: _T) -> "Index[_T] | None":
        """Return an index that has one more mount, or `None` if it takes all keys to make it."""
        parts = Prefix.split(key)
        if parts is None:
            return None
        origin, path = parts
        by_path = self._origins.get(origin, {})
        if path in by_path:
            return None
        index: Index[_T] = Index.__new__(Index)
        origins = self._origins | {origin: by_path | {path: target}}
        index._start(origins, self._long_texts, self._short_texts)
        return index

    def find(self, url: str) -> _T | None:
        """Return what serves the URL of a request; `prepare` makes it of what a caller wrote."""
        found = _compare(url, self._long_texts)
        if found is None and (place := Location.find(url)) and (tiers := self._tiers_of(place)):
            self._learn(url[: url.find("/", HOST_AT) + 1], tiers)
            found = tiers.find(place.path)
        return _compare(url, self._short_texts) if found is None else found

    def find_all(self, url: str) -> list[_T]:
        """Return every mount whose prefix serves a URL, the strongest first."""
        place = Location.find(url)
        tiers = self._tiers_of(place) if place else None
        return tiers.find_all(place.path) if place and tiers else []

    def _tiers_of(self, place: Location) -> Tiers[_T] | None:
        found = tuple(filter(None, map(self._paths_of, list_origins(place))))
        return Tiers(found) if found else None

    def _paths_of(self, origin: Origin) -> _Paths[_T] | None:
        """Return the mounts of the origin of prefixes, made ready when they are first asked for."""
        paths = self._paths.get(origin)
        if paths is None and origin in self._origins:
            paths = self._paths[origin] = _Paths(self._origins[origin])
        return paths

    def _learn(self, origin: str, tiers: Tiers[_T]) -> None:
        """Remember what an origin leads to, if the text is nothing but an origin and decides."""
        if self._long_texts or not _ORIGIN.fullmatch(origin):
            return
        if len(self.routes) + len(self.tiers) >= self._limit:
            self.routes.clear()
            self.tiers.clear()
        if (only := tiers.only()) is not None:
            self.routes[origin] = only
        else:
            self.tiers[origin] = tiers


def _compare(url: str, texts: tuple[tuple[str, _T], ...]) -> _T | None:
    """Find what serves a URL as requests does, among keys in lower case."""
    lowered = url.lower() if texts else ""
    return next((target for key, target in texts if lowered.startswith(key)), None)
