"""What is wrong with a file: the problem as a value, and the error that carries all of them.

The grammar of a diagnostic is ``path:line:column: key: what is expected (got what)``, one line that
an editor or a CI log can jump to, followed by the source line with a caret under the place.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from requests_mounts._errors import MountsError
from requests_mounts._secret import HIDDEN, redact

_SHOWN = 20
_WIDTH = 100
_BEFORE_CARET = 40
_PASSWORD = re.compile(r".*?key_password[\"']?\s*=\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem of a file.

    ``line`` and ``column`` count from 1, columns in characters; ``key`` is the dotted key, empty
    for a problem of syntax.
    """

    path: str
    line: int
    column: int
    key: str
    message: str
    severity: Literal["error", "warning"] = "error"
    code: str = ""
    """What a warning is called in ``ignore``; empty for an error."""
    excerpt: str = field(default="", repr=False)
    """The source line and the caret under it, ready to print."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}"
        message = f"warning: {self.message} [{self.code}]" if self.code else self.message
        text = ": ".join(part for part in (place, self.key, message) if part)
        return f"{text}\n{self.excerpt}" if self.excerpt else text


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort diagnostics of a file by their place, each once."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda found: (found.line, found.column)))


class ConfigError(MountsError, ValueError):
    """A file that cannot be used; ``diagnostics`` holds every problem, in the file's order."""

    diagnostics: tuple[Diagnostic, ...]

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = in_order(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        lines = [str(diagnostic) for diagnostic in self.diagnostics[:_SHOWN]]
        rest = len(self.diagnostics) - _SHOWN
        if rest > 0:
            lines.append(f"… and {rest:,} more problem{'s' * (rest > 1)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Source:
    """A text and the name that diagnostics call it by."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line(self, offset: int) -> int:
        """Return the number of the line that holds an offset."""
        return bisect_right(self._line_starts, offset)

    def diagnose(
        self, span: tuple[int, int], message: str, key: str = "", *, code: str = ""
    ) -> Diagnostic:
        """Say what is wrong between two offsets; with a code it is a warning."""
        start, end = span
        number = self.line(start)
        line_start = self._line_starts[number - 1]
        line_end = self.text.find("\n", start)
        line = self.text[line_start : line_end if line_end >= 0 else None]
        column = start - line_start + 1
        return Diagnostic(
            path=self.name,
            line=number,
            column=column,
            key=key,
            message=message,
            severity="warning" if code else "error",
            code=code,
            excerpt=_excerpt(line, number, column, end - start) if line else "",
        )


def _excerpt(line: str, number: int, column: int, width: int) -> str:
    """Draw carets under a part of a source line; a long line is cut around it."""
    if password := _PASSWORD.match(line):
        line = f"{password[0]}{HIDDEN}"
        column = min(column, len(password[0]))
    start, end = column - 1, column - 1 + width
    parts = (line[:start], line[start:end], line[end:])
    before, under, after = map(_printable, map(redact, parts))
    if len(before) + len(under) + len(after) > _WIDTH and len(before) > _BEFORE_CARET:
        before = f"…{before[-_BEFORE_CARET:]}"
    room = _WIDTH - len(before)
    if len(under) + len(after) > room:
        under = under[:room]
        after = f"{after[: room - len(under)]}…"
    margin = " " * max(4, len(str(number)))
    carets = "^" * max(_columns(under), 1)
    return (
        f"{number:>{len(margin)}} | {before}{under}{after}\n"
        f"{margin} | {' ' * _columns(before)}{carets}"
    )


def _printable(text: str) -> str:
    """Replace what could move the cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def _columns(text: str) -> int:
    """Count the terminal columns of a text; wide characters (Unicode annex 11) take two."""
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
