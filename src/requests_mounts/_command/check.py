"""What `requests-mounts check` says of a valid file: expectations that fail, and warnings."""

from collections.abc import Iterator
from dataclasses import fields
from math import inf, isinf
from typing import Any

from requests_mounts._command.worst_case import (
    TEN_MINUTES,
    retries,
    show_seconds,
    timeouts,
    worst_case,
)
from requests_mounts._explain import explain_url, find_mount, leaves
from requests_mounts._file.config import Config, Mount
from requests_mounts._file.diagnostics import Diagnostic, in_order
from requests_mounts._file.policy import Expectation, MountPolicy, Policy, RetryOptions
from requests_mounts._routing.prefix import Prefix
from requests_mounts._toml import KeyPath, show_toml

_UNLIKELY_PORT = "1"


def check(config: Config) -> tuple[Diagnostic, ...]:
    """Return the expectations that fail, as errors, and the warnings that are not ignored."""
    return in_order([*_failures(config), *_warnings(config)])


def _failures(config: Config) -> Iterator[Diagnostic]:
    raw = config.document.data.get("expect", [])
    for index, (expectation, table) in enumerate(zip(config.expect, raw, strict=True)):
        mount = find_mount(config, expectation.url)
        wanted = str(Prefix.parse(expectation.mount))
        place: KeyPath = ("expect", index)
        if not mount or mount.text != wanted:
            yield config.document.problem((*place, "mount"), _why_not(config, expectation, wanted))
            continue
        effective = dict(leaves(mount.policy))
        for path in _leaves({k: v for k, v in table.items() if k not in {"url", "mount"}}):
            value: Any = expectation
            for part in path:
                value = getattr(value, part)
            if path not in effective or effective[path] != value:
                message = f"expected {show_toml(value)} ({_got(config, expectation, path)})"
                yield config.document.problem((*place, *path), message)


def _why_not(config: Config, expectation: Expectation, wanted: str) -> str:
    """Say what won instead of a mount, and why."""
    found = explain_url(config, expectation.url)
    reasons = {other.prefix: other.reason for other in found.others}
    known = any(mount.text == wanted for mount in config.mounts)
    reason = reasons.get(wanted, "another host" if known else "the file has no such mount")
    return f"expected {wanted} (got {found.prefix}: {reason})"


def _got(config: Config, expectation: Expectation, path: tuple[str, ...]) -> str:
    """Say which value a key has instead, and from which line."""
    settings = explain_url(config, expectation.url).settings
    setting = next((one for one in settings if one.key == ".".join(path)), None)
    if not setting:
        return "got another form of it"
    line = f" from line {setting.line}" if setting.line else ""
    return f"got {show_toml(setting.value)}{line}"


def _leaves(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _warnings(config: Config) -> Iterator[Diagnostic]:
    """Warn of each mount at its own line, and once, at theirs, of what the defaults give to all."""
    inherited = _of_defaults(config)
    for code, message in inherited:
        if code not in config.ignore:
            yield config.document.problem(("defaults",), message, code=code)
    for mount in config.mounts:
        policy, key = mount.policy, mount.key
        if key is None or policy.deny:
            continue
        ignored = {*config.ignore, *((isinstance(policy, MountPolicy) and policy.ignore) or ())}
        found = [one for one in _of_policy(policy) if one not in inherited]
        for code, message in (*found, *_of_mount(config, mount)):
            if code not in ignored:
                yield config.document.problem(("mounts", key), message, code=code)


def _of_defaults(config: Config) -> list[tuple[str, str]]:
    """Return what there is to say of the defaults, where the file has any."""
    implied = [mount for mount in config.mounts if mount.key is None]
    if ("defaults",) not in config.document.positions or not implied:
        return []
    return list(_of_policy(implied[0].policy))


def _of_policy(policy: Policy) -> Iterator[tuple[str, str]]:
    """Warn of what a policy does wherever it is used."""
    retry = policy.max_retries
    bounded = policy.deadline is not None and not isinf(policy.deadline)
    connect, read = timeouts(policy)
    if isinf(max(connect, read)) and not bounded:
        yield "no-timeout", "without a timeout a request may wait for ever"
    if policy.tls and policy.tls.verify is False:
        yield "no-verify", "with tls.verify = false anyone may answer in the server's place"
    if isinstance(retry, RetryOptions) and _hurries(retry):
        message = "retries on a status without backoff_factor strain a server in trouble"
        yield "no-backoff", message
    if (seconds := _retry_after(policy)) > TEN_MINUTES and not bounded:
        message = f"a Retry-After header may make a request wait for {show_seconds(seconds)}"
        yield "long-retry-after", f"{message}; set max_retries.retry_after_max"
    wait = connect if policy.pool_timeout is None else policy.pool_timeout
    if policy.pool_block and isinf(wait) and not bounded:
        message = "a request may wait for a connection for ever; set pool_timeout"
        yield "endless-pool-wait", message
    worst = worst_case(policy).seconds
    if TEN_MINUTES < worst < inf and not bounded:
        message = f"a request may take {show_seconds(worst)} with all its retries; set a deadline"
        yield "long-request", message


def _hurries(retry: RetryOptions) -> bool:
    """Tell whether a status is answered with a retry at once, again and again."""
    waits = retry.backoff_factor or retry.backoff_jitter
    return bool(retry.total and retry.status_forcelist and not waits)


def _retry_after(policy: Policy) -> float:
    """Return the longest wait that a server may ask for."""
    retry = policy.max_retries
    if not retries(policy):
        return 0
    if isinstance(retry, RetryOptions):
        return retry.retry_after_max if retry.respect_retry_after_header else 0
    return RetryOptions(total=retry).retry_after_max


def _of_mount(config: Config, mount: Mount) -> Iterator[tuple[str, str]]:
    """Warn of what a mount is beside the others."""
    prefix, policy = mount.prefix, mount.policy
    table = config.document.data["mounts"][mount.key]
    single = prefix.host and not prefix.host.startswith("*.") and prefix.port != "*"
    if single and table.get("pool_connections", 1) > 1:
        message = "pool_connections above 1 has no effect, as the prefix is of a single origin"
        yield "unused-pools", message
    matching = config.router.find_all(_url_of(prefix))
    below = next((other for other in matching if other is not mount), None)
    if below and _same(below.policy, policy):
        yield "redundant-mount", f"without this mount, {below.text} would do the same"
    if prefix.scheme == "https" and prefix.host and config.unmatched == "allow":
        twin = config.router.find(_url_of(prefix).replace("https:", "http:", 1))
        if twin and not twin.prefix.host and not twin.policy.deny:
            message = "the same URLs with http:// are served unprotected; mount and deny them"
            yield "http-twin", message


def _url_of(prefix: Prefix) -> str:
    """Name a URL that the prefix serves, and hardly one that is longer."""
    host = prefix.host.replace("*", "any", 1) or "any"
    port = f":{_UNLIKELY_PORT if prefix.port == '*' else prefix.port}" if prefix.port else ""
    return f"{prefix.scheme}://{host}{port}{prefix.path or '/'}"


def _same(one: Policy, other: Policy) -> bool:
    names = [field.name for field in fields(Policy)]
    return all(getattr(one, name) == getattr(other, name) for name in names)
