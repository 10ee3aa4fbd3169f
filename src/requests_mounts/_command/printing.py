"""How the command line prints: text for people, JSON and annotations for programs."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from math import isinf
from typing import Any

from requests_mounts._command.worst_case import WorstCase
from requests_mounts._explain import Explanation
from requests_mounts._file.diagnostics import Diagnostic
from requests_mounts._secret import Secret

_ASK_FOR_COLOURS = {"FORCE_COLOR", "TTY_COMPATIBLE"}
"""The variables by which rich may take for a terminal what is not one."""


def as_json(value: Any) -> str:
    """Write a value as JSON: secrets as they are shown, no limit as a string."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def complain(text: str) -> None:
    """Print what is not a result."""
    print(text, file=sys.stderr)


def count(number: int, thing: str) -> str:
    """Write a number of things."""
    return f"{number} {thing}{'s' * (number != 1)}"


def print_findings(found: Iterable[Diagnostic]) -> None:
    """Print diagnostics, coloured by their severity where colours are seen."""
    if _may_show_colours():
        from requests_mounts._command import colours

        colours.print_findings(found)
        return
    for one in found:
        print(one)


def print_columns(rows: Iterable[tuple[str, str]]) -> None:
    """Print two columns; on a terminal what is too wide is folded, elsewhere never."""
    told = list(rows)
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    width = max(len(left) for left, _ in told)
    for left, right in told:
        line = f"{left:{width}}  {right}".rstrip()
        for piece in fold(line if len(line) <= room else f"{left}  {right}".rstrip(), room):
            print(piece)


def fold(line: str, width: int) -> Iterator[str]:
    """Break a line into pieces that are not wider, each below the beginning of the first."""
    text = line.lstrip()
    indent = " " * (len(line) - len(text))
    room = max(width - len(indent), 1)
    for start in range(0, len(text), room):
        yield indent + text[start : start + room]


def print_explanation(found: Explanation, case: WorstCase | None, *, everything: bool) -> None:
    """Print why a URL is served as it is, and what a request may cost if one is sent."""
    text, cost = found.text(everything=everything), ""
    if case:
        cost = f"\n  {case}"
    if _may_show_colours():
        from requests_mounts._command import colours

        colours.print_explanation(text, cost)
    else:
        print(text + cost)


def _may_show_colours() -> bool:
    """Tell whether rich might print colours: on a terminal, or where a variable asks for them.

    Otherwise it is not imported, which takes longer than it takes to check a file.
    """
    asked = not _ASK_FOR_COLOURS.isdisjoint(os.environ)
    return asked or (sys.stdout is not None and sys.stdout.isatty())


def annotation(found: Diagnostic) -> str:
    """Write a workflow command of GitHub, in which some characters are escaped."""

    def escape(text: str, *more: str) -> str:
        for char in ("%", "\r", "\n", *more):
            text = text.replace(char, f"%{ord(char):02X}")
        return text

    start = f"line={found.line},col={found.column}"
    end = f"endLine={found.end_line},endColumn={found.end_column}"
    place = f"file={escape(found.path, ':', ',')},{start},{end}"
    title = escape(found.key or "requests-mounts", ":", ",")
    code = f" [{found.code}]" if found.code else ""
    return f"::{found.severity} {place},title={title}::{escape(found.message + code)}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items() if key != "excerpt"}
    if isinstance(value, (list, tuple)):
        return [_plain(child) for child in value]
    if isinstance(value, float) and isinf(value):
        return "inf"
    return str(value) if isinstance(value, Secret) else value
