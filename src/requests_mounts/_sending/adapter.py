"""The adapter of one mount: an HTTPAdapter that has a policy.

All that a policy does happens here and below, where each hop of a redirect comes anew with the
arguments of the first. What the caller passes wins over the file, the file wins over the
environment; a value that equals the environment's is taken to come from there.
"""

import os
import ssl
from dataclasses import fields, replace
from functools import lru_cache
from math import isinf
from threading import RLock
from types import SimpleNamespace
from typing import Any, Literal
from urllib.request import getproxies

from requests import PreparedRequest, Response
from requests.adapters import DEFAULT_POOLBLOCK, HTTPAdapter
from requests.auth import _basic_auth_str
from requests.exceptions import SSLError
from requests.exceptions import Timeout as RequestsTimeout
from requests.utils import get_auth_from_url, select_proxy
from urllib3 import PoolManager, Retry
from urllib3.exceptions import EmptyPoolError

from requests_mounts._file.policy import Policy, RetryOptions, Timeout, Tls
from requests_mounts._secret import redact, reveal
from requests_mounts._sending.contexts import proxy_context, tls_context
from requests_mounts._sending.deadline import Deadline, DeadlineReached, current_deadline
from requests_mounts._sending.pools import pool_settings, put_under
from requests_mounts._sending.refusals import DeniedURL, PoolTimeout

CA_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_MOST_PROXIES = 32
_NO_TLS = Tls()


class Explicit(str):
    """A ``verify`` that the caller is known to have passed, even if the environment says so too."""

    __slots__ = ()


class MountAdapter(HTTPAdapter):
    """Send requests as a policy says.

    ``prefix`` and ``place`` tell an error where the policy comes from. Pool managers are built when
    they are first used: a file may hold thousands of mounts, and a process may contact few of them.
    """

    __attrs__ = [*HTTPAdapter.__attrs__, "policy", "prefix", "place"]  # noqa: RUF012 - as requests has it

    policy: Policy
    _lock = RLock()

    def __init__(self, policy: Policy, *, prefix: str = "", place: str = "") -> None:
        self.policy = policy
        self.prefix = prefix
        self.place = place
        super().__init__(
            pool_connections=policy.pool_connections,
            pool_maxsize=policy.pool_maxsize,
            max_retries=_retry(policy.max_retries),
            pool_block=policy.pool_block,
        )

    def __repr__(self) -> str:
        return f"<MountAdapter {self.policy}>"

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
        self._context: ssl.SSLContext | None = None
        self.__dict__.pop("poolmanager", None)

    def __getattr__(self, name: str) -> Any:
        """Build the pool manager; Python asks here only as long as there is none."""
        if name != "poolmanager":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self._lock:
            if "poolmanager" not in self.__dict__:
                manager = PoolManager(
                    num_pools=self._pool_connections,
                    maxsize=self._pool_maxsize,
                    block=self._pool_block,
                    **(pool_settings(self.policy) | self._pool_kwargs),
                )
                put_under(self.policy, manager)
                self.poolmanager = manager
        return self.__dict__["poolmanager"]

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return the pool manager of a proxy, with the settings of the direct ones.

        Of more than some dozens of proxies, the one used least recently is dropped.
        """
        with self._lock:
            manager = self.proxy_manager.pop(proxy, None)
            if manager is None:
                settings = pool_settings(self.policy) | self._pool_kwargs | proxy_kwargs
                if proxy.lower().startswith("https"):
                    verify = self.policy.tls.verify if self.policy.tls else None
                    settings.setdefault("proxy_ssl_context", proxy_context(verify))
                manager = super().proxy_manager_for(proxy, **settings)
                put_under(self.policy, manager)
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

        Raises `DeniedURL`, `PoolTimeout`, `requests.exceptions.Timeout` when the deadline is
        reached, and whatever `requests.adapters.HTTPAdapter.send` raises.
        """
        policy = self.policy
        if policy.deny:
            raise DeniedURL(request.url or "", self.prefix, self.place, request=request)
        if timeout is None and policy.timeout is not None:
            timeout = _timeout(policy.timeout)
        if policy.proxy != "env":
            proxies = self._choose_proxies(request, proxies)
        arguments = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert}
        arguments["proxies"] = proxies
        try:
            if policy.deadline is None or isinf(policy.deadline):
                return super().send(request, **arguments)
            return self._send_in_time(policy.deadline, request, **arguments)
        except EmptyPoolError as error:
            raise PoolTimeout(error, request=request) from error

    def _send_in_time(self, seconds: float, request: PreparedRequest, **arguments: Any) -> Response:
        """Send a request under a clock that runs until the headers, or the body if it is read."""
        deadline = Deadline(seconds, stream=arguments["stream"])
        token = current_deadline.set(deadline)
        try:
            response = super().send(request, **arguments)
            if not arguments["stream"]:
                deadline.response = response.raw
                response.content  # noqa: B018 - reads the body
            if not deadline.reached:
                return response
            response.close()
            cause: Exception | None = None
        except DeadlineReached as error:
            cause = error
        except (OSError, ValueError) as error:  # The latter of a TLS socket that was shut down.
            if not deadline.reached:
                raise
            cause = error
        finally:
            current_deadline.reset(token)
            deadline.cancel()
        what = f"{request.method} {redact(request.url or '')}"
        message = f"{what} took longer than its deadline of {seconds:g} s"
        raise RequestsTimeout(message, request=request) from cause

    def _choose_proxies(self, request: PreparedRequest, proxies: Any) -> Any:
        """Put the file's proxy in the place of the environment's, and leave the caller's."""
        chosen = select_proxy(request.url or "", proxies)
        if chosen is not None and chosen not in getproxies().values():
            return proxies
        if chosen and "Proxy-Authorization" in request.headers:
            # Set by requests at a redirect, for the proxy that will not be asked.
            user, password = get_auth_from_url(chosen)
            if request.headers["Proxy-Authorization"] == _basic_auth_str(user, password):
                del request.headers["Proxy-Authorization"]
        proxy = self.policy.proxy
        return {} if proxy == "direct" else {"all": reveal(proxy)}

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Choose the pool by its host and TLS settings; the latter are all in a shared context."""
        host, settings = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https" or "ssl_context" in self._pool_kwargs:
            return host, settings
        tls = self._tls(request, verify, cert)
        try:
            context = self._own_context() if tls is self._own_tls() else tls_context(tls)
        except (ssl.SSLError, ValueError) as error:
            raise SSLError(error, request=request) from error
        return host, {
            "ssl_context": context,
            "cert_reqs": "CERT_NONE" if tls.verify is False else "CERT_REQUIRED",
            "assert_hostname": _plain(tls.assert_hostname),
            "assert_fingerprint": _plain(tls.assert_fingerprint),
            "server_hostname": _plain(tls.server_hostname),
        }

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave a pool alone that has a context; requests would load the certificates into it.

        And one that speaks TLS to a proxy for an http URL, of which requests would not verify it.
        """
        to_proxy = getattr(conn, "scheme", "") == "https" and url.lower().startswith("http:")
        if not to_proxy and "ssl_context" not in getattr(conn, "conn_kw", {}):
            super().cert_verify(conn, url, verify, cert)

    def _own_tls(self) -> Tls:
        return self.policy.tls or _NO_TLS

    def _own_context(self) -> ssl.SSLContext:
        """Return the context of the file's settings, which is looked up once."""
        if self._context is None:
            self._context = tls_context(self._own_tls())
        return self._context

    def _tls(self, request: PreparedRequest, verify: Any, cert: Any) -> Tls:
        """Return the file's settings, with what the caller passes in the place of theirs."""
        tls = self._own_tls()
        if self._is_callers(verify):
            tls = replace(tls, verify=verify if verify is False else os.fspath(verify))
        if cert:
            cert_file, key_file = (cert, None) if isinstance(cert, (str, os.PathLike)) else cert
            tls = replace(
                tls,
                cert_file=os.fspath(cert_file),
                key_file=os.fspath(key_file) if key_file else None,
                key_password=None,
            )
        if tls is not self._own_tls():  # For the errors of requests about missing files.
            super().cert_verify(SimpleNamespace(), request.url or "", verify, cert)
        return tls

    def _is_callers(self, verify: Any) -> bool:
        """Tell whether ``verify`` is to win over the file: not a default, nor the environment's."""
        if verify is True or (not verify and verify is not False):
            return False
        if isinstance(verify, Explicit) or self._own_tls().verify is None:
            return True
        return verify not in {os.environ.get(name) for name in CA_BUNDLE_VARIABLES}


def _plain(value: str | Literal[False] | None) -> str | Literal[False] | None:
    return reveal(value) if isinstance(value, str) else value


def _timeout(setting: float | Timeout) -> tuple[float | None, float | None]:
    """Return the timeouts as requests takes them, where no limit is none."""
    if isinstance(setting, Timeout):
        return _finite(setting.connect), _finite(setting.read)
    return _finite(setting), _finite(setting)


def _finite(seconds: float | None) -> float | None:
    return None if seconds is None or isinf(seconds) else seconds


def _retry(setting: int | RetryOptions) -> Retry:
    if isinstance(setting, int):
        return _retry_of_number(setting)
    counts = (
        setting.total,
        setting.connect,
        setting.read,
        setting.redirect,
        setting.status,
        setting.other,
    )
    return _retry_of_table(setting, tuple(map(type, counts)))


@lru_cache
def _retry_of_number(total: int) -> Retry:
    """Build what `HTTPAdapter(max_retries=total)` builds."""
    return Retry(total) if total else Retry(0, read=False)


@lru_cache
def _retry_of_table(options: RetryOptions, _types: tuple[type, ...]) -> Retry:
    """Build a `Retry`, which is a value and may be shared.

    The types of the counts are part of the cache's key: false is equal to 0, but means otherwise.
    """
    settings = {field.name: getattr(options, field.name) for field in fields(options)}
    methods = settings["allowed_methods"]
    settings["allowed_methods"] = None if methods == "any" else frozenset(methods)
    return Retry(**settings)
