"""Policies for requests sessions, per URL prefix, from a TOML file.

The names are loaded when they are first used, so that a file can be checked where requests is not
installed, and without the time that it takes to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests_mounts._errors import MountsError
    from requests_mounts._explain import Explanation
    from requests_mounts._file.config import Config, load_config, parse_config
    from requests_mounts._file.diagnostics import ConfigError, Diagnostic
    from requests_mounts._file.schema import json_schema
    from requests_mounts._sending.adapter import MountAdapter
    from requests_mounts._sending.refusals import DeniedURL, PoolTimeout
    from requests_mounts._session import MountedSession, load_session, mount

__all__ = [
    "Config",
    "ConfigError",
    "DeniedURL",
    "Diagnostic",
    "Explanation",
    "MountAdapter",
    "MountedSession",
    "MountsError",
    "PoolTimeout",
    "json_schema",
    "load_config",
    "load_session",
    "mount",
    "parse_config",
]

_MODULES = {
    "Config": "_file.config",
    "ConfigError": "_file.diagnostics",
    "DeniedURL": "_sending.refusals",
    "Diagnostic": "_file.diagnostics",
    "Explanation": "_explain",
    "MountAdapter": "_sending.adapter",
    "MountedSession": "_session",
    "MountsError": "_errors",
    "PoolTimeout": "_sending.refusals",
    "json_schema": "_file.schema",
    "load_config": "_file.config",
    "load_session": "_session",
    "mount": "_session",
    "parse_config": "_file.config",
}


def __getattr__(name: str) -> object:
    """Load a public name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
