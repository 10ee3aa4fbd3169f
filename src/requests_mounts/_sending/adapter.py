"""The adapter of one mount: an HTTPAdapter that has a policy.

All that a policy does happens here and below, where each hop of a redirect comes anew with the
arguments of the first; `precedence` says which of them win over the file.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from math import isinf
from threading import get_ident
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.auth import _basic_auth_str
from requests.exceptions import RequestException, SSLError
from requests.utils import get_auth_from_url, select_proxy
from urllib3.exceptions import EmptyPoolError, HTTPError

from requests_mounts._cached import cached_property
from requests_mounts._errors import MountsError
from requests_mounts._file.policy import Policy
from requests_mounts._routing.partial import PartialPrefix
from requests_mounts._secret import redact, reveal
from requests_mounts._sending.bodies import read_under
from requests_mounts._sending.body_size import BodyExceeds, BoundedBody
from requests_mounts._sending.bypass import is_bypassed
from requests_mounts._sending.calls import Call, current_call, outside
from requests_mounts._sending.contexts import hide_names
from requests_mounts._sending.deadline import Deadline, DeadlineReached
from requests_mounts._sending.errors import DeniedAddress, DeniedURL, PoolTimeout, name_mount
from requests_mounts._sending.guards import Guard, guard_of
from requests_mounts._sending.identity import Identity, identity_of
from requests_mounts._sending.managers import PooledAdapter
from requests_mounts._sending.offline import refusing
from requests_mounts._sending.precedence import (
    MergedProxies,
    choose_proxies,
    choose_timeout,
    mark_verify,
    timeouts_of,
)
from requests_mounts._sending.proxy_hosts import hide_host
from requests_mounts._sending.reach import AddressDenied
from requests_mounts._sending.retry import build_retry
from requests_mounts._sending.siblings import Siblings
from requests_mounts._sending.signals import Signal

_log = logging.getLogger("requests_mounts.adapter")
# As requests and urllib3 do: a program that sets up no logging is not told of warnings on stderr.
logging.getLogger("requests_mounts").addHandler(logging.NullHandler())


class MountAdapter(PooledAdapter):
    """Send requests as a policy says.

    ``prefix`` and ``place`` tell an error where the policy comes from, ``lacking`` the variables
    without which it is not what the file says, so that nothing is sent; ``offline`` whether it was
    loaded so, and ``partial`` the prefixes of that file that may be meant instead of this one.
    """

    __module__ = "requests_mounts"
    __attrs__ = [  # noqa: RUF012 - as requests has it
        *HTTPAdapter.__attrs__, "_policy", "prefix", "place", "guard", "lacking", "offline",
        "partial", "siblings",
    ]  # fmt: skip

    locate: Callable[[str, str], str] | None = None
    """Told the prefix and a key; returns the file and line that set it."""
    siblings: Siblings | None = None
    """The adapters of the same file, if `mount` made this one."""

    def __init__(  # noqa: PLR0913 - each is for errors to tell
        self,
        policy: Policy,
        *,
        prefix: str = "",
        place: str = "",
        guard: Guard | None = None,
        lacking: tuple[str, ...] = (),
        offline: bool = False,
        partial: tuple[PartialPrefix, ...] = (),
    ) -> None:
        self._policy = policy
        self.prefix = prefix
        self.place = place
        self.lacking = lacking
        self.offline = offline
        self.partial = partial
        self.guard = guard or guard_of(policy, prefix=prefix)
        super().__init__(
            pool_connections=policy.pool_connections,
            pool_maxsize=policy.pool_maxsize,
            max_retries=build_retry(policy.max_retries),
            pool_block=policy.pool_block,
        )

    def __repr__(self) -> str:
        return f"<MountAdapter {self.policy}>"

    def renew(
        self,
        policy: Policy,
        *,
        place: str,
        places: Mapping[str, str],
        lacking: tuple[str, ...],
        partial: tuple[PartialPrefix, ...],
    ) -> None:
        """Take a policy that means the same, from a newer file where it stands elsewhere."""
        self._policy, self.place, self.lacking, self.partial = policy, place, lacking, partial
        if self.guard:
            self.guard.places.update(places)

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
        if call := current_call.get():
            merged = type(proxies) is MergedProxies
            if not merged or call.deadline or call.attempt or call.thread != get_ident():
                with call.beside() if merged else outside():
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
        if policy.tls is not None and policy.tls.verify is not None:
            verify = mark_verify(verify, proxies)
        if policy.proxy != "env":
            proxies = self._choose_proxies(request, proxies)
        arguments = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert}
        arguments["proxies"] = proxies
        if self._identity:
            request = self._identity.put_on(request)
        return self._send(request, **arguments)

    def _find_missed(self, request: PreparedRequest, proxies: Any) -> MountsError | None:
        """Return the error for what the policy of a file that was loaded offline lacks."""
        for other in self.partial:
            if other.may_serve(request.url or ""):
                needed = f"needs the environment variable {other.variable}"
                return MountsError(f"{other.text} may serve this URL, and {needed}")
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
            return super().send(request, **arguments)
        except (AddressDenied, Signal, EmptyPoolError, RequestException) as error:
            public, cause = self._publish(error, request)
            if public is error:
                raise
            raise public from cause

    def _publish(
        self,
        error: AddressDenied | Signal | EmptyPoolError | RequestException,
        request: PreparedRequest,
    ) -> tuple[Exception, BaseException | None]:
        """Return the error that the caller sees, and its cause."""
        match error:
            case AddressDenied():
                self.counters.count("refused")
                where = (request.url or "", self.prefix, self.place)
                return DeniedAddress(*where, error.reason, request=request), None
            case BodyExceeds():
                return error.error(request, *self._find_mount("max_body_size")), None
            case Signal():
                self.counters.count(*error.numbers)
                return error.error(request), error.__cause__
            case EmptyPoolError():
                self.counters.count("timeouts")
                return PoolTimeout(self._words_for_full_pool(request), request=request), error
        shown = self._hide(error)
        same = shown == str(error)
        return (error if same else type(error)(shown, request=request)), None

    def _hide(self, error: RequestException) -> str:
        """Write an error of requests without what variables hold."""
        shown = hide_host(str(error), self.policy.proxy)
        is_of_tls = isinstance(error, SSLError)
        return hide_names(shown, self._own_tls) if is_of_tls else shown

    def _words_for_full_pool(self, request: PreparedRequest) -> str:
        wait = self.policy.pool_timeout
        key = "pool_block" if wait is None else "pool_timeout"
        longest = "the connect timeout" if wait is None else f"pool_timeout = {wait:g}"
        mount = name_mount(*self._find_mount(key))
        url = redact(request.url or "")
        return f"{url} was not sent: no connection of {mount} was free within {longest}"

    def _find_mount(self, key: str) -> tuple[str, str]:
        """Return the prefix, and the file and line that set a key, if they are known."""
        return self.prefix, self.locate(self.prefix, key) if self.locate else ""

    def _find_other(self, request: PreparedRequest, proxies: Any) -> "MountAdapter | None":
        """Return the adapter to hand a request to, if requests chose this one by its text."""
        if type(proxies) is MergedProxies or not self.siblings:  # `MountedSession` chose by rule.
            return None
        other: MountAdapter | None = self.siblings.find_other(self.prefix, request.url or "")
        return other

    def _send_in_time(self, seconds: float, request: PreparedRequest, **arguments: Any) -> Response:
        """Send a request under a clock that runs until the headers, or the body if it is read.

        It goes on in the body after this has returned, as requests reads that after its hooks, and
        the body of a redirect even of a stream.
        """
        call, stream = current_call.get(), arguments["stream"]
        if call is None:  # The session is not ours.
            with Call():
                return self._send_in_time(seconds, request, **arguments)
        deadline = Deadline(request, seconds, stream=stream, began=call.began)
        deadline.counters = self.counters
        deadline.mount = lambda: name_mount(*self._find_mount("deadline"))
        call.deadline = deadline
        in_body = False
        try:
            deadline.start()
            response = super().send(request, **arguments)
            if not stream or (call.follows and response.is_redirect):
                in_body = read_under(deadline, response.raw)
        except (OSError, HTTPError) as error:
            if deadline.left() > 0:
                raise
            raise DeadlineReached(deadline) from error
        finally:
            call.deadline = None
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
            resp.find_mount = partial(self._find_mount, "max_body_size")
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

    @cached_property
    def _timeout(self) -> tuple[float | None, float | None] | None:
        """The file's timeouts, as requests takes them."""
        return None if self.policy.timeout is None else timeouts_of(self.policy.timeout)
