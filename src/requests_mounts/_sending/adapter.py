"""The adapter of one mount: an HTTPAdapter that has a policy.

All that a policy does happens here and below, where each hop of a redirect comes anew with the
arguments of the first; `precedence` says which of them win over the file.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from math import isinf
from types import SimpleNamespace
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import DEFAULT_POOLBLOCK, HTTPAdapter
from requests.auth import _basic_auth_str
from requests.exceptions import SSLError
from requests.utils import get_auth_from_url, select_proxy
from urllib3 import PoolManager
from urllib3.exceptions import EmptyPoolError, HTTPError

from requests_mounts._cached import cached_property
from requests_mounts._errors import MountsError
from requests_mounts._file.policy import Policy, Timeout, Tls
from requests_mounts._secret import redact, reveal
from requests_mounts._sending.bodies import read_under
from requests_mounts._sending.body_size import BoundedBody
from requests_mounts._sending.bypass import is_bypassed
from requests_mounts._sending.calls import current_call, outside
from requests_mounts._sending.contexts import TlsContext, hide_names, verify_proxies, write_name
from requests_mounts._sending.counters import Counters
from requests_mounts._sending.counting import count_evicted, pools_of
from requests_mounts._sending.deadline import Deadline, DeadlineReached, current_deadline
from requests_mounts._sending.errors import DeniedAddress, DeniedURL, PoolTimeout
from requests_mounts._sending.guards import Guard, guard_of
from requests_mounts._sending.identity import Identity, identity_of
from requests_mounts._sending.locks import ProcessLock
from requests_mounts._sending.offline import check, check_files, refusing
from requests_mounts._sending.pools import pool_settings, put_under
from requests_mounts._sending.precedence import (
    MergedProxies,
    choose_proxies,
    choose_timeout,
    choose_tls,
)
from requests_mounts._sending.reach import AddressDenied, reach_of
from requests_mounts._sending.retry import build_retry
from requests_mounts._sending.siblings import Siblings
from requests_mounts._sending.signals import Signal

_MOST_PROXIES = 32
_log = logging.getLogger("requests_mounts.adapter")
# As requests and urllib3 do: a program that sets up no logging is not told of warnings on stderr.
logging.getLogger("requests_mounts").addHandler(logging.NullHandler())
_NO_TLS = Tls()


class MountAdapter(HTTPAdapter):
    """Send requests as a policy says.

    ``prefix`` and ``place`` tell an error where the policy comes from, ``lacking`` the variables
    without which it is not what the file says, so that nothing is sent; ``offline`` whether it was
    loaded so. Pool managers are built
    when they are first used: a file may hold thousands of mounts, and a process may contact few of
    them.
    """

    __module__ = "requests_mounts"
    __attrs__ = [  # noqa: RUF012 - as requests has it
        *HTTPAdapter.__attrs__, "_policy", "prefix", "place", "guard", "lacking", "offline",
        "siblings",
    ]  # fmt: skip

    report: Callable[[str, Counters, str], None] | None = None
    """Told the prefix and the name of a number that is no longer zero."""
    siblings: Siblings | None = None
    """The adapters of the same file, if `mount` made this one."""
    _lock = ProcessLock()
    """Of all adapters: pool managers are built rarely, and a lock for each would cost memory."""

    def __init__(  # noqa: PLR0913 - each is for errors to tell
        self,
        policy: Policy,
        *,
        prefix: str = "",
        place: str = "",
        guard: Guard | None = None,
        lacking: tuple[str, ...] = (),
        offline: bool = False,
    ) -> None:
        self._policy = policy
        self.prefix = prefix
        self.place = place
        self.lacking = lacking
        self.offline = offline
        self.guard = guard or guard_of(policy, prefix=prefix)
        super().__init__(
            pool_connections=policy.pool_connections,
            pool_maxsize=policy.pool_maxsize,
            max_retries=build_retry(policy.max_retries),
            pool_block=policy.pool_block,
        )

    def __repr__(self) -> str:
        return f"<MountAdapter {self.policy}>"

    @property
    def policy(self) -> Policy:
        """The settings of the mount; for other settings, mount another adapter."""
        return self._policy

    def renew(
        self, policy: Policy, *, place: str, places: Mapping[str, str], lacking: tuple[str, ...]
    ) -> None:
        """Take a policy that means the same, from a newer file where it stands elsewhere."""
        self._policy, self.place, self.lacking = policy, place, lacking
        if self.guard:
            self.guard.places.update(places)

    def succeed(self, other: "MountAdapter") -> None:
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

    def send(  # noqa: PLR0913, PLR0917 - the signature is requests'
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002
        timeout: Any = None,
        verify: bool | str | None = True,  # noqa: FBT001, FBT002
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Send a request under the policy.

        Raises `DeniedURL`, `DeniedAddress`, `PoolTimeout`, `LimitExceeded`, `CircuitOpen`,
        `BodyTooLarge`, `requests.exceptions.Timeout` when the deadline is reached, `MountsError` if
        the policy lacks a variable, and whatever `requests.adapters.HTTPAdapter.send` raises.
        """
        if current_call.get() and type(proxies) is not MergedProxies:
            with outside():
                return self.send(request, stream, timeout, verify, cert, proxies)
        if (other := self._find_other(request, proxies)) is not None:
            return other.send(request, stream, timeout, verify, cert, proxies)
        policy = self.policy
        if _log.isEnabledFor(logging.DEBUG):
            url = redact(request.url or "").partition("?")[0]
            _log.debug("%s %s is served by %s", request.method, url, self.prefix)
        if policy.deny:
            self.counters.count("refused")
            raise DeniedURL(request.url or "", self.prefix, self.place, request=request)
        if self.offline and (missed := self._find_missed(request, proxies)):
            arguments = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert}
            with refusing(missed):
                return super().send(request, **arguments, proxies=proxies)
        timeout = choose_timeout(timeout, self._timeout)
        if policy.proxy != "env":
            proxies = self._choose_proxies(request, proxies)
        arguments = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert}
        arguments["proxies"] = proxies
        if self._identity is None:
            return self._send(request, **arguments)
        dressed = self._identity.put_on(request)
        try:
            return self._send(dressed, **arguments)
        finally:
            self._identity.clear_up(dressed)

    def _find_missed(self, request: PreparedRequest, proxies: Any) -> MountsError | None:
        """Return the error for what the policy of a file that was loaded offline lacks."""
        if self.lacking:
            return MountsError(f"{self.prefix} needs the environment variable {self.lacking[0]}")
        try:
            if self.policy.proxy != "env":
                self._choose_proxies(request, proxies)
            if self._identity:
                self._identity.put_on(request)
        except MountsError as error:
            return error
        return None

    @cached_property
    def _identity(self) -> Identity | None:
        return identity_of(self.policy)

    def _send(self, request: PreparedRequest, **arguments: Any) -> Response:
        """Send a request as requests does, and raise the errors of ours that end it."""
        policy = self.policy
        try:
            if policy.deadline is not None and not isinf(policy.deadline):
                return self._send_in_time(policy.deadline, request, **arguments)
            if current_deadline.get() is None:
                return super().send(request, **arguments)
            token = current_deadline.set(None)  # Another request waits for this one.
            try:
                return super().send(request, **arguments)
            finally:
                current_deadline.reset(token)
        except (AddressDenied, Signal, EmptyPoolError, SSLError) as error:
            public, cause = self._publish(error, request)
            if public is error:
                raise
            raise public from cause

    def _publish(
        self, error: Exception, request: PreparedRequest
    ) -> tuple[Exception, BaseException | None]:
        """Return the error that the caller sees, and its cause."""
        match error:
            case AddressDenied():
                self.counters.count("refused")
                where = (request.url or "", self.prefix, self.place)
                return DeniedAddress(*where, error.reason, request=request), None
            case Signal():
                self.counters.count(*error.numbers)
                return error.error(request), error.__cause__
            case EmptyPoolError():
                self.counters.count("timeouts")
                return PoolTimeout(error, request=request), error
        shown = hide_names(str(error), self.policy.tls or _NO_TLS)
        return (error if shown == str(error) else SSLError(shown, request=request)), None

    def _find_other(self, request: PreparedRequest, proxies: Any) -> "MountAdapter | None":
        """Return the adapter to hand a request to, if requests chose this one by its text."""
        if not self.siblings or type(proxies) is MergedProxies:  # `MountedSession` chose by rule.
            return None
        other: MountAdapter | None = self.siblings.find_other(self.prefix, request.url or "")
        return other

    def _send_in_time(self, seconds: float, request: PreparedRequest, **arguments: Any) -> Response:
        """Send a request under a clock that runs until the headers, or the body if it is read.

        It goes on in the body after this has returned, as requests reads that after its hooks, and
        the body of a redirect even of a stream.
        """
        call, stream = current_call.get(), arguments["stream"]
        deadline = Deadline(request, seconds, stream=stream, began=call.began if call else None)
        deadline.counters = self.counters
        token = current_deadline.set(deadline)
        in_body = False
        try:
            response = super().send(request, **arguments)
            if not stream or (call and call.follows and response.is_redirect):
                in_body = read_under(deadline, response.raw)
        except (OSError, HTTPError) as error:
            if deadline.left() > 0:
                raise
            raise DeadlineReached(deadline) from error
        finally:
            current_deadline.reset(token)
            if not in_body:
                deadline.stop()
        if deadline.was_cut and not in_body:
            response.close()
            raise DeadlineReached(deadline)
        return response

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Build it as requests does; from now on it is the caller who reads the body."""
        if isinstance(resp, BoundedBody):
            resp.request = req
        return super().build_response(req, resp)

    def _choose_proxies(self, request: PreparedRequest, proxies: Any) -> Any:
        """Put the file's proxy in the place of the environment's, and leave the caller's."""
        proxy = self.policy.proxy
        url, direct = request.url or "", proxy == "direct"
        if not direct and self.policy.no_proxy:
            direct = is_bypassed(url, tuple(map(reveal, self.policy.no_proxy)))
        of_file = {} if direct else {"all": reveal(proxy)}
        chosen = choose_proxies(url, proxies, of_file)
        replaced = select_proxy(url, proxies) if chosen is of_file else None
        if replaced and "Proxy-Authorization" in request.headers:
            # Set by requests at a redirect, for the proxy that will not be asked.
            user, password = get_auth_from_url(replaced)
            if request.headers["Proxy-Authorization"] == _basic_auth_str(user, password):
                del request.headers["Proxy-Authorization"]
        return chosen

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Choose the pool by its host and TLS settings, which a context stands for."""
        if self.offline:
            check()
        host, settings = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https" or "ssl_context" in self._pool_kwargs:
            return host, settings
        own = self.policy.tls or _NO_TLS
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

        And one that speaks TLS to a proxy for an http URL: requests would not verify the proxy.
        """
        to_proxy = getattr(conn, "scheme", "") == "https" and url.lower().startswith("http:")
        if not to_proxy and "ssl_context" not in getattr(conn, "conn_kw", {}):
            super().cert_verify(conn, url, verify, cert)

    @cached_property
    def _context(self) -> TlsContext:
        """What stands for the contexts of the file's settings."""
        return TlsContext(self.policy.tls or _NO_TLS)

    @cached_property
    def _timeout(self) -> tuple[float | None, float | None] | None:
        """The file's timeouts, as requests takes them."""
        return None if self.policy.timeout is None else _timeouts(self.policy.timeout)


def _timeouts(setting: float | Timeout) -> tuple[float | None, float | None]:
    """Return the timeouts as requests takes them, where no limit is none."""
    if isinstance(setting, Timeout):
        return _finite(setting.connect), _finite(setting.read)
    return _finite(setting), _finite(setting)


def _finite(seconds: float | None) -> float | None:
    return None if seconds is None or isinf(seconds) else seconds
