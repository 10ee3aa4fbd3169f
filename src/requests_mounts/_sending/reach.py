"""Where the connections of a mount may go: ``connect_to``, ``address_family`` and ``addresses``.

1. A name is looked up once; what comes out is judged, and dialled as it is. Nobody can answer
   otherwise between the two.
2. It happens where a connection opens its socket, below pools and retries: for each hop of a
   redirect, each retry, and each connection that is opened anew.
3. The host in the URL stays what a certificate, the Host header and the pool go by.
4. What is opened in any other way, as through a proxy, cannot be judged and is refused.
"""

import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from urllib3 import HTTPConnectionPool
from urllib3.exceptions import LocationParseError
from urllib3.util import connection as urllib3_util

from requests_mounts._file.addresses import AddressRule, parse_addresses
from requests_mounts._file.policy import Policy
from requests_mounts._file.reach import targets_of
from requests_mounts._file.targets import Target
from requests_mounts._secret import reveal
from requests_mounts._sending.connections import turn_real_into
from requests_mounts._sending.dialling import as_urllib3_does

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection as _Connection
else:
    _Connection = object  # The class of the pool comes behind it; see `ReachingPool`.

_UNIX: Any = getattr(socket, "AF_UNIX", None)  # Windows has none.
_FAMILIES: Final = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
FREE: Final[tuple[object, ...]] = ((), "any", ("any",))
"""The three keys where they restrict nothing."""
_Address: TypeAlias = tuple[socket.AddressFamily, Any]
"""A family of sockets, and an address as its sockets take it."""


class AddressDenied(Exception):  # noqa: N818 - it never leaves the library
    """Nothing is left that may be dialled: a `Signal`, whose error the adapter makes itself.

    Only the adapter knows which mount it was, and where its file says so.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reach:
    """What the connections of a mount may dial."""

    targets: tuple[Target, ...]
    family: socket.AddressFamily | None
    rule: AddressRule

    @property
    def is_checked(self) -> bool:
        """Whether it matters who dials, so that a proxy cannot do it."""
        return bool(self.targets) or self.rule.restricts

    def find(self, host: str, port: int) -> list[_Address]:
        """Look a host up, once, and return what may be dialled, in the order of the answer.

        Raises `AddressDenied` if none of it may, and `OSError` if the host is not found.
        """
        found = list(self._find_all(host, port))
        if not self.rule.restricts:
            return [address for address, _ in found]
        allowed = [address for address, _ in found if self.rule.allows(address[1][0])]
        if not allowed:
            refused = ", ".join(dict.fromkeys(shown for _, shown in found))
            raise AddressDenied(f"none of its addresses may be dialled ({refused})")
        return allowed

    def _find_all(self, host: str, port: int) -> Iterator[tuple[_Address, str]]:
        """Name each address with the text by which an error may tell of it."""
        if not self.targets:
            family = self.family or urllib3_util.allowed_gai_family()
            yield from ((address, address[1][0]) for address in _look_up(host, port, family))
        for target in self.targets:
            if target.path:
                yield (_UNIX, target.path), target.shown
            else:
                place = (str(target.address), target.port or port, socket.AF_UNSPEC)
                for address in _look_up(*place, socket.AI_NUMERICHOST):
                    yield address, target.shown


def reach_of(policy: Policy) -> Reach | None:
    """Return what a policy says of addresses; `None` if it says nothing."""
    targets, family = targets_of(policy), _FAMILIES.get(policy.address_family)
    rule = parse_addresses(tuple(map(reveal, policy.addresses)))
    return Reach(targets, family, rule) if targets or family or rule.restricts else None


class ReachingConnection(_Connection):
    """A connection that dials what it may."""

    reach: Reach
    has_dialled: bool

    def connect(self) -> None:
        """Connect, or refuse a way of connecting that went past the rule."""
        self.has_dialled = False
        super().connect()
        if self.reach.is_checked and not self.has_dialled:
            self.close()
            raise AddressDenied("its addresses cannot be checked")

    def _new_conn(self) -> socket.socket:
        if hasattr(self, "_socks_options"):  # PySocks dials, and no rule depends on it.
            return super()._new_conn()
        host, port = self._dns_host, self.port
        try:
            opened = _open_first(self, self.reach.find(host.strip("[]"), port))
        except UnicodeError:
            raise LocationParseError(f"'{host}', label empty or too long") from None
        except OSError as error:
            raise as_urllib3_does(self, error) from error
        self.has_dialled = True
        sys.audit("http.client.connect", self, self.host, self.port)
        return opened


class ReachingPool(HTTPConnectionPool):
    """A pool whose connections dial what they may."""

    _reach: Reach | None = None

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        if self._reach:
            turn_real_into(ReachingConnection, connection, reach=self._reach)
        return connection


def _look_up(host: str, port: int, family: int, flags: int = 0) -> Iterator[_Address]:
    for found, *_, address in socket.getaddrinfo(
        host, port, family, socket.SOCK_STREAM, flags=flags
    ):
        yield found, address


def _open_first(connection: Any, addresses: list[_Address]) -> socket.socket:
    """Dial in order, each with the connect timeout, or with what the deadline leaves of it."""
    deadline = getattr(connection, "deadline", None)
    last = OSError("getaddrinfo returns an empty list")
    for family, address in addresses:
        timeout = connection.timeout
        if deadline:
            deadline.check()
            timeout = deadline.least(timeout)
        try:
            return _open(connection, family, address, timeout)
        except OSError as error:
            last = error
    raise last


def _open(connection: Any, family: int, address: Any, timeout: Any) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != _UNIX:
            for option in connection.socket_options or ():
                opened.setsockopt(*option)
            if connection.source_address:
                opened.bind(connection.source_address)
        opened.settimeout(timeout)
        opened.connect(address)
    except BaseException:
        opened.close()
        raise
    return opened
