"""The errors of a request that a policy ends, each also one of requests' own."""

from typing import Any

from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, InvalidURL, RequestException

from requests_mounts._errors import MountsError
from requests_mounts._secret import redact


class PoolTimeout(MountsError, ConnectTimeout):  # noqa: N818 - named as requests names its own
    """No connection of a pool with ``pool_block`` was free in time."""

    __module__ = "requests_mounts"


class DeniedURL(MountsError, InvalidURL):  # noqa: N818 - as above
    """The file denies requests to this URL; nothing was sent.

    ``prefix`` is the one that serves the URL, ``place`` the file and line that deny it.
    """

    __module__ = "requests_mounts"

    def __init__(self, url: str, prefix: str, place: str, **kwargs: Any) -> None:
        self.url, self.prefix, self.place = url, prefix, place
        super().__init__(str(self), **kwargs)  # Its arguments show in `repr`.

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url, self.prefix, self.place), self.__dict__

    def __str__(self) -> str:
        return f"{redact(self.url)} is denied by {self.prefix or 'its mount'} ({self.place})"


class DeniedAddress(DeniedURL):
    """No address of the host may be dialled, or nobody can tell which one would be.

    ``reason`` says which it is; nothing was sent.
    """

    __module__ = "requests_mounts"

    def __init__(self, url: str, prefix: str, place: str, reason: str, **kwargs: Any) -> None:
        self.reason = reason
        super().__init__(url, prefix, place, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url, self.prefix, self.place, self.reason), self.__dict__

    def __str__(self) -> str:
        return f"{super().__str__()}: {self.reason}"


class BodyTooLarge(MountsError, RequestException):  # noqa: N818 - as above
    """The body of a response is larger than ``max_body_size``; the connection was closed.

    ``limit`` is that size in bytes, which the body exceeds on the wire or decoded, ``prefix`` the
    one that serves the URL, ``place`` the file and line of the size.
    """

    __module__ = "requests_mounts"

    def __init__(
        self, url: str, limit: int, prefix: str = "", place: str = "", **kwargs: Any
    ) -> None:
        self.url, self.limit, self.prefix, self.place = url, limit, prefix, place
        super().__init__(str(self), **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url, self.limit, self.prefix, self.place), self.__dict__

    def __str__(self) -> str:
        size = f"max_body_size = {self.limit} of {name_mount(self.prefix, self.place)}"
        return f"{redact(self.url)} was answered with more bytes than {size}"


def name_mount(prefix: str, place: str) -> str:
    """Name a mount in an error, with the file and line that are to blame if they are known."""
    return f"{prefix or 'its mount'}{f' ({place})' if place else ''}"


class _RefusalError(MountsError):
    """What stands before an attempt refused it, and nothing was sent."""

    def __init__(
        self, url: str, prefix: str, place: str, retry_after: float | None, **kwargs: Any
    ) -> None:
        self.url, self.prefix, self.place, self.retry_after = url, prefix, place, retry_after
        super().__init__(str(self), **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (self.url, self.prefix, self.place, self.retry_after)
        return type(self), arguments, self.__dict__

    @property
    def _mount(self) -> str:
        return name_mount(self.prefix, self.place)


class LimitExceeded(_RefusalError, ConnectTimeout):  # noqa: N818 - as above
    """The wait under a limit was longer than the file or the deadline allows; nothing was sent.

    ``retry_after`` is that wait in seconds, `None` if it depends on when other requests end;
    ``prefix`` is the one that serves the URL, ``place`` the file and line of the limit.
    """

    __module__ = "requests_mounts"

    def __init__(
        self,
        url: str,
        prefix: str,
        place: str,
        retry_after: float | None,
        longest: str = "max_wait",
        **kwargs: Any,
    ) -> None:
        self._longest = longest
        super().__init__(url, prefix, place, retry_after, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        kind, arguments, state = super().__reduce__()
        return kind, (*arguments, self._longest), state

    def __str__(self) -> str:
        turn = f"{redact(self.url)} was not sent: its turn under the limit of {self._mount}"
        if self.retry_after is None:
            return f"{turn} did not come within {self._longest}"
        return f"{turn} would come in {self.retry_after:.3g} s, not within {self._longest}"


class CircuitOpen(_RefusalError, RequestsConnectionError):  # noqa: N818 - as above
    """Too many attempts have failed, so nothing is sent for a while.

    ``retry_after`` is that while in seconds, ``prefix`` the one that serves the URL, ``place`` the
    file and line of the breaker. The error that opened the circuit is the cause, if it was one.
    """

    __module__ = "requests_mounts"

    retry_after: float

    def __str__(self) -> str:
        refusal = f"the breaker of {self._mount} refuses all for another {self.retry_after:.3g} s"
        return f"{redact(self.url)} was not sent: {refusal}"
