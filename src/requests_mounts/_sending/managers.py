"""The pools of one mount: an HTTPAdapter whose pool managers are built under a policy.

They are built when they are first used: a file may hold thousands of mounts, and a process may
contact few of them. Direct and proxied ones have the same settings, and a pool is chosen by its
host and by what stands for the TLS settings, so that a request never changes one.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from requests import PreparedRequest
from requests.adapters import DEFAULT_POOLBLOCK, HTTPAdapter
from urllib3 import PoolManager

from requests_mounts._cached import cached_property
from requests_mounts._file.options import Tls
from requests_mounts._file.policy import Policy
from requests_mounts._sending.contexts import TlsContext, verify_proxies, write_name
from requests_mounts._sending.counters import Counters
from requests_mounts._sending.counting import count_evicted, pools_of
from requests_mounts._sending.guards import Guard
from requests_mounts._sending.locks import ProcessLock
from requests_mounts._sending.offline import check, check_files
from requests_mounts._sending.pools import pool_settings, put_under
from requests_mounts._sending.precedence import choose_tls
from requests_mounts._sending.reach import AddressDenied, reach_of

_MOST_PROXIES = 32
_NO_TLS = Tls()


class PooledAdapter(HTTPAdapter):
    """Keep the pools of a policy; how a request is sent over them is for those that derive."""

    _policy: Policy
    prefix: str
    """That of the mount, for errors to tell."""
    guard: Guard | None
    offline: bool
    """Whether the file was loaded so that nothing outside of it is consulted."""
    report: Callable[[str, Counters, str], None] | None = None
    """Told the prefix and the name of a number that is no longer zero."""
    _lock = ProcessLock()
    """Of all adapters: pool managers are built rarely, and a lock for each would cost memory."""

    @property
    def policy(self) -> Policy:
        """The settings of the mount; for other settings, mount another adapter."""
        return self._policy

    @property
    def _own_tls(self) -> Tls:
        """The TLS settings of the policy, if there are none those of requests."""
        return self._policy.tls or _NO_TLS

    @cached_property
    def counters(self) -> Counters:
        """What happens under the mount; made when there is something to count."""
        with self._lock:
            counters: Counters | None = self.__dict__.get("counters")
            if counters is None:
                counters = Counters()
                if self.report:
                    counters.report = partial(self.report, self.prefix)
                self.__dict__["counters"] = counters
        return counters

    def _put_under_policy(self, manager: PoolManager, proxy: str | None = None) -> None:
        put_under(
            self.policy,
            manager,
            self.counters,
            guard=self.guard,
            proxy=proxy,
            keeps=self._pool_connections > 0,
        )
        count_evicted(self.counters, manager, pool_connections=self._pool_connections)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return the pool manager of a proxy, with the settings of the direct ones.

        Of more than some dozens of proxies, the one used least recently is dropped.
        """
        reach = reach_of(self.policy)
        if reach and reach.is_checked:
            raise AddressDenied("a proxy would dial it, and what a proxy dials cannot be checked")
        with self._lock:
            manager = self.proxy_manager.pop(proxy, None)
            if manager is None:
                settings = pool_settings(self.policy) | self._pool_kwargs | proxy_kwargs
                manager = super().proxy_manager_for(proxy, **settings)
                self._put_under_policy(manager, proxy)
                if proxy.lower().startswith("https"):
                    verify_proxies(manager)
            self.proxy_manager[proxy] = manager
            if len(self.proxy_manager) > _MOST_PROXIES:
                self.proxy_manager.pop(next(iter(self.proxy_manager))).clear()
        return manager

    def succeed(self, other: "PooledAdapter") -> None:
        """Go on with the numbers of the adapter in whose place this one comes."""
        self.__dict__["counters"] = other.counters

    def close(self) -> None:
        """Close all connections; a pool manager that was never used is not built for it."""
        if "poolmanager" in self.__dict__:
            super().close()
            return
        for manager in self.proxy_manager.values():
            manager.clear()

    def retire(self) -> None:
        """Keep no connection from now on; a request that is under way ends as it began.

        Whoever took this adapter from the table just before, or keeps it, can go on sending by it.
        """
        with self._lock:
            used = self.__dict__.get("poolmanager")
            managers = [used, *self.proxy_manager.values()]
            self.init_poolmanager(0, self._pool_maxsize, self._pool_block, **self._pool_kwargs)
            self.proxy_manager.clear()
            if used is not None:  # Whoever has just made it would put it there again.
                self.__dict__["poolmanager"] = self.poolmanager
        for manager in filter(None, managers):
            for pool in pools_of(manager):
                pool.retire()

    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = DEFAULT_POOLBLOCK,  # noqa: FBT001 - the signature is requests'
        **pool_kwargs: Any,
    ) -> None:
        """Take new pool settings, from now on and for new connections."""
        self._pool_connections = connections
        self._pool_maxsize = maxsize
        self._pool_block = block
        self._pool_kwargs = pool_kwargs
        self.__dict__.pop("poolmanager", None)

    @cached_property
    def poolmanager(self) -> PoolManager:  # type: ignore[override]  # It can be assigned, too.
        """The pool manager of direct connections, built when it is first used."""
        with self._lock:
            manager: PoolManager | None = self.__dict__.get("poolmanager")
            if manager is None:
                settings = pool_settings(self.policy) | self._pool_kwargs
                manager = PoolManager(
                    num_pools=self._pool_connections,
                    maxsize=self._pool_maxsize,
                    block=self._pool_block,
                    **settings,
                )
                self._put_under_policy(manager)
                self.__dict__["poolmanager"] = manager
        return manager

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Choose the pool by its host and TLS settings, which a context stands for."""
        if self.offline:
            check()
        host, settings = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https" or "ssl_context" in self._pool_kwargs:
            return host, settings
        own = self._own_tls
        tls = choose_tls(own, verify, cert)
        if tls is not own:  # For the errors of requests about missing files.
            super().cert_verify(SimpleNamespace(), request.url or "", verify, cert)
        if self.offline:
            check_files(tls, self.prefix)
        return host, {
            "ssl_context": self._context if tls is own else TlsContext(tls),
            "cert_reqs": "CERT_NONE" if tls.verify is False else "CERT_REQUIRED",
            "assert_hostname": write_name(tls.assert_hostname),
            "assert_fingerprint": write_name(tls.assert_fingerprint),
            "server_hostname": write_name(tls.server_hostname),
        }

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave a pool alone that has a context; requests would load the certificates into it.

        One that speaks TLS to a proxy always has one, see `verify_proxies`, also for an http URL.
        """
        if "ssl_context" not in getattr(conn, "conn_kw", {}):
            super().cert_verify(conn, url, verify, cert)

    @cached_property
    def _context(self) -> TlsContext:
        """What stands for the contexts of the file's settings."""
        return TlsContext(self._own_tls)
