"""``${NAME}`` in the strings of a file."""

import re
from collections.abc import Callable
from os import environ
from typing import Any

from requests_mounts._secret import Secret
from requests_mounts._toml import KeyPath

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<broken>\{))")
_DEEPEST = 8  # Nothing that a file may say is nested as deep.

Report = Callable[[KeyPath, str], None]


def expand(value: Any, report: Report, path: KeyPath = ()) -> Any:
    """Return a copy of data in which environment variables stand for their names.

    ``$$`` is a dollar sign. A string with a variable in it becomes a secret. A variable that is not
    set is reported, and so is a ``${`` that begins none.
    """
    if isinstance(value, str):
        return _expand_text(value, report, path) if "$" in value else value
    if len(path) < _DEEPEST and isinstance(value, dict):
        return {key: expand(child, report, (*path, key)) for key, child in value.items()}
    if len(path) < _DEEPEST and isinstance(value, list):
        return [expand(child, report, (*path, index)) for index, child in enumerate(value)]
    return value


def _expand_text(text: str, report: Report, path: KeyPath) -> str:
    variables = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal variables
        if found["dollar"]:
            return "$"
        if found["broken"]:
            report(path, "expected the name of an environment variable in ${…}, or $$ for a dollar")
            return ""
        variables += 1
        if found["name"] not in environ:
            report(path, f"the environment variable {found['name']} is not set")
        return environ.get(found["name"], "")

    expanded = _REFERENCE.sub(replace, text)
    return Secret(expanded) if variables else expanded
