"""A lock that a forked child finds free, whichever thread of its parent held it."""

from threading import RLock

from requests_mounts._sending.forks import around_forks


class ProcessLock:
    """A reentrant lock of the whole process; it is never freed, so one belongs to a module."""

    def __init__(self) -> None:
        self._renew()
        around_forks(in_child=self._renew)

    def _renew(self) -> None:
        """Forget who holds it: of the threads, a forked child has the one that forked alone."""
        self._lock = RLock()

    def try_to_enter(self) -> bool:
        """Take the lock if nobody has it, and tell whether that was so."""
        return self._lock.acquire(blocking=False)

    def leave(self) -> None:
        """Give it back."""
        self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.leave()
