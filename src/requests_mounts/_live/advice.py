"""What the numbers of a session say about its file: which key to set to which number, and why."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from math import inf, isinf
from typing import NamedTuple, TypeAlias

from requests_mounts._file.config import Config, Mount
from requests_mounts._file.options import RetryOptions
from requests_mounts._file.policy import Policy
from requests_mounts._live.stats import MountStats, count
from requests_mounts._toml import show_key, show_toml

_ENOUGH = 20
"""Fewer requests do not show that something never happens."""
_SEVERAL = 3
_MANY = 0.05
"""A deadline that ends this share of the requests is too short, or the server too slow."""
_LONG = 0.1
"""Seconds; a request that waits this long on average might as well have opened a connection."""
_LARGEST_POOL = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A key of the file that the numbers of a session speak against; `str()` says it in a line."""

    __module__ = "requests_mounts"

    prefix: str
    """The canonical prefix whose numbers these are."""
    path: str
    """The file that sets the key, or should."""
    line: int | None
    """Where it sets the key, or names the prefix; `None` if it does neither."""
    key: str
    message: str
    """What the key is set to, what happened, and what to set."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else f"{self.path}:"
        return f"{place} {self.message}"


class _Finding(NamedTuple):
    """A key, what happened, and which number would be better, if the numbers tell."""

    key: str
    why: str
    better: float | None = None


_Case: TypeAlias = Callable[[MountStats, Policy], _Finding | None]


def advise(config: Config, stats: Iterable[MountStats]) -> Iterator[Advice]:
    """Say what to change in a file, by the numbers of a session that it describes."""
    stats = tuple(stats)
    mounts = {mount.text: mount for mount in config.mounts}
    requests = sum(numbers.requests for numbers in stats)
    for numbers in stats:
        if mount := mounts.get(numbers.prefix):
            yield from advise_mount(config, mount, numbers)
            yield from _unused(config, mount, numbers, requests)


def advise_mount(config: Config, mount: Mount, numbers: MountStats) -> Iterator[Advice]:
    """Say what to change in the policy of one mount."""
    for case in _CASES:
        if found := case(numbers, mount.policy):
            yield _advice(config, mount, found)


def _advice(config: Config, mount: Mount, found: _Finding) -> Advice:
    path = tuple(found.key.split("."))
    value = config.shown(mount, path, reduce(getattr, path, mount.policy))
    origin = config.origin(mount, path)
    message = f"{found.key} = {show_toml(value)}: {found.why}"
    if found.better is not None:
        message += f"; set {show_toml(found.better)}"
    if origin.layer != "mount":
        message += f" for {mount.shown}"
    place = origin.place or config.place(mount)
    return Advice(
        prefix=mount.text,
        path=place.file if place else config.name,
        line=place.line if place else None,
        key=found.key,
        message=message,
    )


def _unused(config: Config, mount: Mount, numbers: MountStats, requests: int) -> Iterator[Advice]:
    """Name a mount of the file that serves nothing; one that denies is there for that."""
    if mount.key is None or mount.policy.deny or numbers.requests or numbers.refused:
        return
    if requests >= _ENOUGH:
        key = show_key(("mounts", mount.key))
        place = config.place(mount)
        yield Advice(
            prefix=mount.text,
            path=place.file if place else config.name,
            line=place.line if place else None,
            key=key,
            message=f"{key}: none of {requests} requests came here",
        )


def _discarded(numbers: MountStats, policy: Policy) -> _Finding | None:
    if not numbers.discarded or numbers.peak <= policy.pool_maxsize:
        return None
    connections = count(numbers.connections, "connection")
    why = (
        f"{numbers.discarded} of {connections} {_were(numbers.discarded)} discarded,"
        f" {count(numbers.peak, 'request')} ran at a time"
    )
    return _Finding("pool_maxsize", why, min(numbers.peak, _LARGEST_POOL))


def _evicted(numbers: MountStats, policy: Policy) -> _Finding | None:
    current = policy.pool_connections
    if not numbers.evicted or 0 < numbers.origins <= current:
        return None
    why = f"{count(numbers.evicted, 'pool')} {_were(numbers.evicted)} dropped for others"
    if numbers.origins:
        why += f", requests went to {count(numbers.origins, 'origin')}"
    return _Finding("pool_connections", why, min(numbers.origins or 2 * current, _LARGEST_POOL))


def _waited(numbers: MountStats, policy: Policy) -> _Finding | None:
    if not numbers.waits or numbers.peak <= policy.pool_maxsize:
        return None
    mean = numbers.wait_seconds / numbers.waits
    if mean < _LONG:
        return None
    why = (
        f"{count(numbers.waits, 'request')} waited {mean:.2g} s on average for a connection,"
        f" {count(numbers.peak, 'request')} came at a time"
    )
    return _Finding("pool_maxsize", why, min(numbers.peak, _LARGEST_POOL))


def _never_blocked(numbers: MountStats, policy: Policy) -> _Finding | None:
    if not policy.pool_block or numbers.waits or numbers.requests < _ENOUGH:
        return None
    if not 0 < numbers.peak < policy.pool_maxsize:
        return None
    why = f"pool_block never made a request wait, {count(numbers.peak, 'request')} ran at a time"
    return _Finding("pool_maxsize", why, numbers.peak)


def _retried(numbers: MountStats, policy: Policy) -> _Finding | None:
    if numbers.retries < _SEVERAL or numbers.recovered:
        return None
    key = "max_retries.total" if isinstance(policy.max_retries, RetryOptions) else "max_retries"
    return _Finding(key, f"none of {numbers.retries} retries helped", 0)


def _out_of_time(numbers: MountStats, policy: Policy) -> _Finding | None:
    if policy.deadline is None or isinf(policy.deadline) or numbers.deadlines < _SEVERAL:
        return None
    if numbers.deadlines < _MANY * numbers.requests:
        return None
    why = f"it ended {count(numbers.deadlines, 'request')}, {numbers.requests} were sent"
    return _Finding("deadline", why, 2 * policy.deadline)


def _limited(numbers: MountStats, policy: Policy) -> _Finding | None:
    limit = policy.limit
    if not limit or numbers.limited < _SEVERAL:
        return None
    if not 0 < limit.max_wait < (policy.deadline or inf):
        return None
    limited = count(numbers.limited, "request")
    why = f"{limited} would have waited longer, {_sent(numbers)}"
    return _Finding("limit.max_wait", why, 2 * limit.max_wait)


def _circuit_open(numbers: MountStats, policy: Policy) -> _Finding | None:
    """Tell of a circuit that refuses much; whether it or the server is to blame, nobody knows."""
    breaker = policy.breaker
    if not breaker or numbers.circuit_open < max(_SEVERAL, _MANY * numbers.requests):
        return None
    key = "breaker.failures" if breaker.failures else "breaker.ratio"
    refused = count(numbers.circuit_open, "request")
    return _Finding(key, f"the open circuit refused {refused}, {_sent(numbers)}")


def _unretried(numbers: MountStats, policy: Policy) -> _Finding | None:
    if not policy.retry_budget or numbers.unretried < max(_SEVERAL, _MANY * numbers.requests):
        return None
    attempts = count(numbers.unretried, "failed attempt")
    retries = f"{count(numbers.retries, 'retry')} {_were(numbers.retries)}"
    return _Finding("retry_budget.tokens", f"{attempts} could not be retried, {retries} sent")


def _sent(numbers: MountStats) -> str:
    return f"{numbers.requests} {_were(numbers.requests)} sent"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


_CASES: tuple[_Case, ...] = (
    _discarded,
    _evicted,
    _waited,
    _never_blocked,
    _retried,
    _out_of_time,
    _limited,
    _circuit_open,
    _unretried,
)
