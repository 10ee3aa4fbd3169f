"""Headers that are not to be sent at all, though urllib3 fills them in where nobody sets them.

urllib3 takes a mark in the place of a value for that. It is put where the socket is written to, so
that whatever looks at a request before, such as a fake server or a recorder, sees no such header.
"""

from typing import TYPE_CHECKING, Any, Final

from urllib3 import HTTPConnectionPool
from urllib3.util import SKIP_HEADER

from requests_mounts._file.policy import Policy
from requests_mounts._sending.connections import turn_real_into

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection as _Connection
else:
    _Connection = object  # The class of the pool comes behind it; see `WithholdingPool`.

_FILLED_IN: Final = ("accept-encoding", "user-agent")


class WithholdingConnection(_Connection):
    """A connection that fills in less than urllib3's own."""

    withheld: tuple[str, ...]

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> Any:
        """Send a request as urllib3 does, without the headers that nobody set."""
        told = dict.fromkeys(self.withheld, SKIP_HEADER) | dict((headers or {}).items())
        return super().request(method, url, body, told, **kwargs)


class WithholdingPool(HTTPConnectionPool):
    """A pool of such connections."""

    _withheld: tuple[str, ...] = ()

    def _new_conn(self) -> Any:
        connection = super()._new_conn()
        if self._withheld:
            turn_real_into(WithholdingConnection, connection, withheld=self._withheld)
        return connection


def withheld_by(policy: Policy) -> tuple[str, ...]:
    """Name what urllib3 would fill in and a policy takes away, in lower case."""
    by_name = policy.headers.by_name()
    return tuple(name for name in _FILLED_IN if by_name.get(name) is False)
