"""A requests session whose adapters come from a file."""

import os
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

import requests
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.exceptions import InvalidSchema
from requests.sessions import merge_setting
from requests.structures import CaseInsensitiveDict
from requests.utils import resolve_proxies

from requests_mounts._collector import paused_collector
from requests_mounts._explain import Explanation, explain
from requests_mounts._file.config import Config
from requests_mounts._file.loading import load_config
from requests_mounts._live.advice import Advice, advise
from requests_mounts._live.collect import collect
from requests_mounts._live.loaded import Loaded, is_made_for
from requests_mounts._live.reloaded import Reloaded
from requests_mounts._live.stats import MountStats
from requests_mounts._routing.index import HOST_AT, Index
from requests_mounts._routing.location import prepare
from requests_mounts._sending.adapter import MountAdapter
from requests_mounts._sending.calls import Call, follow
from requests_mounts._sending.environment import read_authorities, read_proxies
from requests_mounts._sending.identity import signs
from requests_mounts._sending.precedence import (
    MergedProxies,
    mark_signature,
    mark_verify,
    unsign,
    userinfo_signs,
)
from requests_mounts._sending.table import MountTable

_Session = TypeVar("_Session", bound=requests.Session)

_PREPARE = requests.Session.prepare_request
_MERGE = requests.Session.merge_environment_settings
"""requests' own; tools put others in their place, and mixins come between."""


class MountedSession(requests.Session):
    """A `requests.Session` with an adapter for each prefix of a configuration."""

    __module__ = "requests_mounts"
    __attrs__ = [*requests.Session.__attrs__, "config", "reload_interval"]  # noqa: RUF012 - as requests has it

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        mount(self, config)

    def __getstate__(self) -> dict[str, Any]:
        config, adapters = self._loaded.copy(self._table)
        state: dict[str, Any] = super().__getstate__()
        return state | {"config": config, "adapters": adapters}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._loaded.siblings.serve(self, self._table, keep=False)
        self._loaded.adopt(self._table)
        for adapter in self._table.values():
            if isinstance(adapter, MountAdapter) and adapter.siblings:
                adapter.siblings = self._loaded.siblings

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self._loaded.config

    @config.setter
    def config(self, config: Config) -> None:
        self._loaded = Loaded(_loaded_before(config))

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

    def explain(self, url: str) -> Explanation:
        """Say which prefix serves a URL and why, and where each of its settings comes from."""
        adapters = dict(self._table.snapshot())
        winner = Index((key, key) for key in adapters).find(prepare(url))
        adapter = adapters[winner] if winner is not None else None
        mounts = {mount.text: mount for mount in self.config.mounts}
        mount = mounts.get(winner or "")
        if mount and not is_made_for(adapter, mount):
            mount = None
        return explain(self.config, url, winner=winner, mount=mount, keys=adapters)

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

    def stats(self) -> tuple[MountStats, ...]:
        """Return what happened under each prefix so far, longest prefix first.

        An adapter that code mounted has numbers if it is a `MountAdapter`, and zeros if not.
        """
        return collect(self._table.copy().items())

    def advice(self) -> tuple[Advice, ...]:
        """Return what the numbers so far say about the file."""
        return tuple(advise(self.config, self.stats()))

    def reload(self) -> Reloaded:
        """Read the files again, and change the mounts that are not as before.

        Adapters whose policy in effect is the same stay, with their connections, and so do those
        that code mounted; requests under way end as they began.

        Raises `ConfigError` and `OSError` as loading does, and `MountsError` if the configuration
        came from a text; the session is as before then.
        """
        return self._loaded.reload(self._table)

    @property
    def reload_interval(self) -> float | None:
        """Seconds between two looks at the files, on the way of a request; `None` for no looks."""
        return self._loaded.interval

    @reload_interval.setter
    def reload_interval(self, seconds: float | None) -> None:
        self._loaded.interval = _checked_interval(seconds)

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
        settings["proxies"] = MergedProxies.of(settings["proxies"] or {}, callers=callers or {})
        if verify and self._loaded.decides_verify:
            settings["verify"] = mark_verify(verify, self._authorities())
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
        if self._loaded.decides_verify and "verify" in arguments:
            arguments["verify"] = mark_verify(arguments["verify"])
        callers = proxies = arguments.get("proxies", self.proxies) or {}
        if "proxies" not in arguments:
            proxies = resolve_proxies(request, proxies, self.trust_env)
        arguments["proxies"] = MergedProxies.of(proxies, callers=callers)

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


def _loaded_before(config: Config) -> Config:
    """Refuse the path or the text of a file where the `Config` that comes of it is expected."""
    if not isinstance(config, Config):
        got = type(config).__name__
        raise TypeError(f"expected a Config, so load the file first with load_config (got {got})")
    return config


def _checked_interval(seconds: float | None) -> float | None:
    """Refuse what would fail, or look at the files all the time, once requests are sent."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        got = type(seconds).__name__
        raise TypeError(f"reload_interval: expected seconds as a number, or None (got {got})")
    if not seconds >= 0:
        raise ValueError(f"reload_interval: expected seconds of 0 or more, or None (got {seconds})")
    return seconds


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


def load_session(
    path: str | os.PathLike[str],
    *,
    environ: Mapping[str, str] | None = None,
    offline: bool = False,
    reload_interval: float | None = None,
) -> MountedSession:
    """Return a session with an adapter for each prefix of a file.

    ``environ`` takes the place of `os.environ` for the variables of the file. With ``offline``,
    nothing outside the file is consulted; a request that would need it raises `MountsError`. With
    ``reload_interval``, a request that begins so many seconds after the last look at the files
    looks whether they have changed, and reloads them; a broken file is logged, and changes nothing.

    Raises `ConfigError` with every problem of the file, and `OSError` if it cannot be read.
    """
    session = MountedSession(load_config(path, environ=environ, offline=offline))
    session.reload_interval = reload_interval
    return session


def mount(session: _Session, config: Config) -> _Session:
    """Mount the prefixes of a configuration on any session, longest first, and return the session.

    Adapters under other keys stay, those under the same keys are replaced, all in one assignment.
    What code mounts serves the URLs that the session finds it for, as requests compares text; the
    prefixes of files are matched by their own rules on every session.
    """
    _loaded_before(config)
    loaded = Loaded(config)
    if isinstance(session, MountedSession):
        if session.config is config:
            loaded = session._loaded  # noqa: SLF001 - as one of its kind
        loaded.siblings = session._loaded.siblings  # noqa: SLF001 - as above
    adapters: dict[str, BaseAdapter] = dict(session.adapters)
    with paused_collector():
        for mount in config.mounts:
            adapters[mount.text] = loaded.adapter(mount, config)
        longest_first = sorted(adapters.items(), key=lambda item: len(item[0]), reverse=True)
        if isinstance(session, MountedSession):
            session.adapters = table = MountTable(longest_first)
            loaded.siblings.serve(session, table, keep=False)
        else:
            session.adapters = loaded.siblings.unite(longest_first, session)
    return session
