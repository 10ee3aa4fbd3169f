"""The mounts of a file with what differs from the built-in settings, and where that is written."""

from collections.abc import Iterator
from dataclasses import dataclass

from requests_mounts._command.compare import differing
from requests_mounts._explain import Setting, setting_of
from requests_mounts._file.config import Config
from requests_mounts._toml import show_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A mount."""

    prefix: str
    """With the references to variables that the file writes, not with what they hold."""
    path: str | None
    line: int | None
    settings: tuple[Setting, ...]

    def rows(self, *, origin: bool) -> Iterator[tuple[str, str]]:
        """Return the lines for people: what is set, and where if that is asked for."""
        place = f"{self.path}:{self.line}" if self.line else "built in"
        yield self.prefix, place if origin else ""
        for one in self.settings:
            place = f"{one.path}:{one.line}  {one.layer}" if origin else ""
            yield f"    {one.key} = {show_toml(one.value)}", place
        if not self.settings:
            yield "    as requests", ""


def describe(config: Config) -> Iterator[Described]:
    """List the mounts, longest prefix first."""
    for mount in config.mounts:
        told = differing(mount.policy).items()
        settings = tuple(setting_of(config, mount, path, value) for path, value in told)
        place = config.place(mount)
        yield Described(
            prefix=mount.shown,
            path=place.file if place else None,
            line=place.line if place else None,
            settings=settings,
        )
