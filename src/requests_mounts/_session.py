"""A requests session whose adapters come from a file."""

import os
from collections.abc import Mapping
from typing import Any, TypeVar

import requests
from requests.adapters import BaseAdapter

from requests_mounts._collector import paused_collector
from requests_mounts._explain import Explanation, explain
from requests_mounts._file.config import Config
from requests_mounts._file.loading import load_config
from requests_mounts._live.advice import Advice, advise
from requests_mounts._live.collect import collect
from requests_mounts._live.loaded import Loaded, is_made_for
from requests_mounts._live.reloaded import Reloaded
from requests_mounts._live.stats import MountStats
from requests_mounts._routed import RoutedSession
from requests_mounts._routing.index import Index
from requests_mounts._routing.location import prepare
from requests_mounts._sending.adapter import MountAdapter
from requests_mounts._sending.table import MountTable

_Session = TypeVar("_Session", bound=requests.Session)


class MountedSession(RoutedSession):
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
    own = session._loaded if isinstance(session, MountedSession) else None  # noqa: SLF001 - its kind
    loaded = own if own and own.config is config else Loaded(config)
    if own:
        loaded.siblings = own.siblings
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
