"""The warnings about statuses that are answered with a retry."""

from collections.abc import Iterator

from requests_mounts._command.caution import Caution
from requests_mounts._file.options import RetryOptions
from requests_mounts._file.policy import Policy

RETRIES = ("max_retries.total", "max_retries")
"""The settings that say how often a request is sent again."""


def of_statuses(policy: Policy, *, known: bool) -> Iterator[Caution]:
    """Warn of retries without a pause, and of none where there seem to be some."""
    retry = policy.max_retries
    if not isinstance(retry, RetryOptions) or not retry.status_forcelist:
        return
    spent = retry.status is not None and not retry.status
    if known and retry.total and not (retry.backoff_factor or retry.backoff_jitter):
        message = "retries at once strain a server in trouble; set max_retries.backoff_factor"
        causes = ("max_retries.status_forcelist",)
        yield Caution(code="no-backoff", message=message, causes=causes)
    # urllib3 raises when retries are used up, and those of a status are from the beginning.
    if known and (spent or not retry.total) and retry.raise_on_status:
        message = (
            f"no retry is left for status_forcelist, so a {retry.status_forcelist[0]} raises"
            " RetryError; set max_retries.raise_on_status = false to have the response,"
            " or max_retries.status_forcelist = []"
        )
        where: tuple[str, ...] = ("max_retries.status",) if spent else RETRIES
        yield Caution(code="forcelist-without-retries", message=message, causes=where)
