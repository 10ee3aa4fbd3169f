"""The adapter of one mount: an HTTPAdapter that has a policy."""

from dataclasses import fields
from functools import lru_cache
from threading import Lock
from typing import Any

from requests.adapters import DEFAULT_POOLBLOCK, HTTPAdapter
from urllib3 import Retry

from requests_mounts._policy import Policy, RetryOptions


class MountAdapter(HTTPAdapter):
    """Send requests as a policy says.

    The pool manager is built when it is first used: a file may hold thousands of mounts, and a
    process may contact few of them.
    """

    __attrs__ = [*HTTPAdapter.__attrs__, "policy"]  # noqa: RUF012 - as requests has it

    policy: Policy
    _build_lock = Lock()

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
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
        self.__dict__.pop("poolmanager", None)

    def __getattr__(self, name: str) -> Any:
        """Build the pool manager; Python asks here only as long as there is none."""
        if name != "poolmanager":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self._build_lock:
            if "poolmanager" not in self.__dict__:
                super().init_poolmanager(
                    self._pool_connections,
                    self._pool_maxsize,
                    self._pool_block,
                    **self._pool_kwargs,
                )
        return self.__dict__["poolmanager"]


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
