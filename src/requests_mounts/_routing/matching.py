"""Whether a prefix serves a place, why it does not, and which of two is the stronger.

1. The scheme is the same.
2. The host is the same, or below the domain of a wildcard, or the prefix names no host. The exact
   host is stronger than a wildcard, the longer wildcard than the shorter, and any host than none.
3. The port is the same, or the prefix takes any, as one without a host does. The exact is stronger.
4. The path begins with all the segments of the prefix. The longer is stronger.

The host decides before the port is asked, and the port before the path. What the rules let through
is listed here, the strongest first: the index looks up the lists, and so a rule is written once.
"""

from collections.abc import Iterator
from typing import TypeAlias

from requests_mounts._routing.location import Location
from requests_mounts._routing.prefix import Prefix

Origin: TypeAlias = tuple[str, str, str]
"""The scheme, host and port of a prefix."""

ANOTHER_HOST = "another host"
_ANY_PORT = "*"


def list_origins(place: Location) -> Iterator[Origin]:
    """List the origins of the prefixes that may serve a place."""
    for host in list_hosts(place.host):
        for port in _list_ports(host, place.port):
            yield place.scheme, host, port


def list_hosts(host: str) -> Iterator[str]:
    """List the hosts of the prefixes that may serve a host, the last of which is none."""
    if host:
        yield host
    dot = host.find(".")
    while dot >= 0:  # Of an address too, of which no prefix has a part for its domain.
        yield f"*{host[dot:]}"
        dot = host.find(".", dot + 1)
    yield ""


def _list_ports(host: str, port: str) -> tuple[str, ...]:
    """List the ports of prefixes with a host that may serve a port."""
    return (port, _ANY_PORT) if host else ("",)


def list_paths(path: str) -> Iterator[str]:
    """List the paths of the prefixes that may serve a canonical path."""
    path = path if path.endswith("/") else f"{path}/"
    return (path[:end] for end in range(len(path), 0, -1) if path[end - 1] == "/")


def explain_miss(prefix: Prefix, place: Location) -> str | None:
    """Say by which rule a prefix cannot serve a place; `None` if it can."""
    if prefix.host not in list_hosts(place.host):
        below = prefix.host == f"*.{place.host}"
        return "a wildcard serves what is below its domain" if below else ANOTHER_HOST
    if prefix.scheme != place.scheme:
        return "another scheme"
    if prefix.port not in _list_ports(prefix.host, place.port):
        return "another port"
    longest, *shorter = list_paths(place.path)
    if (path := prefix.path or "/") not in {longest, *shorter}:
        longer = path.startswith(longest)
        return "its path is longer than the URL's" if longer else "another path"
    return None


def explain_loss(prefix: Prefix, winner: Prefix) -> str:
    """Say by what a prefix is outdone, of two that can serve a place."""
    if prefix.host != winner.host:
        if not winner.host.startswith("*."):
            return f"an exact host wins over {'a wildcard' if prefix.host else 'no host'}"
        return "a longer wildcard wins" if prefix.host else "a wildcard wins over no host"
    if prefix.port != winner.port:
        return "an exact port wins over any port"
    if prefix.path != winner.path:
        return "a longer path wins"
    return "the same prefix, mounted under another key"
