"""From a document to the policy of each prefix.

Tables are merged as they stand in the file and what comes out is validated once, so that every
policy is checked as it will act, and a problem that was inherited is reported where it is written.
"""

import os
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from requests_mounts._file.diagnostics import ConfigError
from requests_mounts._file.document import Document
from requests_mounts._file.environment import expand
from requests_mounts._file.findings import Findings
from requests_mounts._file.inheritance import Layers
from requests_mounts._file.policy import Expectation, File, Policy
from requests_mounts._file.tls import tls_problems
from requests_mounts._routing.index import Router
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import reveal
from requests_mounts._toml import KeyPath, show_key

_FILE = TypeAdapter(File)


class Mount(NamedTuple):
    """A prefix and the policy that it has once everything is inherited."""

    text: str
    """The canonical spelling of the prefix."""
    policy: Policy
    key: str | None
    """The prefix as the file spells it; none where the file does not name it."""

    @property
    def prefix(self) -> Prefix:
        """The prefix as a value; few of thousands are asked for it."""
        return Prefix.parse(self.text)


@dataclass(frozen=True)
class Config:
    """A valid file: its mounts, longest prefix first, and the document that they came from."""

    document: Document
    mounts: tuple[Mount, ...]
    unmatched: str = "allow"
    expect: tuple[Expectation, ...] = ()
    ignore: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Config {self.document.source.name!r}, {len(self.mounts)} mounts>"

    @cached_property
    def router(self) -> Router[Mount]:
        """The index of the mounts, for those who ask before there is a session."""
        return Router((mount.prefix, mount) for mount in self.mounts)

    def line(self, mount: Mount) -> int | None:
        """Return the line that names a mount, or refuses what no mount serves; none by default."""
        path = ("mounts", mount.key) if mount.key is not None else ("unmatched",)
        return self.document.line(path) if path in self.document.positions else None


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read and validate a file.

    Raises `ConfigError` with every problem of the file, and `OSError` where it cannot be read.
    """
    return _configure(Document.load(path))


def parse_config(text: str, *, source: str = "<string>") -> Config:
    """Validate a text as `load_config` does a file; ``source`` is its name in diagnostics.

    Paths in the text are relative to the folder of that name.
    """
    return _configure(Document.parse(text, name=source))


def _configure(document: Document) -> Config:
    layers = Layers(document.data)
    findings = Findings(document, layers)
    prefixes = _prefixes(document, findings)
    layers.check(findings.report)
    data = document.data
    if "$" in document.source.text:
        data = expand(data, findings.report)
        layers = Layers(data)
    folder = os.path.dirname(os.path.abspath(document.source.name))  # noqa: PTH100, PTH120
    try:
        file = _FILE.validate_python(layers.merged(), context=folder)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        for found in errors:
            findings.report_invalid(found)
        file = _FILE.validate_python(_without(layers.merged(), errors), context=folder)
    mounts = tuple(_mounts(file, prefixes))
    _check(mounts, findings)
    if findings.diagnostics:
        raise ConfigError(findings.diagnostics)
    return Config(document, mounts, file.unmatched, file.expect, file.ignore)


def _without(data: dict[str, Any], errors: list[ErrorDetails]) -> dict[str, Any]:
    """Return what is valid of the data, in which there may be other problems."""
    broken = {
        found["loc"][:2] if found["loc"][0] == "mounts" else found["loc"][:1] for found in errors
    }
    rest = {key: value for key, value in data.items() if (key,) not in broken}
    if "mounts" in rest:
        mounts = rest["mounts"].items()
        rest["mounts"] = {key: value for key, value in mounts if ("mounts", key) not in broken}
    return rest


def _prefixes(document: Document, findings: Findings) -> dict[str, str]:
    """Parse the keys of ``[mounts]``, and return them by their canonical spellings.

    Two keys that mean the same are a problem of the second.
    """
    prefixes: dict[str, str] = {}
    mounts = document.data.get("mounts")
    for key in mounts if isinstance(mounts, dict) else ():
        try:
            text = str(Prefix.parse(key))
        except ValueError as error:
            findings.report(("mounts", key), str(error))
            continue
        first = prefixes.setdefault(text, key)
        if first != key:
            path = ("mounts", first)
            message = f"the same prefix as {show_key(path)} on line {document.line(path)}"
            findings.report(("mounts", key), message)
    return prefixes


def _mounts(file: File, prefixes: dict[str, str]) -> list[Mount]:
    """Pair prefixes and policies, longest first; http:// and https:// are always among them."""
    mounts = [
        Mount(text, file.mounts[key], key) for text, key in prefixes.items() if key in file.mounts
    ]
    defaults = replace(file.defaults, deny=True) if file.unmatched == "deny" else file.defaults
    for scheme in ("https", "http"):
        text = f"{scheme}://"
        if text not in prefixes:
            policy = replace(defaults, tls=None) if scheme == "http" and defaults.tls else defaults
            mounts.append(Mount(text, policy, None))
    return sorted(mounts, key=lambda mount: len(mount.text), reverse=True)


def _check(mounts: tuple[Mount, ...], findings: Findings) -> None:
    """Report what only the world outside the file can tell, or a prefix and its policy together."""
    tried = lru_cache(None)(lambda tls: tuple(tls_problems(tls)))
    for mount in mounts:
        tls, proxy = mount.policy.tls, mount.policy.proxy
        place: KeyPath = ("mounts", mount.key) if mount.key is not None else ("defaults",)
        if tls and mount.text.startswith("http:"):
            message = f"expected an https:// prefix for it (got {mount.text})"
            findings.report((*place, "tls"), message)
        elif tls:
            for key, problem in tried(tls):
                findings.report((*place, "tls", key), problem)
        if proxy != "env" and reveal(proxy).startswith("socks") and not find_spec("socks"):
            findings.report((*place, "proxy"), 'a socks proxy needs "requests-mounts[socks]"')
