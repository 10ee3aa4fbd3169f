"""The JSON Schema of the file, for editors."""

import ast
import inspect
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter

from requests_mounts._file.policy import NESTED_TABLES, Expectation, File, MountPolicy, Policy

_HEADER = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": "urn:requests-mounts:mounts.schema.json",
    "title": "requests-mounts",
}
_PREFIX = {"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^?#@]*$|[$][{]"}
_NAME = {"minLength": 1}
_CHOICES = ("anyOf", "oneOf")
_TYPES = ("array", "boolean", "number", "object")
_REFERENCE = r"^[$][{][A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?[}]$"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file, generated from the models that validate it."""
    schema = TypeAdapter(File).json_schema()
    for table in (File, Policy, MountPolicy, Expectation, *NESTED_TABLES.values()):
        described = schema if table is File else schema["$defs"][table.__name__]
        for base in table.__mro__[:-1]:
            for key, text in _docstrings(base).items():
                described["properties"][key]["description"] = text
    schema = _simplify(schema)
    for key, names in (("policies", _NAME), ("mounts", _PREFIX)):
        schema["properties"][key]["propertyNames"] = names
    return {**_HEADER, **schema}


def _docstrings(table: type) -> dict[str, str]:
    """Read the docstrings of a class's attributes.

    pydantic can do it too, but only when the class is made: at every import, for a schema that few
    ask for.
    """
    tree = ast.walk(ast.parse(inspect.getsource(table)))
    body = next(node.body for node in tree if isinstance(node, ast.ClassDef))
    found = {}
    for statement, following in pairwise(body):
        match statement, following:
            case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                found[name] = text
    return found


def _simplify(schema: dict[str, Any]) -> dict[str, Any]:
    """Say in a schema what a person may write, where pydantic says what Python may hold."""
    choices = _alternatives(schema)
    if not choices:
        return _join([_tidy(schema)])
    rest = {key: value for key, value in schema.items() if key not in _CHOICES}
    return _join([_tidy(choice) for choice in choices]) | _tidy(rest)


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a value may be, without alternatives among alternatives, and without null.

    TOML has no null.
    """
    found = []
    for choice in (choice for key in _CHOICES for choice in schema.get(key, ())):
        if choice != {"type": "null"}:
            found += _alternatives(choice) or [choice]
    return found


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Simplify what a schema is made of, and leave out titles, which only repeat the keys."""
    tidy = {key: value for key, value in schema.items() if key != "title"}
    if tidy.get("default", ...) is None:
        del tidy["default"]
    for key in ("properties", "$defs"):
        if key in tidy:
            tidy[key] = {name: _simplify(value) for name, value in tidy[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(tidy.get(key), dict):
            tidy[key] = _simplify(tidy[key])
    for table in tidy.get("$defs", {}).values():
        del table["type"]  # Each reference has it, some with another type beside it.
    if "$ref" in tidy:  # Draft 7 ignores what stands beside a $ref.
        tidy |= {"type": "object", "allOf": [{"$ref": tidy.pop("$ref")}]}
    return tidy


def _join(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Join alternatives of different types into one schema, so that a mistake has one message.

    Of ``anyOf`` an editor can only say that nothing fits. Most keywords concern a single type, but
    ``const`` needs a condition.
    """
    types = [kind for choice in choices for kind in _types(choice)]
    if len(choices) > 1 and len(set(types)) < max(len(types), len(choices)):
        return {"anyOf": choices}
    joined: dict[str, Any] = {}
    conditions = []
    for choice in choices:
        conditions += choice.pop("allOf", [])
        if "const" in choice:
            only = {"const": choice.pop("const")}
            conditions.append({"if": {"type": choice["type"]}, "then": only})
        joined |= choice
    if "string" not in types and not {"boolean", "integer", "number"}.isdisjoint(types):
        conditions.append(_or_reference(types))
        types = [*types, "string"]
    if "null" not in types:
        joined |= {"type": types if len(types) > 1 else types[0]} if types else {}
    else:
        joined.pop("type")
    return joined | ({"allOf": conditions} if conditions else {})


def _or_reference(types: list[str]) -> dict[str, Any]:
    """Allow some types, and the references to variables that may stand for numbers and booleans.

    What may be ``inf`` has the type null: JSON has no such number, and editors take it for that.
    So its types are told by what it may not be.
    """
    wrong: dict[str, Any] = {"type": "string", "not": {"pattern": _REFERENCE}}
    if "null" in types:
        wrong = {"anyOf": [wrong, {"type": [kind for kind in _TYPES if kind not in types]}]}
    allowed = [kind for kind in types if kind != "null"]
    return {"if": wrong, "then": {"type": allowed if len(allowed) > 1 else allowed[0]}}


def _types(schema: dict[str, Any]) -> list[str]:
    """Return the types that a schema names."""
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types
