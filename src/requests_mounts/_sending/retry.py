"""The `Retry` of a policy, and one that keeps to a deadline."""

import time
from collections.abc import Hashable
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from urllib3 import Retry
from urllib3.response import BaseHTTPResponse

from requests_mounts._file.equality import identity
from requests_mounts._file.options import RetryOptions
from requests_mounts._sending.calls import current_deadline
from requests_mounts._sending.deadline import DeadlineReached
from requests_mounts._sending.twins import twin

if TYPE_CHECKING:
    _Retry = Retry
else:
    _Retry = object  # The class of the retry comes behind it; see `keep_to_deadline`.


def build_retry(setting: int | RetryOptions) -> Retry:
    """Return what ``HTTPAdapter(max_retries=…)`` would have for a setting."""
    if isinstance(setting, int):
        return _retry_of_number(setting)
    return _retry_of_table(setting, identity(setting))


def keep_to_deadline(retry: Retry) -> Retry:
    """Return a retry with the options of another, and of its class, even the user's own."""
    bound = object.__new__(twin(DeadlineRetry, type(retry)))
    bound.__dict__ = retry.__dict__
    bounded: Retry = bound
    return bounded


class DeadlineRetry(_Retry):
    """Neither tries nor waits beyond the deadline of the request, if it has one."""

    def increment(self, *args: Any, **kwargs: Any) -> Any:
        """Count an attempt; the last one was that which took the rest of the time."""
        deadline = current_deadline()
        if deadline and deadline.left() <= 0:
            _give_back(kwargs.get("response"))
            raise DeadlineReached(deadline) from kwargs.get("error")
        return keep_to_deadline(super().increment(*args, **kwargs))

    def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
        """Wait as the server asks, unless that is longer than what is left."""
        _refuse(self.get_retry_after(response) or 0)
        return super().sleep_for_retry(response)

    def _sleep_backoff(self) -> None:
        backoff = self.get_backoff_time()
        _refuse(backoff)
        time.sleep(backoff)


def _refuse(seconds: float) -> None:
    """Raise `DeadlineReached` if a wait is longer than what is left."""
    deadline = current_deadline()
    if deadline and seconds >= deadline.left():
        raise DeadlineReached(deadline)


def _give_back(response: BaseHTTPResponse | None) -> None:
    """Let go of a response that is to be retried; urllib3 drains it only after it has counted."""
    if response is not None:
        response.close()
        response.release_conn()


@lru_cache
def _retry_of_number(total: int) -> Retry:
    """Build what `HTTPAdapter(max_retries=total)` builds."""
    return Retry(total) if total else Retry(0, read=False)


@lru_cache
def _retry_of_table(options: RetryOptions, _identity: Hashable) -> Retry:
    """Build a `Retry`, which is a value and may be shared.

    The identity is the cache's key: to Python false is equal to 0, but it means something else.
    """
    settings = {field.name: getattr(options, field.name) for field in fields(options)}
    methods = settings["allowed_methods"]
    settings["allowed_methods"] = None if methods == "any" else frozenset(methods)
    return Retry(**settings)
