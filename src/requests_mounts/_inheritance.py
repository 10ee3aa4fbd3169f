"""What a mount has from where: its own table, then its policies, then the defaults.

Works on the tables as they stand in the file, before they are validated, and leaves what is no
table to the validation.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import reduce
from typing import Any, TypeAlias

from requests_mounts._toml import KeyPath

Report: TypeAlias = Callable[[KeyPath, str], None]
_LONGEST_CORRECTED = 40


class Layers:
    """The tables of a file that policies are made of."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._policies = _tables(data.get("policies"))

    def of(self, *place: str) -> list[KeyPath]:
        """Name the tables that a mount or a policy is made of, the strongest first."""
        names = self._names(_tables(self._data.get(place[0])).get(place[1], {}))
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
        plain = {key: value for key, value in base.items() if key != "tls"}
        merged = {
            key: self._laid_over(plain if key[:5].lower() == "http:" else base, table)
            for key, table in mounts.items()
        }
        return {**data, "mounts": merged}

    def check(self, report: Report) -> None:
        """Report policies that do not exist, and those that extend themselves."""
        for kind in ("policies", "mounts"):
            for key, table in _tables(self._data.get(kind)).items():
                name = table.get("policy")
                if isinstance(name, str) and name not in self._policies:
                    message = f"unknown policy{correction(name, list(self._policies))}"
                    report((kind, key, "policy"), message)
        cycles: set[frozenset[str]] = set()
        for name, table in self._policies.items():
            names = self._names(table)
            if name in names and frozenset(names) not in cycles:
                cycles.add(frozenset(names))
                path = " → ".join([name, *names[: names.index(name) + 1]])
                report(("policies", name, "policy"), f"a policy that extends itself: {path}")

    def _names(self, table: dict[str, Any]) -> list[str]:
        """Follow ``policy`` from table to table, as far as it leads, each policy once."""
        names: list[str] = []
        name = table.get("policy")
        while isinstance(name, str) and name in self._policies and name not in names:
            names.append(name)
            name = self._policies[name].get("policy")
        return names

    def _laid_over(self, base: dict[str, Any], table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        if "policy" not in table:
            return _merge(base, table) if base else table
        weakest_first = [self._policies[name] for name in reversed(self._names(table))]
        return reduce(_merge, [*weakest_first, table], base)


def correction(name: str, known: list[str]) -> str:
    """Suggest a name for one that is unknown."""
    close = get_close_matches(name[:_LONGEST_CORRECTED].lower(), known, n=1)
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
