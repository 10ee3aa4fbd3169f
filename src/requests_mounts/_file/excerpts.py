"""The line of a file that a diagnostic quotes, with a caret, and without what is secret in it.

The text need not be valid TOML: a password must be hidden too where a quote of it is missing. What
follows a key that is secret is hidden up to the end of the line, or of the string that begins on
it; of any other string the user name and password of a URL.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator

from requests_mounts._secret import HIDDEN, REFERENCES, is_secret, redact_written, resembles_secret

_WIDTH = 100
_BEFORE_CARET = 40
_AROUND = 1000
"""Characters of a line that are looked at before and after the caret."""
_LONGEST_KEY = 200
_TOKEN = re.compile(
    r'''(?P<string>"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5}|\Z)'''
    r"""|'''(?:[^']++|'(?!''))*+(?:'{3,5}|\Z)"""
    r"""|"(?:[^"\\\n]++|\\[^\n])*+"?+"""
    r"""|'[^'\n]*+'?+)"""
    r"|(?P<comment>\#[^\n]*+)|(?P<end>\n)|(?P<equals>=)|(?P<other>[^\"'\#\n=]++)",
    re.DOTALL,
)
_QUOTES = "\"'"
_HEADER = re.compile(r"[ \t]*\[{1,2}[ \t]*(?:defaults|policies|limits|mounts|expect|tool)\b.*")
_NEW_LINE = re.compile(rf"{_HEADER.pattern}|[ \t]*[\w.\"'-]+[ \t]*=")
"""What does not belong to an array that began on an earlier line and lacks its end."""
_OF_AUTH = re.compile(r"\.[ \t]*[\"']?auth[\"']?[ \t]*[.\]]")
_LAST_KEY = re.compile(r"(?:\A|[.{,][ \t]*)[\"']?headers\Z")
_TABLE = re.compile(r"[ \t]*\{")
_HARMLESS = re.compile(
    rf"(?:[ \t,{{}}\[\]]|(?P<quote>[\"']){REFERENCES}(?P=quote)"
    r"|[\w-]{1,64}[ \t]*=|true|false)*+"
)
"""References to variables, alone or in a table or an array."""


class Masked:
    """A text of which some parts may not be shown."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts = [*_secret_parts(text)]
        self._starts = [start for start, _, _ in self._parts]

    def hides(self, offset: int) -> bool:
        """Tell whether a character is hidden."""
        return self.around(offset) is not None

    def around(self, offset: int) -> tuple[int, int] | None:
        """Return where the hidden part begins and ends in which a character is."""
        last = bisect_right(self._starts, offset) - 1
        if last < 0 or offset >= self._parts[last][1]:
            return None
        return self._parts[last][:2]

    def show(self, start: int, end: int) -> str:
        """Return what may be seen between two offsets; a hidden part counts where it begins."""
        shown = ""
        for first, last, instead in self._parts[max(bisect_right(self._starts, start) - 1, 0) :]:
            if first >= end:
                break
            if last > start:
                shown += self._text[start:first] + (instead if first >= start else "")
                start = min(last, end)
        return shown + self._text[start:end]


def _secret_parts(text: str, *, in_auth: bool = False) -> Iterator[tuple[int, int, str]]:
    """Name the parts to hide: where each begins and ends, and what is shown instead.

    In a table ``auth`` every value is secret, whatever its key, but for the name of a file.
    """
    line_start = key_start = depth = 0
    key = ""
    hiding: int | None = None
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        if token["end"]:
            if hiding is not None:
                yield from _hidden_value(text, hiding, start)
            elif header := _HEADER.match(text, line_start, start):
                in_auth = bool(_OF_AUTH.search(header[0]))
            goes_on = hiding is not None and depth > 0 and not _NEW_LINE.match(text, end)
            line_start, key_start, key, hiding = end, end, "", end if goes_on else None
        elif hiding is not None:
            depth += _brackets(token["other"] or "")
        elif token["equals"]:
            key = text[max(key_start, start - _LONGEST_KEY) : start]
            hiding = end if _hides(key.strip(" \t\"'"), text, end, in_auth=in_auth) else None
            key_start, depth = end, 0
        elif token["other"]:
            comma = max(token[0].rfind(","), token[0].rfind("{"))
            key_start = start + comma + 1 if comma >= 0 else key_start
        else:
            yield from _hidden_in(token[0], start, key, in_auth=in_auth)
    if hiding is not None:
        yield from _hidden_value(text, hiding, len(text))


def _hides(key: str, text: str, at: int, *, in_auth: bool) -> bool:
    """Tell whether what is assigned to a key may not be shown, or only references in it."""
    if in_auth:
        return not key.endswith("_file")
    misplaced = _LAST_KEY.search(key) and not _TABLE.match(text, at)
    return bool(misplaced) or resembles_secret(key)


def _brackets(text: str) -> int:
    """Return how many more arrays begin than end."""
    return text.count("[") - text.count("]")


def _hidden_in(
    token: str, start: int, key: str, *, in_auth: bool
) -> Iterator[tuple[int, int, str]]:
    """Hide what is secret in a string or a comment.

    Where a quote is missing, what looks like a string may be the lines that follow.
    """
    inner = token.strip(_QUOTES)
    start += token.index(inner)
    if "\n" in inner:
        parts = _secret_parts(inner, in_auth=in_auth)
        yield from ((start + first, start + last, shown) for first, last, shown in parts)
    elif token[0] == "#" and is_secret(token):
        yield start, start + len(inner), HIDDEN
    elif (shown := redact_written(inner, key)) != inner:
        yield start, start + len(inner), shown


def _hidden_value(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Hide what is assigned, unless it is nothing but references, also in a table of them."""
    value = text[start:end]
    if not _HARMLESS.fullmatch(value):
        yield start + len(value) - len(value.lstrip(" \t")), end, HIDDEN


def excerpt(masked: Masked, line: tuple[int, int], span: tuple[int, int], number: int) -> str:
    """Draw carets under a part of a line; a long line is cut around it."""
    start, end = masked.around(span[0]) or span
    start, end = max(start, line[0]), min(max(start, end), line[1], start + _AROUND)
    first, last = max(line[0], start - _AROUND), min(line[1], end + _AROUND)
    continued = line[0] > 0 and masked.hides(line[0] - 1) and masked.hides(line[0])
    before = HIDDEN * continued + _printable(masked.show(first, start))
    under = _printable(masked.show(start, end))
    after = _printable(masked.show(end, last))
    too_long = len(before) + len(under) + len(after) > _WIDTH and len(before) > _BEFORE_CARET
    if too_long or first > line[0]:
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
