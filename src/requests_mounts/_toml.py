"""TOML as this library prints it: keys and values, short and safe for a terminal."""

import re
from typing import TypeAlias

from requests_mounts._secret import HIDDEN, Secret, is_secret, redact, resembles_secret

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: keys, and indexes into arrays."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_TEXT = 64
_LONGEST_PATH = 4096
_LARGEST_SHOWN_BITS = 128
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def show_key(path: KeyPath) -> str:
    """Write a path as a dotted key, with ``[n]`` for the elements of an array."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += "." * bool(text) + (part if _BARE_KEY.fullmatch(part) else show_text(part))
    return text


def show_text(text: str) -> str:
    """Write a string as a TOML basic string; a long one is cut, what is not printable escaped.

    A password in it is hidden.
    """
    return _quote(redact(text))


def show_value(value: object) -> str:
    """Write a value as TOML does where that is short, and name its type where it is not."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > _LARGEST_SHOWN_BITS:
            return f"an integer of {value.bit_length()} bits"
        case int() | float():
            return str(value)
        case str() | Secret():
            return show_text(value) if isinstance(value, str) else _quote(str(value))
        case dict() | list():
            return "a table" if isinstance(value, dict) else "an array"
        case _:
            return f"the date or time {value}"


def show_setting(path: KeyPath, value: object) -> str:
    """Write the value under a path, or hide it: it may be of any type, and need not be valid."""
    if hides_value(path) and not isinstance(value, list | dict):
        return str(value) if isinstance(value, Secret) else HIDDEN
    return _quote(redact(value, _last_key(path))) if isinstance(value, str) else show_value(value)


def hides_value(path: KeyPath) -> bool:
    """Tell whether a value is secret by where it stands, also in the place of a table of them."""
    if path[-2:-1] == ("headers",):
        return resembles_secret(_last_key(path))
    return is_secret(_last_key(path)) or path[-2:-1] == ("auth",) or path[-1:] == ("headers",)


def _last_key(path: KeyPath) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def show_toml(value: object) -> str:
    """Write the value of a setting in full; what is not set is ``none``.

    What is secret in a setting is a `Secret`, so any other text is shown as it is.
    """
    if isinstance(value, tuple):
        return f"[{', '.join(map(show_toml, value))}]"
    if isinstance(value, str | Secret):
        return _quote(str(value), longest=None)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "none" if value is None else show_value(value)


def show_path(path: str | Secret) -> str:
    """Write the path of a file as a TOML string, as much of it as a system takes."""
    return _quote(str(path), longest=_LONGEST_PATH)


def _quote(text: str, *, longest: int | None = _LONGEST_TEXT) -> str:
    shown = "".join(map(_escape, text[:longest]))
    return f'"{shown}"' if longest is None or len(text) <= longest else f'"{shown}…"'


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
