"""A TOML file as read: its data, and where every key of it stands.

The only module that opens a configuration file.
"""

import os
import re
from codecs import BOM_UTF8
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import tomli

from requests_mounts._file.diagnostics import ConfigError, Diagnostic, Source
from requests_mounts._file.positions import Span, key_positions, last_key, too_large
from requests_mounts._secret import HIDDEN
from requests_mounts._toml import KeyPath, show_key, show_text

_DEEPEST_NESTING = 100
_LONGEST_NUMBER = 4300
_TOOL_TABLE: KeyPath = ("tool", "requests-mounts")
_SECOND_DEFINITION = re.compile("Cannot|Duplicate")
_BARE_PREFIX = re.compile(r"mounts[ \t]*\.[ \t]*https?\Z")
_WORD = re.compile(r"[\w.+-]+|.")
_EXPECTATIONS = {
    "Invalid value": "expected a value",
    "Invalid statement": "expected a key or a [table]",
    "Invalid initial character for a key part": "expected a key",
    "Unclosed array": "expected ',' or ']'",
    "Unclosed inline table": "expected ',' or '}'",
    "Unterminated string": "expected a closing quote",
    "Illegal character '\\n'": "expected a closing quote",
    "Unescaped '\\' in a string": "unknown escape, write '\\\\' for a backslash",
}


@dataclass(frozen=True)
class Document:
    """A valid TOML document and its text."""

    source: Source
    data: dict[str, Any] = field(repr=False)
    root: KeyPath = ()
    """The table of the TOML file that is the document: all of it, but for a pyproject.toml."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file.

        Raises `OSError` where it cannot be read, and `ConfigError` where it is no TOML.
        """
        name = os.fspath(path)
        try:
            content = Path(name).read_bytes().removeprefix(BOM_UTF8)
        except ValueError as error:  # A NUL character in the path.
            problem = Source(show_text(name), "").diagnose((0, 0), f"expected a path ({error})")
            raise ConfigError([problem]) from None
        try:
            return cls.parse(content.decode(), name=name)
        except UnicodeDecodeError as error:
            at = len(content[: error.start].decode())
            source = Source(name, content.decode(errors="replace"))
            message = f"expected UTF-8 text (got the byte 0x{content[error.start]:02x})"
            raise ConfigError([source.diagnose((at, at + 1), message)]) from None

    @classmethod
    def parse(cls, text: str, *, name: str) -> Self:
        """Parse a text; raises `ConfigError` where it is no TOML."""
        source = Source(name, text.replace("\r\n", "\n"))
        try:
            source.text.encode()
            data = tomli.loads(source.text)
        except UnicodeEncodeError as error:
            message = "expected Unicode text (got half of a surrogate pair)"
            problem = source.diagnose((error.start, error.end), message)
        except tomli.TOMLDecodeError as error:
            problem = _syntax_problem(source, error)
        except (RecursionError, ValueError) as error:
            problem = _too_large(source, error)
        else:
            return cls._in_table(source, data)
        raise ConfigError([problem])

    @classmethod
    def _in_table(cls, source: Source, data: dict[str, Any]) -> Self:
        """Take all of a file, or of a pyproject.toml the table that is ours."""
        if Path(source.name).name != "pyproject.toml":
            return cls(source, data)
        table: Any = data
        for part in _TOOL_TABLE:
            table = table.get(part) if isinstance(table, dict) else None
        if not isinstance(table, dict):
            raise ConfigError([source.diagnose((0, 0), "expected a table [tool.requests-mounts]")])
        return cls(source, table, _TOOL_TABLE)

    @cached_property
    def positions(self) -> dict[KeyPath, Span]:
        """Where every key stands; found when first asked for."""
        found = key_positions(self.source.text)
        root = self.root
        return {
            path[len(root) :]: span for path, span in found.items() if path[: len(root)] == root
        }

    def line(self, path: KeyPath) -> int:
        """Return the line of a key."""
        return self.source.line(self._span(path)[0])

    def problem(self, path: KeyPath, message: str, *, code: str = "") -> Diagnostic:
        """Say what is wrong with the value under a path; with a code it is a warning."""
        return self.source.diagnose(self._span(path), message, show_key(path), code=code)

    def _span(self, path: KeyPath) -> Span:
        return self.positions.get(path, (0, 0))


def _syntax_problem(source: Source, error: tomli.TOMLDecodeError) -> Diagnostic:
    """Put tomli's finding into our words."""
    if _SECOND_DEFINITION.match(error.msg):
        path, span, first = last_key(source.text[: error.pos])
        line = source.line(first[0] if first else 0)
        return source.diagnose(span, f"defined twice, first on line {line}", show_key(path))
    word = _WORD.match(source.text, error.pos)
    end = "the end of the file" if error.pos >= len(source.text) else "the end of the line"
    got = show_text(word[0]) if word else end
    if "password" in source.text[: error.pos].rpartition("\n")[2]:
        got = HIDDEN
    expected = _EXPECTATIONS.get(error.msg, error.msg[0].lower() + error.msg[1:])
    if _BARE_PREFIX.search(source.text[: error.pos]):
        expected = 'expected quotes around the prefix, as [mounts."https://api.example.com/"]'
    span = word.span() if word else (error.pos, error.pos)
    return source.diagnose(span, f"{expected} (got {got})")


def _too_large(source: Source, error: RecursionError | ValueError) -> Diagnostic:
    """Say what tomli gave up on: it raises these two without a place."""
    at = too_large(source.text, depth=_DEEPEST_NESTING, digits=_LONGEST_NUMBER)
    deep = isinstance(error, RecursionError)
    message = "nested too deeply" if deep else "expected an integer of fewer digits"
    return source.diagnose((at, at + 1), message)
