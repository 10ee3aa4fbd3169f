"""What a session that was loaded offline cannot send, refused where a connection would be chosen.

Tools such as responses replace `HTTPAdapter.send`, and what they answer needs neither a variable
nor a file. So a request goes all the way to requests, and is refused before a socket is opened.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from requests_mounts._errors import MountsError
from requests_mounts._file.options import Tls
from requests_mounts._file.tls import tls_problems

_refusal: ContextVar[MountsError | None] = ContextVar("refusal", default=None)
"""Why the request that this thread sends may not reach a server."""


@contextmanager
def refusing(error: MountsError) -> Iterator[None]:
    """Let `check` raise an error for what is sent meanwhile."""
    token = _refusal.set(error)
    try:
        yield
    finally:
        _refusal.reset(token)


def check() -> None:
    """Raise the error for which the request of this thread is refused."""
    if error := _refusal.get():
        raise error


def check_files(tls: Tls, prefix: str) -> None:
    """Try the files of TLS settings out, as loading does that is not offline."""
    for key, problem in tls_problems(tls):
        raise MountsError(f"{prefix} cannot use its tls.{key}: {problem}")
