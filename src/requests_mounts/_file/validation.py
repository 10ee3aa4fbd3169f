"""The tables of a file become values: where pydantic is called."""

from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from requests_mounts._file.findings import Findings
from requests_mounts._file.policy import File, MountPolicy

_FILE = TypeAdapter(File)


def validate(tables: dict[str, Any], findings: Findings) -> tuple[File, dict[str, MountPolicy]]:
    """Turn tables into values, if need be without those that have problems.

    Returns the policies of mounts beside the file: one for all mounts that have the same table.
    """
    folder = findings.documents[0].folder
    tables = {"defaults": {}} | tables  # Else pydantic builds what makes a `Policy` by itself, too.
    mounts = tables.get("mounts")
    if not isinstance(mounts, dict):
        return _validate_each(tables, findings, folder), {}
    distinct = _distinct(mounts)
    try:
        file = _FILE.validate_python(tables | {"mounts": distinct}, context=folder)
    except ValidationError:
        file = _validate_each(tables, findings, folder)
        return file, file.mounts
    policies = {id(table): file.mounts[name] for name, table in distinct.items()}
    return file, {name: policies[id(table)] for name, table in mounts.items()}


def _distinct(mounts: dict[str, Any]) -> dict[str, Any]:
    """Return the mounts of which no other before has the same table."""
    first: dict[int, str] = {}
    for name, table in mounts.items():
        first.setdefault(id(table), name)
    return {name: mounts[name] for name in first.values()}


def _validate_each(tables: dict[str, Any], findings: Findings, folder: str) -> File:
    """Report the problems of each table, and validate the rest."""
    try:
        return _FILE.validate_python(tables, context=folder)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        for found in errors:
            findings.report_invalid(found)
        return _FILE.validate_python(_without(tables, errors), context=folder)


def _without(tables: dict[str, Any], errors: list[ErrorDetails]) -> dict[str, Any]:
    """Return what is valid of some tables, in which there may be other problems."""
    broken = {
        found["loc"][:2] if found["loc"][0] == "mounts" else found["loc"][:1] for found in errors
    }
    rest = {key: value for key, value in tables.items() if (key,) not in broken}
    if "mounts" in rest:
        mounts = rest["mounts"].items()
        rest["mounts"] = {key: value for key, value in mounts if ("mounts", key) not in broken}
    return rest
