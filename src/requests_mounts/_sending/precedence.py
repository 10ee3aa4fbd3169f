"""Who decides a setting: the caller, the file, or the environment.

1. What a request is given wins over what is set on its session, as in requests; both are the
   caller's.
2. The caller wins over the file, setting by setting: timeout, verify, cert, and the proxy of the
   URL. A client certificate is one setting with its key and that key's password.
3. The file wins over the environment: the variables of proxies, and those of CA certificates.
4. What nobody says is as requests has it. The defaults say nothing: no timeout, no certificate,
   no proxy, and the ``verify = True`` of every session; verify=True in a call does.
5. A header of the file is for where there is none, or requests' own default of a session; false
   takes that away.
6. The caller's ``Authorization`` wins over the file, be it from a header, the URL, ``auth`` or
   ``session.auth``, and even if it is still to come, as that of Digest. The file wins over .netrc,
   which is then not read. On any other session an ``Authorization`` that is there wins, as nobody
   can tell who put it there.

requests merges caller, session and environment before it asks an adapter, and carries the result
along redirects, to mounts with other rules. `MountedSession` therefore marks what it merges. On any
other session, a value that the environment has too is taken to come from there.
"""

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from math import isinf
from typing import Any, Self
from urllib.request import getproxies

from requests import PreparedRequest, Response
from requests.auth import AuthBase, _basic_auth_str
from requests.utils import (
    DEFAULT_CA_BUNDLE_PATH,
    default_headers,
    get_auth_from_url,
    select_proxy,
)

from requests_mounts._file.options import Timeout, Tls
from requests_mounts._sending.environment import CA_BUNDLE_VARIABLES


class CallersVerify(str):
    """The CA certificates that a caller asks for, even if the environment names the same ones."""

    __slots__ = ()


class MergedProxies(OrderedDict[str, str]):
    """Proxies among which may be the environment's; `callers` are those that it did not add.

    Arguments that hold one were merged by `MountedSession`: their ``verify`` is the caller's only
    if `says_verify`. A redirect carries both along, to mounts that a reload may have made by then.
    """

    callers: Mapping[str, str]
    says_verify: bool

    @classmethod
    def of(
        cls, proxies: Mapping[str, str], *, callers: Mapping[str, str], says_verify: bool = False
    ) -> Self:
        """Mark some proxies."""
        merged = cls(proxies)
        merged.callers = callers
        merged.says_verify = says_verify
        return merged

    def copy(self) -> Self:
        """Copy the mark too; requests copies proxies at each redirect."""
        return self.of(self, callers=self.callers, says_verify=self.says_verify)


def choose_timeout(given: Any, of_file: Any) -> Any:
    """Return the timeout of a request."""
    return of_file if given is None else given


def timeouts_of(setting: float | Timeout) -> tuple[float | None, float | None]:
    """Return the timeouts of a file as requests takes them, where no limit is none."""
    if isinstance(setting, Timeout):
        return _finite(setting.connect), _finite(setting.read)
    return _finite(setting), _finite(setting)


def _finite(seconds: float | None) -> float | None:
    return None if seconds is None or isinf(seconds) else seconds


def choose_proxies(url: str, proxies: Any, of_file: Mapping[str, str]) -> Any:
    """Return the proxies of a request to a mount whose file names one, or none."""
    if isinstance(proxies, MergedProxies):
        proxies = proxies.callers
        return of_file if select_proxy(url, proxies) is None else proxies
    chosen = select_proxy(url, proxies)
    return of_file if chosen is None or chosen in getproxies().values() else proxies


def choose_tls(of_file: Tls, verify: Any, cert: Any) -> Tls:
    """Return the TLS settings of a request: the file's own if the caller changes nothing."""
    if not cert and not _is_callers(verify, of_file):
        return of_file
    if cert and not isinstance(cert, (str, os.PathLike)):
        cert = tuple(cert)
    return _merge_tls(of_file, verify if _is_callers(verify, of_file) else None, cert or None)


def mark_verify(verify: Any, proxies: Any) -> Any:
    """Mark what the caller says, True as the CA certificates that it stands for."""
    if type(proxies) is not MergedProxies or not proxies.says_verify:
        return verify
    if verify is True:
        return CallersVerify(DEFAULT_CA_BUNDLE_PATH)
    return CallersVerify(verify) if isinstance(verify, str) else verify


def _is_callers(verify: Any, of_file: Tls) -> bool:
    """Tell whether ``verify`` wins over the file: it is no default, nor the environment's."""
    if verify is True or (not verify and verify is not False):
        return False
    if of_file.verify is None:
        return True  # Whoever says it, the file does not.
    if isinstance(verify, CallersVerify):
        return True
    return verify not in {os.environ.get(name) for name in CA_BUNDLE_VARIABLES}


@lru_cache(maxsize=128)  # As many callers differ from the file at each request.
def _merge_tls(tls: Tls, verify: Any, cert: Any) -> Tls:
    if verify is not None:
        tls = replace(tls, verify=verify if verify is False else os.fspath(verify))
    if cert:
        cert_file, key_file = (cert, None) if isinstance(cert, (str, os.PathLike)) else cert
        tls = replace(
            tls,
            cert_file=os.fspath(cert_file),
            key_file=os.fspath(key_file) if key_file else None,
            key_password=None,
        )
    return tls


_DEFAULT_HEADERS = default_headers()


class NetrcAuthorization(str):
    """An ``Authorization`` that .netrc gave, and not the caller."""

    __slots__ = ()


def callers_sign(response: Response, **_: Any) -> None:
    """Do nothing: the name of a hook by which a request says that its caller authenticates it."""


def file_signs(response: Response, **_: Any) -> None:
    """Do nothing: the name of a hook by which the request of a redirect says the contrary."""


def is_filled(headers: Mapping[str, Any], name: str) -> bool:
    """Tell whether a caller sends a header: there is one, and it is not requests' own default."""
    found = headers.get(name)
    return found is not None and found != _DEFAULT_HEADERS.get(name)


def is_signed(request: PreparedRequest) -> bool:
    """Tell whether the caller authenticates a request, now or when the server asks for it."""
    found = request.headers.get("Authorization")
    if found is not None:
        return not isinstance(found, NetrcAuthorization)
    hooks = request.hooks.get("response", ())
    if file_signs in hooks:
        return False
    return any(_authenticates(hook) for hook in hooks)


def mark_signature(request: PreparedRequest, auth: Any, *, of_netrc: bool) -> None:
    """Note on a prepared request who authenticates it: the caller, by ``auth``, or .netrc."""
    if auth:
        request.register_hook("response", callers_sign)
    elif of_netrc and (found := request.headers.get("Authorization")) is not None:
        user, password = get_auth_from_url(request.url or "")
        if not (user or password) or found != _basic_auth_str(user, password):
            request.headers["Authorization"] = NetrcAuthorization(found)


def unsign(request: PreparedRequest) -> None:
    """Take the caller's authentication from the request of a redirect to another host."""
    request.headers.pop("Authorization", None)
    hooks = request.hooks.get("response", ())
    if any(_authenticates(hook) for hook in hooks):
        request.hooks = {**request.hooks, "response": [*hooks, file_signs]}


def userinfo_signs(request: PreparedRequest) -> PreparedRequest:
    """Authenticate with the user name and password of the URL alone, without a look at .netrc."""
    request.prepare_auth(None)
    return request


def _authenticates(hook: Any) -> bool:
    """Tell whether a hook is of an authentication that answers when it is asked, or our mark."""
    return hook is callers_sign or isinstance(getattr(hook, "__self__", None), AuthBase)
