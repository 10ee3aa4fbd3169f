"""What a mount inherits from where.

1. The table of a mount is laid over the policy that it names, that over the policy which this one
   names, and so on; the last is laid over ``[defaults]``.
2. Where files extend others, each of these tables is first laid over those of the same name in the
   files below. Mounts are the same if their prefixes mean the same.

Works on the tables as they stand in the files, before they are validated, and leaves what is not a
table to the validation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from typing import Any, NamedTuple, TypeGuard

from requests_mounts._cached import cached_property
from requests_mounts._file.completing import completed
from requests_mounts._file.diagnostics import Report
from requests_mounts._file.document import Document, Place
from requests_mounts._file.environment import is_broken, lacks_variable
from requests_mounts._file.headers import find_name
from requests_mounts._file.merging import (
    Once,
    Table,
    as_table,
    as_tables,
    lay_over,
    over_file,
    settings_of,
)
from requests_mounts._file.settings import PLAIN_FORMS
from requests_mounts._file.spelling import correction
from requests_mounts._toml import KeyPath, show_key, show_text

_IN_A_TABLE = 2


class Layer(NamedTuple):
    """One of the tables that a mount is made of."""

    name: str
    """``mount``, ``policy`` and its name, or ``defaults``."""
    place: Place

    def find(self, path: KeyPath) -> Place | None:
        """Return where the table sets something; a plain value may set a key of its table."""
        if path[0] == "headers" and len(path) == _IN_A_TABLE:
            path = ("headers", find_name(self.place.below("headers").value, str(path[1])))
        if (place := self.place.below(*path)).exists:
            return place
        plain = self.place.below(*path[:-1])
        stands_for = PLAIN_FORMS.get(str(path[0]), ()) if len(path) == _IN_A_TABLE else ()
        found = path[-1] in stands_for and plain.exists and not isinstance(plain.value, dict)
        return plain if found else None


@dataclass(frozen=True)
class Layers:
    """The tables of some files that policies are made of."""

    documents: tuple[Document, ...]
    """The files, the strongest first."""
    mounts: tuple[Mapping[str, str], ...]
    """For each file, the keys of its mounts by the canonical spellings of their prefixes."""
    tables: tuple[Table, ...] = field(repr=False)
    """What each file says, with the names of policies and limits filled in."""

    def of(self, mount: str | None) -> list[Layer]:
        """Name the tables that a mount is made of, the strongest first; `None` has defaults alone.

        The mount is named by the canonical spelling of its prefix.
        """
        found: list[tuple[str, str, str | None]] = []
        if mount is not None:
            chain = self._chain(self._merged_mounts.get(mount))
            found = [("mount", "mounts", mount), *((f"policy {n}", "policies", n) for n in chain)]
        return [
            Layer(name, place)
            for name, kind, key in (*found, ("defaults", "defaults", None))
            for place in self._places(kind, key)
        ]

    def merged(self) -> Table:
        """Return the tables of all files as one, with each mount laid over what it inherits.

        Mounts have the canonical spellings of their prefixes as keys; those that say the same have
        one table. A default ``tls`` is not for prefixes of ``http://``.
        """
        data = {**self._data}
        if isinstance(expect := data.get("expect"), list):
            data["expect"] = [completed(table) for table in expect]
        base = as_table(data.get("defaults"))
        secure = self._bases(base)
        plain = self._bases({key: value for key, value in base.items() if key != "tls"})
        if isinstance(data.get("mounts"), dict):
            once = Once()
            data["mounts"] = {
                name: once.inherit(plain if name[:5] == "http:" else secure, table)
                for name, table in self._merged_mounts.items()
            }
        return self._with_limits(data)

    def find(self, layers: Sequence[Layer], path: KeyPath) -> tuple[str, Place] | None:
        """Return the layer that sets something, and where; a limit may be set under its name."""
        if path[0] == "limit":
            layers = [layer for layer in layers if layer.find(("limit",))][:1]
            name = self.name_at(layers[0].place.below("limit")) if layers else None
            if isinstance(name, str) and len(path) > 1:
                below = (place.below(*path[1:]) for place in self._places("limits", name))
                return next(((f"limit {name}", place) for place in below if place.exists), None)
        found = ((layer.name, layer.find(path)) for layer in layers)
        return next(((name, place) for name, place in found if place), None)

    def name_at(self, place: Place) -> Any:
        """Return what a place says, with variables filled in if it is the name of a table."""
        return next(
            place.within(tables)
            for document, tables in zip(self.documents, self.tables, strict=True)
            if document is place.document
        )

    def undecided(self, mount: str) -> dict[str, str]:
        """Name the policies of a mount that extend one by variables that are not set."""
        chain = self._chain(self._merged_mounts.get(mount)) if self._undecided else ()
        return {name: self._undecided[name] for name in chain if name in self._undecided}

    def is_undecided(self, mount: str) -> bool:
        """Tell whether a mount inherits from a policy that is not known."""
        name = as_table(self._merged_mounts.get(mount)).get("policy")
        return lacks_variable(name) or bool(self.undecided(mount))

    @cached_property
    def _undecided(self) -> dict[str, str]:
        parents = ((name, self._parent(name)) for name in self._policies)
        return {name: parent for name, parent in parents if lacks_variable(parent)}

    def written(self, path: KeyPath) -> Place:
        """Return the place where a value, or the table that it is missing in, is written.

        Mounts go by the canonical spellings of their prefixes.
        """
        layers, rest = [Layer("", Place(document, ())) for document in self.documents], path
        if path[0] == "mounts" and len(path) > 1:
            layers, rest = self.of(str(path[1])), path[2:]
        elif path[0] == "defaults" and len(path) > 1:
            layers, rest = self.of(None), path[1:]
        for end in range(len(rest), 0, -1):
            if found := self.find(layers, rest[:end]):
                return found[1]
        return layers[0].place

    def _with_limits(self, data: Table) -> Table:
        """Put the table of a limit in the place of its name."""

        def named(table: Any) -> Any:
            name = as_table(table).get("limit")
            limit = self._limits.get(name) if isinstance(name, str) else None
            return table if limit is None else table | {"limit": limit}

        if self._limits:
            for kind in as_tables(data).keys() & {"mounts", "policies"}:
                once = {id(table): named(table) for table in data[kind].values()}
                data[kind] = {key: once[id(table)] for key, table in data[kind].items()}
            if isinstance(expect := data.get("expect"), list):
                data["expect"] = [named(table) for table in expect]
            data |= {"defaults": named(data["defaults"])} if "defaults" in data else {}
        return data

    def check(self, report: Report) -> None:
        """Report policies and limits that do not exist, and policies that extend themselves."""
        self._check_names(report)
        self._check_circles(report)

    def _check_names(self, report: Report) -> None:
        tables = {**self._data, "mounts": self._merged_mounts}
        for path, name in settings_of(tables, "limit"):
            if name == "":  # The schema has no such name, even if there is a table of it.
                message = 'expected the name of a table in [limits], or a table (got "")'
                report(path, message, "invalid-value")
            elif _is_name(name) and name not in as_table(self._data.get("limits")):
                message = self._filled_in(path) or f"unknown limit{self._limit_instead(name)}"
                report(path, message, "unknown-limit")
        for path, name in settings_of(tables, "policy"):
            known = as_table(self._data.get("policies"))
            if _is_name(name) and name not in known and path[0] in {"policies", "mounts"}:
                meant = correction(name, list(self._policies))
                meant = meant or f"; add [{show_key(('policies', name))}]"
                message = self._filled_in(path) or f"unknown policy{meant}"
                report(path, message, "unknown-policy")

    def _check_circles(self, report: Report) -> None:
        followed: set[str] = set()
        for name in self._policies:
            walk: list[str] = []
            while name in self._policies and name not in followed:
                followed.add(name)
                walk.append(name)
                name = self._parent(name)  # noqa: PLW2901 - the walk goes on from there
            if name in walk:
                path = " → ".join([*walk[walk.index(name) :], name])
                message = f"a policy that extends itself: {path}"
                report(("policies", name, "policy"), message, "circle")

    def _filled_in(self, path: KeyPath) -> str:
        """Say what is wrong with a name that variables are a part of, and not what they hold."""
        written = self.written(path).value
        if not lacks_variable(written):
            return ""
        kind = "policies" if path[-1] == "policy" else "limits"
        expected = f"the name of a table in [{kind}] once the variables are filled in"
        return f"expected {expected} (got {show_text(written)})"

    def _limit_instead(self, name: str) -> str:
        """Say what to write for the name of a limit that does not exist."""
        from requests_mounts._file.hints import as_rate

        rate = as_rate(name)
        meant = f"; write {{ {rate} }}" if rate else correction(name, list(self._limits))
        return meant or f"; add [{show_key(('limits', name))}]"

    @cached_property
    def _limits(self) -> dict[str, Table]:
        """The named limits, each laid over those of the same name in the files below."""
        return as_tables(self._data.get("limits"))

    @cached_property
    def _policies(self) -> dict[str, Table]:
        """The policies, each laid over those of the same name in the files below."""
        return as_tables(self._data.get("policies"))

    @cached_property
    def _data(self) -> Table:
        """The tables of all files, each file laid over those below."""
        data: Table = {}
        for tables in reversed(self.tables):
            data = over_file(data, tables)
        return data

    @cached_property
    def _merged_mounts(self) -> Table:
        """The tables of mounts, each laid over those of the same prefix in the files below."""
        merged: Table = {}
        for data, names in zip(reversed(self.tables), reversed(self.mounts), strict=True):
            for name, key in names.items():
                below, above = merged.get(name), data["mounts"][key]
                merged[name] = lay_over(below, above) if isinstance(below, dict) else above
        return merged

    def _places(self, kind: str, name: str | None) -> list[Place]:
        """Find a table in each of the files, the strongest first."""
        found = []
        for document, mounts in zip(self.documents, self.mounts, strict=True):
            key = mounts.get(name or "") if kind == "mounts" else name
            table = document.data.get(kind)
            if name is None:
                found += [Place(document, (kind,))] * isinstance(table, dict)
            elif key is not None and isinstance(table, dict) and key in table:
                found.append(Place(document, (kind, key)))
        return found

    def _parent(self, name: str) -> str:
        """Return the name of the policy that another extends; empty if there is none."""
        parent = self._policies[name].get("policy")
        return parent if isinstance(parent, str) else ""

    def _chain(self, table: Any) -> list[str]:
        """Follow ``policy`` from table to table, as far as it leads, each policy once."""
        names: dict[str, None] = {}
        name = table.get("policy") if isinstance(table, dict) else None
        while isinstance(name, str) and name in self._policies and name not in names:
            names[name] = None
            name = self._policies[name].get("policy")
        return list(names)

    def _bases(self, defaults: Table) -> Callable[[str | None], Table]:
        """Return a function from the name of a policy to what a mount with it is laid over."""

        @cache
        def of_policy(name: str | None) -> Table:
            weakest_first = reversed(self._chain({"policy": name}))
            return reduce(lay_over, (self._policies[name] for name in weakest_first), defaults)

        return of_policy


def _is_name(value: Any) -> TypeGuard[str]:
    """Tell whether a value names a table, as far as it is known; a broken one is told apart."""
    return isinstance(value, str) and not lacks_variable(value) and not is_broken(value)
