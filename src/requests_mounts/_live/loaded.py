"""A configuration in use, which the sessions of one file share, and its reload.

A reload reads and checks the files first. Only then the table of adapters changes, in one step;
adapters whose policy is as before stay, with their connections. Whoever has one of the others in
hand still sends by it, and afterwards it keeps no connection.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from requests.adapters import BaseAdapter

from requests_mounts._errors import MountsError
from requests_mounts._file.config import Config, Mount
from requests_mounts._file.loading import load_again
from requests_mounts._live.advice import advise_mount
from requests_mounts._live.collect import stats_of
from requests_mounts._live.files import Version, versions
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

    decides_verify: bool
    """Whether any mount of it says how servers are verified."""

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
        self._use(config, versions(config))
        self._due = 0.0
        self._complaint: tuple[dict[str, Version | None], str] | None = None

    def _use(self, config: Config, seen: dict[str, Version | None]) -> None:
        self._seen = seen
        settings = (mount.policy.tls for mount in config.mounts)
        self.signs = any(signs(mount.policy) for mount in config.mounts)
        self.decides_verify = any(tls and tls.verify is not None for tls in settings)
        self.config = config

    def adapter(self, mount: Mount) -> MountAdapter:
        """Return a new adapter for a mount."""
        place = _refusal(self.config, mount)
        guard = guard_mount(self.config, mount, self.guards)
        adapter = MountAdapter(
            mount.policy,
            prefix=mount.text,
            place=place,
            guard=guard,
            lacking=mount.lacking,
            offline=self.config.variables.offline,
            partial=self.config.partial,
        )
        adapter.report = self.report
        adapter.siblings = self.siblings
        return adapter

    def reload(self, table: MountTable) -> Reloaded:
        """Read the files again, and let a table of adapters be what they say now.

        Raises `ConfigError`, `OSError`, or `MountsError` if there is no file to read, and has
        changed nothing then.
        """
        with _lock:
            before = None
            while before is not self.config:  # The handler of a signal may reload meanwhile.
                before = self.config
                seen = versions(before)
                config = load_again(before)
            replaced = {path for path, version in seen.items() if version != self._seen[path]}
            seen = {path: seen.get(path, version) for path, version in versions(config).items()}
            reloaded = compare(before, config, replaced=replaced)
            self._use(config, seen)
            self._complaint = None
            self._exchange(reloaded, by_prefix(before), by_prefix(config), table)
        return reloaded

    def _exchange(
        self,
        reloaded: Reloaded,
        before: Mapping[str, Mount],
        after: Mapping[str, Mount],
        table: MountTable,
    ) -> None:
        """Put new adapters in the places of those that are ours, and leave what code mounted."""
        with table.locked():
            ours = dict(_ours(table, before))
            for prefix in reloaded.kept:
                if prefix in ours:
                    self._renew(ours.pop(prefix), after[prefix])
            fresh = {
                prefix: self.adapter(after[prefix])
                for prefix in (*reloaded.added, *reloaded.changed)
                if prefix in ours or prefix not in {*table, *before}
            }
            for prefix, adapter in fresh.items():
                if prefix in ours:
                    adapter.succeed(ours[prefix])
            table.exchange(ours, fresh)
        for adapter in ours.values():
            adapter.retire()

    def _renew(self, adapter: MountAdapter, mount: Mount) -> None:
        """Let an adapter that stays name the places of the newer file."""
        places = places_of(self.config, mount) if adapter.guard else {}
        place = _refusal(self.config, mount)
        partial = self.config.partial
        adapter.renew(
            mount.policy, place=place, places=places, lacking=mount.lacking, partial=partial
        )

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


def _ours(
    table: Mapping[str, BaseAdapter], mounts: Mapping[str, Mount]
) -> Iterator[tuple[str, MountAdapter]]:
    """Name the adapters that were made for mounts, and not replaced by code."""
    for prefix, mount in mounts.items():
        adapter = table.get(prefix)
        if is_made_for(adapter, mount):
            yield prefix, adapter


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
    for key, free in (("addresses", ("any",)), ("connect_to", ())):
        if getattr(policy, key) != free:
            origin = config.origin(mount, (key,))
            return f"{origin.file}:{origin.line}"
    return ""
