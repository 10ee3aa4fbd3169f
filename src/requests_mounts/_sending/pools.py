"""urllib3's pools under a policy, with one place for each event of a request.

| event | place |
| --- | --- |
| an attempt begins | `urlopen`, which urllib3 calls again for each retry; refuse here |
| it has a place in the pool | `_get_conn` |
| a connection is made, is connected | `CountedPool._new_conn`, `PolicyConnection.connect` |
| the headers of a response are there, or an error instead | `_answer`, `_fail` |
| the attempt fails, or its response is to be retried | `DeadlineRetry.increment`, before any wait |
| its place in the pool is free again | `_put_conn`, with `None` if the connection was closed |

A gate that refuses a request belongs before ``super().urlopen``: if `_get_conn` raises without
having taken a place, urllib3 gives one back all the same.

Each class has a twin that calls it in every method and chooses no connection class of its own, so
that what replaces those, as recorders do, works as ever.
"""

import logging
import socket
import time
from functools import partial
from math import inf, isinf
from threading import RLock
from typing import Any
from weakref import WeakSet

from urllib3 import PoolManager, Retry
from urllib3 import Timeout as Urllib3Timeout
from urllib3.connection import HTTPConnection

from requests_mounts._file.options import TcpKeepalive
from requests_mounts._file.policy import Policy
from requests_mounts._routing.location import origin_of
from requests_mounts._secret import reveal
from requests_mounts._sending.attempt import Attempt
from requests_mounts._sending.body_size import bound
from requests_mounts._sending.calls import Call, current_attempt, current_call, current_deadline
from requests_mounts._sending.clock import clock
from requests_mounts._sending.connections import turn_into
from requests_mounts._sending.counters import Counters
from requests_mounts._sending.counting import CappedPool, CountedPool
from requests_mounts._sending.deadline import DeadlineReached
from requests_mounts._sending.forks import around_forks
from requests_mounts._sending.guarded import GuardedConnection, guarded
from requests_mounts._sending.guards import Gate, Guard
from requests_mounts._sending.reach import FREE, ReachingPool, reach_of
from requests_mounts._sending.retry import keep_to_deadline
from requests_mounts._sending.signals import Signal
from requests_mounts._sending.twins import twin
from requests_mounts._sending.withheld import WithholdingPool, withheld_by

_log = logging.getLogger("requests_mounts.pools")
_KEEPALIVE_OPTIONS = {
    "idle": getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None)),
    "interval": getattr(socket, "TCP_KEEPINTVL", None),
    "count": getattr(socket, "TCP_KEEPCNT", None),
}


def pool_settings(policy: Policy) -> dict[str, Any]:
    """Return the arguments for a pool manager that are the same for direct and proxied pools."""
    settings: dict[str, Any] = {}
    if policy.source_address:
        settings["source_address"] = (reveal(policy.source_address), 0)
    if policy.tcp_keepalive:
        settings["socket_options"] = _socket_options(policy.tcp_keepalive)
    return settings


def put_under(  # noqa: PLR0913 - what pools have in common
    policy: Policy,
    manager: PoolManager,
    counters: Counters,
    *,
    guard: Guard | None = None,
    proxy: str | None = None,
    keeps: bool = True,
) -> None:
    """Let a new pool manager, of a proxy or direct, make pools that count and keep to a policy."""
    settings: dict[str, Any] = {"counters": counters, "proxy": proxy, "keeps": keeps}
    ours: type[CountedPool] = CountedPool
    if guard or manager.connection_pool_kw["block"] or _asks_for_a_pool(policy):
        ours, settings["policy"], settings["guard"] = PolicyPool, policy, guard
    classes = manager.pool_classes_by_scheme.items()
    twins: dict[str, Any] = {
        scheme: partial(twin(ours, pool_class), **settings) for scheme, pool_class in classes
    }
    manager.pool_classes_by_scheme = twins
    _all_managers.add(manager)


def _renew_locks() -> None:
    """Free the containers of pools in a forked child, whichever thread of the parent had one."""
    for manager in tuple(_all_managers):
        manager.pools.lock = RLock()


_all_managers: "WeakSet[PoolManager]" = WeakSet()
around_forks(in_child=_renew_locks)


class PolicyPool(CappedPool, ReachingPool, WithholdingPool):
    """What the twins have in common: one place for each event of a request."""

    _hears = True

    def __init__(
        self, *args: Any, policy: Policy, guard: Guard | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._policy = policy
        self._withheld = withheld_by(policy)
        self._guard = guard
        self._reach = reach_of(policy)
        self._gate: Gate | None = None
        self._bound: tuple[Retry, Retry] | None = None
        self._is_timed = policy.deadline is not None and not isinf(policy.deadline)
        self._ages = (policy.keepalive_expiry, policy.max_connection_age) != (None, None)
        most = policy.max_body_size
        self._most = None if most is None or isinf(most) else int(most)

    def urlopen(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - the signature is urllib3's
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        retries: Any = None,
        redirect: bool = True,  # noqa: FBT001, FBT002
        assert_same_host: bool = True,  # noqa: FBT001, FBT002
        timeout: Any = Urllib3Timeout.DEFAULT_TIMEOUT,
        pool_timeout: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Make one attempt, and by way of urllib3 the next ones."""
        call = current_call.get()
        if call is None:  # Of a session that is not ours, or of none.
            with Call():
                return self.urlopen(
                    method, url, body, headers, retries, redirect, assert_same_host, timeout,
                    pool_timeout, **kwargs,
                )  # fmt: skip
        deadline = call.deadline
        if deadline:
            deadline.check()
            if not clock.running:
                timeout = deadline.clip(self._get_timeout(timeout))
        if pool_timeout is None and self.block:
            pool_timeout = self._wait(timeout)
        if isinstance(retries, Retry):
            retries = self._bind(retries)
        # These are named, as instrumentation that adds headers reads the names.
        kwargs |= {
            "headers": headers,
            "retries": retries,
            "redirect": redirect,
            "assert_same_host": assert_same_host,
            "timeout": timeout,
            "pool_timeout": pool_timeout,
        }
        if not self._guard:
            return super().urlopen(method, url, body, **kwargs)
        # urllib3 makes the next attempt inside of this one, so that a permit that was held around
        # it would wait for itself: it is given back before a retry, or a sleep, begins.
        gate = (url[:1] == "/" and self._gate) or self._find_gate(self._guard, url)
        attempt, before = None, call.attempt
        try:
            attempt = call.attempt = Attempt(gate, deadline.end if deadline else inf)
            return super().urlopen(method, url, body, **kwargs)
        finally:
            call.attempt = before
            if attempt and not attempt.handed_over:
                attempt.end()

    def _find_gate(self, guard: Guard, url: str) -> Gate:
        """Look up the states of a URL's origin, and keep those of the pool's own."""
        if url[:1] != "/":
            return guard.gate(origin_of(url))
        self._gate = guard.gate(origin_of(self.origin))
        return self._gate

    def _bind(self, retry: Retry) -> Retry:
        """Return a retry that knows of the guard and of deadlines.

        An adapter hands over the same one every time, so that one is kept, but none that has the
        errors of attempts, and with them all that was alive then.
        """
        if retry.total == 0 and type(retry) is Retry:
            return retry  # It never tries again, and never waits.
        known = self._bound
        if known and known[0] is retry:
            return known[1]
        bound = guarded(retry) if self._guard else retry
        bound = keep_to_deadline(bound) if self._is_timed else bound
        if not retry.history:
            self._bound = retry, bound
        return bound

    def _wait(self, timeout: Any) -> float | None:
        """Return how long to wait for a connection: `None` is without end."""
        if self._policy.pool_timeout is None:
            is_whole = isinstance(timeout, Urllib3Timeout)
            connect = (timeout if is_whole else self._get_timeout(timeout)).connect_timeout
            return connect if isinstance(connect, (int, float)) else None
        return None if isinf(self._policy.pool_timeout) else self._policy.pool_timeout

    def _get_conn(self, timeout: float | None = None) -> Any:
        """Take a connection out of the pool; what is raised after that gives its place back."""
        connection: Any = super()._get_conn(timeout=timeout)
        if self._ages and not connection.is_closed and connection.is_stale(self._policy):
            _log.debug("replacing a stale connection to %s", self.origin)
            connection.close()
        connection.deadline = deadline = current_deadline()
        if deadline:
            deadline.watch(connection, connection.sock)
            if deadline.left() <= 0:  # The wait for it may have taken the rest.
                connection.close()
                raise DeadlineReached(deadline)
        return connection

    def _wait_for_conn(self, timeout: float | None) -> Any:
        if deadline := current_deadline():
            timeout = deadline.least(timeout)
        connection = super()._wait_for_conn(timeout)
        if self._guard and (attempt := current_attempt()):
            try:
                attempt.use()  # What goes out after a wait takes its token now.
            except BaseException:
                connection.close()
                raise
        return connection

    def _new_conn(self) -> Any:
        connection = super()._new_conn()
        return turn_into(GuardedConnection, connection, permit=None) if self._guard else connection

    def _answer(self, conn: Any, response: Any, method: str, retries: Any) -> None:
        if self._guard and (call := current_call.get()) and (attempt := call.attempt):
            attempt.answer(response, method, retries)
            conn.permit = attempt
            attempt.handed_over = True
        if self._most is not None:
            try:
                bound(response, self._most)
            except Signal:  # It is closed, and another is put in its place.
                self._counters.note(conn.free)
                raise

    def _fail(self, error: BaseException) -> None:
        if self._guard and (attempt := current_attempt()):
            attempt.fail(error)

    def _put_conn(self, conn: Any) -> None:
        """Put a connection back, or `None` in the place of one that was closed after an error."""
        if conn is None:
            super()._put_conn(conn)
            return
        if self._ages:
            conn.returned = time.monotonic()
        if conn.deadline:
            conn.deadline.release()
            conn.deadline = None
        if not self._guard:
            super()._put_conn(conn)
            return
        permit, conn.permit = conn.permit, None  # Once it is in the pool, others may have it.
        try:
            super()._put_conn(conn)
        finally:
            if permit:
                permit.give_back()


def _asks_for_a_pool(policy: Policy) -> bool:
    """Tell whether urllib3's own pools cannot do it."""
    limits = (
        policy.deadline,
        policy.keepalive_expiry,
        policy.max_connection_age,
        policy.max_body_size,
    )
    reaches_all = (policy.connect_to, policy.address_family, policy.addresses) == FREE
    fills_in_all = not withheld_by(policy)
    return any(limit is not None for limit in limits) or not (reaches_all and fills_in_all)


def _socket_options(keepalive: TcpKeepalive) -> list[tuple[int, int, int | bytes]]:
    """Add probes to urllib3's own options, which switch Nagle's algorithm off."""
    options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for key, option in _KEEPALIVE_OPTIONS.items():
        value = getattr(keepalive, key)
        if value is not None and option is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return options
