"""The JSON Schema of the file, for editors."""

import ast
import inspect
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter

from requests_mounts._file.policy import NESTED_TABLES, Expectation, File, MountPolicy, Policy


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file, generated from the models that validate it."""
    schema = TypeAdapter(File).json_schema()
    for table in (File, Policy, MountPolicy, Expectation, *NESTED_TABLES.values()):
        described = schema if table is File else schema["$defs"][table.__name__]
        for base in table.__mro__[:-1]:
            for key, text in _docstrings(base).items():
                described["properties"][key]["description"] = text
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema}


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
