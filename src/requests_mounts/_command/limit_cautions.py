"""The warnings about limits, breakers and retry budgets."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import inf

from requests_mounts._command.caution import Caution
from requests_mounts._command.worst_case import counts_attempts, retries, timeouts
from requests_mounts._file.config import Config, Mount
from requests_mounts._file.policy import Policy
from requests_mounts._file.unknown import is_unknown
from requests_mounts._routing.matching import Origin, list_hosts

_NO_RETRY = 2
"""Tokens of a retry budget of which the first failure leaves no more than half."""


def of_limits(policy: Policy) -> Iterator[Caution]:
    """Warn of settings that have no effect because of others."""
    breaker, limit = policy.breaker, policy.limit
    budget = policy.retry_budget
    if budget and not retries(policy):
        message = "without effect, as nothing is retried; set max_retries"
        yield Caution(code="unused-budget", message=message, causes=("retry_budget",))
    elif budget and budget.tokens <= _NO_RETRY:
        message = (
            f"tokens = {budget.tokens} lets no retry through, as the failure before it costs 1 and"
            f" more than half have to be left; set tokens = {_NO_RETRY + 1}, or more"
        )
        yield Caution(code="unused-budget", message=message, causes=("retry_budget.tokens",))
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
    limited: dict[Origin, list[Mount]] = defaultdict(list)
    by_host: dict[tuple[str, str], list[Origin]] = defaultdict(list)
    for mount in config.mounts:
        denied = mount.policy.deny or is_unknown(config, mount, ("deny",))
        if counts_attempts(mount.policy) and not denied:
            limited[mount.prefix[:3]].append(mount)
    for scheme, host, port in limited:
        by_host[scheme, host].append((scheme, host, port))
    tables = {one.text: config.limit_table(one) for mounts in limited.values() for one in mounts}
    found: dict[str, list[Caution]] = {}
    for origin, mounts in limited.items():
        others = [
            mount
            for wider, shared in _shared_with(origin, by_host)
            for mount in limited[wider]
            if config.index.find(f"{shared}{mount.prefix.path or '/'}") is mount
        ]
        # The one that serves the rest of the origin comes first, if it has a limit.
        others = sorted(others, key=lambda mount: len(mount.prefix.path)) or mounts[-1:]
        for mount in mounts:
            differing = (one for one in others if tables[one.text] != tables[mount.text])
            if other := next(differing, None):
                message = f"{other.shown} limits the same origin in another table; name one in both"
                own = config.layers_of(mount)[0].place.below("limit").exists
                causes = ("limit",) if own else ()
                found[mount.text] = [Caution(code="two-limits", message=message, causes=causes)]
    return found


def _shared_with(
    origin: Origin, by_host: Mapping[tuple[str, str], list[Origin]]
) -> Iterator[tuple[Origin, str]]:
    """List the weaker origins of prefixes that have URLs in common with one, and where these begin.

    A host below a wildcard, and a port where any will do, are some that no file is likely to name.
    """
    scheme, host, port = origin
    named = host.replace("*", "any", 1) or "any"
    weaker = (one for one in list_hosts(named) if one == host or one != named)
    for other in (other for one in weaker for other in by_host.get((scheme, one), ())):
        ports = {port, other[2]} if other[1] else {port}
        is_stronger = other[1] == host and port == "*"
        if other != origin and not is_stronger and (len(ports) == 1 or "*" in ports):
            exact = min(ports - {"*"}, default="65535")
            yield other, f"{scheme}://{named}:{exact}".removesuffix(":")
