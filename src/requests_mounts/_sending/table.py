"""The mapping of prefixes to adapters that a session carries, and the index that routes by it."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise, takewhile
from threading import RLock
from typing import Any, NamedTuple, TypeAlias

from requests.adapters import BaseAdapter
from requests.exceptions import InvalidSchema

from requests_mounts._routing.index import Router, Tiers
from requests_mounts._routing.prefix import Prefix

_Adapters: TypeAlias = Mapping[str, BaseAdapter] | Iterable[tuple[str, BaseAdapter]]


class _Index(NamedTuple):
    """What is known of a table as long as it does not change."""

    router: Router[BaseAdapter]
    long_texts: tuple[tuple[str, BaseAdapter], ...]
    """Keys that only look like prefixes, as ``https://h/?page=``; no other is as long."""
    short_texts: tuple[tuple[str, BaseAdapter], ...]
    """Other keys that are none, as ``file://``, ``http`` or the empty one."""
    longest_first: bool


class MountTable(OrderedDict[str, BaseAdapter]):
    """An ordered mapping of prefixes to adapters, as requests has it, that knows how to route.

    Tools copy it, walk it and change it as any mapping, and routing follows. Keys that are no http
    or https prefixes, as ``file://`` or ``""``, are compared as text, as requests does it.
    """

    routes: Mapping[str, BaseAdapter]
    """The adapter of each known origin that has one only; see `Router`."""

    tiers: Mapping[str, Tiers[BaseAdapter]]
    """The adapters of each known origin that has several."""

    def __init__(self, adapters: _Adapters = ()) -> None:
        self._lock = RLock()
        self._set_index(None)
        super().__init__()
        put = super().__setitem__  # Nobody else sees the table yet.
        for key, adapter in adapters.items() if isinstance(adapters, Mapping) else adapters:
            put(key, adapter)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self.items()),)

    def find(self, url: str) -> BaseAdapter:
        """Return the adapter of a URL; raises requests' `InvalidSchema` where there is none."""
        router, long_texts, texts, _ = self._index or self._build_index()
        adapter = _compare(url, long_texts) if long_texts else None
        if adapter is None:
            try:
                adapter = router.find(url)
            except ValueError:  # What cannot be parsed is left to requests' rule.
                texts = self._snapshot()
        if adapter is None:
            adapter = _compare(url, texts)
        if adapter is None:
            raise InvalidSchema(f"No connection adapters were found for {url!r}")
        return adapter

    def mount(self, key: str, adapter: BaseAdapter) -> None:
        """Put an adapter behind the longer keys and before the shorter ones, as requests does."""
        with self._lock:
            index = self._index
            shorter = self._shorter_than(key, known_order=bool(index and index.longest_first))
            with self._change():
                super().__setitem__(key, adapter)
                for other in shorter:
                    super().move_to_end(other)
            if index:
                self._set_index(_extended(index, key, adapter))

    def __setitem__(self, key: str, adapter: BaseAdapter) -> None:
        with self._change():
            super().__setitem__(key, adapter)

    def __delitem__(self, key: str) -> None:
        with self._change():
            super().__delitem__(key)

    def clear(self) -> None:
        with self._change():
            super().clear()

    def pop(self, key: str, *default: Any) -> Any:
        with self._change():
            return super().pop(key, *default)

    def popitem(self, last: bool = True) -> tuple[str, BaseAdapter]:  # noqa: FBT001, FBT002
        with self._change():
            return super().popitem(last)

    def move_to_end(self, key: str, last: bool = True) -> None:  # noqa: FBT001, FBT002
        with self._change():
            super().move_to_end(key, last)

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Keep readers of the whole mapping away while it changes; afterwards nothing is known."""
        with self._lock:
            try:
                yield
            finally:
                self._set_index(None)

    def _snapshot(self) -> tuple[tuple[str, BaseAdapter], ...]:
        with self._lock:
            return tuple(self.items())

    def _shorter_than(self, key: str, *, known_order: bool) -> list[str]:
        """List the keys that belong behind a new one, in the order in which they stand."""
        if not known_order:
            return [other for other in self if len(other) < len(key)]
        return [*takewhile(lambda other: len(other) < len(key), reversed(self))][::-1]

    def _build_index(self) -> _Index:
        with self._lock:
            prefixes = {key: Prefix.read(key) for key in self}
            texts = [(key, self[key]) for key, prefix in prefixes.items() if not prefix]
            index = _Index(
                Router((prefix, self[key]) for key, prefix in prefixes.items() if prefix),
                tuple(text for text in texts if _looks_like_a_prefix(text[0])),
                tuple(text for text in texts if not _looks_like_a_prefix(text[0])),
                all(len(one) >= len(following) for one, following in pairwise(self)),
            )
            self._set_index(index)
            return index

    def _set_index(self, index: _Index | None) -> None:
        self._index = index
        router = index.router if index and not index.long_texts else None
        self.routes = router.routes if router else {}
        self.tiers = router.tiers if router else {}


def _compare(url: str, texts: Iterable[tuple[str, BaseAdapter]]) -> BaseAdapter | None:
    """Find an adapter as requests does."""
    lowered = url.lower()
    return next((adapter for key, adapter in texts if lowered.startswith(key.lower())), None)


def _looks_like_a_prefix(key: str) -> bool:
    return key.lower().startswith(("http://", "https://"))


def _extended(index: _Index, key: str, adapter: BaseAdapter) -> _Index | None:
    """Return the index with one more mount, or none where it takes a new one."""
    prefix = Prefix.read(key)
    if not prefix or index.router.at(prefix) is not None:
        return None
    return index._replace(router=index.router.extended(prefix, adapter))
