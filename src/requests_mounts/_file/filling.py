"""Variables are filled into the tables of a file, and only those that are in use."""

from typing import Any

from requests_mounts._file.diagnostics import Report
from requests_mounts._file.document import Document
from requests_mounts._file.environment import Expansion, Variables
from requests_mounts._file.limits import LimitOptions
from requests_mounts._file.policy import Expectation, File, MountPolicy, Policy

NOTHING_EXPECTED = {"url": "http://localhost/", "mount": "http://"}
"""Stands for an expectation that lacks a variable."""


def fill_tables(
    tables: dict[str, Any], documents: tuple[Document, ...], variables: Variables, report: Report
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """Fill variables in; return the tables, and the variables that settings of mounts lack.

    Policies are validated on their own too, but lack a variable only where a mount uses them.
    """
    filled, missing = {**tables}, dict[str, tuple[str, ...]]()
    if not any("$" in document.source.text for document in documents):
        return filled, missing
    expansion = Expansion(variables, report)
    models = {"mounts": MountPolicy, "policies": MountPolicy, "limits": LimitOptions}
    for kind, model in models.items():
        if isinstance(named := tables.get(kind), dict):
            filled[kind] = {}
            for name, table in named.items():
                path, needed = (kind, name), kind == "mounts"
                filled[kind][name] = expansion.expand(table, path, model=model, needed=needed)
                if needed and expansion.missing:
                    missing[name] = tuple(expansion.missing)
                elif kind == "limits" and expansion.missing:
                    del filled[kind][name]
    implied = not {"https://", "http://"} <= filled.get("mounts", {}).keys()
    if "defaults" in tables:
        filled["defaults"] = expansion.expand(
            tables["defaults"], ("defaults",), model=Policy, needed=implied
        )
        missing["defaults"] = tuple(expansion.missing)
    for key in tables.keys() & {"unmatched", "ignore"}:
        del filled[key]
        filled |= expansion.expand({key: tables[key]}, (), model=File)
        missing[key] = tuple(expansion.missing)
    if isinstance(expect := tables.get("expect"), list):
        filled["expect"] = [
            expansion.expand(table, ("expect", index), model=Expectation) or NOTHING_EXPECTED
            for index, table in enumerate(expect)
        ]
    return filled, missing
