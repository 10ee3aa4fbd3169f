"""The ``[[expect]]`` tables of a file, which are its own tests."""

from collections.abc import Iterator

from requests_mounts._explain import explain_url, find_mount
from requests_mounts._file.config import Claim, Config, Mount
from requests_mounts._file.diagnostics import Diagnostic
from requests_mounts._file.equality import same
from requests_mounts._file.settings import SettingPath, in_full, plain_path
from requests_mounts._file.unknown import is_unknown
from requests_mounts._routing.prefix import Prefix
from requests_mounts._toml import show_toml


def failures(config: Config) -> Iterator[Diagnostic]:
    """Report what the file expects and does not do."""
    for claim in config.expect:
        if any(one.may_serve(claim.url) for one in config.partial):
            continue  # Nobody knows, offline.
        mount = find_mount(config, claim.url)
        wanted = str(Prefix.parse(claim.mount))
        if not mount or mount.text != wanted:
            place = claim.place.below("mount")
            message = _why_not(config, claim, mount, wanted)
            yield place.problem(message, code="failed-expectation")
            continue
        effective = in_full(mount.policy)
        for path, value in claim.settings:
            if path == ("limit",):
                yield from _other_limit(config, claim, mount, str(value))
                continue
            found = effective.get(plain_path(path))
            if not same(found, value) and not is_unknown(config, mount, path):
                got = _got(config, mount, path, found)
                message = f"expected {show_toml(value)} (got {got})"
                yield claim.place.below(*path).problem(message, code="failed-expectation")


def _why_not(config: Config, claim: Claim, winner: Mount | None, wanted: str) -> str:
    """Say what won instead of a mount, and why, without what variables hold."""
    reasons = {other.prefix: other.reason for other in explain_url(config, claim.url).others}
    shown = next((mount.shown for mount in config.mounts if mount.text == wanted), None)
    reason = reasons.get(shown, "another host") if shown else "the file has no such mount"
    written = claim.place.below("mount").value
    expected = written if "${" in written else wanted
    return f"expected {expected} (got {winner.shown if winner else None}: {reason})"


def _other_limit(config: Config, claim: Claim, mount: Mount, name: str) -> Iterator[Diagnostic]:
    """Report another limit than the one of that name, also one of the same numbers."""
    path, table = ("limit",), config.limit_table(mount)
    if table == ("limits", name) or is_unknown(config, mount, path):
        return
    place = claim.place.below(*path)
    is_named = not table or table[0] == "limits"
    got = _got(config, mount, path, table[-1] if table else None) if is_named else "a table"
    message = f"expected {show_toml(place.value)} (got {got})"
    yield place.problem(message, code="failed-expectation")


def _got(config: Config, mount: Mount, path: SettingPath, value: object) -> str:
    """Say which value a key has instead, and from which line."""
    shown = show_toml(config.shown(mount, path, value))
    place = config.origin(mount, path).place if value is not None else None
    if not place:
        return shown
    return f"{shown} from {place if place.file != config.name else f'line {place.line}'}"
