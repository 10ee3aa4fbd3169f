"""Connections that know their age and the deadline of the request that uses them."""

import time
from socket import socket
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from requests_mounts._file.policy import Policy
from requests_mounts._sending.deadline import Deadline
from requests_mounts._sending.dialling import dial
from requests_mounts._sending.twins import twin

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection as _Connection
else:
    _Connection = object  # The class of the pool comes behind it; see `put_under_policy`.


class PolicyConnection(_Connection):
    """What a policy adds to a connection, of whatever class the pool makes."""

    AT_FIRST: ClassVar[dict[str, Any]] = dict.fromkeys(
        ("opened", "returned", "deadline", "_dialled")
    )
    """Its attributes, to be given to `turn_into`."""

    opened: float | None
    """When it was last connected, on the monotonic clock."""

    returned: float | None
    """When it was last put back into its pool."""

    deadline: Deadline | None
    """The deadline of the request that has the connection at the moment."""

    _dialled: socket | None
    """A second handle of the socket, while it connects."""

    def connect(self) -> None:
        """Connect, and remember when."""
        try:
            super().connect()
        finally:
            if self.deadline:
                self.deadline.watch(self, self.sock)
            if self._dialled:
                self._dialled.close()
        self.opened = time.monotonic()
        if self.deadline:
            self.deadline.check()

    def _new_conn(self) -> socket:
        """Open the socket, and keep a second handle of it to cut it by.

        The first one is of no use during a TLS handshake, as the `ssl` module detaches it; and a
        number alone might be another's file by the time that it is used.
        """
        if self.deadline is None:
            return super()._new_conn()
        self.timeout = self.deadline.least(self.timeout)
        sock = dial(self, self.deadline, super()._new_conn)
        try:
            self._dialled = sock.dup()
            self.deadline.watch(self, self._dialled)
        except BaseException:
            sock.close()
            raise
        return sock

    def is_stale(self, policy: Policy) -> bool:
        """Tell whether it is too old, or was idle for too long, to be used again."""
        now = time.monotonic()
        return _exceeds(now, self.returned, policy.keepalive_expiry) or _exceeds(
            now, self.opened, policy.max_connection_age
        )


_Ours = TypeVar("_Ours")


def turn_into(ours: type[_Ours], connection: Any, **attributes: Any) -> _Ours:
    """Turn a connection into one that a policy acts on, and that has these attributes at first.

    Its class is changed instead of the pool's ``ConnectionCls``, which recorders replace. And not
    by assignment: vcrpy's connections pass on what is assigned to the real ones behind them.

    No attribute has a default in the class: CPython specialises access to those that have none.
    """
    vars(connection).update(attributes)
    object.__setattr__(connection, "__class__", twin(ours, type(connection)))
    changed: _Ours = connection
    return changed


def turn_real_into(ours: type[_Ours], connection: Any, **attributes: Any) -> _Ours:
    """Turn the connection that a socket belongs to; one of vcrpy has it inside."""
    return turn_into(ours, getattr(connection, "real_connection", connection), **attributes)


def _exceeds(now: float, since: float | None, limit: float | None) -> bool:
    return since is not None and limit is not None and now - since >= limit
