"""A session that routes by a table of mounts, and marks what its caller says for the adapters.

requests merges what the caller, the session and the environment say before it asks an adapter, and
carries it along redirects; `precedence` says who wins, and needs to know who said what.
"""

from collections.abc import Generator, Mapping
from typing import Any

import requests
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.exceptions import InvalidSchema
from requests.sessions import merge_setting
from requests.structures import CaseInsensitiveDict
from requests.utils import resolve_proxies

from requests_mounts._live.loaded import Loaded
from requests_mounts._routing.index import HOST_AT
from requests_mounts._sending.adapter import MountAdapter
from requests_mounts._sending.calls import Call, follow
from requests_mounts._sending.environment import read_authorities, read_proxies
from requests_mounts._sending.identity import signs
from requests_mounts._sending.precedence import (
    MergedProxies,
    mark_signature,
    unsign,
    userinfo_signs,
)
from requests_mounts._sending.table import MountTable

_PREPARE = requests.Session.prepare_request
_MERGE = requests.Session.merge_environment_settings
"""requests' own; tools put others in their place, and mixins come between."""


class RoutedSession(requests.Session):
    """What a `MountedSession` does to each request on its way to an adapter."""

    _loaded: Loaded
    _table: MountTable

    @property
    def adapters(self) -> MountTable:
        """The adapters by their prefixes, longest first; routing follows every change of it."""
        return self._table

    @adapters.setter
    def adapters(self, adapters: Mapping[str, BaseAdapter]) -> None:
        self._table = adapters if isinstance(adapters, MountTable) else MountTable(adapters)

    def get_adapter(self, url: str) -> BaseAdapter:
        """Return the adapter of the prefix that a URL belongs to.

        Raises `requests.exceptions.InvalidSchema` if there is none.
        """
        table = self._table
        # As `MountTable.route` does it, without the calls, which take a quarter of a lookup's time.
        origin = url[: url.find("/", HOST_AT) + 1]
        adapter = table.routes.get(origin)
        if adapter is None and (tiers := table.tiers.get(origin)):
            adapter = tiers.find_plain(url, len(origin) - 1)
        return adapter or table.find(url)

    def prepare_request(self, request: requests.Request) -> PreparedRequest:
        """Prepare as requests does; it merges headers and parameters slowly, so not for nothing."""
        prepare = super().prepare_request
        if getattr(prepare, "__func__", None) is _PREPARE and type(request) is requests.Request:
            request = _without_empty(request, self)
        if not self._loaded.signs:
            return prepare(request)
        auth = request.auth or self.auth
        if not auth and self._signs(request.url):
            copied = requests.Request.__new__(type(request))
            copied.__dict__ = vars(request) | {"auth": userinfo_signs}
            request = copied
        prepared = prepare(request)
        given = auth or (
            request.headers and "Authorization" in CaseInsensitiveDict(request.headers)
        )
        of_netrc = not given and self.trust_env and "Authorization" not in self.headers
        mark_signature(prepared, auth, of_netrc=of_netrc)
        return prepared

    def rebuild_auth(self, prepared_request: PreparedRequest, response: Response) -> None:
        """Authenticate the request of a redirect as requests does, or leave it to the file."""
        if not self._loaded.signs:
            super().rebuild_auth(prepared_request, response)
            return
        before = prepared_request.headers.get("Authorization")
        if self.should_strip_auth(response.request.url or "", prepared_request.url or ""):
            unsign(prepared_request)
        if self._signs(prepared_request.url):
            return
        super().rebuild_auth(prepared_request, response)
        if prepared_request.headers.get("Authorization") is not before:
            mark_signature(prepared_request, None, of_netrc=True)

    def _signs(self, url: Any) -> bool:
        """Tell whether the file says who we are to the host of a URL."""
        try:
            adapter = self.get_adapter(str(url).lstrip())
        except InvalidSchema:  # As for a URL that lacks its scheme; requests has words for it.
            return False
        return isinstance(adapter, MountAdapter) and signs(adapter.policy)

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> dict[str, Any]:
        """Merge as requests does, and mark what the caller says; see `precedence`.

        The environment is asked for no proxies if the file decides about them.
        """
        if self._loaded.interval is not None:
            self._loaded.look(self._table)
        callers = _merge_proxies(proxies, self.proxies)
        merge = super().merge_environment_settings
        if getattr(merge, "__func__", None) is _MERGE:
            settings = self._merge(url or "", callers, proxies, stream, verify, cert)
        else:  # What somebody has put in the place of requests' own decides.
            given = proxies if proxies is None else dict(proxies)  # requests would add to it.
            settings = merge(url, given, stream, verify, cert)
        settings["proxies"] = MergedProxies.of(
            settings["proxies"] or {}, callers=callers or {}, says_verify=bool(verify)
        )
        return settings

    def _merge(  # noqa: PLR0913, PLR0917 - the signature is requests', and what is merged already
        self, url: Any, callers: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> dict[str, Any]:
        """Do what requests does, with one look at the environment."""
        found = None
        if self.trust_env and proxies is not None and not self._decides_proxies(url):
            found = read_proxies(url, proxies.get("no_proxy"))
        bundle = self._authorities() if verify is True or verify is None else None
        if found:
            callers = merge_setting({**proxies, **found, **proxies}, self.proxies)  # In its order.
        return {
            "proxies": callers,
            "stream": merge_setting(stream, self.stream),
            "verify": merge_setting(bundle or verify, self.verify),
            "cert": merge_setting(cert, self.cert),
        }

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Send a prepared request; what was not merged, as above, is the caller's own word."""
        merged = isinstance(kwargs.get("proxies"), MergedProxies)
        if not merged and self._loaded.interval is not None:
            self._loaded.look(self._table)
        if not merged and isinstance(request, PreparedRequest):
            self._mark(request, kwargs)
        with Call(follows=kwargs.get("allow_redirects", True)):
            return super().send(request, **kwargs)

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Generator[Response, None, None]:
        """Follow redirects as requests does, with one clock for all hops."""
        return follow(super().resolve_redirects(*args, **kwargs))

    def _mark(self, request: PreparedRequest, arguments: dict[str, Any]) -> None:
        callers = proxies = arguments.get("proxies", self.proxies) or {}
        if "proxies" not in arguments:
            proxies = resolve_proxies(request, proxies, self.trust_env)
        says_verify = bool(arguments.get("verify"))
        arguments["proxies"] = MergedProxies.of(proxies, callers=callers, says_verify=says_verify)

    def _authorities(self) -> str | None:
        return read_authorities() if self.trust_env else None

    def _decides_proxies(self, url: str) -> bool:
        """Tell whether the file says which proxy a URL has."""
        try:
            adapter = self.get_adapter(url)
        except InvalidSchema:  # A tool may replace `get_adapter` later.
            return False
        return isinstance(adapter, MountAdapter) and adapter.policy.proxy != "env"

    def mount(self, prefix: str, adapter: BaseAdapter) -> None:
        """Mount an adapter; the prefix is matched as one in a file is."""
        self._table.mount(prefix, adapter)


def _merge_proxies(given: Any, of_session: Any) -> Any:
    return merge_setting(given, of_session) if given or of_session else given


def _without_empty(request: requests.Request, session: requests.Session) -> requests.Request:
    """Return a request that is prepared alike, without empty headers and parameters to merge.

    requests returns one of two settings as it is if the other is not there, and otherwise tests
    both against protocols, at the cost of a twentieth of a request.
    """
    headers: Any = request.headers
    of_session = session.headers
    if not headers and isinstance(of_session, CaseInsensitiveDict):
        headers = headers if None in of_session.values() else None
    empty = not request.params and not session.params
    copied = requests.Request.__new__(requests.Request)
    copied.__dict__ = vars(request) | {
        "headers": headers,
        "params": "" if empty else request.params,
    }
    return copied
