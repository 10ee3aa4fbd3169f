"""The problems of a file, collected at the places where the file says what is wrong."""

from dataclasses import fields

from pydantic_core import ErrorDetails

from requests_mounts._file.diagnostics import Diagnostic
from requests_mounts._file.document import Document
from requests_mounts._file.inheritance import Layers, correction
from requests_mounts._file.policy import NESTED_TABLES, Expectation, File, MountPolicy, Policy
from requests_mounts._file.types import ARRAY, SCALAR, TABLE
from requests_mounts._secret import HIDDEN
from requests_mounts._toml import KeyPath, show_value

_OTHER_TABLES: dict[str, type] = {"defaults": Policy, "expect": Expectation}
_SHAPES = {"dataclass_type": "a table", "dict_type": "a table", "tuple_type": "an array"}


class Findings:
    """Collects problems; what a mount inherits is reported where it is written."""

    def __init__(self, document: Document, layers: Layers) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._reported: set[KeyPath] = set()
        self._document = document
        self._layers = layers

    def report(self, path: KeyPath, message: str) -> None:
        """Note a problem of the value under a path."""
        self._reported.add(path)
        self.diagnostics.append(self._document.problem(self._written(path), message))

    def report_invalid(self, found: ErrorDetails) -> None:
        """Put a finding of pydantic into our words, unless the value is known to be wrong."""
        path = tuple(part for part in found["loc"] if part not in {TABLE, ARRAY, SCALAR})
        if path in self._reported:
            return
        match found["type"]:
            case "missing" if path[0] == "policies":
                return  # A policy need not be complete, the mount that uses it must be.
            case "missing":
                path, message = path[:-1], f"the key {path[-1]} is missing"
            case "unexpected_keyword_argument":
                message = f"unknown key{_suggest(path)}"
            case "too_short":
                message = "expected at least one element (got an empty array)"
            case type_:
                got = HIDDEN if path[-1:] == ("key_password",) else show_value(found["input"])
                message = f"expected {_SHAPES.get(type_, found['msg'])} (got {got})"
        self.report(path, message)

    def _written(self, path: KeyPath) -> KeyPath:
        """Return the path of what a mount does not say itself in the layer that says it."""
        if path[:1] != ("mounts",) or path in self._document.positions:
            return path
        layers = self._layers.of("mounts", str(path[1]))
        written = ((*layer, *path[2:]) for layer in layers)
        return next((place for place in written if place in self._document.positions), path)


def _suggest(path: KeyPath) -> str:
    """Suggest a key for one that is unknown."""
    *parents, unknown = map(str, path)
    table: type = File
    if parents:
        outermost = _OTHER_TABLES.get(parents[0], MountPolicy)
        table = NESTED_TABLES.get(parents[-1], outermost)
    return correction(unknown.replace("-", "_"), [field.name for field in fields(table)])
