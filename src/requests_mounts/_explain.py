"""Why a URL is served as it is: the prefix that won, where each setting comes from, who lost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from requests_mounts._file.config import BUILT_IN, Config, Mount
from requests_mounts._file.settings import SettingPath, leaves
from requests_mounts._file.unknown import left_out
from requests_mounts._routing.location import Location, prepare
from requests_mounts._routing.matching import ANOTHER_HOST, explain_loss, explain_miss
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import Secret
from requests_mounts._toml import show_toml

_WIDEST_VALUE = 20
_WITHOUT_EFFECT = {
    "ignore",
    # requests follows redirects itself.
    "max_retries.redirect",
    "max_retries.raise_on_redirect",
    "max_retries.remove_headers_on_redirect",
}
_NEEDED = {"no_proxy": "proxy", "pool_timeout": "pool_block"}
"""What a key needs to have an effect."""
_COUNTED = ("limit", "breaker", "retry_budget")
"""What has a state, which processes do not share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The value of a key and where it comes from."""

    key: str
    value: object
    """What a secret holds is not in it: a password shows as asterisks, a variable by its name."""
    layer: str
    """``mount``, ``policy`` and its name, ``defaults``, ``unmatched``, or ``built in``."""
    line: int | None
    """The line in the file; none for what is built in."""
    path: str | None = None
    """The name of the file; it may be one that the configuration file extends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loser:
    """A prefix of the same host that does not serve the URL."""

    prefix: str
    """Its canonical spelling, or as the file writes it if variables are a part of it."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How requests to a URL are sent, and why; ``str()`` of it is for people."""

    __module__ = "requests_mounts"

    url: str
    path: str
    """The name of the file that names that prefix, or refuses what none serves; where none does,
    that of the configuration file."""
    prefix: str | None
    """The prefix that serves the URL; none where no adapter does."""
    line: int | None
    """Where the file names that prefix; none where it is implied or mounted from code."""
    settings: tuple[Setting, ...]
    """Every key of the policy in effect, also those that are not set, which ``str()`` leaves out.

    Empty for an adapter that was mounted from code.
    """
    others: tuple[Loser, ...]
    unknown: tuple[Loser, ...] = ()
    """Prefixes that may serve the URL and lack a variable, as the file was loaded offline.

    If there are some, a request to the URL is refused before anything is sent.
    """
    denied: bool = False
    """Whether a request to the URL raises `DeniedURL`."""

    def __str__(self) -> str:
        return self.text()

    def text(self, *, everything: bool = False) -> str:
        """Return the explanation for people: who serves the URL, settings, and who does not.

        With ``everything``, settings are in it that are built in or have no effect.
        """
        lines = [self.url, *self._refusal(), f"  {self._verdict()}"]
        told = [setting for setting in self.settings if everything or self._matters(setting)]
        rows = [(one, show_toml(one.value)) for one in told if one.value is not None or everything]
        width = max((len(setting.key) for setting, _ in rows), default=0)
        values = min(max((len(value) for _, value in rows), default=0), _WIDEST_VALUE)
        for setting, value in rows:
            place = f"{setting.path}:{setting.line}  " if setting.line else ""
            lines.append(f"    {setting.key:{width}}  {value:{values}}  {place}{setting.layer}")
        if self.prefix and not rows and not self.denied:
            code = "an adapter that was mounted from code"
            lines.append(f"    {'as requests' if self.settings else code}")
        keys = {one.key.partition(".")[0] for one, _ in rows if one.value is not None}
        if counted := [key for key in _COUNTED if key in keys]:
            lines.append(f"  counted by each process for itself: {', '.join(counted)}")
        if self.others:
            lines += ["  not served by", *_columns(self.others)]
        return "\n".join(lines)

    def _refusal(self) -> list[str]:
        """Say which prefixes may serve the URL instead, where nothing is sent because of them."""
        if not self.unknown or self.denied:
            return []
        return ["  not sent, as it may be served by", *_columns(self.unknown)]

    def _verdict(self) -> str:
        """Say who serves the URL, or what denies it and where that is written."""
        if not self.prefix:
            return "not served by any prefix"
        if self.denied:
            setting = next(setting for setting in self.settings if setting.key == "deny")
            by = 'unmatched = "deny"' if setting.layer == "unmatched" else self.prefix
            return f"denied by {by}  {setting.path}:{setting.line}"
        place = f"  {self.path}:{self.line}" if self.line else ""
        return f"served by {self.prefix}{place}"

    def _matters(self, setting: Setting) -> bool:
        """Tell whether a setting is of the file and changes how a request is sent."""
        if self.denied or setting.layer == BUILT_IN.layer or setting.key in _WITHOUT_EFFECT:
            return False
        needed = "max_retries.total" if setting.key.startswith("max_retries.") else ""
        needed = _NEEDED.get(setting.key, needed)
        return not needed or needed == setting.key or self._is_set(needed)

    def _is_set(self, key: str) -> bool:
        """Tell whether a key has a value that says something; of a proxy, a URL."""
        found = next((setting.value for setting in self.settings if setting.key == key), None)
        return bool(found) and found not in ("env", "direct")


def explain_url(config: Config, url: str) -> Explanation:
    """Explain what a session of a configuration does with a URL, before there is one."""
    mounts = {mount.text: mount for mount in config.mounts}
    winner = find_mount(config, url)
    return explain(config, url, winner=winner.text if winner else None, mount=winner, keys=mounts)


def find_mount(config: Config, url: str) -> Mount | None:
    """Return the mount that serves a URL as a caller writes it."""
    return config.index.find(prepare(url))


def explain(
    config: Config, url: str, *, winner: str | None, mount: Mount | None, keys: Iterable[str]
) -> Explanation:
    """Explain why ``winner`` serves a URL and the other keys do not.

    ``mount`` is the winner's in the configuration, none where it was mounted from code.
    """
    settings = tuple(settings_of(config, mount)) if mount else ()
    place = config.place(mount) if mount else None
    return Explanation(
        url=url,
        path=place.file if place else config.name,
        prefix=winner,
        line=place.line if place else None,
        settings=settings,
        others=tuple(_losers(config, url, winner, keys)),
        unknown=tuple(
            Loser(prefix=one.text, reason=f"the environment variable {one.variable} is not set")
            for one in config.partial
            if one.may_serve(prepare(url))
        ),
        denied=mount.policy.deny if mount else False,
    )


def settings_of(config: Config, mount: Mount) -> Iterator[Setting]:
    """Name every key of a policy."""
    for path, value in leaves(mount.policy):
        if table := left_out(config, mount, path[0]):
            yield from (
                setting_of(config, mount, key, _written(config, mount, key)) for key in table
            )
        else:
            yield setting_of(config, mount, path, value)


def _written(config: Config, mount: Mount, path: SettingPath) -> object:
    """Return a value as the file writes it, as there is none in the policy."""
    place = config.origin(mount, path).place
    value = place.value if place else None
    return tuple(value) if isinstance(value, list) else value


def setting_of(config: Config, mount: Mount, path: SettingPath, value: object) -> Setting:
    """Name a key of a policy, as much of its value as may be shown, and where it comes from."""
    origin = config.origin(mount, path) if value is not None or mount.lacking else BUILT_IN
    shown = str(value) if isinstance(value, Secret) else value
    return Setting(
        key=".".join(path),
        value=shown if origin.reference is None else origin.reference,
        layer=origin.layer,
        line=origin.line,
        path=origin.file,
    )


def _columns(losers: tuple[Loser, ...]) -> Iterator[str]:
    width = max(len(loser.prefix) for loser in losers)
    return (f"    {loser.prefix:{width}}  {loser.reason}" for loser in losers)


def _losers(config: Config, url: str, winner: str | None, keys: Iterable[str]) -> Iterator[Loser]:
    shown = {mount.text: mount.shown for mount in config.mounts if mount.key is not None}
    place = Location.find(prepare(url))
    won = Prefix.read(winner or "")
    for key in keys:
        prefix = Prefix.read(key)
        if place and prefix and key != winner and (reason := _reason(prefix, place, won)):
            yield Loser(prefix=shown.get(key, key), reason=reason)


def _reason(prefix: Prefix, place: Location, won: Prefix | None) -> str | None:
    """Say why a prefix does not serve a place; `None` if it has nothing to do with its host."""
    if miss := explain_miss(prefix, place):
        return miss if prefix.host and miss != ANOTHER_HOST else None
    return explain_loss(prefix, won) if won else "a longer key is compared as text"
