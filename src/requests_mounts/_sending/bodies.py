"""The body of a response under a deadline that goes on after `MountAdapter.send` has returned."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from requests_mounts._sending.deadline import Deadline
from requests_mounts._sending.twins import twin

if TYPE_CHECKING:
    _Response = HTTPResponse
else:
    _Response = object  # The class of the response comes behind it; see `read_under`.


class TimedBody(_Response):
    """Raises requests' `Timeout` where a body ends because its connection was cut.

    Through all of requests' own handlers, which turn other errors of a body into something else or
    ignore them in that of a redirect. A body without a length would end as if it were whole.
    """

    deadline: Deadline

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        """Read as urllib3 does."""
        try:
            data = super().read(*args, **kwargs)
        except (HTTPError, OSError) as error:
            self._check(error)
            raise
        self._check()
        return data

    def read1(self, *args: Any, **kwargs: Any) -> bytes:
        """Read as urllib3 does."""
        try:
            data = super().read1(*args, **kwargs)
        except (HTTPError, OSError) as error:
            self._check(error)
            raise
        self._check()
        return data

    def read_chunked(self, *args: Any, **kwargs: Any) -> Generator[bytes, None, None]:
        """Read as urllib3 does."""
        try:
            yield from super().read_chunked(*args, **kwargs)
        except (HTTPError, OSError) as error:
            self._check(error)
            raise
        self._check()

    def close(self) -> None:
        """Close as urllib3 does, which nothing can follow."""
        super().close()
        self.deadline.stop()

    def _check(self, error: Exception | None = None) -> None:
        if self.deadline.was_cut or (error and self.deadline.left() <= 0):
            self.close()
            self.release_conn()
            raise self.deadline.error() from error


def read_under(deadline: Deadline, raw: Any) -> bool:
    """Let the reading of a body keep to a deadline; return whether there is anything to read."""
    if not isinstance(raw, HTTPResponse) or not deadline.go_on_in_body():
        return False
    body: Any = raw
    body.deadline = deadline
    body.__class__ = twin(TimedBody, type(raw))
    return True
