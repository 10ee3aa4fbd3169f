"""urllib3's pools under a policy: how long to wait for a connection, and how long to keep one.

Each pool class of urllib3 gets a twin that calls it in every method and chooses no connection class
of its own, so that what replaces those, as recorders do, works as ever.
"""

import socket
import time
from functools import cache, partial
from math import isinf
from typing import Any
from weakref import WeakKeyDictionary

from urllib3 import HTTPConnectionPool, PoolManager, Retry
from urllib3 import Timeout as Urllib3Timeout
from urllib3.connection import HTTPConnection

from requests_mounts._file.policy import Policy, TcpKeepalive
from requests_mounts._secret import reveal
from requests_mounts._sending.deadline import DeadlineReached, DeadlineRetry, current_deadline

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


def put_under(policy: Policy, manager: PoolManager) -> None:
    """Let a new pool manager make pools that keep to a policy."""
    if _asks_for_a_pool(policy):
        classes = manager.pool_classes_by_scheme.items()
        twins: dict[str, Any] = {
            scheme: partial(_twin(pool_class), policy=policy) for scheme, pool_class in classes
        }
        manager.pool_classes_by_scheme = twins


class PolicyPool(HTTPConnectionPool):
    """What the twins have in common."""

    def __init__(self, *args: Any, policy: Policy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._policy = policy
        self._opened: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._returned: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    def urlopen(  # type: ignore[override]  # noqa: PLR0913 - the signature is urllib3's
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        retries: Any = None,
        *args: Any,
        pool_timeout: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Make one attempt, and by way of urllib3 the next ones."""
        timeout = self._get_timeout(kwargs.pop("timeout", Urllib3Timeout.DEFAULT_TIMEOUT))
        wait = self._wait(timeout) if pool_timeout is None else pool_timeout
        if deadline := current_deadline.get():
            timeout = deadline.clip(timeout)
            left = max(deadline.left(), 0)
            wait = left if wait is None else min(wait, left)
            if isinstance(retries, Retry) and not isinstance(retries, DeadlineRetry):
                retries = DeadlineRetry.until(deadline, retries)
        opener: Any = super().urlopen  # Its pool_timeout is typed as an integer, and need not be.
        return opener(
            method,
            url,
            body,
            headers,
            retries,
            *args,
            **kwargs,
            timeout=timeout,
            pool_timeout=wait,
        )

    def _wait(self, timeout: Urllib3Timeout) -> float | None:
        """Return how long to wait for a connection: none is without end."""
        if self._policy.pool_timeout is None:
            connect = timeout.connect_timeout
            return connect if isinstance(connect, (int, float)) else None
        return None if isinf(self._policy.pool_timeout) else self._policy.pool_timeout

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout=timeout)
        if not connection.is_closed and self._is_stale(connection):
            connection.close()
        if connection.is_closed:
            self._opened[connection] = time.monotonic()
        if deadline := current_deadline.get():
            if deadline.left() <= 0:
                connection.close()
                raise DeadlineReached
            deadline.watch(connection)
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            self._returned[conn] = time.monotonic()
            if deadline := current_deadline.get():
                deadline.release(conn)
        super()._put_conn(conn)

    def _is_stale(self, connection: Any) -> bool:
        """Tell whether a connection is too old, or was idle for too long, to be used again."""
        now = time.monotonic()
        idle = now - self._returned.get(connection, now)
        age = now - self._opened.get(connection, now)
        policy = self._policy
        return (policy.keepalive_expiry is not None and idle >= policy.keepalive_expiry) or (
            policy.max_connection_age is not None and age >= policy.max_connection_age
        )


@cache
def _twin(pool_class: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    return type(f"Policy{pool_class.__name__}", (PolicyPool, pool_class), {})


def _asks_for_a_pool(policy: Policy) -> bool:
    """Tell whether urllib3's own pools cannot do it."""
    limits = (policy.deadline, policy.keepalive_expiry, policy.max_connection_age)
    return policy.pool_block or any(limit is not None for limit in limits)


def _socket_options(keepalive: TcpKeepalive) -> list[tuple[int, int, int | bytes]]:
    """Add probes to urllib3's own options, which switch Nagle's algorithm off."""
    options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for key, option in _KEEPALIVE_OPTIONS.items():
        value = getattr(keepalive, key)
        if value is not None and option is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return options
