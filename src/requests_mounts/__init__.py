"""Policies for requests sessions, per URL prefix, from a TOML file.

The names are loaded when they are first used, so that a file can be checked where requests is not
installed, and without the time that it takes to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests_mounts._errors import MountsError
    from requests_mounts._explain import Explanation
    from requests_mounts._file.config import Config
    from requests_mounts._file.diagnostics import ConfigError, Diagnostic
    from requests_mounts._file.loading import load_config, parse_config
    from requests_mounts._file.schema import json_schema
    from requests_mounts._live.advice import Advice
    from requests_mounts._live.reloaded import Reloaded
    from requests_mounts._live.stats import MountStats
    from requests_mounts._sending.adapter import MountAdapter
    from requests_mounts._sending.errors import (
        BodyTooLarge,
        CircuitOpen,
        DeniedAddress,
        DeniedURL,
        LimitExceeded,
        PoolTimeout,
    )
    from requests_mounts._session import MountedSession, load_session, mount
    from requests_mounts._threads import ThreadSessions
    from requests_mounts._version import __version__

__all__ = [
    "Advice",
    "BodyTooLarge",
    "CircuitOpen",
    "Config",
    "ConfigError",
    "DeniedAddress",
    "DeniedURL",
    "Diagnostic",
    "Explanation",
    "LimitExceeded",
    "MountAdapter",
    "MountStats",
    "MountedSession",
    "MountsError",
    "PoolTimeout",
    "Reloaded",
    "ThreadSessions",
    "__version__",
    "json_schema",
    "load_config",
    "load_session",
    "mount",
    "parse_config",
]

_MODULES = {
    "Advice": "_live.advice",
    "BodyTooLarge": "_sending.errors",
    "CircuitOpen": "_sending.errors",
    "Config": "_file.config",
    "ConfigError": "_file.diagnostics",
    "DeniedAddress": "_sending.errors",
    "DeniedURL": "_sending.errors",
    "Diagnostic": "_file.diagnostics",
    "Explanation": "_explain",
    "LimitExceeded": "_sending.errors",
    "MountAdapter": "_sending.adapter",
    "MountStats": "_live.stats",
    "MountedSession": "_session",
    "MountsError": "_errors",
    "PoolTimeout": "_sending.errors",
    "Reloaded": "_live.reloaded",
    "ThreadSessions": "_threads",
    "__version__": "_version",
    "json_schema": "_file.schema",
    "load_config": "_file.loading",
    "load_session": "_session",
    "mount": "_session",
    "parse_config": "_file.loading",
}


if not TYPE_CHECKING:  # pragma: no branch - else no type checker would find a misspelled import.

    def __getattr__(name: str) -> object:
        """Load a public name (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
