"""The warnings of `requests-mounts check`: each once, where it can be mended."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from math import inf, isinf

from requests_mounts._command.caution import Caution
from requests_mounts._command.limit_cautions import of_limits, of_shared_origins
from requests_mounts._command.look_alikes import look_alikes
from requests_mounts._command.retry_cautions import RETRIES, of_statuses
from requests_mounts._command.worst_case import (
    TEN_MINUTES,
    limit_wait,
    longest_retry_after,
    pool_wait,
    show_seconds,
    timeouts,
    worst_case,
)
from requests_mounts._file.config import Config, Mount, Origin
from requests_mounts._file.diagnostics import Diagnostic
from requests_mounts._file.document import Place
from requests_mounts._file.equality import same
from requests_mounts._file.identity import is_in_the_clear, is_wide, secrets_of
from requests_mounts._file.inheritance import Layer
from requests_mounts._file.options import UNSET_RETRY_AFTER, RetryOptions, Timeout
from requests_mounts._file.policy import MountPolicy, Policy
from requests_mounts._file.settings import leaves
from requests_mounts._file.unknown import is_unknown
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import writes_secret
from requests_mounts._toml import show_key

_OTHER_SECRETS = (("tls", "key_password"), ("proxy",))
"""What the host is not told."""
_UNLIKELY_PORT = "1"
_TIMES = (
    ("timeout", "connect"),
    ("timeout", "read"),
    ("deadline",),
    ("pool_timeout",),
    ("max_retries", "total"),
    ("max_retries", "status"),
    ("max_retries", "raise_on_status"),
    ("max_retries", "backoff_factor"),
    ("max_retries", "backoff_jitter"),
    ("max_retries", "backoff_max"),
    ("max_retries", "retry_after_max"),
)
_UNUSED_NO_PROXY = Caution(
    code="unused-no-proxy",
    message='without effect, as proxy is not a URL beside it; for "env", set the variable NO_PROXY',
    causes=("no_proxy",),
)


def cautions(config: Config) -> Iterator[Diagnostic]:
    """Warn of what policies do, of mounts beside each other, and of URLs without TLS."""
    yield from _of_policies(config)
    shared = of_shared_origins(config)
    for mount in config.mounts:
        found = [*_of_mount(config, mount), *shared.get(mount.text, ())]
        for caution in _heeded(config, mount, found):
            place = config.layers_of(mount)[0].place.below(*caution.causes)
            yield place.problem(caution.message, code=caution.code)
        # A mount that denies must match, above all.
        alike = look_alikes(mount.prefix, named="${" not in mount.shown)
        for caution in _not_ignored(config, mount, alike):
            yield config.layers_of(mount)[0].place.problem(caution.message, code=caution.code)
    yield from _twins(config)


def _of_policies(config: Config) -> Iterator[Diagnostic]:
    """Warn once of each setting that does harm, with the number of mounts that have it."""
    defaults = config.find("defaults")
    caused: dict[tuple[str, str], list[tuple[Mount, Caution, Place | None]]] = {}
    bypassing = _bypassing(config)
    for mount in config.mounts:
        if mount.key is None and not defaults:
            continue  # Of what the file does not say there is nothing to mend.
        known = not _lacks_times(config, mount)
        all_of_it = (*_of_policy(mount.policy, known=known), *_of_secrets(config, mount))
        if mount.policy.no_proxy and config.origin(mount, ("no_proxy",)) not in bypassing:
            all_of_it = (*all_of_it, _UNUSED_NO_PROXY)
        for caution in _heeded(config, mount, all_of_it):
            place = _written(config.layers_of(mount), caution)
            key = (caution.code, f"{place.file} {place.path}" if place else "")
            caused.setdefault(key, []).append((mount, caution, place))
    for (code, _), found in caused.items():
        message = max((caution for _, caution, _ in found), key=lambda one: one.seconds).message
        place = found[0][2]
        if not place and not defaults and len(found) > 1:
            message += " in [defaults]"
        where = place or defaults or _first(config, [mount for mount, _, _ in found])
        if len(found) > 1 or where.path[0] != "mounts":
            message += f" ({_mounts(len(found))})"
        yield where.problem(message, code=code)


def _bypassing(config: Config) -> list[Origin]:
    """Name where each ``no_proxy`` is written that stands beside a proxy, or may with variables."""
    beside = (
        mount
        for mount in config.mounts
        if mount.policy.proxy not in ("env", "direct")
        or config.origin(mount, ("proxy",)).reference is not None
    )
    return [config.origin(mount, ("no_proxy",)) for mount in beside if mount.policy.no_proxy]


def _heeded(config: Config, mount: Mount, found: Iterable[Caution]) -> list[Caution]:
    """Leave out what is ignored, and mounts to which nothing is sent, or nobody knows."""
    if mount.policy.deny or is_unknown(config, mount, ("deny",)):
        return []
    return _not_ignored(config, mount, found)


def _not_ignored(config: Config, mount: Mount, found: Iterable[Caution]) -> list[Caution]:
    policy = mount.policy
    ignored = {*config.ignore, *((isinstance(policy, MountPolicy) and policy.ignore) or ())}
    return [caution for caution in found if caution.code not in ignored]


def _written(layers: list[Layer], caution: Caution) -> Place | None:
    """Find the setting to blame; a missing one would best be written in the weakest table."""
    for cause in caution.causes:
        for layer in reversed(layers) if caution.missing else layers:
            place = layer.find(tuple(cause.split(".", 1)))
            if place and (place.value or not caution.missing):
                return place
    return None


def _first(config: Config, mounts: Iterable[Mount]) -> Place:
    """Name the first of some mounts in the file."""
    named = [config.layers_of(mount)[0].place for mount in mounts if mount.key is not None]
    return min(named, key=lambda place: (place.file != config.name, place.line))


def _lacks_times(config: Config, mount: Mount) -> bool:
    """Tell whether variables that are not looked at decide how long a request may take."""
    return any(is_unknown(config, mount, path) for path in _TIMES)


def _of_policy(policy: Policy, *, known: bool) -> Iterator[Caution]:
    """Warn of what a policy does wherever it is used; not all of it may be known."""
    bounded = policy.deadline is not None and not isinf(policy.deadline)
    if policy.tls and policy.tls.verify is False and not policy.tls.assert_fingerprint:
        message = "anyone may answer in the server's place; name the file of its CA instead"
        yield Caution(code="no-verify", message=message, causes=("tls.verify",))
    yield from of_statuses(policy, known=known)
    if known:
        yield from of_limits(policy)
    if known and not bounded:
        yield from _endless(policy)
        yield from _long(policy)


def _of_secrets(config: Config, mount: Mount) -> Iterator[Caution]:
    """Warn of secrets that others may learn: from the file, or as they tell a host who we are."""
    signing = [*secrets_of(mount.policy)]
    for path in (*signing, *_OTHER_SECRETS):
        place = config.origin(mount, path).place
        if place and isinstance(place.value, str) and writes_secret(place.value, path[-1]):
            message = "a secret in the file itself; name a variable instead, such as ${TOKEN}"
            yield Caution(code="literal-secret", message=message, causes=(".".join(path),))
    for path in signing:
        causes = (".".join(path),)
        if is_wide(mount.prefix):
            message = f"sent to every host of {mount.shown}; name the host that it is for"
            yield Caution(code="wide-secret", message=message, causes=causes)
        if is_in_the_clear(mount.prefix):
            message = f"sent to {mount.shown} in the clear; use an https:// prefix"
            yield Caution(code="plain-secret", message=message, causes=causes)


def _endless(policy: Policy) -> Iterator[Caution]:
    """Warn of waits without an end."""
    connect, read = timeouts(policy)
    if isinf(max(connect, read)):
        half = "read" if isinf(read) else "connect"
        key = f"timeout.{half}" if isinstance(policy.timeout, Timeout) else "timeout"
        yield Caution(
            code="no-timeout",
            message=f"a request may wait for ever; set {key}",
            causes=(key, "timeout"),
            missing=policy.timeout is None or getattr(policy.timeout, half, inf) is None,
        )
    if isinf(limit_wait(policy)):
        message = "a request may wait for its turn for ever; set limit.max_wait, or a deadline"
        causes = ("limit.max_wait", "limit")
        yield Caution(code="endless-limit-wait", message=message, causes=causes)
    if policy.pool_block and isinf(pool_wait(policy)):
        message = "a request may wait for a connection for ever; set pool_timeout"
        causes = ("pool_timeout", "pool_block")
        yield Caution(code="endless-pool-wait", message=message, causes=causes)


def _long(policy: Policy) -> Iterator[Caution]:
    """Warn of waits that end, but late."""
    if (seconds := longest_retry_after(policy)) > TEN_MINUTES:
        wait = f"a Retry-After header may make a request wait for {show_seconds(seconds)}"
        message = f"{wait}; set max_retries.retry_after_max, or a deadline"
        yield Caution(
            code="long-retry-after",
            message=message,
            causes=("max_retries.retry_after_max", *RETRIES),
            missing=seconds == UNSET_RETRY_AFTER,
            seconds=seconds,
        )
        policy = _without_retry_after(policy)
    worst = worst_case(policy).seconds
    if TEN_MINUTES < worst < inf:
        took = f"{show_seconds(worst)} until its answer begins"
        message = f"a request may take {took}, with all its retries; set a deadline"
        causes = (*RETRIES, "timeout")
        yield Caution(code="long-request", message=message, causes=causes, seconds=worst)


def _without_retry_after(policy: Policy) -> Policy:
    """Return a policy that waits for backoff alone, as the other wait is told already."""
    retry = policy.max_retries
    if not isinstance(retry, RetryOptions):
        return policy
    return replace(policy, max_retries=replace(retry, respect_retry_after_header=False))


def _of_mount(config: Config, mount: Mount) -> Iterator[Caution]:
    """Warn of what a mount is beside the others."""
    if mount.key is None:
        return
    prefix, policy = mount.prefix, mount.policy
    single = prefix.host and not prefix.host.startswith("*.") and prefix.port != "*"
    own = config.layers_of(mount)[0].place.below("pool_connections").exists
    known = not is_unknown(config, mount, ("pool_connections",))
    if single and own and known and policy.pool_connections > 1:
        message = "without effect, as the prefix is of a single origin; leave it out"
        yield Caution(code="unused-pools", message=message, causes=("pool_connections",))
    matching = config.index.find_all(_url_of(prefix))
    below = next((other for other in matching if other is not mount), None)
    if not below or _may_differ(config, below, mount) or _may_be_another(config, _url_of(prefix)):
        return
    if _same(below, mount) and config.limit_table(below) == config.limit_table(mount):
        message = f"without this mount, {below.shown} would do the same; leave it out"
        yield Caution(code="redundant-mount", message=message)


def _twins(config: Config) -> Iterator[Diagnostic]:
    """Warn once if what is served with TLS is served without it too."""
    plain = next(mount for mount in config.mounts if mount.text == "http://")
    twin = Caution(code="http-twin", message="")
    found = [
        mount
        for mount in config.mounts
        if mount.key is not None and mount.text != "https://"
        if mount.text.startswith("https:") and _heeded(config, mount, [twin])
        for url in [_url_of(mount.prefix).replace("https:", "http:", 1)]
        if config.index.find(url) is plain and not _may_be_another(config, url)
    ]
    if not found or config.unmatched == "deny" or not _heeded(config, plain, [twin]):
        return
    served = f"the URLs of {_mounts(len(found))} are served without TLS too, by http://"
    if plain.key is None:
        header = show_key((*config.document.root, "mounts", "http://"))
        message = f"{served}; add [{header}] and deny = true"
        yield _first(config, found).problem(message, code=twin.code)
    else:
        message = f"{served}; write deny = true here"
        yield config.layers_of(plain)[0].place.problem(message, code=twin.code)


def _may_be_another(config: Config, url: str) -> bool:
    """Tell whether a prefix that lacks a variable may serve a URL."""
    return any(prefix.may_serve(url) for prefix in config.partial)


def _url_of(prefix: Prefix) -> str:
    """Name a URL that the prefix serves, and hardly one that is longer."""
    host = prefix.host.replace("*", "any", 1) or "any"
    port = f":{_UNLIKELY_PORT if prefix.port == '*' else prefix.port}" if prefix.port else ""
    return f"{prefix.scheme}://{host}{port}{prefix.path or '/'}"


def _same(one: Mount, other: Mount) -> bool:
    names = [field.name for field in fields(Policy)]
    return all(same(getattr(one.policy, name), getattr(other.policy, name)) for name in names)


def _may_differ(config: Config, one: Mount, other: Mount) -> bool:
    """Tell whether variables that are not looked at decide something for one mount alone."""
    paths = {path for mount in (one, other) for path, _ in leaves(mount.policy)}
    return any(
        config.origin(one, path) != config.origin(other, path)
        for path in paths
        if is_unknown(config, one, path) or is_unknown(config, other, path)
    )


def _mounts(number: int) -> str:
    return f"{number} mount{'s' * (number != 1)}"
