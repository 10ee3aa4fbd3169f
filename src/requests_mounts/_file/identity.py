"""Who we are to a host: what of ``headers`` and ``auth`` does not fit together, or is open."""

import ipaddress
from collections.abc import Callable, Iterator

from requests_mounts._file.bearer import bearer_file
from requests_mounts._file.document import Document, Place
from requests_mounts._file.merging import as_table, settings_of
from requests_mounts._file.options import Auth
from requests_mounts._file.policy import Policy
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import Secret, is_missing, is_secret
from requests_mounts._toml import show_path

_WAYS = ("bearer", "bearer_file", "username")
_OTHERS = "expected one of bearer, bearer_file, or username and password"


def repeated_headers(document: Document) -> Iterator[tuple[Place, str]]:
    """Name the headers that one table has twice, in two cases, and say so."""
    for path, headers in settings_of(document.data, "headers"):
        first: dict[str, str] = {}
        for name in as_table(headers):
            if first.setdefault(name.lower(), name) != name:
                yield Place(document, (*path, name)), f"the same header as {first[name.lower()]}"


def identity_problems(
    policy: Policy, *, problem_of: Callable[[str | Secret], str] | None
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Name the keys that cannot be used, why, and the code of the problem.

    ``problem_of`` tells what is wrong with the file of a token, if files may be opened.
    """
    auth = policy.auth
    if not isinstance(auth, Auth):
        return
    if "authorization" in policy.headers.by_name():
        yield ("headers", "Authorization"), "expected no such header beside auth", "conflict"
    ways = [way for way in _WAYS if getattr(auth, way) is not None]
    if len(ways) != 1:
        got = " and ".join(ways) if ways else "neither"
        yield ("auth",), f"{_OTHERS} (got {got})", "conflict" if ways else "missing-key"
    elif (auth.username is None) != (auth.password is None):
        lacking = "password" if auth.password is None else "username"
        yield ("auth",), f"the key {lacking} is missing", "missing-key"
    elif problem_of and auth.bearer_file is not None and (problem := problem_of(auth.bearer_file)):
        yield ("auth", "bearer_file"), problem, "unusable-token"


def token_problem(path: str | Secret) -> str:
    """Read the file of a token, and say what is wrong with it, if anything is."""
    if is_missing(path):
        return ""
    problem = bearer_file(path).look()
    return f"expected the file of a token (got {show_path(path)}: {problem})" if problem else ""


def secrets_of(policy: Policy) -> Iterator[tuple[str, ...]]:
    """Name the settings that tell a host who we are, and may not be told to others."""
    if isinstance(policy.auth, Auth):
        for way in ("bearer", "bearer_file", "password"):
            if getattr(policy.auth, way) is not None:
                yield "auth", way
    for name, value in policy.headers.by_name().items():
        if value is not False and is_secret(name):
            yield "headers", name


def is_wide(prefix: Prefix) -> bool:
    """Tell whether a prefix serves hosts that the file does not name."""
    return not prefix.host or prefix.host.startswith("*.")


def is_in_the_clear(prefix: Prefix) -> bool:
    """Tell whether requests of a prefix may be read on their way."""
    return prefix.scheme == "http" and not _is_loopback(prefix.host)


def _is_loopback(host: str) -> bool:
    if host.removeprefix("*.") == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
