"""How fast, and how many at a time: a bucket of tokens, permits, and a queue for both.

1. Of tokens there are as many as the `Bucket` has.
2. First come, first served. Only the first of the queue waits for a token or a permit.
3. A wait that is known to be too long is refused before it begins, and consumes nothing.
4. A pause holds everybody, those who wait already too, and is never shortened.
5. A token that is used late is that of the moment of its use, or, if others took one since, none:
   whoever had it waits for another, ahead of the queue.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from threading import TIMEOUT_MAX, Lock, RLock
from typing import Any
from weakref import ref

from requests_mounts._file.limits import LimitOptions
from requests_mounts._sending.bucket import Bucket, bucket_of

_AT_ONCE = 0.001
"""Seconds between a token and its use that are no delay, but the time that Python takes."""

_PATIENCE = 1.0
"""Seconds until whoever waits looks by itself, as an interrupt may come before the waking."""


class LimitReached(Exception):  # noqa: N818 - a signal inside the library, not an error of it
    """A wait would be too long. Never an `OSError`, which urllib3 and requests would retry."""

    def __init__(self, seconds: float | None, *, end: float, longest: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        """How long it would be; None if it depends on when others end."""
        self.end = end
        """The moment that it may last to."""
        self.longest = longest
        """The ``max_wait`` of the limit."""


class Permit:
    """The right to be under way, and a token; whoever drops it has given the former back.

    It is held as long as a limiter has a weak reference to it. That comes and goes in one step, of
    its own accord if the permit is dropped: no interrupt can fall in between, be it in a finalizer.
    """

    __slots__ = (
        "__weakref__", "admitted", "bucket", "held", "holders", "limiter", "token", "waited",
    )  # fmt: skip

    limiter: "Limiter"
    """What let it in."""
    bucket: Bucket | None
    token: float
    """When it was taken."""
    waited: float
    """How long it was in the queue, in seconds."""
    admitted: Any
    """What ``admit`` returned, or would if there is no wait."""
    held: "ref[Permit] | None"
    """The reference; `None` too if all may be under way."""
    holders: "set[ref[Permit]]"
    """Those under way, among whom it is."""

    def __init__(self) -> None:
        self.bucket = self.admitted = self.held = None
        self.waited = 0.0

    @property
    def is_in(self) -> bool:
        """Whether it was let in, so that it has its place, or needs none."""
        return self.bucket is not None or self.held is not None

    def give_back(self) -> None:
        """Let the next one pass; the second time is nothing."""
        if held := self.held:
            self.holders.discard(held)
            self.held = None
            if self.limiter.queue:
                self.limiter.wake_first()


class _Waiter:
    """A place in the queue.

    It is woken by a bare lock: a finalizer may run while the waiting thread is inside of an
    `Event`, whose own lock would then be taken twice.
    """

    __slots__ = ("_asleep", "is_late")

    def __init__(self, *, is_late: bool) -> None:
        self.is_late = is_late
        """Whether it was let in, and has to wait once more before it is sent."""
        self._asleep = Lock()
        self._asleep.acquire()

    def wake(self) -> None:
        """Let the waiting thread look again."""
        with suppress(RuntimeError):  # Others woke it already.
            self._asleep.release()

    def sleep(self, seconds: float) -> None:
        """Wait until woken, or for some seconds."""
        self._asleep.acquire(timeout=max(seconds, 0))


class Limiter:
    """The state of a limit: what one origin may be sent, or all that share the limit.

    Permits can be lost in the middle of anything, as the collector calls finalizers where it likes,
    also in a thread that holds the lock. So they are given back, and waiters woken, without it.
    """

    def __init__(
        self, options: LimitOptions, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self.start(options)

    def start(self, options: LimitOptions) -> None:
        """Begin with a full bucket and no permit out, whatever was before, as after a fork."""
        self.options = options
        self._bucket = bucket_of(options)
        self._permits = inf if options.concurrency is None else options.concurrency
        self._holders: set[ref[Permit]] = set()
        self._paused_until = -inf
        self.queue: deque[_Waiter] = deque()
        """Who waits; read without the lock too."""
        self._lock = RLock()  # The handler of a signal may reload.

    def change(self, options: LimitOptions) -> None:
        """Go on under other options; how full the bucket is and who is under way carries over."""
        with self._lock:
            now = self._clock()
            before, self._bucket = self._bucket, bucket_of(options)
            paused_until = self._paused_until
            if self._bucket and paused_until > now:
                missing = max(before.ready_at - paused_until, 0) / before.interval if before else 0
                self._bucket.hold(paused_until + missing * self._bucket.interval)
            elif self._bucket and before:
                self._bucket.lack(before.missing(now), now)
            self._permits = inf if options.concurrency is None else options.concurrency
            self.options = options
            self._wake_all()

    def is_idle(self) -> bool:
        """Tell whether a new state would be no different."""
        with self._lock:
            now = self._clock()
            full = not self._bucket or not self._bucket.missing(now)
            return full and not self._holders and not self.queue and self._paused_until <= now

    def enter(
        self, permit: Permit, until: float = inf, admit: Callable[[], object] | None = None
    ) -> None:
        """Wait for a token and a place among those under way, and put both into a permit.

        ``admit`` is called when both are there and before they are taken; its errors pass, and
        nothing is consumed. Raises `LimitReached` if the wait is longer than ``max_wait`` or ends
        after ``until``, a moment on the clock; at once if that is known.
        """
        with self._lock:
            now = self._clock()
            if not self.queue and self._take(permit, now, admit):
                return
        self._queue_up(permit, now, until, admit)

    def use(self, permit: Permit, *, until: float = inf) -> None:
        """Let an attempt be sent now, perhaps long after it was let in.

        In a pause, or if others took a token since, it has to wait, as in `enter` and with it at
        most for ``max_wait``. It does so ahead of the queue, whose first may wait for its place.
        """
        bucket = permit.bucket
        if bucket and self._clock() - permit.token <= _AT_ONCE:
            return
        if not bucket and self._paused_until <= self._clock():
            return
        with self._lock:
            now = self._clock()
            paused = self._paused_until > now
            if bucket:
                if bucket is self._bucket and not paused and bucket.move(permit.token, now):
                    permit.token = now
                    return
                bucket.put_back(permit.token)
                if paused:
                    bucket.hold(self._paused_until)
            if self._take(permit, now, None):
                return
        self._queue_up(permit, now, until, None)

    def pause(self, seconds: float) -> None:
        """Hold everybody for some seconds, at most ``max_pause``; afterwards nothing is saved up.

        As servers ask with a Retry-After header (RFC 9110, 10.2.3).
        """
        if not self.options.max_pause:
            return
        with self._lock:
            until = self._clock() + min(seconds, self.options.max_pause, TIMEOUT_MAX)
            self._paused_until = max(self._paused_until, until)
            if self._bucket:
                self._bucket.hold(self._paused_until)
            self._wake_all()

    def empty(self) -> None:
        """Take all tokens away, as a server says with a status of 429 that it had enough."""
        if not self.options.max_pause or not self._bucket:
            return
        with self._lock:
            self._bucket.hold(self._clock() + self._bucket.interval)
            self._wake_all()

    def wake_first(self) -> None:
        """Let the first of the queue look again, from wherever a finalizer may run."""
        with suppress(IndexError):  # Nobody waits, or the last one has just gone.
            self.queue[0].wake()

    def _queue_up(
        self, permit: Permit, began: float, until: float, admit: Callable[[], object] | None
    ) -> None:
        """Wait behind those who came before; who was let in already came before all."""
        end = min(began + self.options.max_wait - permit.waited, until)
        if admit:
            permit.admitted = None
        waiter = _Waiter(is_late=permit.is_in)
        try:
            self._line_up(waiter)
            while True:
                with self._lock:
                    now = self._clock()
                    first = self.queue[0] is waiter
                    if first and self._take(permit, now, admit):
                        permit.waited += now - began
                        return
                    self._check(self.queue.index(waiter), now, end)
                    is_free = waiter.is_late or len(self._holders) < self._permits
                    wake_at = self._ready_at() if first and is_free else end
                waiter.sleep(min(wake_at - now, _PATIENCE))
        finally:
            with suppress(ValueError):  # Interrupted before it stood there.
                self.queue.remove(waiter)
            self.wake_first()

    def _line_up(self, waiter: _Waiter) -> None:
        """Give a waiter its place: those who are late stand before the others, in their order."""
        if waiter.is_late:
            self.queue.insert(sum(other.is_late for other in tuple(self.queue)), waiter)
        else:
            self.queue.append(waiter)

    def _ready_at(self, ahead: int = 0) -> float:
        """Return when there is a token for somebody with others ahead."""
        if not self._bucket:
            return self._paused_until
        return self._bucket.ready_at + ahead * self._bucket.interval

    def _check(self, ahead: int, now: float, end: float) -> None:
        """Refuse a wait that ends too late."""
        ready = self._ready_at(ahead)
        if ready > end or now >= end:
            wait = ready - now if ready > now else None
            raise LimitReached(wait, end=end, longest=self.options.max_wait)

    def _take(self, permit: Permit, now: float, admit: Callable[[], object] | None) -> bool:
        """Take a token and a place if both are there, and tell whether they were."""
        bucket, holders = self._bucket, self._holders
        ready = bucket.ready_at if bucket else self._paused_until
        if ready > now or (len(holders) >= self._permits and not permit.is_in):
            return False
        if admit and not permit.admitted:
            permit.admitted = admit()
        permit.limiter = self
        if bucket:
            bucket.take(now)
            permit.token = now
            permit.bucket = bucket
        if self.options.concurrency is not None and not permit.held:
            permit.holders = holders
            permit.held = held = ref(permit, holders.discard)
            holders.add(held)
        return True

    def _wake_all(self) -> None:
        for waiter in tuple(self.queue):
            waiter.wake()
