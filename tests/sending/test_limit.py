"""The state of a limit: its bucket against the facts of others, its queue with real threads."""

import gc
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from requests_mounts._file.limits import LimitOptions
from requests_mounts._sending.bucket import Bucket
from requests_mounts._sending.limit import Limiter, LimitReached, Permit
from servers import enter, wait_for


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody who waits look before somebody wakes it."""
    monkeypatch.setattr("requests_mounts._sending.limit._PATIENCE", 3600)


def spent(clock: Clock, **options: float) -> Limiter:
    """Make a limit whose bucket is empty."""
    limiter = Limiter(LimitOptions(**options), clock=clock)  # type: ignore[arg-type]
    for _ in range(limiter.options.burst):
        enter(limiter, left=0)
    return limiter


# As golang.org/x/time has it for a limit of 10 per second, in tenths of a second: steps of
# (moment, tokens wanted at once, whether they are there).
GOLANG = {
    "burst 1": (1, [(0, 1, True), (0, 1, False), (0, 1, False), (1, 1, True), (1, 1, False),
                    (1, 1, False), (2, 2, False), (2, 1, True), (2, 1, False)]),
    "burst 3": (3, [(0, 2, True), (0, 2, False), (0, 1, True), (0, 1, False), (1, 4, False),
                    (2, 1, True), (3, 1, True), (4, 1, True), (4, 1, True), (4, 1, False),
                    (4, 1, False), (9, 3, True), (9, 0, True)]),
}  # fmt: skip


@pytest.mark.parametrize(("burst", "steps"), GOLANG.values(), ids=list(GOLANG))
def test_the_bucket_of_golang(burst: int, steps: list[tuple[int, int, bool]]) -> None:
    """A bucket has as many tokens at each moment as golang's; monotonic clocks never jump back."""
    bucket = Bucket(rate=1, per=1, burst=burst)
    for moment, wanted, there in steps:
        # So many tokens are there if the last of them is, and the bucket can hold them.
        last = bucket.ready_at + (wanted - 1) * bucket.interval
        assert (wanted <= burst and (not wanted or last <= moment)) == there, (moment, wanted)
        for _ in range(wanted * there):
            bucket.take(moment)


def test_a_rate_that_no_float_holds() -> None:
    """The first token is there whatever the rate, as golang found (issue 34861)."""
    limiter = Limiter(LimitOptions(rate=0.7692307692307693), clock=Clock())
    enter(limiter, left=0)


@pytest.mark.parametrize("burst", [1, 3])
def test_rates_that_floats_cannot_reckon_with(burst: int) -> None:
    """One that is next to nothing is not without a limit, and one that is next to inf has a bucket."""
    slow = Bucket(rate=1e-320, per=1, burst=burst)
    for _ in range(burst):
        assert slow.ready_at <= 7
        slow.take(7)
    assert slow.ready_at > 1e100
    fast = Bucket(rate=1e308, per=1e-308, burst=burst)
    fast.take(7)
    assert fast.ready_at <= 7
    fast.lack(slow.missing(8), 8)
    assert fast.missing(8) == 0


@given(
    rate=st.floats(0.1, 1000),
    per=st.floats(0.1, 100),
    burst=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 50), min_size=2, max_size=60),
)
def test_the_guarantee(rate: float, per: float, burst: int, pauses: list[float]) -> None:
    """Between any two attempts lies what the rate asks for those between them beyond the burst."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=rate, per=per, burst=burst, max_wait=0), clock=clock)
    sent: list[float] = []
    for pause in pauses:
        clock.now += pause * per / rate / 10
        try:
            enter(limiter)
        except LimitReached as signal:
            assert signal.seconds
            clock.now += signal.seconds * (1 + 1e-9) + 1e-9
            enter(limiter)
        sent.append(clock.now)
    for i, earlier in enumerate(sent):
        for j in range(i + 1, len(sent)):
            assert sent[j] - earlier >= (j - i - burst + 1) * per / rate - 1e-6


def moment_of_next(takes: list[float], burst: int) -> float:
    """Return when the next token is there after others, in intervals: GCRA as the standard has it."""
    full = -inf
    for moment in takes:
        full = max(full, moment) + 1
    return full - (burst - 1)


@given(
    burst=st.integers(1, 4),
    steps=st.lists(
        st.tuples(st.sampled_from(["enter", "use"]), st.integers(0, 9), st.floats(0.01, 2)),
        max_size=60,
    ),
)
@example(
    2, [("enter", 0, 0.1), ("enter", 0, 0.1), ("use", 1, 1.4), ("use", 0, 0.1), ("enter", 0, 0.2)]
)
@example(2, [("enter", 0, 0.1), ("enter", 0, 0.1), ("use", 1, 0.1), ("enter", 0, 0.1)])
@example(4, [("enter", 0, 0.1)] * 4 + [("use", 1, 0.1), ("enter", 0, 0.1), ("use", 0, 0.1)])
def test_tokens_that_are_used_late(burst: int, steps: list[tuple[str, int, float]]) -> None:
    """They count when they are used; one that others overtook is given up for another, if any."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=1, burst=burst, max_wait=0), clock=clock)
    pending: list[Permit] = []
    takes: list[float] = []  # In their order; those that are used late stand where they were used.
    for step, number, pause in steps:
        clock.now += pause
        taken = None
        if step == "use" and pending:
            taken = pending.pop(number % len(pending))
            is_last = takes[-1] == taken.token
            takes.remove(taken.token)
            ready = clock.now if is_last else moment_of_next(takes, burst)
        else:
            ready = moment_of_next(takes, burst)
        try:
            if taken:
                limiter.use(taken)
            else:
                pending.append(enter(limiter))
        except LimitReached as signal:
            assert signal.seconds == pytest.approx(ready - clock.now, abs=1e-6)
        else:
            assert ready <= clock.now + 1e-6
            takes.append(clock.now)
    for i, earlier in enumerate(takes):
        for j in range(i + 1, len(takes)):
            assert takes[j] - earlier >= j - i - burst + 1 - 1e-6


def test_a_late_use_and_a_pause() -> None:
    """Not even the last token may be used within a pause; another is there when it ends."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=0.01, max_wait=0), clock=clock)
    permit = enter(limiter)
    clock.now += 1
    limiter.pause(5)
    for wait in (5, 3):
        with pytest.raises(LimitReached) as caught:
            limiter.use(permit)
        assert caught.value.seconds == wait
        clock.now += 2
    clock.now += 1
    for _ in range(3):
        limiter.use(permit)
        clock.now += 2


def test_a_late_use_and_another_limit() -> None:
    """What a reload changes meanwhile holds for the late ones too."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=1, max_wait=0), clock=clock)
    permit = enter(limiter)
    clock.now += 0.5
    limiter.change(LimitOptions(rate=0.5, concurrency=1, max_wait=0))
    with pytest.raises(LimitReached) as caught:
        limiter.use(permit)
    assert caught.value.seconds == 1
    limiter.change(LimitOptions(concurrency=1, max_wait=0))
    limiter.use(permit)


@pytest.mark.usefixtures("patient")
def test_who_is_late_goes_before_the_queue() -> None:
    """It has a place among those under way, for which the first of the queue may wait."""
    limiter = Limiter(LimitOptions(rate=4, burst=2, concurrency=2, max_wait=20))
    late, other = enter(limiter), enter(limiter)
    ended: list[str] = []

    def wait() -> None:
        enter(limiter)
        ended.append("waiter")

    threads = run(wait)
    wait_for(partial(is_waiting, limiter, 1))
    limiter.empty()
    time.sleep(0.01)
    limiter.use(late)
    ended.append("late")
    late.give_back()
    other.give_back()
    threads[0].join(10)
    assert ended == ["late", "waiter"]
    assert late.waited > 0


def test_those_who_are_late_are_served_in_their_order() -> None:
    """Who is late first goes out first, too."""
    limiter = Limiter(LimitOptions(rate=4, max_wait=20))
    late = [enter(limiter) for _ in range(3)]
    enter(limiter)
    ended: list[int] = []

    def use(number: int) -> None:
        limiter.use(late[number])
        ended.append(number)

    threads = []
    for number in range(3):
        threads += run(partial(use, number))
        wait_for(partial(is_waiting, limiter, number + 1))
    for thread in threads:
        thread.join(10)
    assert ended == [0, 1, 2]


def test_how_long_all_waits_were() -> None:
    """The second one comes on top of the first."""
    limiter = Limiter(LimitOptions(rate=5, max_wait=20))
    enter(limiter)
    late = enter(limiter)
    waited = late.waited
    enter(limiter)
    time.sleep(0.1)
    limiter.use(late)
    assert late.waited >= waited


def test_waits_that_add_up() -> None:
    """Both waits of an attempt together are no longer than max_wait."""
    limiter = Limiter(LimitOptions(rate=5, max_wait=0.25))
    enter(limiter)
    late = enter(limiter)
    enter(limiter)
    with pytest.raises(LimitReached):
        limiter.use(late)


@given(steps=st.lists(st.sampled_from(["wait", "enter", "pause", "empty", "change"]), max_size=40))
def test_pauses_are_never_shortened(steps: list[str]) -> None:
    """Whatever happens, nobody passes before the latest moment that a server asked for."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=2, burst=3, max_wait=0, max_pause=5), clock=clock)
    earliest = -inf
    for number, step in enumerate(steps):
        match step:
            case "wait":
                clock.now += 0.7
            case "pause":
                limiter.pause(number % 9)
                earliest = max(earliest, clock.now + min(number % 9, 5))
            case "empty":
                limiter.empty()
                earliest = max(earliest, clock.now + 0.5)
            case "change":
                limiter.change(LimitOptions(rate=2, burst=3, max_wait=0, max_pause=5))
            case "enter":
                try:
                    enter(limiter)
                except LimitReached:
                    continue
                assert clock.now >= earliest - 1e-9


def test_a_wait_that_is_too_long_consumes_nothing() -> None:
    """It is refused before it begins, with its length, and the token is there for the next."""
    clock = Clock()
    limiter = spent(clock, rate=1, max_wait=30)
    for _ in range(3):
        with pytest.raises(LimitReached) as caught:
            enter(limiter, left=0.2)
        assert caught.value.seconds == 1
    clock.now += 1
    enter(limiter, left=0)


def test_a_wait_behind_others() -> None:
    """It is as long as it takes until all of them have a token too."""
    clock = Clock()
    limiter = spent(clock, rate=1, max_wait=30)
    (thread,) = run(partial(enter, limiter))
    wait_for(partial(is_waiting, limiter, 1))
    with pytest.raises(LimitReached) as caught:
        enter(limiter, left=0.5)
    clock.now += 1
    thread.join()
    assert caught.value.seconds == 2


def test_a_pause_that_is_over_before_the_next_token() -> None:
    """It gives nobody a token earlier."""
    limiter = spent(Clock(), rate=1, max_wait=0)
    limiter.pause(0.1)
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds == 1


def test_a_pause_is_followed_by_the_plain_rate() -> None:
    """After a pause one may pass, and each next one an interval later, whatever the burst."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=10, burst=5, max_wait=0), clock=clock)
    limiter.pause(2)
    clock.now += 2
    enter(limiter)
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("asked", "longest", "wait"),
    [
        (2, 60, 2),
        (90, 60, 60),
        (2, 0, None),
        (0, 60, None),
        pytest.param(10**400, 60, 60, id="no float-60"),
        pytest.param(10**400, inf, pytest.approx(threading.TIMEOUT_MAX), id="no float-inf"),
    ],
)
def test_the_length_of_a_pause(asked: float, longest: float, wait: float | None) -> None:
    """It is the longest that the server asks for, at most max_pause; 0 is not to hear it."""
    clock = Clock()
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=0, max_pause=longest), clock=clock)
    limiter.pause(asked)
    limiter.pause(asked // 2)
    limiter.empty()
    if wait is None:
        enter(limiter)
        return
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds == wait


def test_an_emptied_bucket() -> None:
    """It has no token until the next flows in, and is heard no sooner with max_pause = 0."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=10, burst=5, max_wait=0), clock=clock)
    limiter.empty()
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds == pytest.approx(0.1)
    deaf = Limiter(LimitOptions(rate=10, max_wait=0, max_pause=0), clock=clock)
    deaf.empty()
    enter(deaf)


def test_admission_is_asked_before_anything_is_taken() -> None:
    """What refuses at the last moment leaves the token and the permit to others."""

    def refuse() -> None:
        raise ZeroDivisionError

    limiter = Limiter(LimitOptions(rate=1, concurrency=1, max_wait=0), clock=Clock())
    with pytest.raises(ZeroDivisionError):
        enter(limiter, admit=refuse)
    enter(limiter)


def test_permits() -> None:
    """As many are out as the file says; giving one back twice is giving it back once."""
    limiter = Limiter(LimitOptions(concurrency=2, max_wait=0))
    first, _second = enter(limiter), enter(limiter)
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds is None
    first.give_back()
    first.give_back()
    _third = enter(limiter)
    with pytest.raises(LimitReached):
        enter(limiter)


def test_dropped_permits_come_back() -> None:
    """A permit that nobody holds is not lost, not even one in a cycle of garbage."""
    limiter = Limiter(LimitOptions(concurrency=3, max_wait=0))
    for _ in range(500):
        enter(limiter)
    for _ in range(20):
        cycle: list[object] = [enter(limiter) for _ in range(3)]
        cycle.append(cycle)
        del cycle
        gc.collect()
    assert limiter.is_idle()


class Interrupted(Permit):
    """Is dropped in the moment of an interrupt, which Python swallows there."""

    def __del__(self) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_while_a_permit_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes back though its finalizer does nothing."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=0))
    for _ in range(2):
        limiter.enter(Interrupted())
    assert limiter.is_idle()


def test_a_permit_that_is_dropped_wakes_nobody() -> None:
    """As one is by an interrupt; who waits for it looks by itself after a while."""
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=inf))
    held = [enter(limiter)]
    waiter = threading.Thread(target=enter, args=(limiter,), daemon=True)
    waiter.start()
    wait_for(lambda: limiter.queue)
    time.sleep(0.2)
    held.clear()
    wait_for(lambda: not waiter.is_alive())


def test_a_permit_that_is_dropped_under_the_lock() -> None:
    """The collector may call a finalizer in the thread that holds the lock; it counts all the same."""
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=5))
    held: list[Permit] = [enter(limiter)]
    with limiter._lock:
        held.clear()
    held.append(enter(limiter, left=0))
    other = Limiter(LimitOptions(concurrency=1, max_wait=0))
    held.append(enter(other))
    limiter.change(LimitOptions(concurrency=2, max_wait=0))
    enter(limiter, admit=held.clear)
    assert limiter.is_idle()
    assert other.is_idle()


def run(*works: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.usefixtures("patient")
def test_who_waits_for_a_permit_sleeps() -> None:
    """It is woken when there is one, and does not look at the clock until then."""
    asked = []

    def clock() -> float:
        asked.append(time.monotonic())
        return asked[-1]

    limiter = Limiter(LimitOptions(rate=1000, concurrency=1, max_wait=15), clock=clock)
    permit = enter(limiter)
    passed: list[Permit] = []
    (thread,) = run(lambda: passed.append(enter(limiter)))
    wait_for(partial(is_waiting, limiter, 1))
    time.sleep(0.1)
    looks = len(asked)
    permit.give_back()
    thread.join(10)
    assert passed
    assert looks <= 5


def is_waiting(limiter: Limiter, number: int) -> bool:
    return len(limiter.queue) == number


@pytest.mark.usefixtures("patient")
def test_first_come_first_served() -> None:
    """Those who wait pass in the order in which they came, and nobody passes them by."""
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=20))
    permit = enter(limiter)
    passed: list[int] = []

    def wait(number: int) -> None:
        mine = enter(limiter)
        passed.append(number)
        mine.give_back()

    threads: list[threading.Thread] = []
    for number in range(8):
        threads += run(partial(wait, number))
        wait_for(partial(is_waiting, limiter, number + 1))
    with limiter._lock:  # Nobody has a look yet.
        permit.give_back()
        assert not limiter.is_idle()
        with pytest.raises(LimitReached):
            enter(limiter, left=0)
    for thread in threads:
        thread.join(10)
    assert passed == list(range(8))
    assert limiter.is_idle()


@pytest.mark.usefixtures("patient")
def test_each_wakes_the_next() -> None:
    """Only who is the first knows when there is a token."""
    limiter = Limiter(LimitOptions(rate=20, max_wait=15))
    threads = run(*[partial(enter, limiter)] * 4)
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.usefixtures("patient")
def test_another_limit_reaches_those_who_wait() -> None:
    """More of them may pass at once."""
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=15))
    _permit = enter(limiter)
    (thread,) = run(partial(enter, limiter))
    wait_for(partial(is_waiting, limiter, 1))
    limiter.change(LimitOptions(concurrency=2, max_wait=15))
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.usefixtures("patient")
def test_an_emptied_bucket_reaches_those_who_wait() -> None:
    """Who cannot wait for another token is refused at once."""
    limiter = Limiter(LimitOptions(rate=0.01, burst=2, concurrency=1, max_wait=15))
    _permit = enter(limiter)
    refused: list[float | None] = []

    def wait() -> None:
        try:
            enter(limiter)
        except LimitReached as signal:
            refused.append(signal.seconds)

    (thread,) = run(wait)
    wait_for(partial(is_waiting, limiter, 1))
    limiter.empty()
    thread.join(10)
    assert refused


class Dropped(set[Any]):
    """Those under way, of whom the last one is dropped after it was counted twice."""

    looks = 0

    def __len__(self) -> int:
        self.looks += 1
        return int(self.looks <= 2)


def test_a_permit_that_is_dropped_as_another_looks() -> None:
    """There is a token since some time, and the wait for it is over."""
    limiter = Limiter(LimitOptions(rate=1, burst=9, concurrency=1, max_wait=20), clock=Clock())
    limiter._holders = holders = Dropped()
    enter(limiter)
    assert holders.looks > 3


class Unreached(deque[Any]):
    """A queue that an interrupt comes before."""

    def append(self, _: object) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_before_a_place_in_the_queue() -> None:
    """It is what is raised."""
    limiter = spent(Clock(), rate=1)
    limiter.queue = Unreached()
    with pytest.raises(KeyboardInterrupt):
        enter(limiter)


@pytest.mark.usefixtures("patient")
def test_a_pause_reaches_those_who_wait() -> None:
    """They look again: who can wait passes after it, who cannot is refused at once."""
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=20))
    permit = enter(limiter)
    refused: list[float | None] = []
    passed: list[float] = []

    def patient() -> None:
        enter(limiter)
        passed.append(time.monotonic())

    def hurried() -> None:
        try:
            enter(limiter, left=1.9)
        except LimitReached as signal:
            refused.append(signal.seconds)

    threads = run(patient, hurried)
    wait_for(partial(is_waiting, limiter, 2))
    paused = time.monotonic()
    limiter.pause(2)
    permit.give_back()
    for thread in threads:
        thread.join(10)
    assert passed[0] >= paused + 2
    assert refused[0]
    assert 0.5 < refused[0] <= 2


def test_who_gives_up_lets_the_next_one_wait() -> None:
    """The wait for a permit ends after max_wait, and the one behind is the first then."""
    limiter = Limiter(LimitOptions(concurrency=1, max_wait=20))
    permit = enter(limiter)
    ended: list[str] = []

    def hurried() -> None:
        with pytest.raises(LimitReached):
            enter(limiter, left=1)
        ended.append("hurried")

    def patient() -> None:
        enter(limiter)
        ended.append("patient")

    threads = run(hurried)
    wait_for(partial(is_waiting, limiter, 1))
    threads += run(patient)
    threads[0].join(10)
    permit.give_back()
    threads[1].join(10)
    assert ended == ["hurried", "patient"]


def test_threads_keep_to_rate_and_concurrency() -> None:
    """Many threads at once are never more than allowed, and never faster."""
    read = threading.local()

    def clock() -> float:
        read.now = time.monotonic()
        return float(read.now)

    limiter = Limiter(LimitOptions(rate=200, burst=3, concurrency=4), clock=clock)
    moments: list[float] = []
    under_way: list[int] = []
    lock = threading.Lock()
    count = 0

    def work() -> None:
        nonlocal count
        for _ in range(5):
            permit = enter(limiter, admit=lambda: moments.append(read.now))
            with lock:
                count += 1
                under_way.append(count)
            time.sleep(0.01)
            with lock:
                count -= 1
            permit.give_back()

    for thread in run(*[work] * 12):
        thread.join(30)
    assert max(under_way) <= 4
    assert len(moments) == 60
    for i, earlier in enumerate(moments):
        for j in range(i + 3, len(moments)):
            assert moments[j] - earlier >= (j - i - 2) / 200 - 1e-6
    assert not limiter.queue


def test_another_limit_carries_over_the_fill() -> None:
    """A changed limit begins as empty as it was, keeps its pause, and counts who is under way."""
    clock = Clock()
    limiter = spent(clock, rate=1, burst=4, max_wait=0)
    clock.now += 1  # One of four tokens: a quarter.
    limiter.change(LimitOptions(rate=10, burst=8, max_wait=0))
    enter(limiter)
    enter(limiter)
    with pytest.raises(LimitReached):
        enter(limiter)
    limiter.pause(3)
    for options in (LimitOptions(rate=100, max_wait=0), LimitOptions(concurrency=1, max_wait=0)):
        limiter.change(options)
        with pytest.raises(LimitReached) as caught:
            enter(limiter)
        assert caught.value.seconds == pytest.approx(3)
    clock.now += 3.001
    _permit = enter(limiter)
    limiter.change(LimitOptions(rate=1, concurrency=1, max_wait=0))
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds is None


@pytest.mark.parametrize(("rate", "burst"), [(10, 1), (1, 5)])
def test_another_limit_during_a_pause(rate: float, burst: int) -> None:
    """The pause ends when the server said, also if a token takes longer than before."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=rate, max_wait=0), clock=clock)
    enter(limiter)
    limiter.pause(60)
    limiter.change(LimitOptions(rate=1, burst=burst, max_wait=0))
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds == pytest.approx(60)
    clock.now += 60.001
    enter(limiter)
    with pytest.raises(LimitReached) as caught:  # Nothing was saved up in the meantime.
        enter(limiter)
    assert caught.value.seconds == pytest.approx(1, abs=0.01)


def test_another_limit_in_a_pause_that_ends_before_the_next_token() -> None:
    """As much of a token is missing at the end of the pause as was."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=0.1, max_wait=0), clock=clock)
    enter(limiter)
    limiter.pause(4)
    limiter.change(LimitOptions(rate=1, max_wait=0))
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds == pytest.approx(4.6)


def test_a_pause_that_was_over_before_another_limit() -> None:
    """It does not matter to the new bucket, which is full."""
    clock = Clock()
    limiter = Limiter(LimitOptions(concurrency=9), clock=clock)
    limiter.pause(3)
    clock.now += 4
    limiter.change(LimitOptions(rate=1, burst=5, max_wait=0))
    for _ in range(5):
        enter(limiter)


def test_idleness() -> None:
    """A state is idle only if a new one would be no different."""
    clock = Clock()
    limiter = Limiter(LimitOptions(rate=1, concurrency=1), clock=clock)
    assert limiter.is_idle()
    permit = enter(limiter)
    clock.now += 1
    assert not limiter.is_idle()
    permit.give_back()
    assert limiter.is_idle()
    for paused in (limiter, Limiter(LimitOptions(concurrency=1), clock=clock)):
        paused.pause(5)
        assert not paused.is_idle()


def test_a_new_start() -> None:
    """After a fork nothing is held: permits and pauses of the time before count no longer."""
    limiter = Limiter(LimitOptions(rate=0.001, concurrency=1, max_wait=0))
    before = enter(limiter)
    limiter.pause(5)
    limiter.start(limiter.options)
    _now = enter(limiter)
    before.give_back()
    limiter.change(LimitOptions(concurrency=1, max_wait=0))
    with pytest.raises(LimitReached) as caught:
        enter(limiter)
    assert caught.value.seconds is None
