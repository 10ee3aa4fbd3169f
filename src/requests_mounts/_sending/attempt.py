"""One attempt at a request under a limit, a breaker and a retry budget.

The order is that of the README: the breaker refuses, the limit gives a permit and a token, the
breaker admits; then come the wait for a connection, dialling and the exchange. The outcome is known
when the headers of the response are there, or the attempt fails.
"""

from http.client import HTTPException
from math import inf
from types import TracebackType
from typing import Any

from requests import PreparedRequest
from urllib3 import Retry
from urllib3.connection import BaseSSLError
from urllib3.exceptions import ProtocolError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util.ssl_match_hostname import CertificateError

from requests_mounts._sending.breaker import CircuitIsOpen
from requests_mounts._sending.calls import current_deadline
from requests_mounts._sending.deadline import DeadlineReached
from requests_mounts._sending.errors import CircuitOpen, LimitExceeded
from requests_mounts._sending.guards import Gate, Guard
from requests_mounts._sending.limit import Limiter, LimitReached, Permit
from requests_mounts._sending.retry_after import read_retry_after
from requests_mounts._sending.signals import Signal

_ASKS_TO_WAIT = (429, 503)
_NETWORK_ERRORS = (
    Urllib3TimeoutError,
    HTTPException,
    OSError,
    ProtocolError,
    BaseSSLError,
    SSLError,
    CertificateError,
    ProxyError,
)
"""What urllib3 takes for a failed attempt."""


class Attempt(Permit):
    """What an attempt has taken, until it is given back or told how it ended.

    It is its own permit, and has the breaker's ticket for what the limit ``admitted`` it by. To
    make one is to wait for both, at most ``until`` a moment; raises a signal if it is refused.
    """

    __slots__ = ("_gate", "handed_over")

    handed_over: bool
    """Whether a connection gives the permit back."""

    def __init__(self, gate: Gate, until: float = inf) -> None:
        super().__init__()
        self._gate = gate
        self.handed_over = False
        breaker, limiter = gate.breaker, gate.limiter
        if breaker:
            self.admitted = breaker.passing
            if not self.admitted:
                self.refuse()
        try:
            if limiter:
                limiter.enter(self, until, breaker.admit if breaker else None)
            elif breaker and not self.admitted:
                self.admitted = breaker.admit()
        except LimitReached as reached:
            raise _refused(gate.guard, reached, until) from None
        except CircuitIsOpen as circuit:
            raise CircuitRefused(gate.guard, circuit.seconds) from None
        except BaseException:  # An interrupt, whose traceback would have it for long.
            self.end()
            raise

    def use(self) -> None:
        """Be sent now, which may be later than the limit allowed; raises a signal if refused."""
        limiter = self._gate.limiter
        if limiter:
            deadline = current_deadline()
            until = deadline.end if deadline else inf
            try:
                limiter.use(self, until=until)
            except LimitReached as reached:
                raise _refused(self._gate.guard, reached, until) from None

    def refuse(self, *, after: BaseException | None = None) -> None:
        """Raise a signal if the circuit is open."""
        breaker = self._gate.breaker
        if breaker and (seconds := breaker.refusal()) is not None:
            raise CircuitRefused(self._gate.guard, seconds) from after

    def answer(self, response: BaseHTTPResponse, method: str, retries: Any) -> None:
        """Take the headers of a response for the outcome."""
        gate, status = self._gate, response.status
        failed = status in gate.statuses
        if gate.breaker and self.admitted:
            if failed:
                gate.breaker.fail(self.admitted)
            elif self.admitted is not gate.breaker.steady:
                gate.breaker.succeed(self.admitted)
            self.admitted = None
        if status in _ASKS_TO_WAIT and gate.limiter:
            self._hear(gate.limiter, status, response.headers.get("Retry-After"))
        if gate.budget and gate.budget.spent and not failed:
            asks = "Retry-After" in response.headers
            if not (isinstance(retries, Retry) and retries.is_retry(method, status, asks)):
                gate.budget.refund()

    def fail(self, error: BaseException) -> None:
        """Take an error for the outcome, if it says something of the server, and give back."""
        breaker = self._gate.breaker
        if breaker and self.admitted and _is_failure(error):
            breaker.fail(self.admitted)
        self.end()

    def may_retry(self) -> bool:
        """Pay for a failure that would be sent again, and tell whether it may be."""
        budget = self._gate.budget
        return not budget or budget.spend()

    def end(self) -> None:
        """Give back what is still taken; an outcome that is not known by now says nothing."""
        self.admitted = None
        self.give_back()

    def _hear(self, limiter: Limiter, status: int, header: str | None) -> None:
        seconds = None if header is None else read_retry_after(header)
        if seconds is not None:
            limiter.pause(seconds)
        elif status == 429:  # noqa: PLR2004 - Too Many Requests (RFC 6585)
            limiter.empty()


class LimitRefused(Signal):
    """A wait would be too long."""

    numbers = ("refused", "limited")

    def __init__(self, guard: Guard, seconds: float | None, longest: str) -> None:
        super().__init__(guard, seconds, longest)
        self.guard = guard
        self.seconds = seconds
        self.longest = longest

    def error(self, request: PreparedRequest) -> LimitExceeded:
        """Return the public error, which names the mount."""
        place = self.guard.places.get("limit", "")
        mount = (request.url or "", self.guard.prefix, place)
        return LimitExceeded(*mount, self.seconds, self.longest, request=request)


def _refused(guard: Guard, reached: LimitReached, until: float) -> LimitRefused:
    """Say what a wait under a limit would have outlasted."""
    longest = "the deadline" if reached.end >= until else f"max_wait = {reached.longest:g}"
    return LimitRefused(guard, reached.seconds, longest)


class CircuitRefused(Signal):
    """The circuit is open."""

    numbers = ("refused", "circuit_open")

    def __init__(self, guard: Guard, seconds: float) -> None:
        super().__init__(guard, seconds)
        self.guard = guard
        self.seconds = seconds

    def error(self, request: PreparedRequest) -> CircuitOpen:
        """Return the public error, which names the mount."""
        place = self.guard.places.get("breaker", "")
        return CircuitOpen(
            request.url or "", self.guard.prefix, place, self.seconds, request=request
        )


def _is_failure(error: BaseException) -> bool:
    """Tell whether an error says something of the server or the way to it."""
    if isinstance(error, DeadlineReached):
        return True
    return isinstance(error, _NETWORK_ERRORS) and not _is_of_body(error.__traceback__)


def _is_of_body(trace: TracebackType | None) -> bool:
    """Tell whether an error was raised by what the caller gave for a body, as it was read.

    urllib3 takes the errors of a file for those of a connection. They come from below the method
    that sends a request, and from neither urllib3's nor http.client's sending.
    """
    while trace and trace.tb_frame.f_code.co_qualname != "HTTPConnection.request":
        trace = trace.tb_next
    below = trace.tb_next if trace else None
    if trace is None:
        return False
    return below is None or below.tb_frame.f_globals.get("__name__") not in _SENDERS


_SENDERS = {"urllib3.connection", "http.client"}
