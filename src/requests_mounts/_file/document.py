"""A TOML file as read: its data, and where every key of it stands.

The only module that opens a configuration file.
"""

import errno
import os
import stat
from codecs import BOM_UTF8
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import tomli

from requests_mounts._cached import cached_property
from requests_mounts._file.codes import AT_THE_VALUE
from requests_mounts._file.diagnostics import ConfigError, Diagnostic, Source
from requests_mounts._toml import KeyPath, show_key, show_text

if TYPE_CHECKING:  # Most files have no problem, and nobody asks where their keys stand.
    from requests_mounts._file.positions import Positions, Span

_TOOL_TABLE = ("tool", "requests-mounts")


class Version(NamedTuple):
    """What tells a file, or what a symbolic link leads to, from the one that replaces it."""

    modified: int
    size: int
    inode: int
    device: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """Take it from what the system says of the file."""
        return cls(found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)


@dataclass(frozen=True)
class Document:
    """A valid TOML document and its text."""

    source: Source
    data: dict[str, Any] = field(repr=False)
    root: KeyPath = ()
    """The table of the TOML file that is the document: all of it, but for a pyproject.toml."""
    file: str | None = None
    """The absolute path that it was read from; `None` for a text."""
    version: Version | None = field(default=None, repr=False, compare=False)
    """Which version of the file it was."""

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, pipes: bool = True) -> Self:
        """Read a file; its name in diagnostics is the path as given.

        Whoever names a pipe waits for its other end, as in ``check <(git show HEAD:mounts.toml)``.
        Raises `OSError` where it is no file or cannot be read, and `ConfigError` where it is no
        TOML.
        """
        name = os.fspath(path)
        try:
            content, version = _read(name, pipes=pipes)
            content = content.removeprefix(BOM_UTF8)
        except ValueError as error:  # A NUL character in the path.
            message = f"expected a path ({error})"
            problem = Source(show_text(name), "").diagnose((0, 0), message, code="invalid-value")
            raise ConfigError([problem]) from None
        try:
            document = cls.parse(content.decode(), name=name)
            path = os.path.join(os.getcwd(), name)  # noqa: PTH109, PTH118
            return replace(document, file=path, version=version)
        except UnicodeDecodeError as error:
            from requests_mounts._file.syntax import not_utf_8

            raise ConfigError([not_utf_8(name, content, error)]) from None

    @classmethod
    def parse(cls, text: str, *, name: str) -> Self:
        """Parse a text; raises `ConfigError` where it is no TOML."""
        source = Source(name, text.replace("\r\n", "\n"))
        try:
            source.text.encode()
            data = tomli.loads(source.text)
        except UnicodeEncodeError as error:
            message = "expected Unicode text (got half of a surrogate pair)"
            problem = source.diagnose((error.start, error.end), message, code="encoding")
        except tomli.TOMLDecodeError as error:
            from requests_mounts._file.syntax import not_toml

            problem = not_toml(source, error)
        except (RecursionError, ValueError) as error:
            from requests_mounts._file.syntax import too_much

            problem = too_much(source, error)
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
            raise ConfigError([_no_table(source, data)])
        return cls(source, table, _TOOL_TABLE)

    @cached_property
    def folder(self) -> str:
        """The folder that its paths are relative to."""
        return os.path.dirname(os.path.abspath(self.source.name))  # noqa: PTH100, PTH120

    @property
    def positions(self) -> "dict[KeyPath, Span]":
        """Where every key stands; found when first asked for."""
        return self._positions.keys

    @cached_property
    def _positions(self) -> "Positions":
        from requests_mounts._file.positions import Positions, find_positions

        found = find_positions(self.source.text)
        return Positions(self._below_root(found.keys), self._below_root(found.values))

    def _below_root(self, found: "dict[KeyPath, Span]") -> "dict[KeyPath, Span]":
        root = self.root
        return {
            path[len(root) :]: span for path, span in found.items() if path[: len(root)] == root
        }

    def line(self, path: KeyPath) -> int:
        """Return the line of a key."""
        return self.source.line(self._span(path)[0])

    def problem(self, path: KeyPath, message: str, *, code: str) -> Diagnostic:
        """Say what is wrong with a key, or with the value under it; the code tells which."""
        span = self._positions.values.get(path) if code in AT_THE_VALUE else None
        return self.source.diagnose(span or self._span(path), message, show_key(path), code=code)

    def _span(self, path: KeyPath) -> "Span":
        """Find a key, or the closest one above it."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, (0, 0))


class Place(NamedTuple):
    """A key of a document, which is there or would be there."""

    document: Document
    path: KeyPath

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.document.source.name

    @property
    def line(self) -> int:
        """The line of the key."""
        return self.document.line(self.path)

    @property
    def value(self) -> Any:
        """The value as it is written; `None` if the key is not there."""
        return self.within(self.document.data)

    def within(self, tables: dict[str, Any]) -> Any:
        """Return the value that is in its place in other tables; `None` if there is none."""
        value: Any = tables
        for part in self.path:
            if isinstance(part, int):
                value = value[part] if isinstance(value, list) and part < len(value) else None
            else:
                value = value.get(part) if isinstance(value, dict) else None
        return value

    @property
    def exists(self) -> bool:
        """Whether the file has this key; TOML has no null that it could hold."""
        return self.value is not None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def below(self, *path: str | int) -> "Place":
        """Return the place of a key of this table."""
        return Place(self.document, (*self.path, *path))

    def problem(self, message: str, *, code: str) -> Diagnostic:
        """Say what is wrong with the key, or with its value; the code tells which."""
        return self.document.problem(self.path, message, code=code)


def _read(name: str, *, pipes: bool) -> tuple[bytes, Version]:
    """Read a file; a device might never end, and a pipe keep everybody waiting."""
    with open(name, "rb", opener=None if pipes else _open_at_once) as file:
        found = os.fstat(file.fileno())  # Before it is read: what is written later is newer.
        if not (stat.S_ISREG(found.st_mode) or (pipes and stat.S_ISFIFO(found.st_mode))):
            raise OSError(errno.EINVAL, "Not a regular file", name)
        return file.read(), Version.of(found)


def _open_at_once(name: str, flags: int) -> int:
    """Open a file without waiting, as opening a FIFO does for its other end."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _no_table(source: Source, data: dict[str, Any]) -> Diagnostic:
    """Say which table a pyproject.toml lacks, and if one has nearly its name."""
    from difflib import get_close_matches

    from requests_mounts._file.positions import find_positions

    tools = data.get("tool")
    close = get_close_matches(_TOOL_TABLE[-1], tools if isinstance(tools, dict) else (), n=1)
    message = "expected a table [tool.requests-mounts]"
    if not close:
        return source.diagnose((0, 0), message, code="missing-table")
    span = find_positions(source.text).keys["tool", close[0]]
    message += f" (got [{show_key(('tool', close[0]))}])"
    return source.diagnose(span, message, code="missing-table")
