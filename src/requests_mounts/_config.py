"""From a document to the policy of each prefix.

Tables are merged as they stand in the file, each mount over ``[defaults]``, and what comes out is
validated once: every policy is checked as it will act, and a problem that was inherited is reported
where it was written.
"""

import os
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from requests_mounts._diagnostics import ConfigError, Diagnostic
from requests_mounts._document import Document
from requests_mounts._policy import ARRAY, NESTED_TABLES, SCALAR, TABLE, File, Policy
from requests_mounts._prefix import Prefix
from requests_mounts._toml import KeyPath, show_key, show_value

_FILE = TypeAdapter(File)
_LONGEST_CORRECTED_KEY = 40


@dataclass(frozen=True, slots=True)
class Mount:
    """A prefix and the policy that it has once everything is inherited."""

    prefix: Prefix
    policy: Policy
    key: str | None
    """The prefix as the file spells it; none where the file does not name it."""


@dataclass(frozen=True)
class Config:
    """A valid file: its mounts, longest prefix first, and the document that they came from."""

    document: Document
    mounts: tuple[Mount, ...]

    def __repr__(self) -> str:
        return f"<Config {self.document.source.name!r}, {len(self.mounts)} mounts>"


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read and validate a file.

    Raises `ConfigError` with every problem of the file, and `OSError` where it cannot be read.
    """
    return _configure(Document.load(path))


def parse_config(text: str, *, source: str = "<string>") -> Config:
    """Validate a text as `load_config` does a file; ``source`` is its name in diagnostics."""
    return _configure(Document.parse(text, name=source))


def _configure(document: Document) -> Config:
    prefixes, problems = _read_prefixes(document)
    try:
        file = _FILE.validate_python(_inherit(document.data))
    except ValidationError as error:
        problems += [_describe(document, found) for found in error.errors(include_url=False)]
    if problems:
        raise ConfigError(problems)
    mounts = [Mount(prefix, file.mounts[key], key) for prefix, key in prefixes.items()]
    implied = [Prefix(scheme, "", "", "") for scheme in ("https", "http")]
    mounts += [Mount(prefix, file.defaults, None) for prefix in implied if prefix not in prefixes]
    mounts.sort(key=lambda mount: len(str(mount.prefix)), reverse=True)
    return Config(document, tuple(mounts))


def _read_prefixes(document: Document) -> tuple[dict[Prefix, str], list[Diagnostic]]:
    """Parse the keys of ``[mounts]``; two that mean the same are a problem of the second."""
    prefixes: dict[Prefix, str] = {}
    problems = []
    mounts = document.data.get("mounts")
    for key in mounts if isinstance(mounts, dict) else ():
        try:
            prefix = Prefix.parse(key)
        except ValueError as error:
            problems.append(document.problem(("mounts", key), str(error)))
            continue
        first = ("mounts", prefixes.setdefault(prefix, key))
        if first[1] != key:
            message = f"the same prefix as {show_key(first)} on line {document.line(first)}"
            problems.append(document.problem(("mounts", key), message))
    return prefixes, problems


def _inherit(data: dict[str, Any]) -> dict[str, Any]:
    """Lay each mount over ``[defaults]``, leaving what is no table to the validation."""
    defaults, mounts = data.get("defaults"), data.get("mounts")
    if not (defaults and isinstance(defaults, dict) and isinstance(mounts, dict)):
        return data
    merged = {
        key: _merge(defaults, table) if isinstance(table, dict) else table
        for key, table in mounts.items()
    }
    return {**data, "mounts": merged}


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Tables of a policy merge key by key, everything else replaces."""
    merged = base | over
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = base[key] | value
    return merged


def _describe(document: Document, found: ErrorDetails) -> Diagnostic:
    """Put a finding of pydantic into our words, at the place where the file says it."""
    path = tuple(part for part in found["loc"] if part not in (TABLE, ARRAY, SCALAR))
    match found["type"]:
        case "missing":
            return document.problem(_written(document, path[:-1]), f"the key {path[-1]} is missing")
        case "unexpected_keyword_argument":
            message = f"unknown key{_correction(path)}"
        case "too_short":
            message = "expected at least one element (got an empty array)"
        case type_:
            expected = _SHAPES.get(type_, found["msg"])
            message = f"expected {expected} (got {show_value(found['input'])})"
    return document.problem(_written(document, path), message)


_SHAPES = {"dataclass_type": "a table", "dict_type": "a table", "tuple_type": "an array"}


def _written(document: Document, path: KeyPath) -> KeyPath:
    """Return the path in ``[defaults]`` of what a mount does not say itself."""
    inherited = ("defaults", *path[2:])
    if path not in document.positions and path[0] == "mounts" and inherited in document.positions:
        return inherited
    return path


def _correction(path: KeyPath) -> str:
    """Suggest a key for one that is misspelt."""
    *parents, unknown = map(str, path)
    if len(unknown) > _LONGEST_CORRECTED_KEY:
        return ""
    table = File if not parents else NESTED_TABLES.get(parents[-1], Policy)
    known = [field.name for field in fields(table)]
    close = get_close_matches(unknown.lower().replace("-", "_"), known, n=1)
    return f", did you mean {close[0]}?" if close else ""
