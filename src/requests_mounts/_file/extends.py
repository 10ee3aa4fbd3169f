"""A file and those that it extends, each read once."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from requests_mounts._file.diagnostics import ConfigError, Diagnostic
from requests_mounts._file.document import Document, Place
from requests_mounts._toml import show_text, show_value

_DEEPEST = 16


def read_with_bases(document: Document) -> tuple[Document, ...]:
    """Read all that a file extends, and return the files, the strongest first.

    Of two files in ``extends``, the later one is laid over the earlier. A file that is reached on
    several ways counts where it is strongest.

    Raises `ConfigError` if a file cannot be read or extends itself.
    """
    if "extends" not in document.data:
        return (document,)
    reading = _Reading()
    reading.follow(document, ())
    if reading.problems:
        raise ConfigError(reading.problems)
    return tuple(reading.documents.values())


@dataclass
class _Reading:
    documents: dict[str, Document] = field(default_factory=dict)
    """The files by their real paths, in the order in which they were first reached."""
    problems: list[Diagnostic] = field(default_factory=list)

    def follow(self, document: Document, way: tuple[str, ...]) -> None:
        """Add a document and what it extends; ``way`` has the real paths that led to it."""
        real = os.path.realpath(document.file or document.source.name)
        self.documents[real] = document
        for place, name in _bases(document):
            if not isinstance(name, str):
                got = show_value(name)
                message = f"expected the path of a file, or an array of paths (got {got})"
                self.problems.append(place.problem(message, code="invalid-value"))
                continue
            try:
                self._reach(document, name, (*way, real))
            except (_Problem, OSError, ValueError) as error:
                if isinstance(error, ConfigError):
                    self.problems += error.diagnostics
                else:
                    code = "circle" if isinstance(error, _Problem) else "missing-file"
                    self.problems.append(place.problem(_explain(error, name), code=code))

    def _reach(self, document: Document, name: str, way: tuple[str, ...]) -> None:
        path = _tidy(os.path.join(os.path.dirname(document.source.name), name))  # noqa: PTH118, PTH120
        real = os.path.realpath(path)
        if real in way:
            names = [self.documents[one].source.name for one in (*way[way.index(real) :], real)]
            raise _Problem(f"a file that extends itself: {' → '.join(names)}")
        if len(way) >= _DEEPEST:
            raise _Problem(f"expected files that extend others at most {_DEEPEST} deep")
        if real not in self.documents:
            self.follow(Document.load(path, pipes=False), way)


class _Problem(Exception):  # noqa: N818 - it becomes a diagnostic at once
    """What is wrong with one of the files that another extends."""


def _bases(document: Document) -> Iterator[tuple[Place, object]]:
    """Name what a document extends, the strongest first."""
    place = Place(document, ("extends",))
    if isinstance(place.value, list):
        yield from ((place.below(at), name) for at, name in reversed([*enumerate(place.value)]))
    elif place.value is not None:
        yield place, place.value


def _explain(error: Exception, name: str) -> str:
    if isinstance(error, _Problem):
        return str(error)
    hint = "; variables are not filled in here" if "${" in name else ""
    reason = getattr(error, "strerror", None) or "not a path"
    return f"expected a file (got {show_text(name)}: {reason}{hint})"


def _tidy(path: str) -> str:
    """Resolve the dots of a path, unless a symbolic link gives them another meaning."""
    tidy = os.path.normpath(path)
    return tidy if os.path.realpath(tidy) == os.path.realpath(path) else path
