"""The numbers of a session, collected from the counters of its adapters."""

from collections.abc import Iterable

from requests.adapters import BaseAdapter

from requests_mounts._live.stats import MountStats, PoolStats
from requests_mounts._sending.adapter import MountAdapter
from requests_mounts._sending.counters import Counters


def collect(adapters: Iterable[tuple[str, BaseAdapter]]) -> tuple[MountStats, ...]:
    """Return the numbers of each prefix; an adapter that is not ours has none but zeros."""
    return tuple(
        stats_of(
            prefix, vars(adapter).get("counters") if isinstance(adapter, MountAdapter) else None
        )
        for prefix, adapter in adapters
    )


def stats_of(prefix: str, counters: Counters | None) -> MountStats:
    """Return the numbers of a prefix; without counters nothing has happened there."""
    if counters is None:
        return MountStats(prefix=prefix)
    pools = sorted(
        (PoolStats(**pool.state()) for pool in counters.pools()),
        key=lambda pool: (pool.origin, pool.proxy or ""),
    )
    return MountStats(prefix=prefix, pools=tuple(pools), **counters.read())
