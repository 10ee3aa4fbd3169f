"""What is wrong with a text that is not TOML, and what to write instead."""

import re
import unicodedata
from codecs import BOM_UTF16_BE, BOM_UTF16_LE

import tomli

from requests_mounts._file.diagnostics import Diagnostic, Source
from requests_mounts._file.hints import as_seconds
from requests_mounts._file.placeholders import reference_at
from requests_mounts._file.positions import last_key, too_large
from requests_mounts._secret import HIDDEN
from requests_mounts._toml import show_key, show_text

_DEEPEST_NESTING = 100
_LONGEST_NUMBER = 4300
_SECOND_DEFINITION = re.compile("Cannot|Duplicate")
_BARE_PREFIX = re.compile(r"mounts[ \t]*\.[ \t]*https?\Z")
_WORD = re.compile(r"[\w.+-]+|.")
_EXPECTATIONS = {
    "Invalid value": "expected a value",
    "Invalid statement": "expected a key or a [table]",
    "Invalid initial character for a key part": "expected a key",
    "Expected '=' after a key in a key/value pair": "expected '=' after the key",
    "Expected newline or end of document after a statement": "expected the end of the line",
    "Unclosed array": "expected ',' or ']'",
    "Unclosed inline table": "expected ',' or '}'",
    "Unterminated string": "expected a closing quote",
    'Expected "\'"': "expected a closing quote",
    "Illegal character '\\n'": "expected a closing quote",
    "Unescaped '\\' in a string": "unknown escape, write '\\\\' for a backslash",
}
_BARE_VALUE = re.compile(r".*=[ \t]*([^\s\"'\[\]{}#,=][^\"'\[\]{}#,\n]*)")
_NUMBER = r"[ \t]*([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \t]*"
_TUPLE = re.compile(rf"\((?:{_NUMBER},{_NUMBER}\))?")
_NEEDS_QUOTES = re.compile(r"[\w.:/@%+*~$?&-]+")
_WORDS = {
    **dict.fromkeys(("none", "null", "nil", "undefined"), "leave the key out"),
    **dict.fromkeys(("true", "yes", "on"), "write true"),
    **dict.fromkeys(("false", "no", "off"), "write false"),
}


def not_utf_8(name: str, content: bytes, error: UnicodeDecodeError) -> Diagnostic:
    """Say which byte is wrong, or that the whole file has another encoding."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        message = "expected UTF-8 text (got UTF-16); save the file as UTF-8"
        return Source(name, "").diagnose((0, 0), message, code="encoding")
    at = len(content[: error.start].decode())
    source = Source(name, content.decode(errors="replace"))
    byte = f"0x{content[error.start]:02x}"
    message = f"expected UTF-8 text (got the byte {byte}); save the file as UTF-8"
    return source.diagnose((at, at + 1), message, code="encoding")


def not_toml(source: Source, error: tomli.TOMLDecodeError) -> Diagnostic:
    """Put tomli's finding into our words."""
    if _SECOND_DEFINITION.match(error.msg):
        path, span, first = last_key(source.text[: error.pos])
        message = f"defined twice, first on line {source.line(first[0] if first else 0)}"
        return source.diagnose(span, message, show_key(path), code="defined-twice")
    word = _WORD.match(source.text, error.pos)
    end = "the end of the file" if error.pos >= len(source.text) else "the end of the line"
    got = show_text(word[0]) if word else end
    if word and source.masked.hides(error.pos):
        got = HIDDEN
    expected = _EXPECTATIONS.get(error.msg, error.msg[0].lower() + error.msg[1:])
    if _BARE_PREFIX.search(source.text[: error.pos]):
        expected = 'expected quotes around the prefix, such as [mounts."https://api.example.com/"]'
    span = word.span() if word else (error.pos, error.pos)
    hint = _instead(source, error) or _character(source, error.pos)
    return source.diagnose(span, f"{expected} (got {got}){hint}", code="syntax")


def _character(source: Source, at: int) -> str:
    """Name a character that is easily taken for another, or for none."""
    char = source.text[at : at + 1]
    if char == "\r":
        return "; end the lines with LF, or with CR and LF"
    if char.isascii() or source.masked.hides(at):
        return ""
    return f"; the character is {unicodedata.name(char, f'U+{ord(char):04X}')}"


def _instead(source: Source, error: tomli.TOMLDecodeError) -> str:
    """Say what to write instead of a value without quotes; empty if nobody can tell."""
    if "key/value pair" in error.msg and source.text[error.pos : error.pos + 1] == ":":
        return "; write = for the colon"
    start = source.text.rfind("\n", 0, error.pos) + 1
    if hint := _foreign(source, start, error.pos):
        return f"; {hint}"
    found = _BARE_VALUE.match(source.text, start)
    if not found or not found.start(1) <= error.pos <= found.end(1):
        return ""
    bare = found[1].strip()
    if bare.replace(".", "", 1).isdecimal():
        return ""  # The number is not what is wrong.
    hint = _WORDS.get(bare.lower(), "")
    if seconds := as_seconds(bare):
        hint = f"write {seconds}"
    elif not hint and _NEEDS_QUOTES.fullmatch(bare):
        hidden = source.masked.hides(found.start(1))
        hint = "write it in quotes" if hidden else f"write {show_text(bare)}, in quotes"
    return f"; {hint}" if hint else ""


def _foreign(source: Source, start: int, at: int) -> str:
    """Say what to write instead of a value of Python or of a shell, in a line from its start."""
    equals = source.text.rfind("=", start, at)
    value = source.text[equals + 1 :].split("\n", 1)[0].strip() if equals >= 0 else ""
    if reference := reference_at(value):
        hidden = source.masked.hides(equals + 1 + source.text[equals + 1 :].index(value))
        return f'write "{"${NAME}" if hidden else reference}", in quotes'
    found = _TUPLE.match(value)
    if not found:
        return ""
    numbers = [] if found[1] is None else [found[1], found[2]]
    if not numbers:
        return "write an array, in [ and ]"
    if source.text[start:equals].rstrip().endswith("timeout"):
        return f"write {{ connect = {numbers[0]}, read = {numbers[1]} }}"
    return f"write [{', '.join(numbers)}]"


def too_much(source: Source, error: RecursionError | ValueError) -> Diagnostic:
    """Say what tomli gave up on: it raises these two without a place."""
    at = too_large(source.text, depth=_DEEPEST_NESTING, digits=_LONGEST_NUMBER)
    deep = isinstance(error, RecursionError)
    message = "nested too deeply" if deep else "expected an integer of fewer digits"
    return source.diagnose((at, at + 1), message, code="syntax")
