"""What changes from one configuration to another."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from requests_mounts._explain import leaves
from requests_mounts._file.config import Config, Mount
from requests_mounts._file.policy import Policy, RetryOptions, Timeout
from requests_mounts._toml import show_toml


@dataclass(frozen=True, slots=True)
class Change:
    """A mount that one of two configurations has, or that has other settings in each."""

    prefix: str
    kind: str
    """``added``, ``removed`` or ``changed``."""
    settings: tuple[str, ...] = ()
    """The keys that changed, each with the old and the new value."""


def compare(old: Config, new: Config) -> Iterator[Change]:
    """Name the mounts that differ, longest prefix first."""
    before = {mount.text: mount for mount in old.mounts}
    after = {mount.text: mount for mount in new.mounts}
    for prefix in sorted({*before, *after}, key=lambda prefix: (-len(prefix), prefix)):
        if prefix not in before:
            yield Change(prefix, "added")
        elif prefix not in after:
            yield Change(prefix, "removed")
        elif settings := tuple(_settings(before[prefix], after[prefix])):
            yield Change(prefix, "changed", settings)


def _settings(old: Mount, new: Mount) -> Iterator[str]:
    before, after = _in_full(old.policy), _in_full(new.policy)
    for key in dict.fromkeys([*before, *after]):
        one, other = before.get(key), after.get(key)
        if (type(one), one) != (type(other), other) and key != "policy":
            yield f"{key}: {show_toml(one)} → {show_toml(other)}"


def _in_full(policy: Policy) -> dict[str, object]:
    """Write a policy with tables where a number stands for one, so that it can be compared."""
    retries, timeout = policy.max_retries, policy.timeout
    if not isinstance(retries, RetryOptions):
        retries = RetryOptions(total=retries)
    if not isinstance(timeout, Timeout):
        timeout = Timeout(connect=timeout, read=timeout)
    full = replace(policy, max_retries=retries, timeout=timeout)
    return {".".join(path): value for path, value in leaves(full)}
