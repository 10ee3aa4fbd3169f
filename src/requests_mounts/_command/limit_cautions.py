"""The warnings about limits, breakers and retry budgets."""

from collections import defaultdict
from collections.abc import Iterator
from math import inf

from requests_mounts._command.caution import Caution
from requests_mounts._command.worst_case import retries, timeouts
from requests_mounts._file.config import Config, Mount
from requests_mounts._file.policy import Policy


def of_limits(policy: Policy) -> Iterator[Caution]:
    """Warn of settings that have no effect because of others."""
    breaker, limit = policy.breaker, policy.limit
    if policy.retry_budget and not retries(policy):
        message = "without effect, as nothing is retried; set max_retries"
        yield Caution(code="unused-budget", message=message, causes=("retry_budget",))
    if not breaker or breaker.ratio is None:
        return
    shortest = 2 * sum(timeouts(policy))
    if breaker.window < shortest < inf:
        message = (
            f"window = {breaker.window:g} may forget a timeout before the next one;"
            f" set window = {shortest:g}, twice the timeouts, or more"
        )
        causes = ("breaker.window", "breaker.ratio")
        yield Caution(code="short-window", message=message, causes=causes)
    if limit and limit.rate is not None:
        most = breaker.window * limit.rate / limit.per + limit.burst
        if most < breaker.minimum:
            message = (
                f"minimum = {breaker.minimum} is never reached, as limit lets at most"
                f" {int(most)} attempts pass in breaker.window; set minimum = {int(most)}, or less"
            )
            causes = ("breaker.minimum", "breaker.ratio")
            yield Caution(code="unreached-minimum", message=message, causes=causes)


def of_shared_origins(config: Config) -> dict[str, list[Caution]]:
    """Warn of limits that count the attempts to an origin beside another limit, by prefixes."""
    limited: dict[tuple[str, ...], list[Mount]] = defaultdict(list)
    for mount in config.mounts:
        if mount.policy.limit and not mount.policy.deny:
            limited[mount.prefix[:3]].append(mount)
    found: dict[str, list[Caution]] = {}
    for mounts in limited.values():
        first = _serving_the_rest(config, mounts[-1])
        for mount in mounts:
            if config.limit_table(mount) != config.limit_table(first):
                message = f"{first.shown} limits the same origin in another table; name one in both"
                own = config.layers_of(mount)[0].place.below("limit").exists
                causes = ("limit",) if own else ()
                found[mount.text] = [Caution(code="two-limits", message=message, causes=causes)]
    return found


def _serving_the_rest(config: Config, shortest: Mount) -> Mount:
    """Return the mount of what longer prefixes of an origin leave, if it has a limit."""
    prefix = shortest.prefix
    host = prefix.host.replace("*", "any", 1) or "any"
    port = f":{prefix.port}" if prefix.port.isdigit() else ""
    other = config.index.find(f"{prefix.scheme}://{host}{port}/")
    return other if other and other.policy.limit and not other.policy.deny else shortest
