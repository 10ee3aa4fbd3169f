"""What a policy says of addresses: which entries hold, and which cannot be used together."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from requests_mounts._file.addresses import parse_addresses
from requests_mounts._file.policy import Policy
from requests_mounts._file.targets import Target, parse_target
from requests_mounts._secret import is_missing, reveal

_VERSIONS = {"ipv4": 4, "ipv6": 6}


def targets_of(policy: Policy) -> tuple[Target, ...]:
    """Return what is dialled instead of the host, if anything; ``address_family`` holds for it."""
    targets = tuple(
        parse_target(reveal(entry))._replace(shown=str(entry)) for entry in policy.connect_to
    )
    version = _VERSIONS.get(policy.address_family)
    return tuple(
        target
        for target in targets
        if not version or not target.address or target.address.version == version
    )


def most_dialled(policy: Policy) -> int:
    """Return how many addresses the file names for a connection, each with its own timeout."""
    if any(map(is_missing, policy.connect_to)):
        return len(policy.connect_to)
    return max(len(targets_of(policy)), 1)


def reach_problems(policy: Policy) -> Iterator[tuple[tuple[str, ...], str]]:
    """Name the keys that cannot be used together, and why."""
    if not policy.connect_to and policy.addresses == ("any",):
        return
    if any(map(is_missing, (*policy.connect_to, *policy.addresses, policy.proxy))):
        return  # Offline there is nothing to judge.
    rule = parse_addresses(tuple(map(reveal, policy.addresses)))
    targets = targets_of(policy)
    if not rule.allowed:
        yield ("addresses",), 'expected an entry without "!" too, such as "any"'
    if policy.connect_to and not targets:
        family = f'address_family = "{policy.address_family}"'
        yield ("connect_to",), f"expected an address that {family} leaves (got none)"
    if any(target.path for target in targets) and not hasattr(socket, "AF_UNIX"):
        yield ("connect_to",), "expected IP addresses, as this system has no Unix sockets"
    if rule.restricts and any(target.path for target in targets):
        yield ("connect_to",), "expected IP addresses beside addresses (got a unix: path)"
    if policy.proxy not in ("env", "direct") and (rule.restricts or targets):
        key = "addresses" if rule.restricts else "connect_to"
        message = f'expected "direct" or "env" beside {key}, as it is the proxy that dials'
        yield ("proxy",), f"{message} (got {urlsplit(reveal(policy.proxy)).scheme}://…)"
