"""The numbers of a session as OpenTelemetry metrics; needs ``requests-mounts[otel]``.

What the semantic conventions for HTTP clients have a name for is published under it, the rest under
``requests_mounts.``. Everything is observed when a reader collects, so a request pays nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit
from weakref import ref

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter_provider

from requests_mounts._live.stats import MountStats, PoolStats
from requests_mounts._session import MountedSession
from requests_mounts._threads import ThreadSessions

__all__ = ["instrument"]

_PREFIX = "requests_mounts.prefix"
_PORTS = {"http": 80, "https": 443}
_COUNTERS = {
    "requests": ("{request}", "Attempts that were sent."),
    "connections": ("{connection}", "Connections that were opened."),
    "reused": ("{request}", "Attempts sent over a connection that was open already."),
    "discarded": ("{connection}", "Connections closed because their pool was full."),
    "evicted": ("{pool}", "Pools dropped for others."),
    "waits": ("{request}", "Attempts that waited for a connection."),
    "wait_seconds": ("s", "How long they waited in all."),
    "retries": ("{request}", "Attempts that were not the first."),
    "timeouts": ("{request}", "Attempts ended by a timeout or a deadline."),
    "refused": ("{request}", "Requests that a policy refused."),
    "limited": ("{request}", "Requests that a limit refused."),
    "circuit_open": ("{request}", "Requests that an open circuit refused."),
    "unretried": ("{request}", "Attempts that a retry budget kept from being sent again."),
}


def instrument(
    session: MountedSession | ThreadSessions, meter_provider: MeterProvider | None = None
) -> None:
    """Publish the numbers of a session, by default to the global meter provider.

    ``http.client.open_connections`` and ``http.client.active_requests`` have the attributes of the
    semantic conventions; every metric has the mount's prefix as ``requests_mounts.prefix``. The
    session is held weakly, and its metrics end with it.
    """
    meter = (meter_provider or get_meter_provider()).get_meter("requests_mounts")
    stats = _reader_of(session)
    meter.create_observable_up_down_counter(
        "http.client.open_connections",
        callbacks=[_observing(stats, _open_connections)],
        unit="{connection}",
        description="Number of outbound HTTP connections that are currently active or idle.",
    )
    meter.create_observable_up_down_counter(
        "http.client.active_requests",
        callbacks=[_observing(stats, _active_requests)],
        unit="{request}",
        description="Number of active HTTP requests.",
    )
    meter.create_observable_gauge(
        "requests_mounts.peak",
        callbacks=[_observing(stats, _number("peak"))],
        unit="{request}",
        description="The most requests at a time.",
    )
    for name, (unit, description) in _COUNTERS.items():
        meter.create_observable_counter(
            f"requests_mounts.{name}",
            callbacks=[_observing(stats, _number(name))],
            unit=unit,
            description=description,
        )


def _reader_of(
    session: MountedSession | ThreadSessions,
) -> Callable[[], tuple[MountStats, ...]]:
    """Return what reads the numbers as long as the session is alive."""
    held = ref(session)

    def read() -> tuple[MountStats, ...]:
        alive = held()
        return alive.stats() if alive is not None else ()

    return read


def _observing(
    stats: Callable[[], tuple[MountStats, ...]],
    observe: Callable[[MountStats], Iterator[Observation]],
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def callback(_: CallbackOptions) -> Iterable[Observation]:
        return [found for mount in stats() for found in observe(mount)]

    return callback


def _number(name: str) -> Callable[[MountStats], Iterator[Observation]]:
    def observe(mount: MountStats) -> Iterator[Observation]:
        yield Observation(getattr(mount, name), {_PREFIX: mount.prefix})

    return observe


def _open_connections(mount: MountStats) -> Iterator[Observation]:
    for place, (idle, active) in _by_server(mount).items():
        yield Observation(idle, {**dict(place), "http.connection.state": "idle"})
        yield Observation(active, {**dict(place), "http.connection.state": "active"})


def _active_requests(mount: MountStats) -> Iterator[Observation]:
    for place, (_, active) in _by_server(mount).items():
        yield Observation(active, dict(place))


def _by_server(mount: MountStats) -> dict[tuple[tuple[str, str | int], ...], tuple[int, int]]:
    """Add up the pools of each server; they differ in what the conventions do not name."""
    found: dict[tuple[tuple[str, str | int], ...], tuple[int, int]] = {}
    for pool in mount.pools:
        place = _attributes(mount, pool)
        idle, active = found.get(place, (0, 0))
        found[place] = idle + pool.idle, active + pool.in_use
    return found


def _attributes(mount: MountStats, pool: PoolStats) -> tuple[tuple[str, str | int], ...]:
    parts = urlsplit(pool.origin)
    return (
        (_PREFIX, mount.prefix),
        ("server.address", parts.hostname or ""),
        ("server.port", parts.port or _PORTS[parts.scheme]),
        ("url.scheme", parts.scheme),
    )
