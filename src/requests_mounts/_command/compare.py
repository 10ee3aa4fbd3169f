"""What changes from one configuration to another."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from requests_mounts._explain import find_mount
from requests_mounts._file.config import Config, Mount
from requests_mounts._file.equality import same
from requests_mounts._file.limits import BreakerOptions, BudgetOptions, LimitOptions
from requests_mounts._file.options import RetryOptions
from requests_mounts._file.policy import Policy
from requests_mounts._file.settings import SettingPath, in_full, leaves
from requests_mounts._toml import show_key, show_toml

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


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of a URL: the mounts that serve it, `None` if there is none."""

    url: str
    old: str | None
    new: str | None
    settings: tuple[KeyChange, ...] = ()
    """The keys that changed of a mount that goes on serving it."""

    def __str__(self) -> str:
        was, now = self.old or "no mount", self.new or "no mount"
        if was != now:
            return f"{self.url}: {was} → {now}"
        if not self.settings:
            return f"{self.url}: {was}, as before"
        lines = [f"{self.url}: {was}, with other settings", *map(str, self.settings)]
        return "\n    ".join(lines)


def move_of(old: Config, new: Config, url: str, changes: Iterable[Change]) -> Move:
    """Say what becomes of a URL, given the mounts that differ."""
    one, other = (mount and mount.text for mount in (find_mount(old, url), find_mount(new, url)))
    kept = one is not None and one == other
    settings = (change.settings for change in changes if kept and change.prefix == one)
    return Move(url, one, other, next(settings, ()))


def compare(old: Config, new: Config) -> Iterator[Change]:
    """Name the mounts that differ, longest prefix first."""
    before = {mount.text: mount for mount in old.mounts}
    after = {mount.text: mount for mount in new.mounts}
    both = before.keys() & after.keys()
    sharing, will_share = _sharing(old, both), _sharing(new, both)
    for prefix in sorted({*before, *after}, key=lambda prefix: (-len(prefix), prefix)):
        one, other = before.get(prefix), after.get(prefix)
        changes = tuple(_changes(old, one, new, other))
        if one and other and sharing.get(prefix) != will_share.get(prefix):
            changes += tuple(_other_limit(old, one, new, other))
        shown = next(mount.shown for mount in (other, one) if mount)
        if not one or not other:
            yield Change(shown, "removed" if one else "added", changes)
        elif changes:
            yield Change(shown, "changed", changes)


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


def _sharing(config: Config, prefixes: Collection[str]) -> dict[str, set[str]]:
    """Return for each of the mounts that have a limit those that it shares the limit with."""
    groups: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for mount in config.mounts:
        if mount.policy.limit and mount.text in prefixes:
            groups[config.limit_table(mount)].add(mount.text)
    return {prefix: group for group in groups.values() for prefix in group}


def _other_limit(old: Config, one: Mount, new: Config, other: Mount) -> Iterator[KeyChange]:
    """Name the tables of a limit that a mount shares with others than before, if it is another."""
    both_limited = one.policy.limit and other.policy.limit
    if both_limited and old.limit_table(one) != new.limit_table(other):
        yield KeyChange("limit", _limit_of(old, one), _limit_of(new, other))


def _limit_of(config: Config, mount: Mount) -> object:
    kind, *names = config.limit_table(mount)
    if kind == "limits":
        return config.shown(mount, ("limit",), names[0])
    return show_key((kind, *([mount.shown] if kind == "mounts" else names), "limit"))


def differing(policy: Policy) -> dict[SettingPath, object]:
    """Return the settings that are not built in, as the file writes them."""
    return {
        path: value
        for path, value in leaves(policy)
        if value is not None and (path in _REQUIRED or not same(_BUILT_IN.get(path), value))
    }


_NO_SETTINGS = {("policy",), ("ignore",)}
_REQUIRED = {("max_retries", "total"), ("retry_budget", "tokens")}
"""What has no value in its table unless the file says so."""
_TABLES = Policy(
    max_retries=RetryOptions(total=0),
    limit=LimitOptions(),
    breaker=BreakerOptions(),
    retry_budget=BudgetOptions(tokens=1),
)
_BUILT_IN = dict(leaves(_TABLES)) | dict(leaves(Policy()))
