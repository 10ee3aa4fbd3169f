"""The numbers of a session as values that read well in a terminal and pass through JSON."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ConfigDict, TypeAdapter, ValidationError

from requests_mounts._errors import MountsError


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStats:
    """The connections of a pool that is alive."""

    origin: str
    """Scheme, host and port of the server, or of the proxy if it forwards requests to any."""
    proxy: str | None = None
    """Scheme, host and port of the proxy; `None` if the connections are direct."""
    idle: int = 0
    in_use: int = 0

    def __str__(self) -> str:
        by = f" by way of {self.proxy}" if self.proxy else ""
        return f"{self.origin}{by}: {self.idle} idle, {self.in_use} in use"


@dataclass(frozen=True, slots=True, kw_only=True)
class MountStats:
    """What happened under one prefix since its session was made; `str()` of it is for people."""

    __module__ = "requests_mounts"

    prefix: str
    requests: int = 0
    """Attempts that were sent, those of redirects and retries among them, as a server counts."""
    connections: int = 0
    """Connections opened, as a server counts them."""
    reused: int = 0
    """Attempts sent over a connection that was open already."""
    discarded: int = 0
    """Connections closed because their pool was full."""
    evicted: int = 0
    """Pools dropped for others, as there were more origins than `pool_connections`."""
    waits: int = 0
    """Attempts that waited for a connection of a pool with `pool_block`."""
    wait_seconds: float = 0.0
    """How long they waited in all."""
    retries: int = 0
    """Those of the requests that were not the first attempt."""
    recovered: int = 0
    """Those of the retries whose answer asked for no other retry."""
    timeouts: int = 0
    """Attempts ended by a timeout or deadline before the headers, and waits that were too long."""
    deadlines: int = 0
    """Those of the timeouts that a deadline caused."""
    refused: int = 0
    """Requests that a policy refused before anything was sent."""
    limited: int = 0
    """Those of the refused that a limit refused."""
    circuit_open: int = 0
    """Those of the refused that an open circuit refused."""
    unretried: int = 0
    """Failed attempts that were not sent again, as the retry budget was used up."""
    peak: int = 0
    """The most requests at a time; one lasts until its connection is free again."""
    origins: int = 0
    """Origins to which connections were asked for, through each proxy."""
    pools: tuple[PoolStats, ...] = ()

    def __str__(self) -> str:
        numbers = "; ".join(", ".join(group) for group in self._told() if group)
        return "\n".join([f"{self.prefix}  {numbers}", *(f"    {pool}" for pool in self.pools)])

    def _told(self) -> Iterator[list[str]]:
        """Say what there is to say: the requests, and what is not zero."""
        yield [
            count(self.requests, "request"),
            *_if_any(self.retries, "retry"),
            *_if_any(self.recovered, "recovered"),
            *_if_any(self.timeouts, "timeout"),
            *_if_any(self.refused, "refused"),
            *_if_any(self.unretried, "unretried"),
        ]
        yield [
            *_if_any(self.connections, "connection"),
            *_if_any(self.reused, "reused"),
            *_if_any(self.discarded, "discarded"),
        ]
        yield _if_any(self.evicted, "evicted pool")
        yield [f"{one}, {self.wait_seconds:.3g} s" for one in _if_any(self.waits, "wait")]
        yield [f"{self.peak} at a time"] if self.peak else []


_PARTICIPLES = {"recovered", "reused", "discarded", "refused", "unretried"}
_STATS = TypeAdapter(tuple[MountStats, ...], config=ConfigDict(defer_build=True))


def read_stats(text: str | bytes) -> tuple[MountStats, ...]:
    """Read what ``json.dumps([dataclasses.asdict(mount) for mount in session.stats()])`` wrote.

    Raises `MountsError` if it is something else.
    """
    try:
        return _STATS.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"[{part!r}]" for part in first["loc"]) or "the text"
        message = f"expected the stats of a session as JSON ({place}: {first['msg']})"
        raise MountsError(message) from None


def count(number: int, thing: str) -> str:
    """Write a number of things in words."""
    if number != 1 and thing not in _PARTICIPLES:
        thing = f"{thing[:-1]}ies" if thing.endswith("ry") else f"{thing}s"
    return f"{number} {thing}"


def _if_any(number: int, thing: str) -> list[str]:
    return [count(number, thing)] if number else []
