"""The limits, breakers and retry budgets of a session: one state for each table and origin.

The states belong to this process. They are never pickled, and begin anew in a forked child.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet, WeakValueDictionary, ref

from requests_mounts._file.config import Config, Mount
from requests_mounts._file.limits import BreakerOptions
from requests_mounts._file.policy import Policy
from requests_mounts._sending.breaker import Breaker
from requests_mounts._sending.budget import Budget
from requests_mounts._sending.forks import around_forks
from requests_mounts._sending.limit import Limiter

_MOST_ORIGINS = 4096


class _State(Protocol):
    options: Any

    def start(self, options: Any) -> None: ...
    def change(self, options: Any) -> None: ...
    def is_idle(self) -> bool: ...


_S = TypeVar("_S", bound=_State)


class States(Generic[_S]):
    """The states of one table of the file, by origin.

    Beyond some thousands, those that are no different from new ones are dropped for others, unless
    a pool or an attempt has one in hand. The lock is reentrant, as the handler of a signal may
    reload the file.
    """

    def __init__(self, make: Callable[[Any], _S], options: Any) -> None:
        self._make = make
        self._options = options
        self._states: dict[str, _S] = {}
        self._lock = RLock()
        _all_states.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return States, (self._make, self._options)

    def of(self, origin: str) -> _S:
        """Return the state of an origin, such as ``https://h:443``."""
        return self._states.get(origin) or self._add(origin)

    def change(self, options: Any) -> None:
        """Let all states go on under other options."""
        if options != self._options:
            with self._lock:
                self._options = options
                for state in tuple(self._states.values()):
                    state.change(options)

    def start(self) -> None:
        """Begin anew, with nothing under way, as a forked child does."""
        self._lock = RLock()
        for state in self._states.values():
            state.start(self._options)

    def origins(self) -> tuple[str, ...]:
        """Return the origins that have a state."""
        return tuple(self._states)

    def _add(self, origin: str) -> _S:
        with self._lock:
            if len(self._states) >= _MOST_ORIGINS:
                self._drop_one()
            state = self._states.setdefault(origin, self._make(self._options))
            if state.options is not self._options:  # They were changed while it was made.
                state.change(self._options)
            return state

    def _drop_one(self) -> None:
        """Drop the first idle state that nobody has; the next time those before it come last."""
        for origin in tuple(self._states):
            state = self._states.pop(origin)
            held = ref(state)
            if state.is_idle():
                del state  # It is gone now, unless somebody else has it.
            if (kept := held()) is None:
                return
            self._states[origin] = kept


class Guards:
    """The states of all tables of a file, which those mounts share that share a table.

    They last as long as an adapter has them: one that is made in the place of another, as at a
    reload, gets the states of the other, to go on with under its own options.
    """

    def __init__(self) -> None:
        self._tables: WeakValueDictionary[tuple[type[Any], tuple[str, ...]], States[Any]] = (
            WeakValueDictionary()
        )

    def states(self, make: type[_S], table: tuple[str, ...], options: Any) -> States[_S]:
        """Return the states of a table, which go on under these options."""
        states = self._tables.get((make, table))
        if states is None:
            states = self._tables[make, table] = States(make, options)
        states.change(options)
        return states

    def adopt(self, guard: "Guard", limit_table: tuple[str, ...]) -> None:
        """Take charge of the states of a mount that was copied, as `guard_of` has them."""
        own = ("mounts", guard.prefix)
        for make, table, states in (
            (Limiter, limit_table or own, guard.limits),
            (Breaker, own, guard.breakers),
            (Budget, own, guard.budgets),
        ):
            if states:
                self._tables[make, table] = states


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What stands before the attempts of one mount."""

    prefix: str
    places: dict[str, str]
    """The file and line of ``limit`` and of ``breaker``, which a reload may move."""
    limits: States[Limiter] | None
    breakers: States[Breaker] | None
    budgets: States[Budget] | None
    statuses: frozenset[int]
    """Those that count as failures."""
    shared: bool
    """Whether the limit has one state for all origins."""

    def gate(self, origin: str) -> "Gate":
        """Return what stands before the attempts at an origin, such as ``https://h:443``."""
        limits, breakers, budgets = self.limits, self.breakers, self.budgets
        return Gate(
            guard=self,
            limiter=limits.of("" if self.shared else origin) if limits else None,
            breaker=breakers.of(origin) if breakers else None,
            budget=budgets.of(origin) if budgets else None,
            statuses=self.statuses,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A guard at one origin, with the states looked up."""

    guard: Guard
    limiter: Limiter | None
    breaker: Breaker | None
    budget: Budget | None
    statuses: frozenset[int]


def guard_of(
    policy: Policy,
    guards: Guards | None = None,
    *,
    prefix: str,
    limit_table: tuple[str, ...] = (),
    places: dict[str, str] | None = None,
) -> Guard | None:
    """Return the guard of a mount; None if its policy has no limit, breaker or budget.

    ``limit_table`` is the same for all mounts that share a limit; empty is their own.
    """
    limit, breaker, budget = policy.limit, policy.breaker, policy.retry_budget
    if not (limit or breaker or budget):
        return None
    own = ("mounts", prefix)
    guards = guards or Guards()
    return Guard(
        prefix=prefix,
        places=places or {},
        limits=guards.states(Limiter, limit_table or own, limit) if limit else None,
        breakers=guards.states(Breaker, own, breaker) if breaker else None,
        budgets=guards.states(Budget, own, budget) if budget else None,
        statuses=frozenset((breaker or BreakerOptions()).statuses),
        shared=bool(limit and limit.scope == "limit"),
    )


def guard_mount(config: Config, mount: Mount, guards: Guards) -> Guard | None:
    """Return the guard of a mount of a file; None if its policy asks for none."""
    policy = mount.policy
    if not (policy.limit or policy.breaker or policy.retry_budget):
        return None
    return guard_of(
        policy,
        guards,
        prefix=mount.text,
        limit_table=config.limit_table(mount),
        places=places_of(config, mount),
    )


def places_of(config: Config, mount: Mount) -> dict[str, str]:
    """Return where a file says what refuses the requests of a mount, as the errors name it."""
    table = config.limit_table(mount)
    named = config.find(*table) if table[:1] == ("limits",) else None
    places = {key: config.origin(mount, (key,)).place for key in ("limit", "breaker")}
    places["limit"] = named or places["limit"]
    return {key: str(place) for key, place in places.items() if place}


_all_states: WeakSet[States[Any]] = WeakSet()


def _start_anew() -> None:
    for states in tuple(_all_states):
        states.start()


around_forks(in_child=_start_anew)
