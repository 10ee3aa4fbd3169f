"""One attempt at a request under a limit, a breaker and a retry budget.

The order is that of the README: the breaker refuses, the limit gives a permit and a token, the
breaker admits; then come the wait for a connection, dialling and the exchange. The outcome is known
when the headers of the response are there, or the attempt fails.
"""

from contextvars import ContextVar
from http.client import HTTPException
from math import inf
from types import TracebackType
from typing import Any

from requests import PreparedRequest
from urllib3 import Retry
from urllib3.connection import BaseSSLError, port_by_scheme
from urllib3.exceptions import ProtocolError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util import parse_url
from urllib3.util.ssl_match_hostname import CertificateError

from requests_mounts._sending.breaker import Breaker, CircuitIsOpen, Ticket
from requests_mounts._sending.budget import Budget
from requests_mounts._sending.deadline import DeadlineReached
from requests_mounts._sending.errors import CircuitOpen, LimitExceeded
from requests_mounts._sending.guards import Guard
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


class Attempt:
    """What an attempt has taken, until it is given back or told how it ended."""

    __slots__ = ("_breaker", "_budget", "_guard", "_limiter", "_permit", "_ticket")

    def __init__(self, guard: Guard, origin: str) -> None:
        self._guard = guard
        limits, breakers, budgets = guard.limits, guard.breakers, guard.budgets
        self._limiter: Limiter | None = (
            limits.of("" if guard.shared else origin) if limits else None
        )
        self._breaker: Breaker | None = breakers.of(origin) if breakers else None
        self._budget: Budget | None = budgets.of(origin) if budgets else None
        self._permit: Permit | None = None
        self._ticket: Ticket | None = None

    def begin(self, *, left: float = inf) -> None:
        """Wait for a permit and a token, at most so many seconds; raises a signal if refused."""
        breaker, limiter = self._breaker, self._limiter
        if breaker and not breaker.passing:
            self.refuse()
        try:
            if limiter:
                admit = breaker.admit if breaker else None
                self._permit = permit = limiter.enter(left=left, admit=admit)
                self._ticket = permit.admitted
            elif breaker:
                self._ticket = breaker.admit()
        except LimitReached as reached:
            raise LimitRefused(self._guard, reached.seconds) from None
        except CircuitIsOpen as circuit:
            raise CircuitRefused(self._guard, circuit.seconds) from None

    def refuse(self, *, after: BaseException | None = None) -> None:
        """Raise a signal if the circuit is open."""
        if self._breaker and (seconds := self._breaker.refusal()) is not None:
            raise CircuitRefused(self._guard, seconds) from after

    def send(self) -> None:
        """Note that the request goes out, some time after it took its token."""
        if self._permit:
            self._permit.use()

    def answer(self, response: BaseHTTPResponse, method: str, retries: Any) -> None:
        """Take the headers of a response for the outcome."""
        status = response.status
        failed = status in self._guard.statuses
        if self._breaker and self._ticket:
            settle = self._breaker.fail if failed else self._breaker.succeed
            settle(self._ticket)
            self._ticket = None
        if status in _ASKS_TO_WAIT and self._limiter:
            self._hear(self._limiter, status, response.headers.get("Retry-After"))
        if self._budget and not failed and not self._budget.is_idle():
            asks = "Retry-After" in response.headers
            if not (isinstance(retries, Retry) and retries.is_retry(method, status, asks)):
                self._budget.refund()

    def fail(self, error: BaseException) -> None:
        """Take an error for the outcome, if it says something of the server, and give back."""
        if self._breaker and self._ticket and _is_failure(error):
            self._breaker.fail(self._ticket)
            self._ticket = None
        self.end()

    def may_retry(self) -> bool:
        """Pay for a failure that would be sent again, and tell whether it may be."""
        return not self._budget or self._budget.spend()

    def hand_over(self) -> Permit | None:
        """Let somebody else give the permit back."""
        permit, self._permit = self._permit, None
        return permit

    def end(self) -> None:
        """Give back what is still taken; an outcome that is not known by now says nothing."""
        if self._permit:
            self._permit.give_back()
            self._permit = None
        if self._breaker and self._ticket:
            self._breaker.forget(self._ticket)
            self._ticket = None

    def _hear(self, limiter: Limiter, status: int, header: str | None) -> None:
        seconds = None if header is None else read_retry_after(header)
        if seconds is not None:
            limiter.pause(seconds)
        elif status == 429:  # noqa: PLR2004 - Too Many Requests (RFC 6585)
            limiter.empty()


current_attempt: ContextVar[Attempt | None] = ContextVar("current_attempt", default=None)
"""The attempt that this thread makes."""


class LimitRefused(Signal):
    """A wait would be too long."""

    def __init__(self, guard: Guard, seconds: float | None) -> None:
        super().__init__(guard, seconds)
        self.guard = guard
        self.seconds = seconds

    def error(self, request: PreparedRequest) -> LimitExceeded:
        """Return the public error, which names the mount."""
        place = self.guard.places.get("limit", "")
        return LimitExceeded(
            request.url or "", self.guard.prefix, place, self.seconds, request=request
        )


class CircuitRefused(Signal):
    """The circuit is open."""

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


def origin_of(url: str) -> str:
    """Return the origin of an absolute URL, as a pool names its own; a proxy is asked for such."""
    parts = parse_url(url)
    host = (parts.host or "").strip("[]")
    return f"{parts.scheme}://{host}:{parts.port or port_by_scheme.get(parts.scheme or '')}"


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
