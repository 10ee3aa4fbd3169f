"""The call of a session that a request belongs to: all hops of a redirect have one clock."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from threading import get_ident
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from requests_mounts._sending.attempt import Attempt
    from requests_mounts._sending.deadline import Deadline

_Item = TypeVar("_Item")


class Call:
    """What a session does between being asked and its answer; made by its ``send``.

    Redirects are followed by ``send`` too, for each hop anew. A request that a response hook or
    the generator of a body sends meanwhile, even by the same session, is a call of its own. So is
    what another thread sends, which may run in a copy of this one's context.
    """

    __slots__ = ("_token", "attempt", "began", "deadline", "follows", "redirects", "thread")

    began: float
    """When, on the monotonic clock."""

    follows: bool
    """Whether a redirect will be followed, so that its body is read before the caller has it."""

    redirects: bool
    """Whether the calls that follow are hops of this one."""

    deadline: "Deadline | None"
    """That of the request which is being sent."""

    attempt: "Attempt | None"
    """The attempt that is being made, if there is a limit, a breaker or a budget."""

    _token: "Token[Call | None]"

    def __init__(self, *, follows: bool = False) -> None:
        self.thread = get_ident()
        self.redirects = False
        self.deadline = self.attempt = None
        outer = current_call.get()
        if outer is None or not outer.redirects or outer.thread != self.thread:
            self.began, self.follows = time.monotonic(), follows
        else:
            self.began, self.follows = outer.began, True

    def __enter__(self) -> None:
        self._token = current_call.set(self)

    def __exit__(self, *_: object) -> None:
        current_call.reset(self._token)

    def beside(self) -> "Call":
        """Return another with the same clock, for what an adapter is asked to send meanwhile."""
        other = Call()
        other.began, other.follows = self.began, self.follows
        return other


current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
"""The call that this thread is in: of one of our own sessions, or of an adapter under another."""


@contextmanager
def outside() -> Iterator[None]:
    """Leave the call, for a request of another session that a hook or a body sends within it."""
    token = current_call.set(None)
    try:
        yield
    finally:
        current_call.reset(token)


def current_deadline() -> "Deadline | None":
    """Return the deadline of the request that this thread sends."""
    call = current_call.get()
    return call.deadline if call else None


def current_attempt() -> "Attempt | None":
    """Return the attempt that this thread makes."""
    call = current_call.get()
    return call.attempt if call else None


def follow(hops: Iterator[_Item]) -> Generator[_Item, None, None]:
    """Let each hop of requests' ``resolve_redirects`` belong to the call that it is made in."""
    call = current_call.get() or Call()
    while True:
        call.redirects = True
        try:
            hop = next(hops)
        except StopIteration:
            return
        finally:
            call.redirects = False
        yield hop
