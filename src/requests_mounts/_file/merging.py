"""How tables are laid over each other, as they stand in the files, and those of files.

They are merged key by key, everything else replaces what is below. The keys that are merged in
another way are listed in `_combine`.
"""

import marshal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from requests_mounts._file.headers import merge_headers
from requests_mounts._file.settings import PLAIN_FORMS
from requests_mounts._toml import KeyPath

Table: TypeAlias = dict[str, Any]
_WITHOUT_REFERENCES = 2
"""The version of `marshal` in which what is equal and of the same types has the same bytes."""
_NAMED = {"policies", "limits"}
_OWN = {"extends", "expect"}


def lay_over(below: Table, above: Any) -> Any:
    """Lay a table over another; what is not a table replaces it."""
    if not isinstance(above, dict):
        return above
    merged = below | above
    for key in below.keys() & above.keys():
        merged[key] = _combine(key, below[key], above[key])
    return merged


def _combine(key: str, below: Any, above: Any) -> Any:
    """Say what two layers make of a key that both have: the rules, by key.

    ``ignore`` adds up. ``auth`` and ``limit`` are replaced as a whole, the latter be it a name or a
    table. ``headers`` are merged whatever the case of their names, other tables key by key, a plain
    value as the table that it stands for. Anything else replaces what is below.
    """
    if key == "limit":
        return above
    if key == "ignore" and isinstance(below, list) and isinstance(above, list):
        return [*below, *(code for code in above if code not in below)]
    if key == "auth":
        return above
    if key == "headers" and isinstance(below, dict) and isinstance(above, dict):
        return merge_headers(below, above)
    if isinstance(below, dict) or isinstance(above, dict):
        lower, upper = _in_full(key, below), _in_full(key, above)
        if isinstance(lower, dict) and isinstance(upper, dict):
            return lower | upper
    return above


def _in_full(key: str, value: Any) -> Any:
    """Write a plain value as the table that it stands for."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if key in PLAIN_FORMS and (plain or (isinstance(value, str) and "${" in value)):
        return dict.fromkeys(PLAIN_FORMS[key], value)
    return value


def over_file(below: Table, above: Table) -> Table:
    """Lay a file over another; tables of a name, such as policies, are laid over their namesakes.

    What a file extends and expects is its own.
    """
    rest = {key: value for key, value in below.items() if key not in _OWN}
    merged: Table = lay_over(rest, above)
    if isinstance(defaults := rest.get("defaults"), dict) and "defaults" in above:
        merged["defaults"] = lay_over(defaults, above["defaults"])
    for kind in _NAMED & rest.keys() & above.keys():
        if isinstance(below[kind], dict) and isinstance(above[kind], dict):
            names = below[kind] | above[kind]
            merged[kind] = {
                name: lay_over(as_table(below[kind].get(name)), table)
                for name, table in names.items()
            }
    return merged


class Once:
    """Lays tables over what they inherit; those that say the same over the same, once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], Any] = {}

    def inherit(self, bases: Callable[[str | None], Table], table: Any) -> Any:
        """Return one object for tables that say the same; 1, 1.0 and true are not the same."""
        try:
            said = marshal.dumps(table, _WITHOUT_REFERENCES)
        except ValueError:  # A date, which is out of place here, or nesting without an end.
            return _inherit(bases, table)
        key = (id(bases), said)
        if (known := self._known.get(key)) is None:
            known = self._known[key] = _inherit(bases, table)
        return known


def _inherit(bases: Callable[[str | None], Table], table: Any) -> Any:
    """Lay a table over its policies and the defaults, unless it is not one."""
    if not isinstance(table, dict):
        return table
    name = table.get("policy")
    below = bases(name if isinstance(name, str) else None)
    return lay_over(below, table) if below else table


def as_tables(value: Any) -> dict[str, Table]:
    """Return the tables of a table, leaving out what is not one."""
    return {key: table for key, table in as_table(value).items() if isinstance(table, dict)}


def as_table(value: Any) -> Table:
    return value if isinstance(value, dict) else {}


def settings_of(data: Table, key: str) -> Iterator[tuple[KeyPath, Any]]:
    """Say where the tables that may have the keys of a policy have a key, and what it is."""
    expect = data.get("expect")
    groups: list[tuple[KeyPath, Iterable[tuple[str | int, Any]]]] = [
        ((), [("defaults", data.get("defaults"))]),
        (("policies",), as_table(data.get("policies")).items()),
        (("mounts",), as_table(data.get("mounts")).items()),
        (("expect",), enumerate(expect if isinstance(expect, list) else [])),
    ]
    for path, tables in groups:
        for name, table in tables:
            if isinstance(table, dict) and key in table:
                yield (*path, name, key), table[key]
