"""Why a URL is served as it is: the prefix that won, where each setting comes from, who lost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from requests_mounts._file.config import Config, Mount
from requests_mounts._file.inheritance import Layers
from requests_mounts._routing.index import Location
from requests_mounts._routing.prefix import Prefix
from requests_mounts._toml import KeyPath, show_toml

_WIDEST_VALUE = 20
_BUILT_IN: tuple[str, KeyPath | None] = ("built in", None)
_LAYER_NAMES = {"mounts": "mount", "defaults": "defaults"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The value of a key and where it comes from."""

    key: str
    value: object
    layer: str
    """``mount``, ``policy`` and its name, ``defaults``, ``unmatched``, or ``built in``."""
    line: int | None
    """The line in the file; none for what is built in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loser:
    """A prefix of the same host that does not serve the URL."""

    prefix: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How requests to a URL are sent, and why; ``str()`` of it is for people."""

    url: str
    path: str
    """The name of the configuration file."""
    prefix: str | None
    """The prefix that serves the URL; none where no adapter does."""
    line: int | None
    """Where the file names that prefix; none where it is implied or mounted from code."""
    settings: tuple[Setting, ...]
    """Every key of the policy in effect, also those that are not set, which ``str()`` leaves out.

    Empty for an adapter that was mounted from code.
    """
    others: tuple[Loser, ...]

    def __str__(self) -> str:
        served = f"served by {self.prefix}" if self.prefix else "not served by any prefix"
        place = f"  {self.path}:{self.line}" if self.line else ""
        lines = [self.url, f"  {served}{place}"]
        told = [setting for setting in self.settings if setting.value is not None]
        width = max((len(setting.key) for setting in told), default=0)
        shown = [(setting, show_toml(setting.value)) for setting in told]
        values = min(max((len(value) for _, value in shown), default=0), _WIDEST_VALUE)
        for setting, value in shown:
            place = f"{self.path}:{setting.line}  " if setting.line else ""
            lines.append(f"    {setting.key:{width}}  {value:{values}}  {place}{setting.layer}")
        if self.prefix and not self.settings:
            lines.append("    an adapter that was mounted from code")
        if self.others:
            width = max(len(other.prefix) for other in self.others)
            lines.append("  not served by")
            lines += [f"    {other.prefix:{width}}  {other.reason}" for other in self.others]
        return "\n".join(lines)


def explain_url(config: Config, url: str) -> Explanation:
    """Explain what a session of a configuration does with a URL, before there is one."""
    mounts = {mount.text: mount for mount in config.mounts}
    winner = find_mount(config, url)
    return explain(config, url, winner=winner.text if winner else None, mount=winner, keys=mounts)


def find_mount(config: Config, url: str) -> Mount | None:
    """Return the mount that serves a URL; one that cannot be parsed is compared as text."""
    try:
        return config.router.find(url)
    except ValueError:
        matching = (m for m in config.mounts if url.lower().startswith(m.text))
        return next(matching, None)


def explain(
    config: Config, url: str, *, winner: str | None, mount: Mount | None, keys: Iterable[str]
) -> Explanation:
    """Explain why ``winner`` serves a URL and the other keys do not.

    ``mount`` is the winner's in the configuration, none where it was mounted from code.
    """
    document = config.document
    settings = tuple(_settings(config, mount)) if mount else ()
    line = config.line(mount) if mount else None
    return Explanation(
        url=url,
        path=document.source.name,
        prefix=winner,
        line=line,
        settings=settings,
        others=tuple(_losers(url, winner, keys)),
    )


def _settings(config: Config, mount: Mount) -> Iterator[Setting]:
    """Name every key of a policy and the layer that it comes from."""
    data = config.document.data
    layers = Layers(data).of("mounts", mount.key) if mount.key else [("defaults",)]
    for path, value in leaves(mount.policy):
        layer, place = _origin(data, layers, path) if value is not None else _BUILT_IN
        if path == ("deny",) and value and not place:
            layer, place = "unmatched", ("unmatched",)
        line = config.document.line(place) if place else None
        yield Setting(key=".".join(path), value=value, layer=layer, line=line)


def leaves(table: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Name every setting of a policy by its path, those of its tables too."""
    for field in fields(table):
        value = getattr(table, field.name)
        if is_dataclass(value):
            yield from leaves(value, (*path, field.name))
        else:
            yield (*path, field.name), value


def _origin(
    data: dict[str, Any], layers: Iterable[KeyPath], path: tuple[str, ...]
) -> tuple[str, KeyPath | None]:
    """Find the first layer that says something of a key.

    A layer that has a plain value where the key would need a table hides the layers below it.
    """
    for place in layers:
        value: Any = data
        for part in (*place, *path):
            if not isinstance(value, dict):
                return _BUILT_IN
            if part not in value:
                break
            value = value[part]
        else:
            return _LAYER_NAMES.get(str(place[0]), f"policy {place[-1]}"), (*place, *path)
    return _BUILT_IN


def _losers(url: str, winner: str | None, keys: Iterable[str]) -> Iterator[Loser]:
    try:
        place = Location.parse(url)
    except ValueError:
        return
    prefixes = {key: Prefix.read(key) for key in keys}
    won = prefixes.get(winner or "")
    for key, prefix in prefixes.items():
        if prefix and key != winner and (reason := _reason(place, won, prefix)):
            yield Loser(prefix=key, reason=reason)


def _reason(place: Location, won: Prefix | None, prefix: Prefix) -> str | None:
    """Say why a prefix does not serve a place; none where it is of another host altogether."""
    domain = prefix.host.removeprefix("*.")
    below = domain != prefix.host and place.host.endswith(f".{domain}")
    if prefix.scheme != place.scheme if not prefix.host else not below and domain != place.host:
        return None
    path = place.path if place.path.endswith("/") else f"{place.path}/"
    misses = (
        (prefix.scheme != place.scheme, "another scheme"),
        (domain != prefix.host and not below, "a wildcard serves what is below its domain"),
        (prefix.host and prefix.port not in {place.port, "*"}, "another port"),
        (
            prefix.path.removeprefix(path) != prefix.path != path,
            "its path is longer than the URL's",
        ),
        (not path.startswith(prefix.path), "another path"),
        (won is None, "a longer key is compared as text"),
    )
    miss = next((reason for missed, reason in misses if missed), None)
    return miss or (_outdone(won, prefix) if won else None)


def _outdone(won: Prefix, prefix: Prefix) -> str:
    """Say by what a prefix that matches is outdone."""
    if prefix.host != won.host:
        if not won.host.startswith("*."):
            return f"an exact host wins over {'a wildcard' if prefix.host else 'no host'}"
        return "a longer wildcard wins" if prefix.host else "a wildcard wins over no host"
    if prefix.port != won.port:
        return "an exact port wins over any port"
    if prefix.path != won.path:
        return "a longer path wins"
    return "the same prefix, mounted under another key"
