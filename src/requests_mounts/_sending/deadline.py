"""The deadline of one request: how much time is left, and which socket to cut at its end."""

import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from requests import PreparedRequest
from requests.exceptions import Timeout as RequestsTimeout
from urllib3 import Timeout as Urllib3Timeout

from requests_mounts._secret import redact
from requests_mounts._sending.clock import clock
from requests_mounts._sending.counters import Counters
from requests_mounts._sending.signals import Signal

_log = logging.getLogger("requests_mounts.deadline")
_SHORTEST = 0.001  # urllib3 takes no timeout of zero.


class Deadline:
    """Ends what a connection does when the time is up, even if the server keeps sending.

    A connection is watched from the moment that the request has it until it is put back into its
    pool, and nobody else's is ever cut.
    """

    __slots__ = (
        "_connection", "_sock", "counters", "end", "in_body", "mount", "request", "seconds",
        "stream", "was_cut",
    )  # fmt: skip

    end: float
    """The moment, on the monotonic clock."""

    was_cut: bool
    """Whether a connection was cut while it was watched; it is of no use to anyone any more."""

    in_body: bool
    """Whether only the body is left to read, so that no other connection can follow."""

    counters: Counters | None
    """Where it is counted, once, if it ends the request."""

    mount: Callable[[], str] | None
    """Names the mount that has it, for the error."""

    def __init__(
        self, request: PreparedRequest, seconds: float, *, stream: bool, began: float | None = None
    ) -> None:
        self.request = request
        self.seconds = seconds
        self.stream = stream
        self.end = (time.monotonic() if began is None else began) + seconds
        self.was_cut = self.in_body = False
        self.counters = self.mount = None
        self._connection: Any = None
        self._sock: Any = None

    def start(self) -> None:
        """Start the clock, which runs until `stop`."""
        clock.start(self)

    def left(self) -> float:
        """Return the seconds that are left, none or less when it is reached."""
        return self.end - time.monotonic()

    def check(self) -> None:
        """Raise `DeadlineReached` if no time is left."""
        if self.left() <= 0:
            raise DeadlineReached(self)

    def watch(self, connection: Any, sock: Any) -> None:
        """Take charge of a connection, and of its socket, which it may let go of earlier."""
        with clock.lock:
            self._connection, self._sock = connection, sock

    def release(self) -> None:
        """Leave the connection alone, which others may use from now on."""
        with clock.lock:
            self._connection = self._sock = None
        if self.in_body:
            clock.stop(self)

    def stop(self) -> None:
        """Stop the clock."""
        clock.stop(self)
        with clock.lock:
            self._connection = self._sock = None

    def go_on_in_body(self) -> bool:
        """Keep the clock running over the body, if there is a connection that it comes from."""
        with clock.lock:
            self.in_body = self._connection is not None
        return self.in_body

    def cut(self) -> bool:
        """Shut the socket down, which wakes the thread that waits for it; under the clock's lock.

        Returns whether to do so again, because the request may go on over another socket.
        """
        if self._connection is not None:
            self.was_cut = True
            for sock in (self._sock, getattr(self._connection, "sock", None)):
                _shut_down(sock)
        return not self.in_body

    def clip(self, timeout: Urllib3Timeout) -> Urllib3Timeout:
        """Shorten a timeout to what is left, which has to do where the clock has no thread.

        Of a stream only that of connecting, as its body may take longer.
        """
        timeout._connect = self.least(timeout.connect_timeout)  # noqa: SLF001 - no other way
        if not self.stream:
            timeout.total = self.least(timeout.total)
        return timeout

    def least(self, timeout: Any) -> float:
        """Return a timeout in seconds, whatever urllib3 takes for one, or what is left."""
        left = max(self.left(), _SHORTEST)
        return min(timeout, left) if isinstance(timeout, (int, float)) else left

    def error(self) -> RequestsTimeout:
        """Return the error that the caller sees, which names the URL and the time."""
        what = f"{self.request.method} {redact(self.request.url or '')}"
        message = f"{what} took longer than its deadline of {self.seconds:g} s"
        if self.mount:
            message += f" under {self.mount()}"
        if self.counters:
            self.counters.count("timeouts", "deadlines")
            self.counters = None
            _log.debug("%s", message)
        return RequestsTimeout(message, request=self.request)


class DeadlineReached(Signal):
    """No time is left."""

    numbers = ()  # The deadline counts itself.

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(deadline)
        self._deadline = deadline

    def error(self, _: PreparedRequest) -> RequestsTimeout:
        """Return the deadline's error."""
        return self._deadline.error()


def _shut_down(sock: Any) -> None:
    """Shut down the real socket, below the TLS, whose state belongs to the thread that reads.

    A TLS object's own ``shutdown`` forgets its keys, so that the thread would go on in the clear.
    """
    for _ in range(3):  # TLS through an https proxy is TLS in TLS.
        if isinstance(sock, socket.socket):
            with suppress(OSError):  # It may be closed already.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            return
        sock = getattr(sock, "socket", None)
