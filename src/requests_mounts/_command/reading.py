"""Files as the command line takes them: by their paths, or ``-`` for standard input."""

import sys
from pathlib import Path

from requests_mounts._file.config import Config
from requests_mounts._file.diagnostics import ConfigError
from requests_mounts._file.loading import load_config, parse_config
from requests_mounts._file.syntax import not_utf_8

STANDARD_INPUT = "-"
_ITS_NAME = "<stdin>"


class Unreadable(Exception):  # noqa: N818 - it is told, not handled
    """A file that cannot be read, and the reason; ``str()`` of it is the message."""


def read_config(name: str, *, offline: bool = False) -> Config:
    """Load a file; raises `ConfigError` for its problems and `Unreadable` if it cannot be read.

    With ``offline``, neither variables nor files of keys and certificates are looked at. Paths in
    standard input are relative to the current folder.
    """
    try:
        if name != STANDARD_INPUT:
            return load_config(name, offline=offline)
        return parse_config(_standard_input(), source=_ITS_NAME, offline=offline)
    except OSError as error:
        raise Unreadable(f"{name}: {error.strerror or error}") from None


def read_bytes(name: str) -> bytes:
    """Read a file whole; raises `Unreadable`."""
    if name == STANDARD_INPUT:
        if sys.stdin is None:
            raise Unreadable(f"{_ITS_NAME}: it is closed")
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Unreadable(f"{name}: {error.strerror or error}") from None


def _standard_input() -> str:
    content = read_bytes(STANDARD_INPUT)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([not_utf_8(_ITS_NAME, content, error)]) from None
