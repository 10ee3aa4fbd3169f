"""The problems of a file, collected at the places where the file says what is wrong."""

from collections.abc import Mapping
from dataclasses import fields

from pydantic_core import ErrorDetails

from requests_mounts._file.diagnostics import Diagnostic
from requests_mounts._file.document import Document, Place
from requests_mounts._file.environment import is_default, is_reference, names_in
from requests_mounts._file.inheritance import Layers
from requests_mounts._file.limits import INCOMPLETE, LimitOptions
from requests_mounts._file.policy import NESTED_TABLES, Expectation, File, MountPolicy, Policy
from requests_mounts._file.spelling import correction
from requests_mounts._file.types import ARRAY, SCALAR, TABLE
from requests_mounts._secret import Secret, is_missing, key_of, redact_written
from requests_mounts._toml import KeyPath, show_setting

_OTHER_TABLES: dict[str, type] = {
    "defaults": Policy,
    "expect": Expectation,
    "limits": LimitOptions,
}
_SHAPES = {"dataclass_type": "a table", "dict_type": "a table", "tuple_type": "an array"}


class Findings:
    """Collects problems; what a mount inherits is reported where it is written.

    Tables that are not ``complete`` may lack what another file adds to them.
    """

    layers: Layers
    """The tables that mounts are made of; to be set before a path in them is reported."""

    def __init__(self, documents: tuple[Document, ...], *, complete: bool = True) -> None:
        self.documents = documents
        self._complete = complete
        self.found: dict[tuple[str, KeyPath, str], Diagnostic] = {}
        self._reported: set[KeyPath] = set()

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The problems, of the strongest file first."""
        names = [document.source.name for document in self.documents]
        return sorted(self.found.values(), key=lambda found: names.index(found.path))

    def add(self, place: Place, message: str, code: str) -> None:
        """Note a problem of a place, once."""
        key = (place.file, place.path, message)
        if key not in self.found:
            self.found[key] = place.problem(message, code=code)

    def adopt(self, other: "Findings") -> None:
        """Add the problems that others found, of places that are not known to have one."""
        known = {key[:2] for key in self.found}
        self.found |= {key: one for key, one in other.found.items() if key[:2] not in known}

    def report(self, path: KeyPath, message: str, code: str) -> None:
        """Note a problem of the value under a path; mounts go by their canonical spellings."""
        self._reported.add(path)
        self.add(self._written(path), message, code)

    def report_invalid(self, found: ErrorDetails) -> None:
        """Put a finding of pydantic into our words, unless the value is known to be wrong."""
        from requests_mounts._file.hints import instead
        from requests_mounts._file.synonyms import other_key

        path = tuple(part for part in found["loc"] if part not in {TABLE, ARRAY, SCALAR, "[key]"})
        if path in self._reported or self._is_in_named_limit(path):
            return
        if not self._complete and found["type"] in {"missing", INCOMPLETE}:
            return
        code = "invalid-key" if "[key]" in found["loc"] else "invalid-value"
        match found["type"]:
            case "missing" if path[0] == "policies":
                return  # A policy need not be complete, the mount that uses it must be.
            case type_ if type_ == INCOMPLETE and _may_be_completed(path, found["input"]):
                return  # Neither need its breaker; a limit is not merged.
            case "missing":
                path, key, code = path[:-1], path[-1], "missing-key"
                usual = {"total": 3, "tokens": 10}.get(str(key))
                hint = f"; write {key} = {usual}, or another number" if usual else ""
                message = f"the key {key} is missing{hint}"
            case "unexpected_keyword_argument":
                message = f"unknown key{other_key(path, found['input']) or _suggest(path)}"
                code = "unknown-key"
            case "too_short" if found["input"]:
                return  # Its elements are wrong, and are reported themselves.
            case "too_short":
                message = "expected at least one element (got an empty array)"
            case type_ if type_ == INCOMPLETE:
                keys = ", ".join(self._origin_of(path, key) for key in found["input"])
                message = f"expected {found['msg']} (got {keys or 'an empty table'})"
            case type_:
                expected = _SHAPES.get(type_, found["msg"])
                value = self._as_written(path, found["input"])
                hint = instead(expected, path, value)
                got = f"{show_setting(path, value)}{self._filled_in(path, found['input'])}"
                message = f"expected {expected} (got {got}){hint}"
        self.report(path, message, code)

    def _as_written(self, path: KeyPath, value: object) -> object:
        """Return a value as it may be shown: if variables are a part of it, the reference."""
        written = self._written(path).value
        if isinstance(written, str) and "${" in written:
            return Secret("", redact_written(written, key_of(path)))
        return value

    def _filled_in(self, path: KeyPath, value: object) -> str:
        """Say that it is not a reference that is wrong, but what came of it."""
        written = self._written(path).value
        names = names_in(written) if isinstance(written, str) else ()
        if not names or value == written or is_missing(value):
            return ""
        if is_default(value, written):
            return " with its default"
        if is_reference(written):
            return f", where the variable {names[0]} holds something else"
        several = len(names) > 1
        noun, verb = ("variables", "hold") if several else ("variable", "holds")
        return f" with what the {noun} {' and '.join(names)} {verb}"

    def _origin_of(self, path: KeyPath, key: str) -> str:
        """Name a key of a table, and the line that it is from if that is not one of the table."""
        table, place = self._written(path), self._written((*path, key))
        if place.path[:-1] == table.path and place.file == table.file:
            return key
        return f"{key} from {place if place.file != table.file else f'line {place.line}'}"

    def _written(self, path: KeyPath) -> Place:
        """Return the place where a value, or the table that it is missing in, is written."""
        return self.layers.written(path)

    def _is_in_named_limit(self, path: KeyPath) -> bool:
        """Tell whether a value stands in a limit that has a name, which is validated by itself."""
        depth = 1 if path[0] == "defaults" else 2
        if path[0] == "limits" or path[depth : depth + 1] != ("limit",):
            return False  # A limit has no key of that name.
        return isinstance(self._written(path[: depth + 1]).value, str)


def _may_be_completed(path: KeyPath, table: Mapping[str, object]) -> bool:
    """Tell whether what a policy or a mount adds to a table may make it right."""
    is_in_policy = path[0] == "policies" and path[-1] == "breaker"
    return is_in_policy and not {"failures", "ratio"} <= table.keys()


def _suggest(path: KeyPath) -> str:
    """Suggest a key for one that is unknown."""
    *parents, unknown = map(str, path)
    table: type = File
    if parents:
        outermost = _OTHER_TABLES.get(parents[0], MountPolicy)
        table = NESTED_TABLES.get(parents[-1], outermost)
    return correction(unknown.replace("-", "_"), [field.name for field in fields(table)])
