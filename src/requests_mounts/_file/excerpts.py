"""The line of a file that a diagnostic quotes, with a caret, and without what is secret in it.

The text need not be valid TOML: a password must be hidden too where a quote of it is missing, or
the equals sign before it. What follows a key that is secret is hidden up to the end of the line, or
of the string that begins on it; of any other string the user name and password of a URL.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from requests_mounts._secret import HIDDEN, REFERENCES, is_secret, redact_written, resembles_secret

_Part: TypeAlias = tuple[int, int, str]
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
_BETWEEN = " \t,[]{}"
_HEADER = re.compile(
    r"[ \t]*\[{1,2}[ \t]*(?:defaults|policies|limits|mounts|expect|tool|tls|auth|headers)\b.*"
)
_NEW_LINE = re.compile(rf"{_HEADER.pattern}|[ \t]*[\w.\"'-]+[ \t]*=")
"""What does not belong to an array that began on an earlier line and lacks its end."""
_KEYS = re.compile(r"\"[^\"]*+\"?|'[^']*+'?|[\w-]++")
_OF_NAMES = {"policies", "limits", "mounts"}
"""Tables of which the keys are names, which say nothing about what is secret."""
_MOST_KEYS = 8
_LAST_KEY = re.compile(r"(?:\A|[.{,][ \t]*)[\"']?headers\Z")
_TABLE = re.compile(r"[ \t]*\{")
_WORD = re.compile(r"[\w-]{1,64}(?![\w-])")
_AFTER_QUOTES = re.compile(r"(?:[ \t]*:[ \t]*|[ \t]+)(?![\s=.,\]}#:])")
_AFTER_WORD = re.compile(r"(?:[ \t]*:[ \t]*|[ \t]+)(?![\s=.,:])")
"""Between a key and what seems to be its value."""
_BEFORE_URL = re.compile(
    r"[\s,:{\[]*+(?:[\w.-]{1,200}+[ \t]*+:[ \t]++)?(?:[A-Za-z][\w+.-]{0,200}+://)?"
)
_HEX = "[0-9A-Fa-f]"
_ENDS_IN_WORD = re.compile(r"[\w-]")
_NOT_OF_KEYS = re.compile(r"[^\w.-]+")
_ESCAPE = re.compile(rf"\\(?:x({_HEX}{{2}})|u({_HEX}{{4}})|U(00(?:0{_HEX}|10){_HEX}{{4}}))")
_HARMLESS = re.compile(
    rf"(?:[ \t,{{}}\[\]]|(?P<quote>[\"']){REFERENCES}(?P=quote)"
    r"|[\w-]{1,64}[ \t]*=|true|false)*+"
)
"""References to variables, alone or in a table or an array."""


class Masked:
    """A text of which some parts may not be shown."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts = [*_Search(text).parts()]
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


class _Search:
    """Finds what to hide of a text, line by line.

    In a table such as ``auth`` every value is secret, whatever its key, but for the name of a file.
    """

    def __init__(self, text: str, *, in_secret: bool = False) -> None:
        self._text = text
        self._in_secret = in_secret
        self._line = 0
        self._line_end = self._last_at = -1
        self._key, self._key_start = "", 0
        self._broken_key_start = 0
        """Where a key begins if what stands before it, but for a string, is in it by mistake."""
        self._hiding: int | None = None
        self._depth = 0
        """The arrays that began since then and did not end."""

    def parts(self) -> Iterator[_Part]:
        """Name the parts to hide: where each begins and ends, and what is shown instead."""
        for token in _TOKEN.finditer(self._text):
            if token["end"]:
                yield from self._end_line(token.start())
            elif self._hiding is not None:
                self._depth += _brackets(token["other"] or "")
            elif token["equals"]:
                self._assign(*token.span())
            elif token["other"]:
                self._find_bare(token)
            else:
                yield from self._hide_in(token[0], token.start())
        if self._hiding is not None:
            yield from _hidden_value(self._text, self._hiding, len(self._text))

    def _end_line(self, end: int) -> Iterator[_Part]:
        text, hiding = self._text, self._hiding
        if hiding is not None:
            yield from _hidden_value(text, hiding, end)
        elif header := _HEADER.match(text, self._line, end):
            self._in_secret = _is_of_secrets(header[0])
        self._line = self._key_start = self._broken_key_start = end + 1
        goes_on = hiding is not None and self._depth > 0 and not _NEW_LINE.match(text, end + 1)
        self._key, self._hiding = "", end + 1 if goes_on else None

    def _assign(self, start: int, end: int) -> None:
        self._key = self._text[max(self._key_start, start - _LONGEST_KEY) : start]
        key = self._key.strip(" \t\"'")
        line = self._text[max(self._broken_key_start, start - _LONGEST_KEY) : start]
        spoilt = (_NOT_OF_KEYS.sub("", part) for part in (line, line.rpartition("=")[2]))
        self._key_start = end
        misplaced = _LAST_KEY.search(key) and not _TABLE.match(self._text, end)
        if misplaced or any(map(self._is_secret, (key, *spoilt))):
            self._hide_from(end)

    def _find_bare(self, token: re.Match[str]) -> None:
        """Look for a URL without quotes, and for a key that is not followed by an equals sign."""
        start, other = token.start(), token["other"]
        if ":" in other or ("prox" in self._key.lower() and other.strip(_BETWEEN)):
            if start > self._line_end:
                self._line_end = _find_line_end(self._text, start)
                self._last_at = self._text.rfind("@", start, self._line_end)
            if self._last_at > start and (before := _BEFORE_URL.match(other)):
                self._hide_from(start + before.end())
                return
        for word in islice(_WORD.finditer(other), _MOST_KEYS):
            if self._follows_secret(word[0], _AFTER_WORD.match(self._text, start + word.end())):
                return
        comma = max(other.rfind(","), other.rfind("{"))
        self._key_start = start + comma + 1 if comma >= 0 else self._key_start

    def _follows_secret(self, key: str, found: re.Match[str] | None) -> bool:
        """Hide what follows a key instead of an equals sign and a value."""
        if found and self._is_secret(key):
            self._hide_from(found.end())
        return self._hiding is not None

    def _is_secret(self, key: str) -> bool:
        return not key.endswith("_file") if self._in_secret else resembles_secret(_unescape(key))

    def _hide_from(self, start: int) -> None:
        self._hiding, self._depth = start, 0

    def _hide_in(self, token: str, start: int) -> Iterator[_Part]:
        """Hide what is secret in a string or a comment.

        Where a quote is missing, what looks like a string may be the lines that follow.
        """
        if self._begins_in_key(token, start):
            self._hide_from(start)
            return
        inner = token.strip(_QUOTES)
        start += token.index(inner)
        end = self._broken_key_start = start + len(inner)
        if "\n" in inner:
            parts = _Search(inner, in_secret=self._in_secret).parts()
            yield from ((start + first, start + last, shown) for first, last, shown in parts)
        elif token[0] == "#" and is_secret(token):
            yield start, end, HIDDEN
        elif (shown := redact_written(plain := _unescape(inner), self._key)) != plain:
            yield start, end, shown
        elif token[0] != "#" and len(inner) <= _LONGEST_KEY:
            name, equals, _ = inner.partition("=")
            if equals and not self._key and self._is_secret(name.strip()):
                self._hide_from(start + len(name) + 1)
            self._follows_secret(inner, _AFTER_QUOTES.match(self._text, end + 1))

    def _begins_in_key(self, token: str, start: int) -> bool:
        """Tell whether a key is spoilt by a quote or a number sign, and seems to end there."""
        if not _ENDS_IN_WORD.match(self._text, max(start - 1, 0), start):
            return False
        return token[0] != "#" or ("=" in token and not self._key)


def _is_of_secrets(header: str) -> bool:
    """Tell whether the values of a table are secret by the names of the tables that it is in."""
    keys = [key.strip(_QUOTES) for key in _KEYS.findall(header)]
    return any(map(resembles_secret, keys[2 if keys[0] in _OF_NAMES else 1 :]))


def _find_line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return end if end >= 0 else len(text)


def _unescape(text: str) -> str:
    """Return a string with the characters that escapes in it stand for."""
    return _ESCAPE.sub(_unescape_one, text) if "\\" in text else text


def _unescape_one(found: re.Match[str]) -> str:
    return chr(int(found[found.lastindex or 0], 16))


def _brackets(text: str) -> int:
    """Return how many more arrays begin than end."""
    return text.count("[") - text.count("]")


def _hidden_value(text: str, start: int, end: int) -> Iterator[_Part]:
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
