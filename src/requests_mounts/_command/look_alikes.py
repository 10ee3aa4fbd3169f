"""Prefixes that look like patterns or networks, and are neither: they hardly ever match."""

from collections.abc import Iterator
from ipaddress import ip_network

from requests_mounts._command.caution import Caution
from requests_mounts._routing.prefix import Prefix
from requests_mounts._routing.url import is_ip_address
from requests_mounts._toml import show_text

_STARS = {"*", "**"}


def look_alikes(prefix: Prefix, *, named: bool) -> Iterator[Caution]:
    """Warn of a star in a path, and of an address with the length of a network's prefix.

    Unless it is ``named``, variables are a part of the prefix, and it is not written again.
    """
    segments = prefix.path.strip("/").split("/")
    if any("*" in segment for segment in segments):
        message = f"a * in a path is that character; {_instead(prefix, segments, named=named)}"
        yield Caution(code="literal-star", message=message)
    if is_ip_address(prefix.host) and len(segments) == 1 and _is_network(prefix.host, segments[0]):
        length = show_text(prefix.path[:-1]) if named else "what follows the address"
        message = (
            f"{length} is a path, and a network cannot be a prefix; write a mount for each address"
        )
        yield Caution(code="network-prefix", message=message)


def _instead(prefix: Prefix, segments: list[str], *, named: bool) -> str:
    """Say what serves all that a star at the end was meant to, if that is a prefix."""
    while segments and segments[-1] in _STARS:
        segments = segments[:-1]
    if not named or any("*" in segment for segment in segments):
        return "write the segments before it, which serve all that is below them"
    path = "".join(f"/{segment}" for segment in segments)
    shorter = prefix._replace(path=f"{path}/")
    return f"write {shorter}, which serves all that is below it"


def _is_network(host: str, length: str) -> bool:
    """Tell whether a network begins at an address and has a prefix of so many bits."""
    if not (length.isascii() and length.isdigit()):
        return False
    try:
        ip_network(f"{host.strip('[]')}/{length}")
    except ValueError:
        return False
    return True
