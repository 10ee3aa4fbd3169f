"""How long one request may take, and how many connections it may open, if all goes wrong."""

from dataclasses import dataclass
from math import inf, isinf

from requests_mounts._file.options import UNSET_RETRY_AFTER, RetryOptions, Timeout
from requests_mounts._file.policy import Policy
from requests_mounts._file.reach import most_dialled

TEN_MINUTES = 600
_MOST_RETRIES = 10**9
_MOST_DOUBLINGS = 1000


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Of one request, redirects apart, which are requests of their own; `str()` says what it is.

    A read timeout is of each read alone, so only a deadline bounds the headers and the body.
    """

    seconds: float
    """Until a server begins to answer, or the deadline if that may come first; or infinite.

    Attempts, each with its timeouts (that of connecting for each address of ``connect_to``), the
    wait of its limit and that for a connection of a pool with ``pool_block``, and between them
    backoff, or Retry-After if the file says how long it may be.
    """
    connections: int
    """One for each attempt."""
    by_deadline: bool = False
    """Whether it is the deadline."""
    retry_after: float = 0
    """The longest wait before each retry that a server may ask for beyond these seconds."""

    def __str__(self) -> str:
        end = "by its deadline" if self.by_deadline else "until an answer begins"
        connections = f"{self.connections} connection{'s' * (self.connections != 1)}"
        more = ""
        if self.retry_after:
            more = f", and {show_seconds(self.retry_after)} for each Retry-After"
        return (
            f"at worst, for one request, {end}: {show_seconds(self.seconds)}{more}, {connections}"
        )


def counts_attempts(policy: Policy) -> bool:
    """Tell whether there is a limit that counts attempts, as one without end does not."""
    limit = policy.limit
    return bool(limit and (limit.concurrency is not None or (limit.rate or inf) < inf))


def limit_wait(policy: Policy) -> float:
    """Return the longest wait under a limit, which may be for a pause alone."""
    limit = policy.limit
    return limit.max_wait if limit and (counts_attempts(policy) or limit.max_pause) else 0


def worst_case(policy: Policy) -> WorstCase:
    """Add up what a policy allows."""
    number = retries(policy)
    options = policy.max_retries
    if not isinstance(options, RetryOptions):
        options = RetryOptions(total=options)
    asked = longest_retry_after(policy)
    beyond = asked if asked == UNSET_RETRY_AFTER else 0
    connect, read = timeouts(policy)
    each = connect * most_dialled(policy) + read + limit_wait(policy)
    if policy.pool_block:
        each += pool_wait(policy)
    seconds = (1 + number) * each + _waits(options, number, asked - beyond)
    deadline = inf if policy.deadline is None else policy.deadline
    if deadline < seconds + number * beyond:
        return WorstCase(deadline, 1 + number, by_deadline=True)
    return WorstCase(seconds, 1 + number, retry_after=0 if isinf(seconds) else beyond)


def longest_retry_after(policy: Policy) -> float:
    """Return the longest wait that a server may ask for, zero if nobody listens."""
    options = policy.max_retries
    if not retries(policy):
        return 0
    if not isinstance(options, RetryOptions):
        return UNSET_RETRY_AFTER
    listens = options.respect_retry_after_header and options.status != 0
    return options.retry_after_max if listens else 0


def pool_wait(policy: Policy) -> float:
    """Return the longest wait for a connection of a pool with ``pool_block``."""
    return timeouts(policy)[0] if policy.pool_timeout is None else policy.pool_timeout


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


def _waits(options: RetryOptions, number: int, asked: float) -> float:
    """Add up the waits before retries as `urllib3.Retry` has them: for a Retry-After, or backoff.

    ``asked`` is the longest Retry-After; only a status has one.
    """
    times = number if options.status is None else min(number, int(options.status))
    most = options.backoff_max
    if not options.backoff_factor:
        most = min(options.backoff_jitter, most)
    waits = 0.0
    for retry in range(1, min(number, _MOST_DOUBLINGS) + 1):
        backoff = _backoff(options, retry)
        if backoff >= most:  # So are all that follow.
            rest = number - retry + 1
            of_status = min(max(times - retry + 1, 0), rest)
            waits += of_status * max(most, asked) if of_status else 0
            return waits + (rest - of_status) * most
        waits += max(backoff, asked) if retry <= times else backoff
    return waits if number <= _MOST_DOUBLINGS else inf


def _backoff(options: RetryOptions, retry: int) -> float:
    """Return the wait before a retry as `urllib3.Retry` computes it, none for the first."""
    if retry == 1:
        return 0
    wait = options.backoff_factor * 2.0 ** (retry - 1) + options.backoff_jitter
    return min(wait, options.backoff_max)


def show_seconds(seconds: float) -> str:
    """Write a duration as people say it."""
    if isinf(seconds):
        return "no limit"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:g} s"
