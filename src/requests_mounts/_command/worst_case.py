"""How long one request may take, and how many connections it may open, if all goes wrong."""

from dataclasses import dataclass
from math import inf, isinf

from requests_mounts._file.policy import Policy, RetryOptions, Timeout

TEN_MINUTES = 600
_MOST_RETRIES = 10**9
_MOST_DOUBLINGS = 1000


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Of one request, redirects apart, which are requests of their own."""

    seconds: float
    """Attempts, each with its timeouts and the wait of its limit, and the backoff between them.

    Infinite without timeouts.

    A Retry-After that a server sends may add to it.
    """
    connections: int
    """One for each attempt."""


def worst_case(policy: Policy) -> WorstCase:
    """Add up what a policy allows."""
    attempts = 1 + retries(policy)
    waits = policy.limit.max_wait if policy.limit else 0
    seconds = attempts * (waits + sum(timeouts(policy)))
    if isinstance(policy.max_retries, RetryOptions):
        seconds += _backoff(policy.max_retries, attempts - 1)
    return WorstCase(min(seconds, policy.deadline or inf), attempts)


def retries(policy: Policy) -> int:
    """Return how often a request is sent again at most, if not more than anyone can wait for."""
    setting = policy.max_retries
    total = int(setting.total if isinstance(setting, RetryOptions) else setting)
    return min(total, _MOST_RETRIES)


def timeouts(policy: Policy) -> tuple[float, float]:
    """Return the timeouts for connecting and reading; none is infinite."""
    if isinstance(policy.timeout, Timeout):
        connect, read = policy.timeout.connect, policy.timeout.read
        return inf if connect is None else connect, inf if read is None else read
    seconds = inf if policy.timeout is None else policy.timeout
    return seconds, seconds


def _backoff(options: RetryOptions, number: int) -> float:
    """Add up the waits as `urllib3.Retry` computes them; there is none before the first retry."""
    if not options.backoff_factor:
        return max(number - 1, 0) * min(options.backoff_jitter, options.backoff_max)
    waits = 0.0
    for retry in range(2, min(number, _MOST_DOUBLINGS) + 1):
        wait = options.backoff_factor * 2.0 ** (retry - 1) + options.backoff_jitter
        if wait >= options.backoff_max:
            return waits + (number - retry + 1) * options.backoff_max
        waits += wait
    return waits if number <= _MOST_DOUBLINGS else inf


def show_seconds(seconds: float) -> str:
    """Write a duration as people say it."""
    if isinf(seconds):
        return "no limit"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:g} s"
