"""What is wrong with a file: the problem as a value, and the error that carries all of them.

The grammar of a diagnostic is ``path:line:column: key: what is expected (got what)``, one line that
an editor or a CI log can jump to, followed by the source line with a caret under the place.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from requests_mounts._cached import cached_property
from requests_mounts._errors import MountsError
from requests_mounts._file.codes import ERRORS
from requests_mounts._file.excerpts import Masked, excerpt
from requests_mounts._toml import KeyPath

Report: TypeAlias = Callable[[KeyPath, str, str], None]
"""Takes the path of a problem, what is wrong, and the code of that."""

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem of a file.

    Lines and columns count from 1, columns in characters; the end is the column after the last
    character. ``key`` is the dotted key, empty for a problem of syntax.
    """

    __module__ = "requests_mounts"

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    key: str
    message: str
    severity: Literal["error", "warning"] = "error"
    code: str = ""
    """The stable name of the kind of problem; that of a warning can be in ``ignore``."""
    excerpt: str = field(default="", repr=False)
    """The source line and the caret under it, ready to print."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}"
        warning = self.severity == "warning"
        message = f"warning: {self.message} [{self.code}]" if warning else self.message
        text = ": ".join(part for part in (place, self.key, message) if part)
        return f"{text}\n{self.excerpt}" if self.excerpt else text


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort diagnostics by their place, each once; files stay in the order in which they come."""
    found = dict.fromkeys(diagnostics)
    files = {path: index for index, path in enumerate(dict.fromkeys(one.path for one in found))}
    return tuple(sorted(found, key=lambda one: (files[one.path], one.line, one.column)))


class ConfigError(MountsError, ValueError):
    """A file that cannot be used; ``diagnostics`` holds every problem, in the file's order."""

    __module__ = "requests_mounts"

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

    @cached_property
    def masked(self) -> Masked:
        """The text without what is secret in it."""
        return Masked(self.text)

    def line(self, offset: int) -> int:
        """Return the number of the line that holds an offset."""
        return bisect_right(self._line_starts, offset)

    def diagnose(
        self, span: tuple[int, int], message: str, key: str = "", *, code: str
    ) -> Diagnostic:
        """Say what is wrong between two offsets; the code tells warnings from errors."""
        start, end = span
        number, last = self.line(start), self.line(max(start, end - 1))
        line_start = self._line_starts[number - 1]
        line_end = self.text.find("\n", start)
        line = (line_start, line_end if line_end >= 0 else len(self.text))
        return Diagnostic(
            path=self.name,
            line=number,
            column=start - line_start + 1,
            end_line=last,
            end_column=max(start, end) - self._line_starts[last - 1] + 1,
            key=key,
            message=message,
            severity="error" if code in ERRORS else "warning",
            code=code,
            excerpt=excerpt(self.masked, line, span, number) if line[0] < line[1] else "",
        )
