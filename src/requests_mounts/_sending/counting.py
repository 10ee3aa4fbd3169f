"""urllib3's pools, counting: what is sent, over which connections, and who waits for one.

A request is counted when it was sent, a connection when it was dialled, both as a server would. The
pools are held weakly, and the numbers outlive them.
"""

import itertools
import logging
import os
import time
from socket import socket
from threading import get_ident
from typing import Any
from weakref import WeakSet, ref

from urllib3 import HTTPConnectionPool, PoolManager, Retry
from urllib3.connection import port_by_scheme
from urllib3.exceptions import EmptyPoolError, NewConnectionError, ProxyError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from requests_mounts._sending.connections import PolicyConnection, turn_into
from requests_mounts._sending.counters import LONGEST_TAPE, Counters, Event, Number
from requests_mounts._sending.forks import around_forks
from requests_mounts._sending.locks import ProcessLock
from requests_mounts._sending.signals import Signal

_log = logging.getLogger("requests_mounts.pools")


_PATIENCE = 0.1
"""Seconds; nobody has the lock of a queue for longer, unless this thread has it."""

_numbers = itertools.count()
_all_pools: "WeakSet[CountedPool]" = WeakSet()
_lock = ProcessLock()


class CountedConnection(PolicyConnection):
    """A connection that knows what is to be counted of it."""

    connected: bool
    """Whether it was connected, and has not carried a request since."""

    carried: bool
    """Whether it is open, and carried a request already."""

    closed_by: int | None
    """The thread that closed it when it was open."""

    taken: Event
    reused: Event
    free: Event

    _counters: Counters

    def connect(self) -> None:
        """Connect, and expect the first request."""
        super().connect()
        self.connected = True

    def _new_conn(self) -> socket:
        """Open a socket, to the server or its proxy, and count it."""
        opened = super()._new_conn()
        self._counters.count("connections")
        return opened

    def close(self) -> None:
        """Close the socket, and remember who did, if it was open."""
        if not self.is_closed:
            self.closed_by = get_ident()
        self.carried = False
        super().close()

    def abandon(self) -> None:
        """Let go of the socket without a word to the server, as it is another process's.

        Whoever still reads from it gets an error. Nothing is shut down, and no TLS is ended.
        """
        sock: Any = self.sock
        self.sock = None
        while sock is not None and not isinstance(sock, socket):  # TLS in TLS has no socket's base.
            sock = getattr(sock, "socket", None)
        if sock is not None and (number := sock.detach()) >= 0:
            os.close(number)

    def __del__(self) -> None:
        """Be free, even if nobody gave it back to its pool."""
        self._counters.note(self.free)


class CountedPool(HTTPConnectionPool):
    """What the twins of urllib3's pools have in common."""

    _hears = False
    """Whether it has an `_answer` of its own."""

    def __init__(
        self, *args: Any, counters: Counters, proxy: str | None, keeps: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._keeps = keeps
        self._connections: WeakSet[CountedConnection] = WeakSet()
        self._counters = counters
        self._by_way_of = _without_userinfo(proxy) if proxy else None
        self.origin = f"{self.scheme}://{_with_port(self)}"
        counters.add_pool(self, self.origin, self._by_way_of)
        with _lock:
            _all_pools.add(self)

    def start_anew(self) -> None:
        """Have no connections, as the child of the process that made them.

        The queue is set up again too, as a thread of the parent may have had its lock.
        """
        for connection in tuple(self._connections):
            connection.abandon()
        self._connections.clear()
        if self.pool is not None:
            places = self.pool.maxsize
            self.pool.__init__(places)  # type: ignore[misc]  # What closes it holds this object.
            for _ in range(places):
                self.pool.put(None)

    def count(self, number: Number) -> None:
        """Add one to a number of its mount."""
        self._counters.count(number)

    def state(self) -> dict[str, Any]:
        """Say where its connections lead, how many of them are idle and how many in use."""
        idle = self.pool  # Another thread may close it.
        kept = tuple(idle.queue) if idle is not None else ()
        return {
            "origin": self.origin,
            "proxy": self._by_way_of,
            "idle": sum(connection is not None and not connection.is_closed for connection in kept),
            "in_use": self._counters.busy(self),
        }

    def retire(self) -> None:
        """Close what is idle, and from now on each connection that comes back.

        If the lock of the queue is not free soon, the handler of a signal may have interrupted its
        holder, and what is idle is closed when the last request under way drops the pool.
        """
        self._keeps = False
        idle = self.pool
        if idle is None or not idle.mutex.acquire(timeout=_PATIENCE):
            return
        try:
            kept, idle.queue = idle.queue, [None] * len(idle.queue)
        finally:
            idle.mutex.release()
        for connection in filter(None, kept):
            connection.close()

    def _new_conn(self) -> Any:
        number = next(_numbers)
        connection = turn_into(
            CountedConnection,
            super()._new_conn(),
            **PolicyConnection.AT_FIRST,
            connected=False,
            carried=False,
            taken=Event("taken", number, id(self)),
            reused=Event("reused", number, id(self)),
            free=Event("free", number, id(self)),
            _counters=self._counters,
        )
        with _lock:
            self._connections.add(connection)
        return connection

    def _prepare_proxy(self, conn: Any) -> None:
        self._counters.note(conn.taken)
        try:
            super()._prepare_proxy(conn)
        except BaseException as error:
            self._count_failure(conn, error)
            self._fail(error)
            raise

    def _make_request(self, conn: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        first = not conn.carried
        self._counters.note(conn.taken if first else conn.reused)
        retries = kwargs["retries"]
        try:
            response: Any = super()._make_request(conn, method, *args, **kwargs)
        except Signal as signal:  # Nothing was sent.
            self._counters.note(conn.free)
            self._fail(signal)
            raise
        except BaseException as error:
            self._count_sent(conn, retries, first=first)
            self._count_failure(conn, error)
            self._fail(error)
            raise
        if first or retries.history:
            self._count_sent(conn, retries, first=first)
            has_retry_after = "Retry-After" in response.headers
            if retries.history and not retries.is_retry(method, response.status, has_retry_after):
                self._counters.count("recovered")
        if self._hears:
            self._answer(conn, response, method, retries)
        return response

    def _answer(self, conn: Any, response: Any, method: str, retries: Any) -> None:
        """Take the headers of a response, as soon as they are there."""

    def _fail(self, error: BaseException) -> None:
        """Take an error that came instead of them."""

    def _put_conn(self, conn: Any) -> None:
        if conn is None:  # In the place of one that failed, and is counted as free.
            super()._put_conn(conn)
            return
        self._counters.note(conn.free)
        if len(self._counters.tape) > LONGEST_TAPE:
            self._counters.shorten()
        if not self._keeps:
            conn.close()
        conn.closed_by = None
        super()._put_conn(conn)
        if conn.closed_by is not None and conn.closed_by == get_ident() and self.pool is not None:
            self._counters.count("discarded")

    def _count_sent(self, conn: Any, retries: Retry, *, first: bool) -> None:
        """Count what the tape does not say of a request: the first of its connection, a retry."""
        if first:
            if not conn.connected:
                return  # It was not sent.
            conn.connected, conn.carried = False, not conn.is_closed
            self._counters.count("requests")
        if retries.history:
            self._counters.count("retries")

    def _count_failure(self, conn: Any, error: BaseException) -> None:
        self._counters.note(conn.free)
        if _is_timeout(error) and not (conn.deadline and conn.deadline.left() <= 0):
            self._counters.count("timeouts")


class CappedPool(CountedPool):
    """A pool that may have to wait for a connection."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        if not self.block:
            return super()._get_conn(timeout=timeout)
        try:
            return super()._get_conn(timeout=0)
        except EmptyPoolError:
            if timeout is not None and timeout <= 0:
                raise
        return self._wait_for_conn(timeout)

    def _wait_for_conn(self, timeout: float | None) -> Any:
        self._counters.begin_to_wait()
        start = time.monotonic()
        try:
            return super()._get_conn(timeout=timeout)
        finally:
            seconds = time.monotonic() - start
            self._counters.end_to_wait(seconds)
            _log.debug("waited %.3g s for a connection to %s", seconds, self.origin)


def pools_of(manager: PoolManager) -> list[CountedPool]:
    """Return the pools that a pool manager keeps."""
    with manager.pools.lock:
        found = [manager.pools.get(key) for key in manager.pools.keys()]  # noqa: SIM118 - not a dict
    return [pool for pool in found if isinstance(pool, CountedPool)]


def _start_anew() -> None:
    """Share no connection with the parent, nor wait for a lock that one of its threads had."""
    for pool in tuple(_all_pools):
        pool.start_anew()


around_forks(in_child=_start_anew)


def count_evicted(counters: Counters, manager: PoolManager, *, pool_connections: int) -> None:
    """Count the pools that a new pool manager drops for others."""
    pools = ref(manager.pools)

    def count(_: object) -> None:
        kept = pools()
        # A container that is cleared disposes of its pools too, after it has become empty.
        if kept is not None and 0 < pool_connections <= len(kept):
            counters.count("evicted")

    manager.pools.dispose_func = count


def _with_port(pool: HTTPConnectionPool) -> str:
    host = f"[{pool.host.strip('[]')}]" if ":" in pool.host else pool.host
    return host if pool.port in {None, port_by_scheme[pool.scheme]} else f"{host}:{pool.port}"


def _without_userinfo(proxy: str) -> str:
    scheme, _, rest = proxy.rpartition("://")
    return f"{scheme}://{rest.rpartition('@')[2].rstrip('/')}"


def _is_timeout(error: BaseException) -> bool:
    if isinstance(error, ProxyError):
        error = error.original_error
    if isinstance(error, NewConnectionError):  # A refusal, which urllib3 derives from a timeout.
        return False
    return isinstance(error, (TimeoutError, Urllib3TimeoutError))
