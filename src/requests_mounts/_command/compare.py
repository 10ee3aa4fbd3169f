"""What changes from one configuration to another."""

from collections.abc import Iterator
from dataclasses import dataclass

from requests_mounts._file.config import Config, Mount
from requests_mounts._file.equality import same
from requests_mounts._file.policy import Policy, RetryOptions
from requests_mounts._file.settings import SettingPath, in_full, leaves
from requests_mounts._toml import show_toml

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key with different values; `None` if it is not set. ``str()`` of it is for people."""

    key: str
    old: object
    new: object

    def __str__(self) -> str:
        one, other = show_toml(self.old), show_toml(self.new)
        return (
            f"{self.key}: {one} → {other}" if one != other else f"{self.key}: {one}, a new secret"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A mount that one of two configurations has, or that has other settings in each."""

    prefix: str
    kind: str
    """``added``, ``removed`` or ``changed``."""
    settings: tuple[KeyChange, ...] = ()
    """The keys that changed; of a mount that is in one file alone, what is not built in."""

    def __str__(self) -> str:
        lines = [f"{_SIGNS[self.kind]} {self.prefix}"]
        for one in self.settings:
            only = show_toml(one.new if self.kind == "added" else one.old)
            lines.append(f"    {one if self.kind == 'changed' else f'{one.key} = {only}'}")
        return "\n".join(lines)


def compare(old: Config, new: Config) -> Iterator[Change]:
    """Name the mounts that differ, longest prefix first."""
    before = {mount.text: mount for mount in old.mounts}
    after = {mount.text: mount for mount in new.mounts}
    for prefix in sorted({*before, *after}, key=lambda prefix: (-len(prefix), prefix)):
        one, other = before.get(prefix), after.get(prefix)
        changes = tuple(_changes(old, one, new, other))
        if not one or not other:
            yield Change(prefix, "removed" if one else "added", changes)
        elif changes:
            yield Change(prefix, "changed", changes)


def _changes(
    old: Config, one: Mount | None, new: Config, other: Mount | None
) -> Iterator[KeyChange]:
    values = in_full if one and other else differing
    before = values(one.policy) if one else {}
    after = values(other.policy) if other else {}
    for path in dict.fromkeys([*before, *after]):
        was, will_be = before.get(path), after.get(path)
        if path not in _NO_SETTINGS and not same(was, will_be):
            yield KeyChange(
                ".".join(path),
                old.shown(one, path, was) if one else None,
                new.shown(other, path, will_be) if other else None,
            )


def differing(policy: Policy) -> dict[SettingPath, object]:
    """Return the settings that are not built in, as the file writes them."""
    return {
        path: value
        for path, value in leaves(policy)
        if value is not None
        and (path == ("max_retries", "total") or not same(_BUILT_IN.get(path), value))
    }


_NO_SETTINGS = {("policy",), ("ignore",)}
_BUILT_IN = dict(leaves(Policy(max_retries=RetryOptions(total=0)))) | dict(leaves(Policy()))
