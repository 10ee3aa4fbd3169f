"""A configuration in use, which the sessions of one file share, and its reload.

A reload reads and checks the files first. Only then the table of adapters changes, in one step;
adapters whose policy is as before stay, with their connections. Whoever has one of the others in
hand still sends by it, and afterwards it keeps no connection.

The table changes before the configuration does. If something interrupts it between the two, such as
Ctrl-C or a fork, the next reload finds adapters that are not as the configuration says, and
replaces them.
"""

import logging
import os
import time
from collections.abc import Iterator
from copy import copy
from typing import TypeGuard

from requests.adapters import BaseAdapter

from requests_mounts._errors import MountsError
from requests_mounts._file.config import Config, Mount, policies_of
from requests_mounts._file.document import Version
from requests_mounts._file.loading import load_again
from requests_mounts._live.advice import advise_mount
from requests_mounts._live.collect import stats_of
from requests_mounts._live.files import versions, versions_read
from requests_mounts._live.reloaded import Reloaded, by_prefix, compare
from requests_mounts._sending.adapter import MountAdapter
from requests_mounts._sending.counters import Counters
from requests_mounts._sending.guards import Guards, guard_mount, places_of
from requests_mounts._sending.identity import signs
from requests_mounts._sending.locks import ProcessLock
from requests_mounts._sending.siblings import Siblings
from requests_mounts._sending.table import MountTable

_log = logging.getLogger("requests_mounts")
_pools_log = logging.getLogger("requests_mounts.pools")
_WARNINGS = {"discarded": "pool_maxsize", "evicted": "pool_connections"}
"""The numbers that are worth a warning when they are no longer zero, and the key to change."""
_SHARE = 100
"""Looks take at most one part in so many of the time, however long each of them is."""

_lock = ProcessLock()
"""Of all reloads: they are rare."""


class Loaded:
    """What a session was loaded from."""

    config: Config

    guards: Guards
    """The limits, breakers and budgets, which a reload keeps."""

    siblings: Siblings
    """What adapters of the file ask on sessions that are not ours."""

    interval: float | None = None
    """Seconds between two looks at the files; `None` for no looks."""

    signs: bool
    """Whether any mount of it says who we are to a host."""

    def __init__(self, config: Config) -> None:
        self.guards = Guards()
        self.siblings = Siblings()
        self._use(config, versions(config) | versions_read(config))
        self._due = 0.0
        self._reloaded_by: int | None = None  # A forked child is not in its parent's reload.
        self._is_asked_again = False
        self._is_torn = False  # By an interrupt, so that the table is not what `config` says.
        self._complaint: tuple[dict[str, Version | None], str] | None = None

    def _use(self, config: Config, seen: dict[str, Version | None]) -> None:
        self._seen = seen
        self.signs = any(map(signs, policies_of(config)))
        self.config = config

    def adapter(self, mount: Mount, config: Config) -> MountAdapter:
        """Return a new adapter for a mount of a configuration."""
        place = _refusal(config, mount)
        guard = guard_mount(config, mount, self.guards)
        adapter = MountAdapter(
            mount.policy,
            prefix=mount.text,
            place=place,
            guard=guard,
            lacking=mount.lacking,
            offline=config.variables.offline,
            partial=config.partial,
        )
        self.serve(adapter)
        adapter.siblings = self.siblings
        return adapter

    def serve(self, adapter: MountAdapter) -> None:
        """Tell an adapter whom to report to, and who knows the lines of the file."""
        adapter.report, adapter.locate = self.report, self.locate

    def reload(self, table: MountTable) -> Reloaded:
        """Read the files again, and let a table of adapters be what they say now.

        The handler of a signal may interrupt it and ask for another. That is left to the one that
        it has interrupted, which then reads the files once more, and tells what both have changed.

        Raises `ConfigError`, `OSError`, or `MountsError` if there is no file to read, and has
        changed nothing then.
        """
        with _lock:
            if self._reloaded_by == os.getpid():
                self._is_asked_again = True
                return Reloaded()
            before, rounds = self.config, 0
            while True:
                self._is_asked_again = False
                rounds += 1
                try:
                    reloaded = self._reload(table)
                except (MountsError, OSError):
                    if not self._is_asked_again:
                        raise
                else:
                    if not self._is_asked_again:
                        break
        return reloaded if rounds == 1 else compare(before, self.config, replaced=set())

    def _reload(self, table: MountTable) -> Reloaded:
        try:
            self._reloaded_by = os.getpid()
            before = self.config
            seen = versions(before)
            config = load_again(before)
            replaced = {path for path, version in seen.items() if version != self._seen[path]}
            seen = {path: seen.get(path, version) for path, version in versions(config).items()}
            seen |= versions_read(config)
            reloaded = compare(before, config, replaced=replaced)
            gone = self._exchange(reloaded, before, config, table)
            self._use(config, seen)
            self._is_torn = False
            self._complaint = None
        finally:
            self._reloaded_by = None
        for adapter in gone:
            adapter.retire()
        return reloaded

    def _exchange(
        self, reloaded: Reloaded, before: Config, config: Config, table: MountTable
    ) -> list[MountAdapter]:
        """Put new adapters in the places of those that are ours, and leave what code mounted.

        Returns those that are no longer in use.
        """
        old, new = by_prefix(before), by_prefix(config)
        with table.locked():
            ours = dict(self._ours(table))
            for prefix in reloaded.kept:
                if prefix in ours and is_made_for(ours[prefix], old[prefix]):
                    _renew(ours.pop(prefix), new[prefix], config)
            # A prefix that is not in the table was removed by code, unless by a torn reload.
            known = {*table} if self._is_torn else {*table, *old}
            fresh = {
                prefix: self.adapter(mount, config)
                for prefix, mount in new.items()
                if prefix in ours or prefix not in known
            }
            for prefix, adapter in fresh.items():
                if prefix in ours:
                    adapter.succeed(ours[prefix])
            self._is_torn = True
            table.exchange(ours, fresh)
        return list(ours.values())

    def copy(self, table: MountTable) -> tuple[Config, MountTable]:
        """Return the configuration and a copy of the table, which no reload comes between."""
        with _lock:
            ours = {prefix: copy(adapter) for prefix, adapter in self._ours(table)}
            adapters = [(key, ours.get(key, adapter)) for key, adapter in table.snapshot()]
            copied = MountTable(adapters)
            copied.siblings = table.siblings
            return self.config, copied

    def adopt(self, table: MountTable) -> None:
        """Take charge of the adapters of a table that was copied with the configuration."""
        for mount in self.config.mounts:
            adapter = table.get(mount.text)
            if is_made_for(adapter, mount):
                self.serve(adapter)
                if adapter.guard:
                    self.guards.adopt(adapter.guard, self.config.limit_table(mount))

    def _ours(self, table: MountTable) -> Iterator[tuple[str, MountAdapter]]:
        """Name the adapters that were made here, and not replaced by code, nor put elsewhere."""
        for prefix, adapter in table.snapshot():
            if not isinstance(adapter, MountAdapter) or adapter.prefix != prefix:
                continue
            if adapter.report == self.report:
                yield prefix, adapter

    def look(self, table: MountTable) -> None:
        """Reload if the interval is over and a file is another than at the last look.

        What is wrong with a file is logged once for each change of it, and nothing changes.
        """
        now = time.monotonic()
        if now < self._due or not _lock.try_to_enter():
            return
        try:
            seen = versions(self.config)
            if seen != self._seen or self._complaint:
                self._try_to_reload(table, seen)
            end = time.monotonic()
            self._due = end + max(self.interval or 0, (end - now) * _SHARE)
        finally:
            _lock.leave()

    def _try_to_reload(self, table: MountTable, seen: dict[str, Version | None]) -> None:
        """Reload; a file that is broken is tried again, as it may name others that are missing."""
        try:
            reloaded = self.reload(table)
        except (MountsError, OSError) as error:
            complaint = (seen, str(error))  # Its text alone: the error would hold all its frames.
            if complaint != self._complaint:
                self._complaint = complaint
                _log.error(
                    "%s cannot be reloaded, nothing changes: %s", self.config.name, complaint[1]
                )
        else:
            _log.debug("%s was reloaded: %s", self.config.name, reloaded)

    def locate(self, prefix: str, key: str) -> str:
        """Return the file and line that set a key of a mount; empty if none does."""
        mount = by_prefix(self.config).get(prefix)
        place = self.config.origin(mount, (key,)).place if mount else None
        return str(place or "")

    def report(self, prefix: str, counters: Counters, number: str) -> None:
        """Warn, in the words of the advice, of what happens under a mount for the first time."""
        key = _WARNINGS.get(number)
        if key is None or not _pools_log.isEnabledFor(logging.WARNING):
            return
        mount = by_prefix(self.config).get(prefix)
        if mount:
            for advice in advise_mount(self.config, mount, stats_of(prefix, counters)):
                if advice.key == key:
                    _pools_log.warning("%s", advice)


def _renew(adapter: MountAdapter, mount: Mount, config: Config) -> None:
    """Let an adapter that stays name the places of the newer file."""
    places = places_of(config, mount) if adapter.guard else {}
    place = _refusal(config, mount)
    adapter.renew(
        mount.policy, place=place, places=places, lacking=mount.lacking, partial=config.partial
    )


def is_made_for(adapter: BaseAdapter | None, mount: Mount) -> TypeGuard[MountAdapter]:
    """Tell whether an adapter was made for a mount; one of code may have the same policy."""
    return (
        isinstance(adapter, MountAdapter)
        and adapter.policy is mount.policy
        and adapter.prefix == mount.text
    )


def _refusal(config: Config, mount: Mount) -> str:
    """Name the file and line that refuse requests to a mount, or some of the addresses it dials."""
    policy = mount.policy
    if policy.deny:
        return str(config.origin(mount, ("deny",)).place)
    key = "addresses" if policy.addresses != ("any",) else "connect_to" if policy.connect_to else ""
    if not key:
        return ""
    origin = config.origin(mount, (key,))
    return f"{origin.file}:{origin.line}"
