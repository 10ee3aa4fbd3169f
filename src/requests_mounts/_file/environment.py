"""``${NAME}`` in the strings of a file.

1. ``${NAME}`` is what the environment variable holds, ``${NAME:-text}`` the text if it is not set
   or empty, as in a shell; ``$$`` is a dollar sign.
2. A string with a variable in it becomes a `Secret`, which shows as it is written. The text of a
   default is no secret.
3. In the user name and password of a URL, a variable is text: it is percent-encoded, so it can
   change neither host nor port (RFC 3986, section 3.2.1).
4. A string that is one reference and nothing else stands for a number or a boolean if its key
   takes one and no text, or if it is ``true`` or ``false`` and the key takes a boolean.
5. Of a variable that is not set, a text is a `Secret` without content, and any other setting that
   it may stand for is left out. Whether that is a problem, the caller decides.
6. The names of policies and limits are filled in first, as they tell what is laid over what.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Literal, TypeGuard, get_args, get_origin, get_type_hints
from urllib.parse import quote

import tomli

from requests_mounts._file.diagnostics import Report
from requests_mounts._file.policy import NESTED_TABLES
from requests_mounts._secret import Secret, key_of, redact_written, reveal
from requests_mounts._toml import KeyPath

_REFERENCE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}"
    r"|(?P<broken>\{))"
)
BROKEN = "expected the name of an environment variable in ${…}, or $$ for a dollar"
_SCALAR = re.compile(r"[+-]?[0-9][0-9_.eE+-]{0,39}|[+-]?inf")
_BOOLEANS = {"true": True, "false": False}
_URLS = {"proxy", "url"}
NAMES = ("policy", "limit")
"""The keys that name another table."""
_DEEPEST = 8  # Nothing that a file may say is nested as deep.
_LEFT_OUT = object()
_WHOLE = {("limit",), ("breaker",)}
"""The tables of a policy that may mean something else without one of their keys, or nothing."""


@dataclass(frozen=True)
class Variables:
    """The environment that a file is loaded in."""

    environ: Mapping[str, str] | None = field(default=None, repr=False)
    """What takes the place of `os.environ`."""
    offline: bool = False
    """Whether nothing outside the file is consulted, unless ``environ`` is given."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what the variables hold; another process has its own environment."""
        return Variables, (None, self.offline)

    def __deepcopy__(self, _: object) -> "Variables":
        """Keep them, as a secret does: a copy is for the same process."""
        return self

    def get(self, name: str) -> str | None:
        """Return what a variable holds; `None` if it is not set."""
        if self.environ is not None:
            return self.environ.get(name)
        return None if self.offline else os.environ.get(name)

    def undemanding(self) -> "Variables":
        """Return the same variables, of which none is missed."""
        environ = os.environ if self.environ is None and not self.offline else self.environ
        return Variables(environ, offline=True)


def is_broken(text: str) -> bool:
    """Tell whether a ``${`` begins no reference."""
    return any(found["broken"] for found in _REFERENCE.finditer(text))


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of the variables in a text, each once."""
    names = (found["name"] for found in _REFERENCE.finditer(text))
    return tuple(dict.fromkeys(filter(None, names)))


def is_reference(text: str) -> bool:
    """Tell whether a text is a reference and nothing else."""
    return bool(_REFERENCE.fullmatch(text))


def is_default(value: object, text: str) -> bool:
    """Tell whether a value is the default of a reference, rather than what its variable holds."""
    found = _REFERENCE.fullmatch(text)
    return found is not None and not isinstance(value, Secret) and str(value) == found["default"]


def lacks_variable(name: object) -> TypeGuard[str]:
    """Tell whether a name is written with variables, and they could not be filled in."""
    return isinstance(name, str) and bool(names_in(name))


def fill_in(text: str, key: str = "", *, variables: Variables) -> str | Secret:
    """Return a string of a file with its variables filled in; ``key`` is that of `key_of`."""
    user = _userinfo(text) if key in _URLS else range(0)
    missing, held = [], False

    def replace(found: re.Match[str]) -> str:
        nonlocal held
        if not found["name"]:
            return found[0][1:]
        value = variables.get(found["name"])
        if found["default"] is not None and not value:
            value = found["default"]
        elif value is None:
            missing.append(found["name"])
            return ""
        else:
            held = True
        return quote(_as_sent(value), "") if found.start() in user else value

    content = _REFERENCE.sub(replace, text)
    if not missing and not held:
        return content
    return Secret(
        None if missing else content,
        redact_written(text, key),
        missing=tuple(dict.fromkeys(missing)),
        recipe=(_fill_in_again, (text, key)),
    )


def _as_sent(text: str) -> str:
    """Return what requests makes the bytes of, if a text was not UTF-8 in the environment.

    It sends a proxy the latin-1 of a text, the UTF-8 of which it finds percent-encoded in the URL.
    """
    try:
        return text.encode(errors="surrogateescape").decode()
    except UnicodeDecodeError:
        return text.encode(errors="surrogateescape").decode("latin-1")


def variable_at_fault(prefix: str, variables: Variables) -> str:
    """Say which variable is likely to spoil a prefix, and not what it holds; empty if none is."""
    for found in _REFERENCE.finditer(prefix):
        name = found["name"]
        if not name:
            continue
        value = variables.get(name) or found["default"] or ""
        if not value:
            return f"the variable {name} is empty"
        if "://" in value and prefix[: found.start()].endswith("://"):
            return f"the variable {name} has a scheme of its own, so write none before it"
    return ""


def _fill_in_again(text: str, key: str) -> Secret:
    """Make a secret again that was pickled, in the environment of this process."""
    filled = fill_in(text, key, variables=Variables())
    return filled if isinstance(filled, Secret) else Secret(filled, redact_written(text, key))


def _userinfo(text: str) -> range:
    """Return where the user name and password of a URL stand in a text with references."""
    plain = _REFERENCE.sub(lambda found: "_" * len(found[0]), text)
    end = plain.rfind("@")
    return range(plain.find("://", 0, max(end, 0)) + 3, end)


class Expansion:
    """Fills variables in, and remembers which ones are missing."""

    def __init__(self, variables: Variables, report: Report) -> None:
        self._variables = variables
        self._report = report
        self.missing: list[str] = []
        """The variables for which a setting was left out, in the table expanded last."""

    def expand(self, table: Any, path: KeyPath, *, model: type, needed: bool = True) -> Any:
        """Return a table with its variables filled in.

        ``model`` is what the table is validated as. A missing variable is reported if the table is
        needed, unless it is loaded offline; what is not a reference always is.
        """
        self.missing = []
        self._needed = needed and not self._variables.offline
        return self._value(table, path, (), model)

    def _value(self, value: Any, path: KeyPath, below: KeyPath, model: type) -> Any:
        if isinstance(value, str):
            return self._text(value, (*path, *below), below, model) if "$" in value else value
        if len(below) > _DEEPEST or not isinstance(value, dict | list):
            return value
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        filled = [(key, self._value(child, path, (*below, key), model)) for key, child in pairs]
        if all(child is value[key] for key, child in filled):
            return value  # Tables of mounts that say the same stay one object.
        if not any(child is _LEFT_OUT for _, child in filled):
            return dict(filled) if isinstance(value, dict) else [child for _, child in filled]
        whole = isinstance(value, list) or below in _WHOLE
        if whole or any(
            child is _LEFT_OUT and _is_required(model, (*below, key)) for key, child in filled
        ):
            return _LEFT_OUT if below else {}
        return {key: child for key, child in filled if child is not _LEFT_OUT}

    def _text(self, text: str, path: KeyPath, below: KeyPath, model: type) -> Any:
        if is_broken(text):
            self._report(path, BROKEN, "invalid-reference")
            return ""
        key = key_of(path)
        filled = fill_in(text, key, variables=self._variables)
        types = _types_of(model, below)
        if isinstance(filled, Secret) and filled.missing:
            for name in filled.missing if self._needed else ():
                message = f"the environment variable {name} is not set"
                self._report(path, message, "missing-variable")
            if Secret in types or not _may_stand_for(text, key, types):
                return filled
            self.missing += filled.missing
            return _LEFT_OUT
        return _convert(filled, types) if _REFERENCE.fullmatch(text) else filled


def _convert(filled: str | Secret, types: frozenset[type]) -> Any:
    """Return the number or boolean that a text stands for; the text if it stands for none."""
    text = reveal(filled)
    if bool in types and text in _BOOLEANS:
        return _BOOLEANS[text]
    if types & {int, float} and _SCALAR.fullmatch(text):
        try:
            return tomli.loads(f"number = {text}")["number"]
        except ValueError:
            return filled
    return filled


def _may_stand_for(text: str, key: str, types: frozenset[type]) -> bool:
    """Tell whether what a text lacks may make it a value of some types."""
    if str in types or key in NAMES:
        return True
    return bool(types & {int, float, bool}) and _REFERENCE.fullmatch(text) is not None


def _types_of(model: type, path: KeyPath) -> frozenset[type]:
    """Return the types that a setting of a model may have."""
    keys = [part for part in path if isinstance(part, str)]
    for key in keys[:-1]:
        model = NESTED_TABLES.get(key, model)
    return _types_of_key(model, keys[-1]) if keys else frozenset()


@cache
def _types_of_key(model: type, key: str) -> frozenset[type]:
    return _parts(get_type_hints(model).get(key))


def _parts(hint: Any) -> frozenset[type]:
    """List the types that a type is made of."""
    if get_origin(hint) is Literal:
        return frozenset(map(type, get_args(hint)))
    if arguments := get_args(hint):
        return frozenset().union(*map(_parts, arguments))
    return frozenset([hint])


def _is_required(model: type, path: KeyPath) -> bool:
    """Tell whether a table cannot do without a key."""
    for key in path[:-1]:
        model = NESTED_TABLES.get(str(key), model)
    found = {one.name: one for one in fields(model)}.get(str(path[-1]))
    return found is not None and found.default is MISSING and found.default_factory is MISSING
