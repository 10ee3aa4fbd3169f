"""What a reload does to the mounts of a session."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from requests_mounts._file.config import Config, Mount
from requests_mounts._file.equality import same
from requests_mounts._file.policy import Policy
from requests_mounts._file.settings import in_full
from requests_mounts._live.files import files_of

_OF_THE_FILE_ALONE = {"policy", "ignore"}
"""Keys of a mount that no request is sent by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """The prefixes of a file that was read again; `str()` of it is for people."""

    __module__ = "requests_mounts"

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """Prefixes whose policy in effect changed, or a file that it names; they have new pools."""
    kept: tuple[str, ...] = ()
    """Prefixes that keep their adapters and connections."""

    def __str__(self) -> str:
        told = (("+", self.added), ("-", self.removed), ("~", self.changed))
        lines = [f"{sign} {prefix}" for sign, prefixes in told for prefix in prefixes]
        counts = (
            f"{len(self.added)} added, {len(self.removed)} removed,"
            f" {len(self.changed)} changed, {len(self.kept)} kept"
        )
        return "\n".join([counts, *lines])


def compare(old: Config, new: Config, *, replaced: AbstractSet[str]) -> Reloaded:
    """Say what becomes of each prefix, if some files that policies name were replaced."""
    before, after = by_prefix(old), by_prefix(new)
    both = [prefix for prefix in after if prefix in before]
    kept = {
        prefix
        for prefix in both
        if _act_alike(before[prefix].policy, after[prefix].policy)
        and _shares_alike(old, before[prefix], new, after[prefix])
        and replaced.isdisjoint(files_of(after[prefix].policy))
    }
    return Reloaded(
        added=tuple(prefix for prefix in after if prefix not in before),
        removed=tuple(prefix for prefix in before if prefix not in after),
        changed=tuple(prefix for prefix in both if prefix not in kept),
        kept=tuple(prefix for prefix in both if prefix in kept),
    )


def by_prefix(config: Config) -> dict[str, Mount]:
    """Return the mounts of a configuration by their prefixes, longest first."""
    return {mount.text: mount for mount in config.mounts}


def _shares_alike(old: Config, before: Mount, new: Config, after: Mount) -> bool:
    """Tell whether a mount shares its limit with the mounts that use the same table as before."""
    return not after.policy.limit or old.limit_table(before) == new.limit_table(after)


def _act_alike(one: Policy, other: Policy) -> bool:
    settings, others = in_full(one), in_full(other)
    return settings.keys() == others.keys() and all(
        same(value, others[path])
        for path, value in settings.items()
        if path[0] not in _OF_THE_FILE_ALONE
    )
