"""An interrupt of the keyboard, at any moment of a request."""

import gc
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType

import pytest
import requests

from loopback import Server
from requests_mounts._file.limits import LimitOptions
from requests_mounts._sending.limit import Limiter, LimitReached
from servers import SessionOf, adapter_of, enter

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="there is no timer on this system"
)
_MOMENTS = 300


def interrupt(_: int, frame: FrameType | None) -> None:
    """Interrupt, but not Python's own locks and queues, which may stay locked then."""
    if frame and frame.f_globals.get("__name__") in {"queue", "threading"}:
        signal.setitimer(signal.ITIMER_REAL, 1e-5)
    else:
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _interrupts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let alarms be interrupts, and finalizers swallow them, as Python has it."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    before = signal.signal(signal.SIGALRM, interrupt)
    yield
    signal.signal(signal.SIGALRM, before)


def is_interrupted(work: Callable[[], object], *, after: float) -> bool:
    """Do something, with an interrupt after some seconds, and tell whether it came through."""
    try:
        signal.setitimer(signal.ITIMER_REAL, max(after, 1e-6))
        try:
            work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    return False


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["kept", "new"])
@pytest.mark.parametrize("stream", [False, True], ids=["read", "dropped"])
def test_during_a_request(
    server: Server, session_of: SessionOf, headers: dict[str, str], *, stream: bool
) -> None:
    """Neither a permit nor the place of a probe is lost."""
    session = session_of(
        f'[mounts."{server.url}"]\nlimit = {{ concurrency = 1, max_wait = 0 }}\n'
        "breaker = { failures = 1 }\nretry_budget = { tokens = 10 }\nmax_retries = 1\n"
    )
    guard = adapter_of(session, server.url).guard
    assert guard

    def get() -> requests.Response:
        return session.get(server.url, headers=headers, stream=stream)

    get()
    start = time.monotonic()
    get()
    taken = time.monotonic() - start
    gate = guard.gate(server.url)
    breaker, limiter = gate.breaker, gate.limiter
    assert breaker
    assert limiter
    now = [0.0]
    breaker._clock = lambda: now[0]
    interrupts = 0
    for number in range(_MOMENTS):
        breaker.start(breaker.options)
        breaker.fail(breaker.admit())
        now[0] += breaker.options.open_for
        interrupts += is_interrupted(get, after=taken * number / _MOMENTS)
        if not limiter.is_idle():
            gc.collect()
        assert limiter.is_idle()
        assert breaker.refusal() is None
    assert interrupts


def test_in_the_queue() -> None:
    """Whoever is interrupted leaves it, and the next one passes."""
    # Python sees an interrupt just before it falls asleep only when it wakes up again.
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=0.1))
    for number in range(_MOMENTS):
        first = enter(limiter)
        with suppress(LimitReached):
            is_interrupted(lambda: enter(limiter), after=number * 1e-6)
        first.give_back()
        enter(limiter, left=0)
        assert limiter.is_idle()
