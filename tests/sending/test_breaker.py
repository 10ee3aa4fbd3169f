"""The states of a circuit, against the facts of other breakers and in every order."""

import threading
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from requests_mounts._file.limits import BreakerOptions
from requests_mounts._sending.breaker import Breaker, CircuitIsOpen, Ticket


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def play(
    options: BreakerOptions,
    script: str,
    clock: Clock | None = None,
    breaker: Breaker | None = None,
) -> Breaker:
    """Play a script of words: ``ok``, ``bad``, ``refused``, and numbers of seconds that pass."""
    clock = clock or Clock()
    breaker = breaker or Breaker(options, clock=clock)
    for number, word in enumerate(script.split()):
        match word:
            case "ok":
                breaker.succeed(breaker.admit())
            case "bad":
                breaker.fail(breaker.admit())
            case "refused":
                with pytest.raises(CircuitIsOpen):
                    breaker.admit()
                assert breaker.refusal() is not None, number
            case _:
                clock.now += float(word)
    return breaker


SCRIPTS = {
    # sony/gobreaker opens after more than five failures in a row, for 60 s.
    "gobreaker: in a row": (
        BreakerOptions(failures=6, open_for=60),
        "bad bad bad bad bad ok bad bad bad bad bad bad refused 59 refused 1 bad refused",
    ),
    "gobreaker: a probe closes": (
        BreakerOptions(failures=6, open_for=60),
        "bad bad bad bad bad bad 60 ok bad bad bad bad bad ok bad",
    ),
    # Its rolling window: ten slices of 3 s, from a share of 0.6 of at least 3.
    "gobreaker: rolling window": (
        BreakerOptions(ratio=0.6, minimum=3, window=30, open_for=90, probes=3),
        "ok bad ok bad ok bad ok bad ok bad 3 ok 2 ok 2 ok 2 bad"
        + " 3 ok bad" * 6
        + " 3 bad bad bad bad bad bad bad refused 89 refused 1 ok ok ok bad ok",
    ),
    # resilience4j judges no ratio below the minimum number of calls, and opens at the threshold.
    "resilience4j: minimum": (
        BreakerOptions(ratio=0.5, minimum=10),
        "bad bad bad bad bad bad bad bad bad bad refused",
    ),
    "resilience4j: at the threshold": (
        BreakerOptions(ratio=0.5, minimum=4),
        "ok ok bad bad refused",
    ),
    "resilience4j: a success opens nothing": (
        BreakerOptions(ratio=0.1, minimum=5),
        "bad ok ok ok ok ok bad refused",
    ),
    # Its waits in the open state may grow exponentially; here they double.
    "resilience4j: waits": (
        BreakerOptions(failures=1, open_for=5, max_open_for=12),
        "bad 4.9 refused 0.1 bad 9.9 refused 0.1 bad 11.9 refused 0.1 ok bad 4.9 refused 0.1 ok ok",
    ),
    "one of several probes fails": (
        BreakerOptions(failures=1, open_for=5, probes=2),
        "bad 5 ok bad refused 9.9 refused 0.1 ok ok bad refused",
    ),
    "the window forgets": (
        BreakerOptions(ratio=0.5, minimum=4, window=10),
        "bad bad bad 10 bad bad bad 100 bad bad bad 1 bad refused",
    ),
    "the window forgets all at once": (
        BreakerOptions(ratio=1, minimum=3, window=10),
        "bad bad 19 bad bad 10 bad bad 15 bad bad 24 bad bad bad refused",
    ),
    "a window of next to nothing": (
        BreakerOptions(ratio=0.5, minimum=2, window=5e-324),
        "ok 1 bad 1 bad bad refused",
    ),
    "an exact share": (
        BreakerOptions(ratio=0.28, minimum=25),
        "bad" + " bad" * 5 + " ok" * 18 + " bad refused",
    ),
}


@pytest.mark.parametrize(("options", "script"), SCRIPTS.values(), ids=list(SCRIPTS))
def test_scripts(options: BreakerOptions, script: str) -> None:
    """A circuit opens, refuses and closes when others do."""
    play(options, script)


def test_probes_at_a_time() -> None:
    """While the probes are under way everything else is refused, also after some have succeeded."""
    clock = Clock()
    breaker = play(BreakerOptions(failures=1, open_for=5, probes=3), "bad 5", clock)
    first, second, third = (breaker.admit() for _ in range(3))
    for probe in (first, second):
        with pytest.raises(CircuitIsOpen) as caught:
            breaker.admit()
        assert caught.value.seconds == 5
        breaker.succeed(probe)
    with pytest.raises(CircuitIsOpen):
        breaker.admit()
    breaker.succeed(third)
    assert breaker.refusal() is None
    assert breaker.admit() is breaker.admit()


def test_the_first_probe_to_give_up_its_place() -> None:
    """Whoever is refused is told when that is."""
    clock = Clock()
    breaker = play(BreakerOptions(failures=1, open_for=5, probes=2), "bad 5", clock)
    _first = breaker.admit()
    clock.now += 2
    _second = breaker.admit()
    assert breaker.refusal() == 3


def test_a_probe_that_succeeds_is_counted_once() -> None:
    """It has no place from then on, even as long as somebody has its ticket."""
    breaker = play(BreakerOptions(failures=1, open_for=5, probes=2), "bad 5")
    probe = breaker.admit()
    breaker.succeed(probe)
    breaker.succeed(probe)
    assert not breaker.passing
    breaker.succeed(breaker.admit())
    assert breaker.passing


def test_a_circuit_that_closes_as_another_comes() -> None:
    """Who waited for the lock in the meantime is no probe."""
    breaker = play(BreakerOptions(failures=1, open_for=5), "bad 5")
    probe = breaker.admit()
    passed: list[Ticket] = []
    thread = threading.Thread(target=lambda: passed.append(breaker.admit()))
    with breaker._lock:
        thread.start()
        thread.join(0.1)
        breaker.succeed(probe)
    thread.join()
    assert passed == [breaker.passing]


def test_a_place_is_given_back() -> None:
    """A probe that is dropped, as it says nothing of the server, leaves its place to another."""
    breaker = play(BreakerOptions(failures=1, open_for=5), "bad 5")
    probe = breaker.admit()
    assert breaker.refusal()
    del probe
    breaker.succeed(breaker.admit())
    assert breaker.is_idle()


def test_an_expired_probe() -> None:
    """A probe that takes longer than open_for gives up its place; its result still counts."""
    clock = Clock()
    breaker = play(BreakerOptions(failures=1, open_for=5), "bad 5", clock)
    slow = breaker.admit()
    clock.now += 5
    other = breaker.admit()
    with pytest.raises(CircuitIsOpen):
        breaker.admit()
    breaker.fail(slow)
    assert breaker.refusal() == 10
    breaker.succeed(other)
    assert breaker.refusal() == 10


@pytest.mark.parametrize("end", ["succeed", "fail"])
def test_late_results(end: str) -> None:
    """What began before the last change of state changes nothing, however it ends."""
    clock = Clock()
    options = BreakerOptions(failures=1, open_for=5)
    breaker = Breaker(options, clock=clock)
    tickets = [breaker.admit()]
    breaker.fail(breaker.admit())
    getattr(breaker, end)(tickets[0])
    assert breaker.refusal() == 5
    clock.now += 5
    probe = breaker.admit()
    getattr(breaker, end)(tickets[0])
    assert breaker.refusal() == 5
    breaker.succeed(probe)
    getattr(breaker, end)(tickets[0])
    getattr(breaker, end)(probe)
    assert breaker.refusal() is None


def test_fifty_threads_at_half_open() -> None:
    """Of all that come at once, one passes."""
    clock = Clock()
    breaker = play(BreakerOptions(failures=1, open_for=5), "bad 5", clock)
    passed: list[Ticket] = []
    start = threading.Barrier(50)

    def come() -> None:
        start.wait()
        with suppress(CircuitIsOpen):
            passed.append(breaker.admit())

    threads = [threading.Thread(target=come) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 1


def test_other_options() -> None:
    """A changed breaker stays open as long as it was to be, and keeps what it counted."""
    breaker = play(BreakerOptions(failures=3, open_for=5), "bad bad")
    breaker.change(BreakerOptions(failures=3, open_for=9, probes=2))
    breaker.fail(breaker.admit())
    assert breaker.refusal() == 9
    clock = Clock()
    breaker = play(BreakerOptions(failures=1, open_for=5, probes=2), "bad 5 ok", clock)
    breaker.change(BreakerOptions(ratio=0.5, window=3))
    probe = breaker.admit()
    breaker.succeed(probe)
    assert breaker.is_idle()


ROW, SHARE = BreakerOptions(failures=3), BreakerOptions(ratio=1, minimum=3)


@pytest.mark.parametrize(
    ("before", "script", "after", "then"),
    [
        (ROW, "bad bad", BreakerOptions(failures=2), "bad refused"),
        (ROW, "bad bad", SHARE, "bad refused"),
        (ROW, "ok ok bad ok bad", SHARE, "bad ok bad bad"),
        (SHARE, "ok bad bad", ROW, "bad refused"),
        (SHARE, "bad bad", BreakerOptions(ratio=0.9, minimum=3), "bad refused"),
        (SHARE, "bad 8 bad 8", BreakerOptions(ratio=1, minimum=3, window=60), "30 bad refused"),
        (SHARE, "bad 20 bad", BreakerOptions(ratio=1, minimum=3, window=10), "bad bad refused"),
        (SHARE, "bad 29 ok", BreakerOptions(ratio=1, minimum=3, window=10),
         "9.9 bad bad bad 1 bad refused"),
        (SHARE, "bad 8 bad 8", BreakerOptions(ratio=1, minimum=3, window=60), "60 bad bad"),
        (SHARE, "bad 27 bad", BreakerOptions(ratio=1, minimum=3, window=60), "bad refused"),
        (SHARE, "bad 2", BreakerOptions(ratio=1, minimum=3, window=10), "9 bad bad refused"),
        (SHARE, "bad 8", BreakerOptions(ratio=0.9, minimum=3), "22 bad bad ok"),
    ],
)  # fmt: skip
def test_what_carries_over(
    before: BreakerOptions, script: str, after: BreakerOptions, then: str
) -> None:
    """Other options judge what was counted, with its age, whichever kind they are of."""
    clock = Clock()
    breaker = play(before, script, clock)
    breaker.change(after)
    play(after, then, clock, breaker)


def test_what_was_counted_is_counted_once() -> None:
    """A breaker that changes its kind twice knows of as many failures as before."""
    clock = Clock()
    breaker = play(SHARE, "bad", clock)
    breaker.change(ROW)
    assert not breaker.is_idle()
    breaker.change(SHARE)
    play(SHARE, "bad ok", clock, breaker)
    assert breaker.refusal() is None


def test_idleness() -> None:
    """A state is idle if nothing that it counted still matters."""
    clock = Clock()
    assert not play(BreakerOptions(failures=2), "bad").is_idle()
    assert not play(BreakerOptions(failures=1), "bad 9999").is_idle()
    assert not play(BreakerOptions(ratio=1, minimum=1), "bad 9999").is_idle()
    breaker = play(BreakerOptions(ratio=0.5, window=10), "ok bad", clock)
    assert not breaker.is_idle()
    clock.now += 10
    assert breaker.is_idle()


class Circuit(RuleBasedStateMachine):
    """The breaker beside the rules of the issue, said as simply as possible."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(BreakerOptions(failures=2, open_for=8, probes=2), clock=self.clock)
        self.tickets: list[tuple[Ticket, int, float]] = []
        self.change = 0
        self.state, self.row, self.good = "closed", 0, 0
        self.until, self.span = 0.0, 8.0

    @rule(seconds=st.sampled_from([1, 4, 8, 20]))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def attempt(self) -> None:
        if self.state == "open" and self.clock.now >= self.until:
            self.state, self.good = "half-open", 0
            self.change += 1
        alive = [t for t in self.tickets if t[1] == self.change and self.clock.now < t[2] + 8]
        expected = self.state == "closed" or (
            self.state == "half-open" and len(alive) + self.good < 2
        )
        try:
            ticket = self.breaker.admit()
        except CircuitIsOpen:
            assert not expected
        else:
            assert expected
            self.tickets.append((ticket, self.change, self.clock.now))

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), how=st.sampled_from(["succeed", "fail", "drop"]))
    def end(self, data: st.DataObject, how: str) -> None:
        ticket, change, _ = self.tickets.pop(data.draw(st.integers(0, len(self.tickets) - 1)))
        if how == "drop":
            return
        getattr(self.breaker, how)(ticket)
        if change != self.change:
            return
        if how == "succeed":
            self.row = 0
            self.good += self.state == "half-open"
            if self.good == 2:
                self.state, self.good, self.span, self.change = "closed", 0, 8.0, self.change + 1
        elif self.state == "half-open":
            self.open(min(2 * self.span, 300))
        else:
            self.row += 1
            if self.row == 2:
                self.open(8.0)

    def open(self, seconds: float) -> None:
        self.state, self.row, self.span = "open", 0, seconds
        self.until = self.clock.now + seconds
        self.change += 1

    @invariant()
    def refuses_while_open(self) -> None:
        if self.state == "open" and self.clock.now < self.until:
            assert self.breaker.refusal() == self.until - self.clock.now


Circuit.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
test_in_every_order = Circuit.TestCase
