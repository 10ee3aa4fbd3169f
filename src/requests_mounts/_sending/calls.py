"""The call of a session that a request belongs to: all hops of a redirect have one clock."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TypeVar

_Item = TypeVar("_Item")


class Call:
    """What a session does between being asked and its answer; made by its ``send``.

    Redirects are followed by ``send`` too, for each hop anew. A request that a response hook or
    the generator of a body sends meanwhile, even by the same session, is a call of its own.
    """

    __slots__ = ("_token", "began", "follows")

    began: float
    """When, on the monotonic clock."""

    follows: bool
    """Whether a redirect will be followed, so that its body is read before the caller has it."""

    def __init__(self, *, follows: bool) -> None:
        beginning = _hop_of.get()
        if beginning is None:
            self.began, self.follows = time.monotonic(), follows
        else:
            self.began, self.follows = beginning, True
            _hop_of.set(None)

    def __enter__(self) -> None:
        self._token: Token[Call | None] = current_call.set(self)

    def __exit__(self, *_: object) -> None:
        current_call.reset(self._token)


current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
"""The call that this thread is in, of one of our own sessions."""


@contextmanager
def outside() -> Iterator[None]:
    """Leave the call, for a request of another session that a hook or a body sends within it."""
    token = current_call.set(None)
    try:
        yield
    finally:
        current_call.reset(token)


_hop_of: ContextVar[float | None] = ContextVar("hop_of", default=None)
"""When the call began whose redirect is being followed, until the hop has taken it over."""


def follow(hops: Iterator[_Item]) -> Generator[_Item, None, None]:
    """Let each hop of requests' ``resolve_redirects`` belong to the call that it is made in."""
    call = current_call.get()
    while True:
        token = _hop_of.set(call.began if call else None)
        try:
            hop = next(hops)
        except StopIteration:
            return
        finally:
            _hop_of.reset(token)
        yield hop
