"""The token in a file that somebody else renews, such as a projected service account token."""

import logging
import os
import time
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final

from requests_mounts._errors import MountsError
from requests_mounts._secret import Secret, reveal

_log = logging.getLogger("requests_mounts.auth")
_EVERY: Final = 1.0
"""Seconds between two looks at a file."""
_LARGEST: Final = 2**16


class BearerFile:
    """A file and the last token that was in it; threads share it, and so do mounts."""

    def __init__(self, path: str | Secret) -> None:
        self._path = path
        self._token = ""
        self._next = float("-inf")
        self._is_broken = False
        self._one_at_a_time = Lock()
        self._process = os.getpid()

    def look(self) -> str:
        """Read the file now; return what is wrong with it, or nothing."""
        try:
            self._token = _read(reveal(self._path))
        except (OSError, ValueError) as error:
            return getattr(error, "strerror", None) or str(error)
        return ""

    def token(self) -> str:
        """Return the token, at most a second old, or the last one that could be read.

        Raises `MountsError` if there was none yet.
        """
        if self._process != os.getpid():  # Forked, perhaps while another thread had the lock.
            self._process, self._one_at_a_time = os.getpid(), Lock()
        if time.monotonic() >= self._next and self._one_at_a_time.acquire(blocking=not self._token):
            try:
                if time.monotonic() >= self._next:
                    self._renew()
            finally:
                self._one_at_a_time.release()
        if not self._token:
            raise MountsError(f"{self._path}: expected a token to send (it was never readable)")
        return self._token

    def _renew(self) -> None:
        problem = self.look()
        if problem and self._token and not self._is_broken:
            _log.warning("%s: %s; the last token is sent on", self._path, problem)
        self._is_broken = bool(problem)
        self._next = time.monotonic() + _EVERY


@lru_cache(maxsize=1024)
def bearer_file(path: str | Secret) -> BearerFile:
    """Return the file at a path, the same for all who ask: what was read at load is not lost.

    Of a path from a variable, errors and the log show the reference.
    """
    return BearerFile(path)


def is_token(text: str) -> bool:
    """Tell whether a text is a token: visible ASCII characters (RFC 6750 allows fewer)."""
    return bool(text) and all("!" <= char <= "~" for char in text)


def _read(path: str) -> str:
    with Path(path).open("rb") as file:
        content = file.read(_LARGEST + 1)
    text = content.decode("latin-1")
    token = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    if not token:
        raise ValueError("it is empty")
    if len(content) > _LARGEST or not is_token(token):
        raise ValueError("it has more than a token in it")
    return token
