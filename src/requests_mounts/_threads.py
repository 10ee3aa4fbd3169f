"""A session for each thread, over adapters that all of them share."""

import os
from threading import local
from types import TracebackType
from typing import Any, Self

import requests

from requests_mounts._explain import Explanation
from requests_mounts._file.config import Config
from requests_mounts._file.loading import load_config
from requests_mounts._live.advice import Advice
from requests_mounts._live.reloaded import Reloaded
from requests_mounts._live.stats import MountStats
from requests_mounts._sending.table import MountTable
from requests_mounts._session import MountedSession


class ThreadSessions:
    """Sessions of one file, one for each thread that calls this object.

    Each has cookies, headers and ``auth`` of its own, and lives as long as its thread. All share
    the adapters, so ``pool_block`` is a cap on all threads together, and what one of them mounts
    serves all. Closing one of the sessions leaves the others working; `close` closes the adapters.

    For ``environ`` or ``offline``, give it the `Config` that `load_config` returns with them.
    """

    __module__ = "requests_mounts"

    def __init__(
        self,
        path_or_config: str | os.PathLike[str] | Config,
        *,
        reload_interval: float | None = None,
    ) -> None:
        given = path_or_config
        config = given if isinstance(given, Config) else load_config(given)
        self._shared = MountedSession(config)
        self._shared.reload_interval = reload_interval
        self._local = local()

    def __call__(self) -> MountedSession:
        """Return the session of this thread."""
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _ThreadSession(self._shared)
        return session

    @property
    def config(self) -> Config:
        """The configuration that the sessions share."""
        return self._shared.config

    @property
    def adapters(self) -> MountTable:
        """The adapters that the sessions share, by their prefixes, longest first."""
        return self._shared.adapters

    def explain(self, url: str) -> Explanation:
        """Say which prefix serves a URL and why, and where each of its settings comes from."""
        return self._shared.explain(url)

    def reload(self) -> Reloaded:
        """Read the files again, and change the mounts of all sessions that are not as before.

        Raises what `MountedSession.reload` raises.
        """
        return self._shared.reload()

    def stats(self) -> tuple[MountStats, ...]:
        """Return what happened under each prefix so far, in all threads together."""
        return self._shared.stats()

    def advice(self) -> tuple[Advice, ...]:
        """Return what the numbers so far say about the file."""
        return self._shared.advice()

    def close(self) -> None:
        """Close the adapters, and with them the connections of every session."""
        self._shared.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.config,), {"reload_interval": self._shared.reload_interval}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._shared.reload_interval = state["reload_interval"]


class _ThreadSession(MountedSession):
    """A session that shares the adapters of another, and leaves them open."""

    def __init__(self, other: MountedSession) -> None:
        requests.Session.__init__(self)
        self._loaded = other._loaded  # noqa: SLF001 - as one of its kind
        self.adapters = other.adapters

    def close(self) -> None:
        """Leave the adapters to the sessions of other threads."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a copy a session of its own, which has its own adapters and closes them."""
        return MountedSession.__new__, (MountedSession,), self.__getstate__()
