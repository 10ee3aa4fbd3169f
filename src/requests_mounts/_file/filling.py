"""Variables are filled into the tables of a file, and only those that are in use."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from requests_mounts._file.diagnostics import Report
from requests_mounts._file.document import Document
from requests_mounts._file.environment import NAMES, Expansion, Variables, fill_in, lacks_variable
from requests_mounts._file.inheritance import Layers
from requests_mounts._file.limits import LimitOptions
from requests_mounts._file.policy import Expectation, File, MountPolicy, Policy
from requests_mounts._secret import Secret, reveal

NOTHING_EXPECTED = {"url": "http://localhost/", "mount": "http://"}
"""Stands for an expectation that lacks a variable."""


def fill_names(documents: tuple[Document, ...], variables: Variables) -> tuple[dict[str, Any], ...]:
    """Return the tables of files, with variables filled into the names of policies and limits.

    A name stays as it is written if a variable of it is not set.
    """
    return tuple(
        _with_names(document.data, variables) if "${" in document.source.text else document.data
        for document in documents
    )


def _with_names(data: dict[str, Any], variables: Variables) -> dict[str, Any]:
    fill = partial(_named, variables=variables)
    filled = {**data}
    for kind in data.keys() & {"policies", "mounts"}:
        if isinstance(tables := data[kind], dict):
            filled[kind] = {key: fill(table) for key, table in tables.items()}
    if "defaults" in data:
        filled["defaults"] = fill(data["defaults"])
    if isinstance(expect := data.get("expect"), list):
        filled["expect"] = [fill(table) for table in expect]
    return filled


def _named(table: Any, variables: Variables) -> Any:
    names = ((key, table.get(key)) for key in NAMES if isinstance(table, dict))
    filled = {key: _name(name, variables) for key, name in names if lacks_variable(name)}
    return {**table, **filled} if filled else table


def _name(written: str, variables: Variables) -> str:
    filled = fill_in(written, variables=variables)
    if isinstance(filled, Secret) and filled.missing:
        return written
    # What a variable holds is not filled in again.
    return reveal(filled).replace("${", "$${")


def fill_tables(
    tables: dict[str, Any], layers: Layers, variables: Variables, report: Report
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """Fill variables in; return the tables, and the variables that settings of mounts lack.

    Policies are validated on their own too, but lack a variable only where a mount uses them.
    """
    filled, missing = {**tables}, dict[str, tuple[str, ...]]()
    if not any("$" in document.source.text for document in layers.documents):
        return filled, missing
    expansion = Expansion(variables, report)
    models = {"mounts": MountPolicy, "policies": MountPolicy, "limits": LimitOptions}
    for kind, model in models.items():
        if isinstance(named := tables.get(kind), dict):
            filled[kind] = {}
            for name, table in named.items():
                path, needed = (kind, name), kind == "mounts"
                filled[kind][name] = expansion.expand(table, path, model=model, needed=needed)
                if needed and (lacking := (*expansion.missing, *_decide(layers, name, expansion))):
                    missing[name] = lacking
                elif kind == "limits" and expansion.missing:
                    del filled[kind][name]
    implied = not {"https://", "http://"} <= filled.get("mounts", {}).keys()
    if "defaults" in tables:
        filled["defaults"] = expansion.expand(
            tables["defaults"], ("defaults",), model=Policy, needed=implied
        )
        missing["defaults"] = tuple(expansion.missing)
    _fill_in_top(tables, filled, missing, expansion)
    return filled, missing


def _decide(layers: Layers, mount: str, expansion: Expansion) -> Iterator[str]:
    """Report the names that policies of a mount extend and that lack variables, and name these."""
    for policy, parent in layers.undecided(mount).items():
        expansion.expand({"policy": parent}, ("policies", policy), model=MountPolicy)
        yield from expansion.missing


def _fill_in_top(
    tables: dict[str, Any],
    filled: dict[str, Any],
    missing: dict[str, tuple[str, ...]],
    expansion: Expansion,
) -> None:
    """Fill in what the file says besides policies."""
    for key in tables.keys() & {"unmatched", "ignore"}:
        del filled[key]
        filled |= expansion.expand({key: tables[key]}, (), model=File)
        missing[key] = tuple(expansion.missing)
    if isinstance(expect := tables.get("expect"), list):
        filled["expect"] = [
            expansion.expand(table, ("expect", index), model=Expectation) or NOTHING_EXPECTED
            for index, table in enumerate(expect)
        ]
