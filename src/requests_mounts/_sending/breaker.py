"""When to stop asking: a circuit that opens as attempts fail, and closes as probes succeed.

1. Closed, everything passes. It opens after ``failures`` in a row, or as ``ratio`` of those within
   ``window`` have failed, which is judged when a failure is counted.
2. Open, everything is refused for ``open_for`` seconds.
3. Then ``probes`` attempts may pass. If all succeed, it closes; if one fails, it is open for twice
   as long, at most ``max_open_for``. A probe that takes longer than ``open_for`` gives its place to
   another.
4. What began before the last change of state changes nothing.
"""

import time
from collections.abc import Callable
from threading import RLock
from weakref import ref

from requests_mounts._file.limits import BreakerOptions

_SLICES = 10
_SHORTEST = 1e-9  # Seconds; no clock tells shorter ones apart.


class CircuitIsOpen(Exception):  # noqa: N818 - a signal inside the library, not an error of it
    """Nothing passes. Never an `OSError`, which urllib3 and requests would retry."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        """After how long something may pass, at the latest."""


class Window:
    """Counts of the last seconds, in ten slices of which the oldest is dropped."""

    __slots__ = ("_current", "_slices", "_width", "failures", "total")

    def __init__(self, seconds: float) -> None:
        self._width = max(seconds, _SHORTEST) / _SLICES
        self._slices = [(0, 0)] * _SLICES
        self._current = 0
        self.total = 0
        self.failures = 0

    def count(self, now: float, *, failures: int, total: int = 1) -> None:
        """Count an attempt, or several."""
        self.move_to(now)
        place = self._current % _SLICES
        counted, failed = self._slices[place]
        self._slices[place] = (counted + total, failed + failures)
        self.total += total
        self.failures += failures

    def resized(self, seconds: float, now: float) -> "Window":
        """Return a window of another length with what was counted, each slice as of its end."""
        other = Window(seconds)
        for number in range(self._current - _SLICES + 1, self._current + 1):
            total, failures = self._slices[number % _SLICES]
            other.count(min((number + 1) * self._width, now), total=total, failures=failures)
        return other

    def move_to(self, now: float) -> None:
        """Forget what was counted too long ago."""
        number = int(now // self._width)
        for newer in range(max(self._current + 1, number - _SLICES + 1), number + 1):
            total, failures = self._slices[newer % _SLICES]
            self._slices[newer % _SLICES] = (0, 0)
            self.total -= total
            self.failures -= failures
        self._current = number


class Ticket:
    """Says which state an attempt began in; each probe has its own, and its place by having it."""

    __slots__ = ("__weakref__",)


class Breaker:
    """The state of a circuit, which one mount has for each origin."""

    passing: Ticket | None
    """The ticket of all attempts while the circuit is closed; read without the lock too."""
    steady: Ticket | None
    """It too, if to succeed with it would change nothing."""
    _in_a_row: int
    _open_for: float
    """For how long it was opened the last time."""
    _open_until: float | None
    """The end of the time in which everything is refused; None outside of it."""
    _probes: dict[ref[Ticket], float]
    """The probes that are under way, and when each gives its place to another.

    One that is dropped leaves by itself, so that no interrupt can keep its place.
    """

    def __init__(
        self, options: BreakerOptions, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self.start(options)

    def start(self, options: BreakerOptions) -> None:
        """Begin closed, whatever was before, as after a fork."""
        self.options = options
        self._lock = RLock()  # The handler of a signal may reload.
        self._close()

    def change(self, options: BreakerOptions) -> None:
        """Go on under other options, in the same state; how many have failed carries over."""
        with self._lock:
            now = self._clock()
            if self.options.failures:
                self._window = Window(options.window)
                self._window.count(now, total=self._in_a_row, failures=self._in_a_row)
            elif options.window != self.options.window:
                self._window = self._window.resized(options.window, now)
            self.options = options
            self._steady_or_not()

    def is_idle(self) -> bool:
        """Tell whether a new state would be no different."""
        with self._lock:
            self._window.move_to(self._clock())
            counted = self._in_a_row if self.options.failures else self._window.total
            return self.passing is not None and not counted

    def refusal(self) -> float | None:
        """Return for how many seconds nothing passes; None if an attempt would."""
        if self.passing:
            return None
        with self._lock:
            return self._refusal(self._clock())

    def admit(self) -> Ticket:
        """Let an attempt pass, which has to tell how it ends; raises `CircuitIsOpen`."""
        if passing := self.passing:
            return passing
        with self._lock:
            now = self._clock()
            seconds = self._refusal(now)
            if seconds is not None:
                raise CircuitIsOpen(seconds)
            return self.passing or self._new_probe(now)

    def succeed(self, ticket: Ticket) -> None:
        """Count an attempt that the server answered, unless its ticket is ``steady``."""
        with self._lock:
            if ticket is self.passing:
                self._count(self._clock(), failed=False)
            elif self._probes.pop(ref(ticket), None) is not None:
                self._succeeded += 1
                if self._succeeded >= self.options.probes:
                    self._close()

    def fail(self, ticket: Ticket) -> None:
        """Count an attempt that failed."""
        with self._lock:
            now = self._clock()
            if ticket is self.passing:
                self._count(now, failed=True)
                if self._is_enough():
                    self._open(now, self.options.open_for)
            elif ref(ticket) in self._probes:
                self._open(now, min(2 * self._open_for, self.options.max_open_for))

    def _count(self, now: float, *, failed: bool) -> None:
        self._in_a_row = self._in_a_row + 1 if failed else 0
        self._window.count(now, failures=failed)
        self._steady_or_not()

    def _steady_or_not(self) -> None:
        self.steady = None if self._in_a_row or self.options.ratio else self.passing

    def _is_enough(self) -> bool:
        options, window = self.options, self._window
        if options.ratio is None:
            return self._in_a_row >= (options.failures or 0)
        # A division, as the product is not exact: 0.28 * 25 is more than 7.
        return window.total >= options.minimum and window.failures / window.total >= options.ratio

    def _refusal(self, now: float) -> float | None:
        if self._open_until is not None:
            return self._open_until - now if now < self._open_until else None
        places = [end for end in tuple(self._probes.values()) if end > now]
        if not places or len(places) + self._succeeded < self.options.probes:
            return None
        return min(places) - now

    def _new_probe(self, now: float) -> Ticket:
        self._open_until = None
        probe = Ticket()
        self._probes[ref(probe, self._probes.pop)] = now + self.options.open_for
        return probe

    def _close(self) -> None:
        self._window = Window(self.options.window)
        self._in_a_row = 0
        self._end_probes()
        self.passing = Ticket()
        self._steady_or_not()

    def _open(self, now: float, seconds: float) -> None:
        self.passing = None  # Nor is there one that is steady, after a failure.
        self._open_for = seconds
        self._end_probes()
        self._open_until = now + seconds

    def _end_probes(self) -> None:
        self._open_until = None
        self._probes = {}
        self._succeeded = 0
