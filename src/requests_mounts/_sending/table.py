"""The mapping of prefixes to adapters that a session carries, and the index that routes by it."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import Any, TypeAlias

from requests.adapters import BaseAdapter
from requests.exceptions import InvalidSchema

from requests_mounts._collector import paused_collector
from requests_mounts._routing.index import HOST_AT, Index, Tiers
from requests_mounts._sending.locks import ProcessLock

_Adapters: TypeAlias = Mapping[str, BaseAdapter] | Iterable[tuple[str, BaseAdapter]]


class MountTable(OrderedDict[str, BaseAdapter]):
    """An ordered mapping of prefixes to adapters, as requests has it, that knows how to route.

    Tools copy it, walk it and change it as any mapping, and routing follows. The index of its keys
    is built when it is first asked after a change, and replaced as a whole; the lock keeps changes
    apart from each other and from whatever reads all keys. The handler of a signal has it too, so
    changes are counted: an index that was built across one is not kept.
    """

    routes: Mapping[str, BaseAdapter]
    """The adapter of each known origin that has a single one; see `Index`."""

    tiers: Mapping[str, Tiers[BaseAdapter]]
    """The adapters of each known origin that has several."""

    siblings: Any = None
    """Those of the adapters that look URLs up here; see `siblings`."""

    _lock = ProcessLock()
    """Of all tables: they change rarely."""

    def __init__(self, adapters: _Adapters = ()) -> None:
        self._changes = 0
        self._longest_first = False
        self._set_index(None)
        super().__init__()
        put = super().__setitem__  # Nobody else sees the table yet.
        if isinstance(adapters, MountTable):
            adapters = adapters.snapshot()
        for key, adapter in adapters.items() if isinstance(adapters, Mapping) else adapters:
            put(key, adapter)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.snapshot(),), self.siblings

    def __setstate__(self, siblings: Any) -> None:
        siblings.find_in(self)

    def snapshot(self) -> tuple[tuple[str, BaseAdapter], ...]:
        """Return all keys with their adapters as they are at one moment."""
        with self._lock:
            return tuple(self.items())

    def find_all(self, url: str) -> list[BaseAdapter]:
        """Return every adapter whose prefix serves a URL, the strongest first."""
        return (self._index or self._build_index()).find_all(url)

    def route(self, url: str) -> BaseAdapter | None:
        """Return the adapter of a URL, if there is one."""
        origin = url[: url.find("/", HOST_AT) + 1]  # Empty without a path, and then not known.
        adapter = self.routes.get(origin)
        if adapter is None and (tiers := self.tiers.get(origin)):
            adapter = tiers.find_plain(url, len(origin) - 1)
        return adapter or (self._index or self._build_index()).find(url)

    def find(self, url: str) -> BaseAdapter:
        """Return the adapter of a URL; raises requests' `InvalidSchema` if there is none."""
        adapter = self.route(url)
        if adapter is None:
            raise InvalidSchema(f"No connection adapters were found for {url!r}")
        return adapter

    def mount(self, key: str, adapter: BaseAdapter) -> None:
        """Put an adapter behind the longer keys and before the shorter ones, as requests does."""
        with self._lock:
            changes, index, longest_first = self._changes, self._index, self._longest_first
            shorter = self._shorter_than(key)
            with self._change():
                super().__setitem__(key, adapter)
                for other in filter(self.__contains__, shorter):
                    super().move_to_end(other)
            extended = index.extended(key, adapter) if index else None
            self._keep_index(extended, longest_first=longest_first, changes=changes + 1)

    def locked(self) -> ProcessLock:
        """Keep others from changing the table for a while; they may look up."""
        return self._lock

    def exchange(self, gone: Iterable[str], come: Mapping[str, BaseAdapter]) -> None:
        """Take some adapters out and put others in, in one step for those who look up.

        What stays is never out of the mapping, for those who take an adapter by its key, and even
        if this is interrupted.
        """
        with self._change():
            for key, adapter in come.items():
                super().__setitem__(key, adapter)
            for key in gone:
                if key not in come:
                    super().__delitem__(key)
            for key in sorted(self, key=len, reverse=True):
                super().move_to_end(key)

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
                self._changes += 1
                self._longest_first = False
                self._set_index(None)

    def _shorter_than(self, key: str) -> list[str]:
        """List the keys that belong behind a new one, in the order in which they stand."""
        if self._longest_first:
            with suppress(RuntimeError):  # The handler of a signal has changed the table.
                return [*takewhile(lambda other: len(other) < len(key), reversed(self))][::-1]
        return [other for other in tuple(self) if len(other) < len(key)]

    def _build_index(self) -> Index[BaseAdapter]:
        with self._lock, paused_collector():
            kept = False
            while not kept:
                changes, adapters = self._changes, tuple(self.items())
                lengths = [len(key) for key, _ in adapters]
                longest_first = lengths == sorted(lengths, reverse=True)
                index = Index(adapters)
                kept = self._keep_index(index, longest_first=longest_first, changes=changes)
            return index

    def _keep_index(
        self, index: Index[BaseAdapter] | None, *, longest_first: bool, changes: int
    ) -> bool:
        """Keep an index that was built after so many changes, unless there was another since."""
        self._longest_first = longest_first
        self._set_index(index)
        is_newest = changes == self._changes
        if not is_newest:
            self._longest_first = False
            self._set_index(None)
        return is_newest

    def _set_index(self, index: Index[BaseAdapter] | None) -> None:
        self._index = index
        self.routes = index.routes if index else {}
        self.tiers = index.tiers if index else {}
