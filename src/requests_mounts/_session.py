"""A requests session whose adapters come from a file."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, TypeVar

import requests
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.exceptions import InvalidSchema
from requests.sessions import merge_setting
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from requests_mounts._explain import Explanation, explain
from requests_mounts._file.config import Config, load_config
from requests_mounts._sending.adapter import CA_BUNDLE_VARIABLES, Explicit, MountAdapter
from requests_mounts._sending.table import MountTable

_Session = TypeVar("_Session", bound=requests.Session)


class MountedSession(requests.Session):
    """A `requests.Session` with an adapter for each prefix of a configuration."""

    config: Config

    __attrs__ = [*requests.Session.__attrs__, "config"]  # noqa: RUF012 - as requests has it

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        mount(self, config)

    @property
    def adapters(self) -> MountTable:
        """The adapters by their prefixes, longest first; routing follows every change of it."""
        return self._table

    @adapters.setter
    def adapters(self, adapters: Mapping[str, BaseAdapter]) -> None:
        self._table = adapters if isinstance(adapters, MountTable) else MountTable(adapters)

    def get_adapter(self, url: str) -> BaseAdapter:
        """Return the adapter of the prefix that a URL belongs to.

        Raises `requests.exceptions.InvalidSchema` where there is none.
        """
        table = self._table
        origin = url[: url.find("/", 8) + 1]  # Empty without a path: then nothing is known of it.
        adapter = table.routes.get(origin)
        if adapter is None and (tiers := table.tiers.get(origin)):
            adapter = tiers.find_plain(url, len(origin) - 1)
        return adapter or table.find(url)

    def explain(self, url: str) -> Explanation:
        """Say which prefix serves a URL and why, and where each of its settings comes from."""
        adapters = self._table.copy()
        keys = MountTable((key, _Named(key)) for key in adapters)
        try:
            named = keys.find(url)
        except InvalidSchema:
            named = None
        winner = named.key if isinstance(named, _Named) else None
        adapter = adapters[winner] if winner is not None else None
        mounts = {mount.text: mount for mount in self.config.mounts}
        mount = mounts.get(winner or "")
        if mount and not (isinstance(adapter, MountAdapter) and adapter.policy is mount.policy):
            mount = None
        return explain(self.config, url, winner=winner, mount=mount, keys=adapters)

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> dict[str, Any]:
        """Merge as requests does, and ask the environment for nothing that the file decides."""
        adapter = self.get_adapter(url)
        policy = adapter.policy if isinstance(adapter, MountAdapter) else None
        if policy and policy.proxy != "env":
            bundle = self._bundle() if verify is True or verify is None else None
            settings = {
                "proxies": merge_setting(proxies, self.proxies),
                "stream": merge_setting(stream, self.stream),
                "verify": merge_setting(bundle or verify, self.verify),
                "cert": merge_setting(cert, self.cert),
            }
        else:
            settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        if verify is True and policy and policy.tls and policy.tls.verify is not None:
            # Unlike the default, which the file may replace, the caller's own word wins.
            settings["verify"] = Explicit(self._bundle() or DEFAULT_CA_BUNDLE_PATH)
        return settings

    def _bundle(self) -> str | None:
        """Return the CA certificates that the environment names, as requests reads it."""
        if not self.trust_env:
            return None
        return next(filter(None, map(os.environ.get, CA_BUNDLE_VARIABLES)), None)

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Send a prepared request; for one that was not merged, as above."""
        if "proxies" not in kwargs:
            adapter = self.get_adapter(request.url or "")
            if isinstance(adapter, MountAdapter) and adapter.policy.proxy != "env":
                kwargs["proxies"] = dict(self.proxies)
        return super().send(request, **kwargs)

    def mount(self, prefix: str, adapter: BaseAdapter) -> None:
        """Mount an adapter; the prefix is matched as one in a file is."""
        self._table.mount(prefix, adapter)


class _Named(BaseAdapter):
    """Stands for the adapter under a key, to find out which key a URL leads to."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


def load_session(path: str | os.PathLike[str]) -> MountedSession:
    """Return a session with an adapter for each prefix of a file.

    Raises `ConfigError` with every problem of the file, and `OSError` where it cannot be read.
    """
    return MountedSession(load_config(path))


def mount(session: _Session, config: Config) -> _Session:
    """Mount the prefixes of a configuration on any session, longest first, and return the session.

    Adapters under other keys stay, those under the same keys are replaced, all in one assignment.
    """
    adapters: dict[str, BaseAdapter] = dict(session.adapters)
    for mount in config.mounts:
        place = f"{config.document.source.name}:{config.line(mount)}" if mount.policy.deny else ""
        adapters[mount.text] = MountAdapter(mount.policy, prefix=mount.text, place=place)
    longest_first = sorted(adapters.items(), key=lambda item: len(item[0]), reverse=True)
    session.adapters = OrderedDict(longest_first)
    return session
