"""What comes of a file: the policy of each prefix, and where each of its settings comes from."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from requests_mounts._cached import cached_property
from requests_mounts._file.document import Document, Place
from requests_mounts._file.environment import Variables
from requests_mounts._file.inheritance import Layer, Layers
from requests_mounts._file.policy import Policy
from requests_mounts._file.settings import SettingPath
from requests_mounts._routing.index import Index
from requests_mounts._routing.partial import PartialPrefix
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import key_of, redact_written


class Mount(NamedTuple):
    """A prefix and the policy that it has once everything is inherited."""

    text: str
    """The canonical spelling of the prefix."""
    policy: Policy
    key: str | None
    """The prefix as the file spells it; `None` if the file does not name it."""
    lacking: tuple[str, ...] = ()
    """The variables for which settings were left out of the policy, as it was loaded offline."""

    @property
    def shown(self) -> str:
        """The prefix as it may be shown: with references to variables, not with what they hold."""
        return self.key if self.key is not None and "$" in self.key else self.text

    @property
    def prefix(self) -> Prefix:
        """The prefix as a value; few of thousands are asked for it."""
        return Prefix.parse(self.text)


class Origin(NamedTuple):
    """Where a setting comes from."""

    layer: str
    """``mount``, ``policy`` or ``limit`` and its name, ``defaults``, ``unmatched`` or ``built in``.
    """
    place: Place | None
    """The key that sets it; `None` for what is built in."""

    @property
    def line(self) -> int | None:
        """The line of that key."""
        return self.place.line if self.place else None

    @property
    def file(self) -> str | None:
        """The name of the file."""
        return self.place.file if self.place else None

    @property
    def reference(self) -> object:
        """The value as it is written if variables are a part of it, otherwise `None`.

        What of a secret is written beside the variables is hidden.
        """
        if not self.place:
            return None
        written, key = self.place.value, key_of(self.place.path)
        parts = written if isinstance(written, list) else [written]
        if not any(isinstance(part, str) and "${" in part for part in parts):
            return None
        shown = (redact_written(part, key) if isinstance(part, str) else part for part in parts)
        return tuple(shown) if isinstance(written, list) else next(shown)


BUILT_IN = Origin("built in", None)


class Claim(NamedTuple):
    """What an ``[[expect]]`` table says of a URL."""

    url: str
    mount: str
    """The prefix that is to serve the URL."""
    settings: tuple[tuple[SettingPath, object], ...]
    """Settings that its policy is to have; a plain value is spelled out as its table.

    A limit is expected by its name, or by the keys of its table.
    """
    place: Place


@dataclass(frozen=True)
class Config:
    """A valid file: its mounts, longest prefix first, and where all of it is written."""

    __module__ = "requests_mounts"

    layers: Layers = field(repr=False)
    variables: Variables = field(repr=False, compare=False)
    mounts: tuple[Mount, ...]
    unmatched: str = "allow"
    expect: tuple[Claim, ...] = ()
    ignore: tuple[str, ...] = ()
    partial: tuple[PartialPrefix, ...] = ()
    """The prefixes that lack a variable, and so are no mounts, as the file was loaded offline."""

    def __repr__(self) -> str:
        return f"<Config {self.name!r}, {len(self.mounts)} mounts>"

    @property
    def name(self) -> str:
        """What diagnostics call the file."""
        return self.document.source.name

    @property
    def files(self) -> tuple[str, ...]:
        """The absolute paths of all files that it was read from; empty if from a text alone."""
        return tuple(document.file for document in self.layers.documents if document.file)

    @property
    def document(self) -> Document:
        """The file itself, without those that it extends."""
        return self.layers.documents[0]

    @cached_property
    def index(self) -> Index[Mount]:
        """The index of the mounts, for those who ask before there is a session."""
        return Index((mount.text, mount) for mount in self.mounts)

    def find(self, *path: str | int) -> Place | None:
        """Return the place of a key at the top of a file; `None` if no file has it."""
        places = (Place(document, path) for document in self.layers.documents)
        return next((place for place in places if place.exists), None)

    def layers_of(self, mount: Mount) -> list[Layer]:
        """Name the tables that a mount is made of, the strongest first."""
        return self.layers.of(mount.text if mount.key is not None else None)

    def origin(self, mount: Mount, path: SettingPath) -> Origin:
        """Say where a setting of a mount comes from; it is looked for in each layer once.

        A default ``tls`` is not for prefixes of ``http://``.
        """
        layers = self.layers_of(mount)
        if path[0] == "tls" and mount.text.startswith("http:"):
            layers = [layer for layer in layers if layer.name != "defaults"]
        if path == ("deny",) and mount.key is None and (place := self.find("unmatched")):
            by_unmatched = Origin("unmatched", place)
            if self.unmatched == "deny" or (mount.lacking and by_unmatched.reference is not None):
                return by_unmatched
        found = self.layers.find(layers, path)
        return Origin(*found) if found else BUILT_IN

    def limit_table(self, mount: Mount) -> tuple[str, ...]:
        """Name the table that the limit of a mount is in, which it may share with others."""
        place = self.origin(mount, ("limit",)).place
        if place is None:
            return ()
        name = self.layers.name_at(place)
        if isinstance(name, str):
            return ("limits", name)
        if place.path[0] == "mounts":
            return ("mounts", mount.text)
        return tuple(map(str, place.path[:-1]))

    def shown(self, mount: Mount, path: SettingPath, value: object) -> object:
        """Return what may be shown of a setting: references, not what variables hold."""
        origin = self.origin(mount, path) if value is not None else BUILT_IN
        return value if origin.reference is None else origin.reference

    def place(self, mount: Mount) -> Place | None:
        """Return the place that names a mount, or refuses what none serves; `None` by default."""
        if mount.key is None:
            return self.find("unmatched")
        return self.layers_of(mount)[0].place

    def line(self, mount: Mount) -> int | None:
        """Return the line of that place."""
        place = self.place(mount)
        return place.line if place else None


def policies_of(config: Config) -> Collection[Policy]:
    """Return the policies of all mounts, each once: those that say the same share one."""
    return {id(mount.policy): mount.policy for mount in config.mounts}.values()
