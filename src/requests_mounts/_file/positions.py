"""Where every key of a valid TOML document stands.

Neither tomli nor tomllib keeps positions. This scan runs only when a position is asked for, on text
that tomli has accepted, so it need not judge the document and may pass over what it knows to be
well-formed. It is iterative: nesting costs no stack.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

import tomli

from requests_mounts._toml import KeyPath

Span: TypeAlias = tuple[int, int]
"""The first character of a key or an array's element, and the one after its last."""

_STRING = (
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']++|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\]++|\\.)*+"'
    r"|'[^']*+'"
)
_GAP = re.compile(r"(?:[ \t\n,]++|#[^\n]*+)*+")
_SCALAR = re.compile(rf"(?:{_STRING})|[^\s,\]}}#]++(?: \d\d:[^\s,\]}}#]*+)?", re.DOTALL)
_PART = r"""\.?+[ \t]*+("(?:[^"\\]++|\\.)*+"|'[^']*+'|[A-Za-z0-9_-]++)[ \t]*+"""
_KEY_PART = re.compile(_PART)
_KEY = re.compile(f"(?:{_PART})+")
_TOKEN = re.compile(rf"(?:{_STRING})|#[^\n]*+|[\[{{]|[\]}}]|[\w.+-]++", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the keys and values of a document stand."""

    keys: dict[KeyPath, Span]
    """The path of every key, table and array element.

    A table that is opened more than once, such as ``a`` by ``[a.b]`` and ``[a.c]``, stands where it
    is first named. A key of several parts has a place for each of them.
    """
    values: dict[KeyPath, Span]
    """The path of every value that is written as one, which tables with headers are not."""


def find_positions(text: str) -> Positions:
    """Find every key and value of a valid document."""
    scan = _Scan(text)
    scan.run()
    return Positions(scan.found, scan.values)


def last_key(text: str) -> tuple[KeyPath, Span, Span | None]:
    """Return the last key of a text that ends where a key or a table is defined a second time.

    Returns its path, its place, and the place of the first definition.
    """
    scan = _Scan(text)
    scan.run()
    return scan.keys[len(scan.open)]


def too_large(text: str, *, depth: int, digits: int) -> int:
    """Find what tomli refuses without a place: nesting beyond ``depth``, a number too long.

    The text need not be valid. Returns an offset; 0 if there is nothing of the kind.
    """
    level = 0
    for token in _TOKEN.finditer(text):
        match token[0][0]:
            case "[" | "{":
                level += 1
            case "]" | "}":
                level -= 1
            case char if char in "+-0123456789" and len(token[0]) > digits:
                return token.start()
        if level > depth or token[0].count(".") > depth:
            return token.start()
    return 0


@dataclass(slots=True)
class _Container:
    """An array or an inline table that is not closed yet."""

    path: KeyPath
    start: int
    elements: int | None
    """Elements seen so far of an array; None in an inline table."""


class _Scan:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[KeyPath, Span] = {}
        self.values: dict[KeyPath, Span] = {}
        self.lengths: dict[KeyPath, int] = {}
        self.table: KeyPath = ()
        self.open: list[_Container] = []
        self.keys: dict[int, tuple[KeyPath, Span, Span | None]] = {}
        """The last key at each depth, and where it, or a table that it names, stood before."""

    def run(self) -> None:
        while self._skip_gap():
            char = self.text[self.at]
            if self.open and char in "]}":
                closed = self.open.pop()
                self.at += 1
                self.values[closed.path] = (closed.start, self.at)
            elif self.open and self.open[-1].elements is not None:
                self._element(self.open[-1], self.open[-1].elements)
            elif not self.open and char == "[":
                self._header()
            else:
                self._pair(self.open[-1].path if self.open else self.table)

    def _skip_gap(self) -> bool:
        """Pass white space, comments and commas; false at the end of the document."""
        self.at = self._end(_GAP)
        return self.at < len(self.text)

    def _end(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        return match.end() if match else self.at

    def _header(self) -> None:
        """Read ``[table]`` or ``[[array.of.tables]]``."""
        array = self.text.startswith("[[", self.at)
        self.at += 1 + array
        self.table = self._name((), array=array)
        self.at += 1 + array

    def _pair(self, path: KeyPath) -> None:
        path = self._name(path)
        self.at += 1
        self.at = self._end(_GAP)
        self._value(path)

    def _name(self, path: KeyPath, *, array: bool = False) -> KeyPath:
        """Read a key and note where its parts stand; of an array of tables, the last is meant."""
        before = None
        parts = self._key()
        for index, (part, span) in enumerate(parts, 1):
            path = (*path, part)
            before = self.found.get(path, before)
            self.found.setdefault(path, span)
            if array and index == len(parts):
                self.lengths[path] = self.lengths.get(path, 0) + 1
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
                self.found.setdefault(path, span)
        self.keys[len(self.open)] = (path, parts[-1][1], before)
        return path

    def _element(self, array: _Container, index: int) -> None:
        path = (*array.path, index)
        array.elements = index + 1
        start = self.at
        self._value(path)
        self.found[path] = (start, self.at)

    def _value(self, path: KeyPath) -> None:
        start = self.at
        match self.text[start]:
            case "[":
                self.open.append(_Container(path, start, 0))
                self.at += 1
            case "{":
                self.open.append(_Container(path, start, None))
                self.at += 1
            case _:
                self.at = self._end(_SCALAR)
                self.values[path] = (start, self.at)

    def _key(self) -> list[tuple[str, Span]]:
        start, self.at = self.at, self._end(_KEY)
        parts = _KEY_PART.finditer(self.text, start, self.at)
        return [(_unquote(part[1]), part.span(1)) for part in parts]


def _unquote(raw: str) -> str:
    """Read a key part as tomli reads it."""
    if "\\" in raw and raw[0] == '"':
        return str(*tomli.loads(f"{raw} = 0"))
    return raw[1:-1] if raw[0] in "\"'" else raw
