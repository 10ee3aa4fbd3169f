"""Caches of responses: the second answer comes from them, the first over the mount."""

from collections.abc import Callable

import pytest
import requests
from cachecontrol import CacheControlAdapter
from requests_cache import CachedSession, CacheMixin

from loopback import Answer, Handler, Server
from requests_mounts import DeniedURL, MountAdapter, MountedSession, mount, parse_config

TEXT = '[defaults]\ntimeout = 7\n[mounts."http://127.0.0.9:*/"]\ndeny = true'


class CachingSession(CacheMixin, MountedSession):
    """A session of ours with the cache of requests-cache."""


def mounted() -> requests.Session:
    return mount(CachedSession(backend="memory"), parse_config(TEXT))


def wrapped() -> requests.Session:
    session = MountedSession(parse_config(TEXT))
    return CachedSession.wrap(session, backend="memory")


def mixed() -> requests.Session:
    return CachingSession(config=parse_config(TEXT), backend="memory")


@pytest.mark.parametrize("make", [mounted, wrapped, mixed])
def test_requests_cache(make: Callable[[], requests.Session]) -> None:
    """Mounted on, wrapped in or mixed into a session that caches, the mounts serve what is new."""
    with Server() as server, make() as session:
        first, second = session.get(server.url), session.get(server.url)
        assert (first.text, second.text) == ("ok", "ok")
        assert (first.from_cache, second.from_cache) == (False, True)  # type: ignore[attr-defined]
        assert len(server.requests) == 1
        adapter = session.get_adapter(server.url)
        assert isinstance(adapter, MountAdapter)
        assert adapter.policy.timeout == 7


@pytest.mark.parametrize("make", [mounted, wrapped, mixed])
def test_deny_acts_below_a_cache(make: Callable[[], requests.Session]) -> None:
    """What the file denies is not cached, and not sent."""
    with Server("127.0.0.9") as server, make() as session:
        with pytest.raises(DeniedURL):
            session.get(server.url)
        assert not server.requests


def test_cachecontrol_beside_our_mounts() -> None:
    """An adapter that caches is mounted on its prefix, and only there."""

    def answer(_: Handler) -> Answer:
        return Answer(headers={"Cache-Control": "max-age=60"})

    with (
        Server(answer=answer) as cached,
        Server("127.0.0.2", answer=answer) as plain,
        MountedSession(parse_config(TEXT)) as session,
    ):
        session.mount(cached.url, CacheControlAdapter())
        for server in (cached, plain):
            for _ in range(2):
                assert session.get(server.url).text == "ok"
        assert (len(cached.requests), len(plain.requests)) == (1, 2)
