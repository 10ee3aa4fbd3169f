"""One clock over all that a request does."""

import socket
import time
from contextlib import suppress
from contextvars import ContextVar
from threading import Lock, Timer
from typing import Any, Self

from urllib3 import Retry
from urllib3 import Timeout as Urllib3Timeout
from urllib3.response import BaseHTTPResponse

_SHORTEST = 0.001  # urllib3 takes no timeout of zero.


class DeadlineReached(Exception):  # noqa: N818 - a signal inside the library, not an error of it
    """No time is left. Never an `OSError`, which urllib3 and requests would wrap or retry."""


class Deadline:
    """Ends what a connection does when the time is up, even if the server keeps sending.

    For a stream it ends with the headers, so that reading the body keeps its own timeout.
    """

    def __init__(self, seconds: float, *, stream: bool) -> None:
        self.reached = False
        self.response: BaseHTTPResponse | None = None
        """The response whose body is read; its connection may have let go of the socket."""
        self._stream = stream
        self._end = time.monotonic() + seconds
        self._lock = Lock()
        self._connection: Any = None
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def left(self) -> float:
        """Return the seconds that are left, none or less when it is reached."""
        return self._end - time.monotonic()

    def watch(self, connection: Any) -> None:
        """Take charge of a connection."""
        with self._lock:
            self._connection = connection

    def release(self, connection: Any) -> None:
        """Leave a connection alone, which others may use from now on."""
        with self._lock:
            if self._connection is connection:
                self._connection = None

    def cancel(self) -> None:
        """Stop the clock."""
        self._timer.cancel()
        self.watch(None)
        self.response = None

    def clip(self, timeout: Urllib3Timeout) -> Urllib3Timeout:
        """Shorten a timeout to what is left."""
        left = max(self.left(), _SHORTEST)
        return Urllib3Timeout(
            connect=_least(timeout.connect_timeout, left),
            read=timeout.read_timeout if self._stream else _least(timeout.read_timeout, left),
            total=timeout.total,
        )

    def _cut(self) -> None:
        """Shut the socket down, which wakes the thread that waits for it."""
        with self._lock:
            self.reached = True
            sock = getattr(self._connection, "sock", None)
            if sock is not None:
                _shut_down(sock)
            elif self.response:
                with suppress(OSError, RuntimeError, ValueError):  # It may be at its end.
                    self.response.shutdown()


class DeadlineRetry(Retry):
    """A `Retry` that neither tries nor waits beyond a deadline."""

    deadline: Deadline

    @classmethod
    def until(cls, deadline: Deadline, retry: Retry) -> Self:
        """Return a retry with the options of another."""
        bounded = cls.__new__(cls)
        vars(bounded).update(vars(retry), deadline=deadline)
        return bounded

    def new(self, **kw: Any) -> Self:
        """Return the next retry, under the same clock."""
        return self.until(self.deadline, super().new(**kw))

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        """Count an attempt; the last one was that which took the rest of the time."""
        if self.deadline.left() <= 0:
            raise DeadlineReached from kwargs.get("error")
        return super().increment(*args, **kwargs)

    def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
        """Wait as the server asks, unless that is longer than what is left."""
        self._refuse(self.get_retry_after(response) or 0)
        return super().sleep_for_retry(response)

    def _sleep_backoff(self) -> None:
        backoff = self.get_backoff_time()
        self._refuse(backoff)
        time.sleep(backoff)

    def _refuse(self, seconds: float) -> None:
        if seconds >= self.deadline.left():
            raise DeadlineReached


current_deadline: ContextVar[Deadline | None] = ContextVar("current_deadline", default=None)
"""The deadline of the request that this thread sends."""


def _least(one: Any, seconds: float) -> float:
    return min(one, seconds) if isinstance(one, (int, float)) else seconds


def _shut_down(sock: socket.socket) -> None:
    # Not SSLSocket's own shutdown, which would take the TLS state from under the reading thread.
    # A socket that is closed already raises an OSError, what is no socket a TypeError.
    with suppress(OSError, TypeError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
