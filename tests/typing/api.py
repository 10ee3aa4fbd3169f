"""What type checkers know of the public names; mypy and pyright read this file, nothing runs it."""

# pyright: strict

from typing import Any, assert_type

import requests

import requests_mounts
from requests_mounts import (
    Config,
    ConfigError,
    Diagnostic,
    Explanation,
    MountAdapter,
    MountedSession,
    json_schema,
    load_config,
    load_session,
    mount,
    parse_config,
)


class Own(requests.Session):
    """A session of the caller's own class, which `mount` returns as it is."""


assert_type(load_session("mounts.toml"), MountedSession)
assert_type(load_config("mounts.toml"), Config)
assert_type(parse_config("", source="x"), Config)
assert_type(mount(Own(), parse_config("")), Own)
assert_type(json_schema(), dict[str, Any])

session = MountedSession(parse_config(""))
assert_type(session.config, Config)
assert_type(session.explain("https://h/"), Explanation)
assert_type(session.get("https://h/"), requests.Response)


def adapter_of(adapter: MountAdapter) -> None:
    """An adapter tells its policy, and has no attribute that nobody defined."""
    assert_type(adapter.prefix, str)
    adapter.polcy  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def diagnostics_of(error: ConfigError) -> None:
    """An error carries its diagnostics."""
    assert_type(error.diagnostics, tuple[Diagnostic, ...])
    assert_type(error.diagnostics[0].line, int)


requests_mounts.load_sesion  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
