"""How a connection opens its socket if there is a deadline: with what is left, for all addresses.

urllib3 and PySocks give each address of a host the whole timeout, and a SOCKS proxy may take it for
each byte of its answers. Everything else is theirs: the order of the addresses, the options, the
errors. Where a tool has replaced the way in which they connect, it is not for us to know better.
"""

import socket
import sys
from collections.abc import Callable
from typing import Any, Final, cast

from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import connection as urllib3_util

from requests_mounts._sending.deadline import Deadline

_Dial = Callable[[Any, Deadline], socket.socket]


def dial(connection: Any, deadline: Deadline, otherwise: Any) -> socket.socket:
    """Open the socket of a connection; ``otherwise`` is the way in which its class does it."""
    way = _WAYS.get(otherwise.__func__)
    if way is None or urllib3_util.create_connection.__module__ != urllib3_util.__name__:
        return cast("socket.socket", otherwise())
    try:
        opened = way(connection, deadline)
    except UnicodeError:  # A label is empty or too long, for which urllib3 has words of its own.
        return cast("socket.socket", otherwise())
    except OSError as error:
        raise as_urllib3_does(connection, error) from error
    sys.audit("http.client.connect", connection, connection.host, connection.port)
    return opened


def _dial_directly(connection: Any, deadline: Deadline) -> socket.socket:
    host = connection._dns_host  # noqa: SLF001 - with a final dot, unlike the public one
    last: OSError = OSError("getaddrinfo returns an empty list")
    family = urllib3_util.allowed_gai_family()
    for *_, address in _look_up(host.strip("[]"), connection.port, family):
        deadline.check()
        try:
            return urllib3_util.create_connection(
                _in_figures(*address),
                deadline.least(connection.timeout),
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            last = error
    raise last


def _dial_through_socks(connection: Any, deadline: Deadline) -> socket.socket:
    settings = connection._socks_options  # noqa: SLF001 - as PySocks is to be told
    host, port = settings["proxy_host"], settings["proxy_port"]
    last: OSError = OSError("gai returned empty list.")
    for family, kind, protocol, _, _ in _look_up(host.strip("[]"), port, socket.AF_UNSPEC):
        deadline.check()
        sock = _urllib3_socks.socks.socksocket(family, kind, protocol)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(deadline.least(connection.timeout))
            sock.set_proxy(
                settings["socks_version"],
                host.strip("[]"),
                port,
                settings["rdns"],
                settings["username"],
                settings["password"],
            )
            if connection.source_address:
                sock.bind(connection.source_address)
            deadline.watch(connection, sock)
            sock.connect((connection.host.strip("[]"), connection.port))
        except OSError as error:
            sock.close()
            last = error
        else:
            opened: socket.socket = sock
            return opened
    raise last


def _look_up(host: str, port: int, family: int) -> list[Any]:
    return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)


def _in_figures(ip: str, port: int, _flow: int = 0, scope: int = 0) -> tuple[str, int]:
    """Return an address as `create_connection` takes it: a link-local one needs its interface."""
    return f"{ip}%{scope}" if scope else ip, port


def as_urllib3_does(connection: Any, error: OSError) -> NewConnectionError | ConnectTimeoutError:
    """Return the error of urllib3's own ``_new_conn``; PySocks has the socket's own inside."""
    reason = getattr(error, "socket_err", None) or error
    if isinstance(error, socket.gaierror) and not hasattr(connection, "_socks_options"):
        return NameResolutionError(connection.host, connection, error)
    if isinstance(reason, TimeoutError):
        message = f"Connection to {connection.host} timed out."
        return ConnectTimeoutError(connection, f"{message} (connect timeout={connection.timeout})")
    return NewConnectionError(connection, f"Failed to establish a new connection: {reason}")


_urllib3_socks: Any = sys.modules.get("urllib3.contrib.socks")
"""Imported by requests, if PySocks is installed."""

_WAYS: Final[dict[Any, _Dial]] = {HTTPConnection._new_conn: _dial_directly} | (  # noqa: SLF001
    {_urllib3_socks.SOCKSConnection._new_conn: _dial_through_socks} if _urllib3_socks else {}  # noqa: SLF001
)
