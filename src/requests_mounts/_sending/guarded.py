"""urllib3's connections and retries where a mount has a limit, a breaker or a retry budget."""

from typing import TYPE_CHECKING, Any

from urllib3 import Retry
from urllib3.response import BaseHTTPResponse

from requests_mounts._sending.calls import current_attempt
from requests_mounts._sending.counting import CountedConnection
from requests_mounts._sending.limit import Permit
from requests_mounts._sending.twins import twin

if TYPE_CHECKING:
    _Retry = Retry
else:
    _Retry = object  # The class of the retry comes behind it; see `guarded`.


class GuardedConnection(CountedConnection):
    """A connection that has a permit from the headers of a response until its body is over."""

    permit: Permit | None
    """Not there yet while the headers are read: http.client closes the connection by then if the
    end of the body is that of the connection, of which the server is still sending."""

    def connect(self) -> None:
        """Connect, and let the request go out only as its limit allows now."""
        super().connect()
        if attempt := current_attempt():
            attempt.use()

    def close(self) -> None:
        """Close, which ends what the permit is for."""
        super().close()
        self.give_permit_back()

    def __del__(self) -> None:
        """Give it back if nobody read what came."""
        super().__del__()
        self.give_permit_back()

    def give_permit_back(self) -> None:
        """Let the next attempt have it."""
        permit, self.permit = self.permit, None
        if permit:
            permit.give_back()


class GuardedRetry(_Retry):
    """Asks the breaker and the budget before it lets an attempt be made again."""

    def increment(self, *args: Any, **kwargs: Any) -> Any:
        """Count an attempt, as if ``total`` were used up if the budget is."""
        counted = super().increment(*args, **kwargs)
        attempt = current_attempt()
        if attempt is None:
            return counted
        if not attempt.may_retry():
            kwargs["_pool"].count("unretried")
            return super(GuardedRetry, self.new(total=0)).increment(*args, **kwargs)
        try:
            attempt.refuse(after=kwargs.get("error"))
        except BaseException:
            response: BaseHTTPResponse | None = kwargs.get("response")
            if response is not None:
                response.drain_conn()
            raise
        return counted


def guarded(retry: Retry) -> Retry:
    """Return a retry with the options of another, and of its class, even the user's own."""
    bound = object.__new__(twin(GuardedRetry, type(retry)))
    bound.__dict__ = retry.__dict__
    told: Retry = bound
    return told
