"""How a policy ends a request from inside urllib3."""

from abc import ABC, abstractmethod
from typing import ClassVar

from requests import PreparedRequest
from requests.exceptions import RequestException

from requests_mounts._sending.counters import Number


class Signal(Exception, ABC):  # noqa: N818 - it never leaves the library
    """Ends a request on its way through urllib3; `MountAdapter.send` raises its error instead.

    Never an `OSError`, which urllib3 and requests would wrap, retry or swallow. What is raised
    inside `urlopen` closes the connection, if one was taken, and gives its place in the pool back.
    """

    numbers: ClassVar[tuple[Number, ...]] = ("refused",)
    """What it counts as."""

    @abstractmethod
    def error(self, request: PreparedRequest) -> RequestException:
        """Return the error that the caller sees."""
