"""The entries of ``connect_to``: what is dialled in the place of a host."""

import os
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from requests_mounts._file.addresses import IpAddress


class Target(NamedTuple):
    """An entry of ``connect_to``: an IP address, or the path of a Unix socket."""

    address: IpAddress | None
    port: int | None
    """`None` for that of the URL."""
    path: str
    shown: str = ""
    """The entry as it may be shown: with references, not with what variables hold."""


@lru_cache
def parse_target(text: str) -> Target:
    """Parse an entry; raises `ValueError` if it is not an IP address, nor ``unix:`` and a path."""
    kind, colon, path = text.partition(":")
    if colon and kind == "unix":
        return Target(None, None, _checked_path(path))
    address, port = text, ""
    if text.startswith("["):
        address, _, port = text[1:].rpartition("]")
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
        port = f":{port}"
    if port:
        number = int(port.removeprefix(":")) if _is_port(port) else 0
        if not 0 < number < 2**16:
            raise ValueError("not a port")
        return Target(ip_address(address), number, "")
    return Target(ip_address(address), None, "")


def locate_target(folder: str, text: str) -> str:
    """Return an entry with the path of its socket, if it has one, in a folder."""
    if not text.startswith("unix:"):
        return text
    return f"unix:{os.path.join(folder, text.removeprefix('unix:'))}"  # noqa: PTH118


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit()


def _checked_path(path: str) -> str:
    if not path or "\0" in path:
        raise ValueError("not a path")
    return path
