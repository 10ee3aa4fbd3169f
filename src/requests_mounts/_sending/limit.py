"""How fast, and how many at a time: a bucket of tokens, permits, and a queue for both.

1. The bucket is full at the start and keeps to the generic cell rate algorithm (ITU-T I.371, GCRA):
   of any attempts i < j, the later one begins at least (j - i - burst + 1) * per / rate seconds
   after the earlier one.
2. First come, first served. Only the first of the queue waits for a token or a permit.
3. A wait that is known to be too long is refused before it begins, and consumes nothing.
4. A pause holds everybody, those who wait already too, and is never shortened.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf, isinf
from threading import TIMEOUT_MAX, Lock
from types import TracebackType
from typing import Any

from requests_mounts._file.limits import LimitOptions

_AT_ONCE = 0.001
"""Seconds between a token and its use that are no delay, but the time that Python takes."""


class LimitReached(Exception):  # noqa: N818 - a signal inside the library, not an error of it
    """A wait would be too long. Never an `OSError`, which urllib3 and requests would retry."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        """How long it would be; None if it depends on when others end."""


class Bucket:
    """Tokens that flow in at a rate, of which a full bucket holds ``burst``."""

    __slots__ = ("_late", "_spare", "_theoretical", "interval", "ready_at")

    def __init__(self, rate: float, per: float, burst: int) -> None:
        self.interval = per / rate
        """Seconds between two tokens."""
        self._spare = (burst - 1) * self.interval
        self._late = 0.0  # By how much tokens were put off in all, as others were used late.
        self._fill_by(-inf)

    def take(self, now: float) -> float:
        """Take a token, which has to be there, and return what `use` asks for."""
        self._fill_by(max(self._theoretical, now) + self.interval)
        return self._theoretical - self._late

    def lateness(self, token: float, now: float) -> float:
        """Return by how much later than now the next token would be if this one were taken now."""
        return now + self.interval - token - self._late

    def use(self, token: float, now: float) -> None:
        """Count a token as if it were taken now; those that were taken since move with it."""
        late = max(self.lateness(token, now), 0)
        self._late += late
        self._fill_by(self._theoretical + late)

    def hold(self, until: float) -> None:
        """Have no token before a moment, and one at that moment."""
        self._fill_by(max(self._theoretical, until + self._spare))

    def missing(self, now: float) -> float:
        """Return which part of a full bucket is missing: 0 is full, 1 is empty, more is owed."""
        return max(self._theoretical - now, 0) / (self._spare + self.interval)

    def lack(self, part: float, now: float) -> None:
        """Let a part of a full bucket be missing."""
        self._fill_by(now + part * (self._spare + self.interval))

    def _fill_by(self, theoretical: float) -> None:
        """Be full at a moment, which is GCRA's theoretical arrival time."""
        self._theoretical = theoretical
        self.ready_at = theoretical - self._spare
        """The moment of the next token; it may have passed."""


class Permit:
    """The right to be under way, and a token; whoever drops it has given the former back."""

    __slots__ = ("_era", "_limiter", "admitted", "held", "token")

    def __init__(self, limiter: "Limiter") -> None:
        self._limiter = limiter
        self._era = limiter.era
        self.held = False
        """Whether others wait for this one; not if all may be under way."""
        self.token: tuple[Bucket, float] | None = None
        self.admitted: Any = None
        """What ``admit`` returned."""

    def use(self) -> None:
        """Say that the attempt is sent now, which may be later than it was allowed to be."""
        if self.token:
            self._limiter.count_use(*self.token)

    def give_back(self) -> None:
        """Let the next one pass; the second time is nothing."""
        self._limiter.take_back(self, self._era)

    def __del__(self) -> None:
        if self.held:
            self._limiter.lose(self._era)


class _Waiter:
    """A place in the queue.

    It is woken by a bare lock: a finalizer may run while the waiting thread is inside of an
    `Event`, whose own lock would then be taken twice.
    """

    __slots__ = ("_asleep",)

    def __init__(self) -> None:
        self._asleep = Lock()
        self._asleep.acquire()

    def wake(self) -> None:
        """Let the waiting thread look again."""
        if self._asleep.locked():
            self._asleep.release()

    def sleep(self, seconds: float) -> None:
        """Wait until woken, or for some seconds."""
        self._asleep.acquire(timeout=min(max(seconds, 0), TIMEOUT_MAX))


class Limiter:
    """The state of a limit: what one origin may be sent, or all that share the limit.

    As a context manager it is its own lock. Permits can be lost in the middle of anything, as the
    collector calls finalizers where it likes, also in a thread that holds the lock. What is lost is
    noted without the lock, and counted by whoever leaves it next.
    """

    def __init__(
        self, options: LimitOptions, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self.start(options)

    def start(self, options: LimitOptions) -> None:
        """Begin with a full bucket and no permit out, whatever was before, as after a fork."""
        self.options = options
        self.era = object()
        """Permits of another era are not of this state."""
        self._bucket = _bucket(options)
        self._permits = inf if options.concurrency is None else options.concurrency
        self._under_way = 0
        self._paused_until = -inf
        self._queue: deque[_Waiter] = deque()
        self._lost: deque[object] = deque()
        self._lock = Lock()

    def change(self, options: LimitOptions) -> None:
        """Go on under other options; how full the bucket is and who is under way carries over."""
        with self:
            now = self._clock()
            before, self._bucket = self._bucket, _bucket(options)
            if before and self._bucket:
                self._bucket.lack(before.missing(now), now)
            if self._bucket and self._paused_until > now:
                self._bucket.hold(self._paused_until)
            self._permits = inf if options.concurrency is None else options.concurrency
            self.options = options
            self._wake_all()

    def is_idle(self) -> bool:
        """Tell whether a new state would be no different."""
        with self:
            now = self._clock()
            full = not self._bucket or not self._bucket.missing(now)
            return full and not self._under_way and not self._queue and self._paused_until <= now

    def enter(self, *, left: float = inf, admit: Callable[[], object] | None = None) -> Permit:
        """Wait for a token and a permit, and return both.

        ``admit`` is called when both are there and before they are taken; its errors pass, and
        nothing is consumed. Raises `LimitReached` if the wait is longer than ``max_wait`` or
        ``left`` seconds, at once if that is known.
        """
        permit = Permit(self)
        try:
            with self._lock:  # Faster than `with self`, as in `take_back`.
                now = self._clock()
                if not self._queue and self._is_free(now):
                    return self._take(permit, now, admit)
        finally:
            if self._lost:
                self._find_lost()
        return self._queue_up(permit, now + min(self.options.max_wait, left), admit)

    def pause(self, seconds: float) -> None:
        """Hold everybody for some seconds, at most ``max_pause``; afterwards nothing is saved up.

        As servers ask with a Retry-After header (RFC 9110, 10.2.3).
        """
        if not self.options.max_pause:
            return
        with self:
            until = self._clock() + min(seconds, self.options.max_pause)
            self._paused_until = max(self._paused_until, until)
            if self._bucket:
                self._bucket.hold(self._paused_until)
            self._wake_all()

    def empty(self) -> None:
        """Take all tokens away, as a server says with a status of 429 that it had enough."""
        if not self.options.max_pause or not self._bucket:
            return
        with self:
            self._bucket.hold(self._clock() + self._bucket.interval)
            self._wake_all()

    def count_use(self, bucket: Bucket, token: float) -> None:
        """Count a token as taken when it is used, so that what follows keeps its distance."""
        if bucket.lateness(token, self._clock()) > _AT_ONCE:
            with self:
                bucket.use(token, self._clock())

    def take_back(self, permit: Permit, era: object) -> None:
        """Count a permit that is given back, unless it is counted already."""
        with self._lock:
            if permit.held:
                permit.held = False
                self._count_back(era)
        self._find_lost()

    def lose(self, era: object) -> None:
        """Note that a permit was dropped, from wherever a finalizer may run."""
        self._lost.append(era)
        self._find_lost()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
        self._find_lost()

    def _find_lost(self) -> None:
        """Count what was lost, unless the lock is held: then its holder does when leaving."""
        while self._lost and self._lock.acquire(blocking=False):
            try:
                while self._lost:
                    self._count_back(self._lost.popleft())
            finally:
                self._lock.release()

    def _queue_up(self, permit: Permit, end: float, admit: Callable[[], object] | None) -> Permit:
        """Wait until a moment, behind those who came before."""
        waiter = _Waiter()
        try:
            with self:
                self._queue.append(waiter)
            while True:
                with self:
                    now = self._clock()
                    first = self._queue[0] is waiter
                    if first and self._is_free(now):
                        return self._take(permit, now, admit)
                    self._check(self._queue.index(waiter), now, end)
                    until = self._ready_at() if first and self._under_way < self._permits else end
                waiter.sleep(min(until, end) - now)
        finally:
            with self:
                with suppress(ValueError):  # Interrupted before it stood there.
                    self._queue.remove(waiter)
                if self._queue:
                    self._queue[0].wake()

    def _count_back(self, era: object) -> None:
        if era is self.era:
            self._under_way -= 1
            if self._queue:
                self._queue[0].wake()

    def _ready_at(self, ahead: int = 0) -> float:
        """Return when there is a token for somebody with others ahead."""
        if not self._bucket:
            return self._paused_until
        return self._bucket.ready_at + ahead * self._bucket.interval

    def _is_free(self, now: float) -> bool:
        bucket = self._bucket
        ready = bucket.ready_at if bucket else self._paused_until
        return ready <= now and self._under_way < self._permits

    def _check(self, ahead: int, now: float, end: float) -> None:
        """Refuse a wait that ends too late."""
        ready = self._ready_at(ahead)
        if ready > end or now >= end:
            raise LimitReached(ready - now if ready > now else None)

    def _take(self, permit: Permit, now: float, admit: Callable[[], object] | None) -> Permit:
        if admit:
            permit.admitted = admit()
        if self._bucket:
            permit.token = self._bucket, self._bucket.take(now)
        if self.options.concurrency is not None:
            permit.held = True
            self._under_way += 1
        return permit

    def _wake_all(self) -> None:
        for waiter in self._queue:
            waiter.wake()


def _bucket(options: LimitOptions) -> Bucket | None:
    if options.rate is None or isinf(options.rate):
        return None
    return Bucket(options.rate, options.per, options.burst)
