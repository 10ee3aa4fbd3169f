"""What a mount has from where: its own table, then its policies, then the defaults.

Works on the tables as they stand in the file, before they are validated, and leaves what is no
table to the validation.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, reduce
from typing import Any, TypeAlias

from requests_mounts._toml import KeyPath

Report: TypeAlias = Callable[[KeyPath, str], None]
_LONGEST_CORRECTED = 40
_MOST_COMPARED = 100


class Layers:
    """The tables of a file that policies are made of."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._mounts = _tables(data.get("mounts"))
        self._policies = _tables(data.get("policies"))

    def of(self, *place: str) -> list[KeyPath]:
        """Name the tables that a mount is made of, the strongest first."""
        names = self._names(self._mounts.get(place[1], {}))
        return [place, *(("policies", name) for name in names), ("defaults",)]

    def merged(self) -> dict[str, Any]:
        """Return the data with each mount laid over its policies and the defaults.

        A default ``tls`` is none of the http:// prefixes.
        """
        mounts, defaults = self._data.get("mounts"), self._data.get("defaults")
        data = {**self._data}
        if isinstance(expect := data.get("expect"), list):
            data["expect"] = [_completed(table) for table in expect]
        if not isinstance(mounts, dict):
            return data
        base = defaults if isinstance(defaults, dict) else {}
        secure = self._bases(base)
        plain = self._bases({key: value for key, value in base.items() if key != "tls"})
        merged = {
            key: _laid_over(plain if key[:5].lower() == "http:" else secure, table)
            for key, table in mounts.items()
        }
        return {**data, "mounts": merged}

    def check(self, report: Report) -> None:
        """Report policies that do not exist, and those that extend themselves."""
        for kind, tables in (("policies", self._policies), ("mounts", self._mounts)):
            for key, table in tables.items():
                name = table.get("policy")
                if isinstance(name, str) and name not in self._policies:
                    message = f"unknown policy{correction(name, list(self._policies))}"
                    report((kind, key, "policy"), message)
        followed: set[str] = set()
        for name in self._policies:
            walk: list[str] = []
            while name in self._policies and name not in followed:
                followed.add(name)
                walk.append(name)
                name = self._parent(name)  # noqa: PLW2901 - the walk goes on from there
            if name in walk:
                path = " → ".join([*walk[walk.index(name) :], name])
                report(("policies", name, "policy"), f"a policy that extends itself: {path}")

    def _parent(self, name: str) -> str:
        """Return the name of the policy that another extends; empty where there is none."""
        parent = self._policies[name].get("policy")
        return parent if isinstance(parent, str) else ""

    def _names(self, table: dict[str, Any]) -> list[str]:
        """Follow ``policy`` from table to table, as far as it leads, each policy once."""
        names: dict[str, None] = {}
        name = table.get("policy")
        while isinstance(name, str) and name in self._policies and name not in names:
            names[name] = None
            name = self._policies[name].get("policy")
        return list(names)

    def _bases(self, base: dict[str, Any]) -> Callable[[str | None], dict[str, Any]]:
        """Return a function from the name of a policy to what a mount with it is laid over."""

        @cache
        def of_policy(name: str | None) -> dict[str, Any]:
            weakest_first = reversed(self._names({"policy": name}))
            return reduce(_merge, (self._policies[name] for name in weakest_first), base)

        return of_policy


def _laid_over(base: Callable[[str | None], dict[str, Any]], table: Any) -> Any:
    """Lay a table over its policies and the defaults, unless it is none."""
    if not isinstance(table, dict):
        return table
    name = table.get("policy")
    below = base(name if isinstance(name, str) else None)
    return _merge(below, table) if below else table


def correction(name: str, known: list[str]) -> str:
    """Suggest a name for one that is unknown."""
    short = name[:_LONGEST_CORRECTED].lower()
    close = get_close_matches(short, known[:_MOST_COMPARED], n=1)
    return f", did you mean {close[0]}?" if close else ""


def _tables(value: Any) -> dict[str, dict[str, Any]]:
    """Return the tables of a table, leaving out what is none."""
    tables = value.items() if isinstance(value, dict) else ()
    return {key: table for key, table in tables if isinstance(table, dict)}


def _completed(table: Any) -> Any:
    """Give an expectation of some retry options the one that a policy needs."""
    retries = table.get("max_retries") if isinstance(table, dict) else None
    if not isinstance(retries, dict):
        return table
    return {**table, "max_retries": {"total": 0, **retries}}


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Tables of a policy merge key by key, everything else replaces."""
    merged = base | over
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = base[key] | value
    return merged
