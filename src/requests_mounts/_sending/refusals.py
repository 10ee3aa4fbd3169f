"""The errors of a request that a policy ends, each also one of requests' own."""

from typing import Any

from requests.exceptions import ConnectTimeout, InvalidURL

from requests_mounts._errors import MountsError
from requests_mounts._secret import redact


class PoolTimeout(MountsError, ConnectTimeout):  # noqa: N818 - named as requests names its own
    """No connection of a pool with ``pool_block`` was free in time."""


class DeniedURL(MountsError, InvalidURL):  # noqa: N818 - as above
    """The file denies requests to this URL; nothing was sent.

    ``prefix`` is the one that serves the URL, ``place`` the file and line that deny it.
    """

    def __init__(self, url: str, prefix: str, place: str, **kwargs: Any) -> None:
        self.url, self.prefix, self.place = url, prefix, place
        super().__init__(url, prefix, place, **kwargs)

    def __str__(self) -> str:
        return f"{redact(self.url)} is denied by {self.prefix or 'its mount'} ({self.place})"
