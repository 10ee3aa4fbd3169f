"""What is counted under one mount while requests are sent.

What happens to every request is an event, noted on a tape by one append, which needs no lock. The
numbers are made of the tape when somebody reads them, or when it has become long. All else is rare
and counted at once. The lock is the process's, so that a forked child has one to renew, and
reentrant, so that the handler of a signal may read.
"""

from collections import Counter, deque
from collections.abc import Callable
from threading import RLock
from typing import Any, Literal, NamedTuple, TypeAlias
from weakref import WeakSet, ref

from requests_mounts._sending.forks import around_forks

LONGEST_TAPE = 2048
_MOST_ORIGINS = 65535

_lock = RLock()


def _start_anew() -> None:
    """Count for a forked child alone; the thread that held the lock in the parent is not there."""
    global _lock  # noqa: PLW0603 - the lock is the process's
    _lock = RLock()
    for counters in tuple(_all_counters):
        counters.start_anew()


around_forks(in_child=_start_anew)


class Event(NamedTuple):
    """What happened to a connection, which is known by its number, and its pool by its `id`."""

    what: Literal["taken", "reused", "free"]
    connection: int
    pool: int


Number: TypeAlias = Literal[
    "requests",
    "connections",
    "reused",
    "discarded",
    "evicted",
    "waits",
    "retries",
    "recovered",
    "timeouts",
    "deadlines",
    "refused",
    "limited",
    "circuit_open",
    "unretried",
    "peak",
]
"""The names of the numbers; `requests_mounts.MountStats` says what each means."""


_all_counters: "WeakSet[Counters]" = WeakSet()


class Counters:
    """The numbers of one mount, which outlive its pools and, at a reload, its adapter."""

    def __init__(self) -> None:
        with _lock:
            _all_counters.add(self)
        self.tape: deque[Event] = deque()
        self.note = self.tape.append
        """Takes an event."""
        self.report: Callable[[Counters, str], None] | None = None
        """Called with the name of a number that `count` has brought to one."""
        self._numbers: Counter[str] = Counter()
        self._wait_seconds = 0.0
        self._waiting = 0
        self._busy: dict[int, int] = {}
        self._origins: set[tuple[str, str | None]] = set()
        self._pools: set[ref[Any]] = set()

    def start_anew(self) -> None:
        """Have counted nothing."""
        self.tape.clear()
        self._numbers.clear()
        self._busy.clear()
        self._wait_seconds, self._waiting = 0.0, 0

    def read(self) -> dict[str, Any]:
        """Return all numbers that are not zero, as they are at one moment."""
        with _lock:
            self._rewind()
            seconds, origins = self._wait_seconds, len(self._origins)
            return dict(self._numbers, wait_seconds=seconds, origins=origins)

    def count(self, *names: Number) -> None:
        """Add one to numbers."""
        with _lock:
            self._rewind()
            self._numbers.update(names)
            first = [name for name in names if self._numbers[name] == 1]
        if self.report:
            for name in first:
                self.report(self, name)

    def shorten(self) -> None:
        """Make numbers of the tape, as is due when it has become long."""
        with _lock:
            self._rewind()

    def begin_to_wait(self) -> None:
        """Count an attempt that has to wait for a connection."""
        with _lock:
            self._rewind()
            self._numbers["waits"] += 1
            self._waiting += 1
            self._measure(len(self._busy) + self._waiting)

    def end_to_wait(self, seconds: float) -> None:
        """Count how long it waited."""
        with _lock:
            self._rewind()
            self._waiting -= 1
            self._wait_seconds += seconds

    def add_pool(self, pool: Any, origin: str, proxy: str | None) -> None:
        """Keep an eye on a new pool, without keeping it alive."""
        with _lock:
            self._pools.add(ref(pool, self._pools.discard))
            if len(self._origins) < _MOST_ORIGINS:
                self._origins.add((origin, proxy))

    def pools(self) -> list[Any]:
        """Return the pools that are alive."""
        with _lock:
            found = [pool() for pool in tuple(self._pools)]
        return [pool for pool in found if pool is not None]

    def busy(self, pool: Any) -> int:
        """Return how many connections of a pool are busy."""
        with _lock:
            self._rewind()
            return sum(number == id(pool) for number in self._busy.values())

    def _rewind(self) -> None:
        """Make numbers of the events on the tape, in their order."""
        busy, tape, waiting = self._busy, self.tape, self._waiting
        reused = most = 0
        while tape:
            what, connection, pool = tape.popleft()
            if what == "free":
                busy.pop(connection, None)
                continue
            busy[connection] = pool
            if what == "reused":
                reused += 1
            most = max(most, len(busy))
        if most:
            self._measure(most + waiting)
        if reused:
            self._numbers["requests"] += reused
            self._numbers["reused"] += reused

    def _measure(self, running: int) -> None:
        self._numbers["peak"] = max(self._numbers["peak"], running)
