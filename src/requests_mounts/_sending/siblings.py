"""Which adapter of a file serves a URL, on sessions that choose by requests' comparison of text.

1. The text leads to one of our adapters, or to one that code mounted, which serves the URL then.
2. Ours look the URL up among themselves, by the rules of `_routing.matching`.
3. The one that is found sends the request. It finds itself, so a request is handed over once.
4. An adapter that code mounted under another prefix than its own stays in charge of that one.
"""

from collections import OrderedDict
from collections.abc import Iterable
from copy import copy
from typing import Any, TypeAlias
from weakref import ref

from requests import Session
from requests.adapters import BaseAdapter

from requests_mounts._sending.table import MountTable

_Adapters: TypeAlias = OrderedDict[str, Any]


class Siblings:
    """The adapters that a session was given from files, and that find each other.

    A `MountedSession` has the table of them itself, and frees its connections when it is dropped.
    Of other sessions the mapping of adapters may be copied to yet others, so ``keep`` lets the
    adapters hold the table, and the garbage collector frees them together.
    """

    _session: ref[Session] | None = None
    _table: ref[MountTable] | None = None
    _kept: MountTable | None = None

    def serve(self, session: Session, table: MountTable, *, keep: bool) -> None:
        """Find adapters in the table of a session from now on."""
        self._session = ref(session)
        self._table = ref(table)
        self._kept = table if keep else None
        table.siblings = self

    def find_in(self, table: MountTable) -> None:
        """Find adapters in a table that was loaded from a pickle with them, and not in a copy."""
        self._table = self._table or ref(table)
        table.siblings = self

    def find_other(self, prefix: str, url: str) -> Any:
        """Return the adapter that serves a URL; `None` if the one that requests found is right.

        That is the one of ``prefix``. If the URL does not begin with it, code has mounted it there.
        """
        found = self._find(url)
        if found is None or found.prefix == prefix or not url.lower().startswith(prefix.lower()):
            return None
        return found

    def unite(self, adapters: Iterable[tuple[str, BaseAdapter]], session: Session) -> _Adapters:
        """Return the adapters for a session, where those of all its files find each other.

        Those that another session has too are copied, as each session has files of its own.
        """
        united: _Adapters = OrderedDict()
        ours = MountTable()
        for key, adapter in adapters:
            united[key] = self._adopt(adapter, session) if _siblings_of(adapter) else adapter
            if _siblings_of(adapter) and key == united[key].prefix:
                ours[key] = united[key]
        self.serve(session, ours, keep=True)
        return united

    def _adopt(self, adapter: Any, session: Session) -> Any:
        if adapter.siblings.belongs_to_another(session):
            report, locate, adapter = adapter.report, adapter.locate, copy(adapter)
            adapter.report, adapter.locate = report, locate
        adapter.siblings = self
        return adapter

    def belongs_to_another(self, session: Session) -> bool:
        """Tell whether a session that is still there had these adapters before."""
        owner = self._session() if self._session else None
        return owner is not None and owner is not session

    def _find(self, url: str) -> Any:
        table = self._table() if self._table else None
        if table is None:
            return None
        found = table.route(url)
        if _siblings_of(found) is self:
            return found
        others = table.find_all(url)  # Code has mounted something that requests does not find.
        return next((one for one in others if _siblings_of(one) is self), None)

    def __getstate__(self) -> MountTable | None:
        return self._kept

    def __setstate__(self, kept: MountTable) -> None:
        self._kept = kept
        self.find_in(kept)


def _siblings_of(adapter: Any) -> Siblings | None:
    """Return those of an adapter; what is not of a file has none."""
    return getattr(adapter, "siblings", None)
