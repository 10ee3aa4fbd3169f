"""The settings of a policy by their paths, and the tables that plain values stand for."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias

from requests_mounts._file.headers import Headers
from requests_mounts._file.options import RetryOptions, Timeout
from requests_mounts._file.policy import Policy

SettingPath: TypeAlias = tuple[str, ...]
"""The keys that lead to a setting, such as ``("max_retries", "total")``."""

PLAIN_FORMS = {"timeout": ("connect", "read"), "max_retries": ("total",)}
"""The keys that take a plain value in the place of a table, and what it sets of the table."""


def leaves(table: Any, path: SettingPath = ()) -> Iterator[tuple[SettingPath, object]]:
    """Name every setting of a policy by its path, those of its tables too."""
    for field in fields(table):
        value = getattr(table, field.name)
        if is_dataclass(value):
            yield from leaves(value, (*path, field.name))
        elif isinstance(value, Headers) and value:
            yield from (((field.name, name), set_to) for name, set_to in value.by_name().items())
        else:
            yield (*path, field.name), None if isinstance(value, Headers) else value


def spelled_out(path: SettingPath, value: object) -> Iterator[tuple[SettingPath, object]]:
    """Name what a setting sets: a plain value in the place of a table sets keys of the table."""
    if len(path) == 1 and path[0] in PLAIN_FORMS:
        yield from (((*path, key), value) for key in PLAIN_FORMS[path[0]])
    else:
        yield path, value


def plain_path(path: SettingPath) -> SettingPath:
    """Return the path by which a setting is known, also of a header in another case."""
    return (path[0], path[1].lower()) if path[0] == "headers" and len(path) > 1 else path


def in_full(policy: Policy) -> dict[SettingPath, object]:
    """Return the settings of a policy as if every plain value were written as its table."""
    retries, timeout = policy.max_retries, policy.timeout
    if not isinstance(retries, RetryOptions):
        retries = RetryOptions(total=retries)
    if not isinstance(timeout, Timeout):
        timeout = Timeout(connect=timeout, read=timeout)
    return dict(leaves(replace(policy, max_retries=retries, timeout=timeout)))
