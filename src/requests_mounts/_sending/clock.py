"""One clock for the deadlines of all requests of a process.

Its thread starts with the first deadline and sleeps until the next one ends. A request adds its
deadline to a set and takes it out again, which wakes nobody: the thread has to know at once only
of a deadline that ends before the one that it waits for.
"""

import time
from math import inf
from threading import Condition, RLock, Thread
from typing import Protocol

from requests_mounts._sending.forks import around_forks

_AGAIN = 0.05
"""Seconds until what was cut is cut again, as long as it is not over."""


class Ending(Protocol):
    """What the clock ends."""

    end: float
    """When, on the monotonic clock."""

    def cut(self) -> bool:
        """End what is under way; return whether something else may follow it."""


class Clock:
    """Cuts everything that has been started and not stopped by its end.

    ``lock`` is held while something is cut. It can be taken again by the thread that has it: the
    garbage collector may close a response, or a signal handler fork, at any time.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self._changed = Condition(self.lock)
        self._started: set[Ending] = set()
        self.running = False
        """Whether there is a thread, which cannot always be started."""

        self._wakes = inf
        """When the thread looks next. While it looks, and without it, any end comes before."""

    def start(self, ending: Ending) -> None:
        """Watch over something from now on."""
        self._started.add(ending)
        if ending.end < self._wakes:
            self._wake()

    def stop(self, ending: Ending) -> None:
        """Forget it."""
        self._started.discard(ending)

    def hold(self) -> None:
        """Cut nothing until `let_go`."""
        self.lock.acquire()

    def let_go(self) -> None:
        """Go on."""
        self.lock.release()

    def start_anew(self) -> None:
        """Forget everything, in a child: the thread and the connections are the parent's."""
        self.__init__()  # type: ignore[misc]

    def _wake(self) -> None:
        with self.lock:  # Not the condition, whose own `with` an interrupt may leave locked.
            if not self.running:
                thread = Thread(target=self._run, name="requests-mounts deadlines", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # At the exit of the interpreter, since Python 3.12, or where there are too
                    # many: the timeouts of the sockets, which are no longer than what is left,
                    # have to do.
                    return
                self.running = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            try:
                while True:
                    self._wakes = inf
                    wakes = self._cut(time.monotonic())
                    self._wakes = wakes
                    self._changed.wait(None if wakes == inf else wakes - time.monotonic())
            finally:  # An error of a tool's connection: the next deadline starts another thread.
                self.running = False

    def _cut(self, now: float) -> float:
        """End what is over and return when to look again."""
        wakes = inf
        for ending in self._started.copy():  # Other threads go on adding to it.
            if ending.end > now:
                wakes = min(wakes, ending.end)
            elif ending.cut():
                wakes = min(wakes, now + _AGAIN)
            else:
                self.stop(ending)
        return wakes


clock = Clock()

around_forks(before=clock.hold, in_parent=clock.let_go, in_child=clock.start_anew)
