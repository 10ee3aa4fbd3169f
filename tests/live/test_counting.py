"""What is counted, held against what servers counted."""

import gc
import itertools
import logging
import pickle
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import LifoQueue
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connectionpool import ConnectionPool

from loopback import Answer, Handler, Server
from proxies import HttpProxy, SocksProxy
from requests_mounts import (
    BodyTooLarge,
    DeniedURL,
    MountedSession,
    MountStats,
    PoolTimeout,
    ThreadSessions,
    parse_config,
)
from requests_mounts._live.stats import PoolStats
from requests_mounts._sending.counters import Counters
from servers import SessionOf, adapter_of, slow, wait_for


def numbers(session: MountedSession, prefix: str = "http://") -> MountStats:
    (found,) = [stats for stats in session.stats() if stats.prefix == prefix]
    return found


def in_threads(number: int, work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def at_once(number: int) -> Callable[[Handler], Answer]:
    """Answer when so many requests are there, so that each needs a connection."""
    barrier = threading.Barrier(number)
    return lambda _: Answer(body=b"%d" % barrier.wait(timeout=30))


def test_one_for_each_prefix(session_of: SessionOf) -> None:
    """They stand in the order of the table; one that nobody used has zeros."""
    session = session_of("[mounts.'https://h/v1']")
    assert session.stats() == tuple(MountStats(prefix=prefix) for prefix in session.adapters)


def test_requests_and_connections(server: Server, session_of: SessionOf) -> None:
    """A connection that is kept alive is counted once, and each request over it."""
    session = session_of("")
    for _ in range(5):
        session.get(server.url)
    found = numbers(session)
    assert (found.requests, found.connections, found.reused) == (5, 1, 4)
    assert (len(server.requests), server.connections) == (5, 1)
    assert (found.peak, found.origins) == (1, 1)
    (pool,) = found.pools
    assert (pool.origin, pool.proxy, pool.idle, pool.in_use) == (server.url, None, 1, 0)


def test_servers_count_the_same(server: Server, other: Server, session_of: SessionOf) -> None:
    """Under threads, with retries, redirects, refusals, lost connections and dead servers."""
    with Server() as dead:
        pass
    busy = itertools.cycle([503, 200, 200])

    def answer(handler: Handler) -> Answer:
        if handler.path == "/moved":
            return Answer(302, {"Location": f"{other.url}/there"})
        if handler.path == "/closed":
            handler.close_connection = True
        return Answer(next(busy) if handler.path == "/busy" else 200)

    server.answer = answer
    session = session_of(
        f"""
        [defaults]
        max_retries = {{ total = 30, status_forcelist = [503] }}
        pool_maxsize = 3
        [mounts."{other.url}"]
        pool_maxsize = 2
        pool_block = true
        [mounts."{other.url}/denied"]
        deny = true
        """
    )

    def work() -> None:
        for _ in range(10):
            for path in ("/", "/moved", "/closed", "/busy"):
                session.get(server.url + path)
            with pytest.raises(DeniedURL):
                session.get(f"{other.url}/denied")
            with pytest.raises(requests.ConnectionError):
                session.get(dead.url, timeout=5)

    in_threads(12, work)
    plain, capped, denied = (
        numbers(session, prefix) for prefix in ("http://", f"{other.url}/", f"{other.url}/denied/")
    )
    assert plain.requests == len(server.requests)
    assert plain.connections == server.connections
    assert plain.reused == plain.requests - plain.connections
    assert plain.retries == plain.requests - 12 * 10 * 4
    assert 0 < plain.recovered <= plain.retries
    assert (capped.requests, capped.connections) == (len(other.requests), other.connections)
    assert capped.connections in {1, 2}
    assert (denied.refused, denied.requests) == (120, 0)
    assert {pool.in_use for stats in session.stats() for pool in stats.pools} == {0}


def test_discarded_connections(server: Server, session_of: SessionOf) -> None:
    """A connection for which its pool has no place is counted, and so is how many were at work."""
    server.answer = at_once(3)
    session = session_of("[defaults]\npool_maxsize = 1")
    in_threads(3, lambda: session.get(server.url))
    found = numbers(session)
    assert (found.connections, found.discarded, found.peak) == (3, 2, 3)
    (advice,) = session.advice()
    assert str(advice) == (
        "mounts.toml:2 pool_maxsize = 1: 2 of 3 connections were discarded,"
        " 3 requests ran at a time; set 3 for http://"
    )


def test_the_origin_of_a_pool_leaves_out_the_port_of_its_scheme(
    server: Server, session_of: SessionOf
) -> None:
    """As the URL does."""
    session = session_of(
        f"[mounts.'http://localhost/']\nconnect_to = ['127.0.0.1:{server.server_port}']"
    )
    session.get("http://localhost:80/")
    (pool,) = numbers(session, "http://localhost/").pools
    assert pool.origin == "http://localhost"


def test_a_retry_that_is_told_to_come_again_has_not_helped(
    server: Server, session_of: SessionOf
) -> None:
    """Its status alone would be an answer, but not with Retry-After."""
    answers = iter([Answer(500), Answer(503, {"Retry-After": "0"}), Answer()])
    server.answer = lambda _: next(answers)
    session = session_of("[defaults]\nmax_retries = { total = 3, status_forcelist = [500] }")
    assert session.get(server.url).text == "ok"
    assert (numbers(session).retries, numbers(session).recovered) == (2, 1)


def test_evicted_pools(server: Server, other: Server, session_of: SessionOf) -> None:
    """Pools dropped for others are counted and not held; the numbers stay."""
    session = session_of("[defaults]\npool_connections = 1")
    for one in (server, other, server):
        session.get(one.url)
    gc.collect()
    found = numbers(session)
    assert (found.requests, found.connections, found.evicted, found.origins) == (3, 3, 2, 2)
    assert [pool.origin for pool in found.pools] == [server.url]
    session.close()
    gc.collect()
    found = numbers(session)
    assert (found.requests, found.evicted, found.pools) == (3, 2, ())


def test_waits(server: Server, session_of: SessionOf) -> None:
    """Who waits for a connection is counted, with the time, and among those that are there."""
    session = session_of("[defaults]\npool_maxsize = 1\npool_block = true")

    def answer(_: Handler) -> Answer:
        wait_for(lambda: numbers(session).waits == 2)
        time.sleep(0.1)
        return Answer()

    server.answer = answer
    in_threads(3, lambda: session.get(server.url))
    found = numbers(session)
    assert (found.requests, found.connections, found.waits, found.peak) == (3, 1, 2, 3)
    assert 0.1 <= found.wait_seconds < 30


def test_what_ran_before_a_wait_ran_not_beside_it(
    server: Server, other: Server, session_of: SessionOf
) -> None:
    """The requests of another pool, which were over by then, are not added to who waits."""
    session = session_of("[defaults]\npool_maxsize = 1\npool_block = true")
    for url in (server.url, other.url):
        session.get(url)
    with session.get(server.url, stream=True) as response:
        session.get(other.url)
        assert response.content  # So that the connection is kept.
    wait_during(session, server.url, lambda: None)
    assert numbers(session).peak == 2


def test_what_ran_during_a_wait_ran_beside_it(
    server: Server, other: Server, session_of: SessionOf
) -> None:
    """The request that waits, the one that has the connection, and one of another pool."""
    session = session_of("[defaults]\npool_maxsize = 1\npool_block = true")
    for url in (server.url, other.url):
        session.get(url)
    wait_during(session, server.url, lambda: session.get(other.url))
    assert numbers(session).peak == 3


def wait_during(session: MountedSession, url: str, act: Callable[[], object]) -> None:
    """Do something while a request waits for the connection of another."""
    with session.get(url, stream=True) as response:
        waiter = threading.Thread(target=session.get, args=(url,))
        waiter.start()
        counters = adapter_of(session, url).counters
        wait_for(lambda: counters._waiting)
        act()
        assert response.content
    waiter.join()


def test_a_pool_that_is_closed_meanwhile(server: Server, session_of: SessionOf) -> None:
    """A connection that comes back to it was not too many for it."""
    session = session_of("")
    with session.get(server.url, stream=True) as response:
        (pool,) = adapter_of(session, server.url).counters.pools()
        pool.close()
        assert response.content == b"ok"
    found = numbers(session)
    assert (found.connections, found.discarded) == (1, 0)


class Hasty(LifoQueue[Any]):
    """A queue of which another thread takes and closes what was put there, at once."""

    def put(self, item: Any, *args: Any, **kwargs: Any) -> None:
        super().put(item, *args, **kwargs)
        if item is not None:
            in_threads(1, item.close)


def test_a_connection_that_another_thread_closes(
    server: Server, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pool had a place for it, so that it was not discarded."""
    monkeypatch.setattr(ConnectionPool, "QueueCls", Hasty)
    session = session_of("")
    for _ in range(2):
        session.get(server.url)
    found = numbers(session)
    assert (found.connections, found.discarded) == (2, 0)


def test_a_wait_that_is_too_long(server: Server, session_of: SessionOf) -> None:
    """It is a wait and a timeout, and nothing was sent."""
    session = session_of("[defaults]\npool_maxsize = 1\npool_block = true\npool_timeout = 0.01")
    with session.get(server.url, stream=True) as response:
        with pytest.raises(PoolTimeout):
            session.get(server.url)
        assert numbers(session).pools[0].in_use == 1
        assert response.content
    found = numbers(session)
    assert (found.requests, found.waits, found.timeouts) == (1, 1, 1)
    assert found.wait_seconds >= 0.01


def test_no_wait_at_all(server: Server, session_of: SessionOf) -> None:
    """Where no wait is allowed, none is counted."""
    session = session_of("[defaults]\npool_maxsize = 1\npool_block = true\npool_timeout = 0")
    with session.get(server.url, stream=True), pytest.raises(PoolTimeout):
        session.get(server.url)
    assert (numbers(session).waits, numbers(session).timeouts) == (0, 1)


def test_timeouts(server: Server, session_of: SessionOf) -> None:
    """A request that got no answer in time was sent; one to a dead port was not, and is none."""
    server.answer = slow(0.3)
    session = session_of("[defaults]\ntimeout.read = 0.05\nmax_retries = { total = 1 }")
    with pytest.raises(requests.ConnectionError):
        session.get(server.url)
    with Server() as dead:
        pass
    with pytest.raises(requests.ConnectionError):
        session.get(dead.url)
    found = numbers(session)
    assert (found.requests, found.connections, found.timeouts) == (2, 2, 2)
    assert (found.retries, found.recovered) == (1, 0)
    wait_for(lambda: len(server.requests) == 2)


def test_deadlines(server: Server, session_of: SessionOf) -> None:
    """A request that a deadline ended is a timeout once, whatever it was doing."""
    server.answer = slow(10)
    session = session_of("[defaults]\ndeadline = 1")
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    found = numbers(session)
    assert (found.requests, found.timeouts, found.deadlines) == (1, 1, 1)


def test_a_handshake_that_fails(server_tls: Any) -> None:
    """The connection was opened, and nothing was sent over it."""
    with Server(tls=server_tls) as server, MountedSession(parse_config("")) as session:
        with pytest.raises(requests.exceptions.SSLError):
            session.get(server.url)
        found = numbers(session, "https://")
        assert (found.requests, found.connections, server.connections) == (0, 1, 1)


def test_connections_that_the_server_closed(server: Server, session_of: SessionOf) -> None:
    """They are opened anew, and each first request is none over a used connection."""

    def answer(handler: Handler) -> Answer:
        handler.close_connection = True
        return Answer()

    server.answer = answer
    session = session_of("[defaults]\npool_maxsize = 1")
    for _ in range(3):
        session.get(server.url)
    found = numbers(session)
    assert (found.requests, found.connections, found.reused, found.discarded) == (3, 3, 0, 0)


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
def test_proxies(kind: type[HttpProxy | SocksProxy], server_tls: Any, authority_file: str) -> None:
    """Connections by way of a proxy are told apart, and its password is not told."""
    with kind() as proxy, Server(tls=server_tls) as server:
        secret = proxy.url.replace("://", "://user:hunter2@") if kind is HttpProxy else proxy.url
        config = parse_config(f"[mounts.'https://127.0.0.1:*/']\nproxy = '{secret}'")
        with MountedSession(config) as session:
            for _ in range(3):
                session.get(server.url, verify=authority_file)
            found = numbers(session, "https://127.0.0.1:*/")
            assert (found.requests, found.connections, found.reused) == (3, 1, 2)
            (pool,) = found.pools
            assert (pool.origin, pool.proxy) == (server.url, proxy.url)
            assert "hunter2" not in str(found) + repr(found)
        assert proxy.connections == 1


def test_a_proxy_that_is_dead(server_tls: Any) -> None:
    """Nothing was opened, and nothing is in use."""
    with HttpProxy() as proxy:
        pass
    with Server(tls=server_tls) as server:
        config = parse_config(f"[mounts.'https://127.0.0.1:*/']\nproxy = '{proxy.url}'")
        with MountedSession(config) as session:
            with pytest.raises(requests.exceptions.ProxyError):
                session.get(server.url)
            found = numbers(session, "https://127.0.0.1:*/")
            assert (found.requests, found.connections, found.timeouts) == (0, 0, 0)
            assert not found.pools or found.pools[0].in_use == 0


def test_streams_that_nobody_reads(server: Server, session_of: SessionOf) -> None:
    """They are in use until they are collected."""
    server.answer = lambda _: Answer(body=b"x" * 1_000_000)
    session = session_of("")
    responses = [session.get(server.url, stream=True) for _ in range(5)]
    assert numbers(session).pools[0].in_use == 5
    responses.clear()
    gc.collect()
    found = numbers(session)
    assert (found.pools[0].in_use, found.peak) == (0, 5)


def test_a_body_that_is_refused_keeps_no_connection_busy(
    server: Server, session_of: SessionOf
) -> None:
    """Not even as long as its error is remembered, which has the connection in its frames."""
    session, errors = session_of("[defaults]\nmax_body_size = 1"), []
    for _ in range(3):
        with pytest.raises(BodyTooLarge) as found:
            session.get(server.url)
        errors.append(found)
    assert (numbers(session).pools[0].in_use, numbers(session).peak) == (0, 1)


def test_adapters_of_code_have_no_numbers(server: Server, session_of: SessionOf) -> None:
    """A plain adapter counts nothing, which is no advice to remove it."""
    session = session_of("")
    session.mount(server.url, HTTPAdapter())
    session.get(server.url)
    assert numbers(session, server.url) == MountStats(prefix=server.url)


def test_a_long_tape_becomes_numbers(server: Server, session_of: SessionOf) -> None:
    """What happens is not kept for longer than some thousands of events."""
    session = session_of("")
    for _ in range(1_500):
        session.get(server.url)
    assert len(adapter_of(session, server.url).counters.tape) < 2_500
    assert numbers(session).requests == len(server.requests) == 1_500


def test_the_first_trouble_is_a_warning(
    server: Server, other: Server, session_of: SessionOf, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once for each mount, as the advice would say it, and nothing else is."""
    server.answer = at_once(2)
    session = session_of("[defaults]\npool_maxsize = 1\npool_connections = 1")
    with caplog.at_level(logging.INFO, logger="requests_mounts"):
        for _ in range(3):
            in_threads(2, lambda: session.get(server.url))
            session.get(other.url)
    ours = [record for record in caplog.records if record.name.startswith("requests_mounts")]
    assert {record.levelname for record in ours} == {"WARNING"}
    assert "\n".join(sorted(record.getMessage() for record in ours)) == (
        "mounts.toml:2 pool_maxsize = 1: 1 of 2 connections was discarded,"
        " 2 requests ran at a time; set 2 for http://\n"
        "mounts.toml:3 pool_connections = 1: 1 pool was dropped for others,"
        " requests went to 2 origins; set 2 for http://"
    )


def test_the_way_of_a_request_is_logged(
    server: Server, session_of: SessionOf, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG: which mount serves it and how long it waited, without user name and query."""
    session = session_of("[defaults]\npool_maxsize = 1\npool_block = true")

    def answer(_: Handler) -> Answer:
        wait_for(lambda: numbers(session).waits)
        return Answer()

    server.answer = answer
    url = server.url.replace("//", "//user:hunter2@") + "/v1?token=hunter2"
    with caplog.at_level(logging.DEBUG, logger="requests_mounts"):
        in_threads(2, lambda: session.get(url))
    said = [
        record.getMessage() for record in caplog.records if record.name.startswith("requests_m")
    ]
    assert sum(text.endswith("/v1 is served by http://") for text in said) == 2
    waits = [text for text in said if re.fullmatch(r"waited \S+ s for a connection to \S+", text)]
    assert [text.rpartition(" ")[2] for text in waits] == [server.url]
    assert "hunter2" not in "".join(said)


def test_the_numbers_of_a_copy_begin_anew(server: Server, session_of: SessionOf) -> None:
    """A session that was pickled counts for itself, and warns of its own troubles."""
    session = session_of("")
    session.mount("http://elsewhere", HTTPAdapter())
    session.get(server.url)
    copied: MountedSession = pickle.loads(pickle.dumps(session))
    with copied:
        assert numbers(copied) == MountStats(prefix="http://")
        copied.get(server.url)
        assert numbers(copied).requests == 1
        assert vars(copied.adapters["http://"])["report"]
    assert numbers(session).requests == 1


def test_stats_while_threads_send(server: Server, session_of: SessionOf) -> None:
    """Reading the numbers disturbs nobody, and no number ever goes down."""
    session = session_of("[defaults]\npool_maxsize = 1")
    threads = [
        threading.Thread(target=lambda: [session.get(server.url) for _ in range(40)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    seen = [numbers(session).requests]
    while any(thread.is_alive() for thread in threads):
        seen.append(numbers(session).requests)
    for thread in threads:
        thread.join()
    assert seen == sorted(seen)
    assert numbers(session).requests == len(server.requests) == 160


def test_ipv6(session_of: SessionOf) -> None:
    """An origin is written as in a URL."""
    session = session_of("")
    with pytest.raises(requests.ConnectionError):
        session.get("http://[::1]:9/")
    assert numbers(session).pools[0].origin == "http://[::1]:9"


def test_thread_sessions_count_together(server: Server) -> None:
    """What all threads do is in one set of numbers."""
    with ThreadSessions(parse_config("")) as sessions:
        in_threads(3, lambda: sessions().get(server.url))
        (stats,) = [stats for stats in sessions.stats() if stats.prefix == "http://"]
        assert stats.requests == 3
        assert sessions.advice() == sessions().advice() == ()


def test_a_proxy_that_refuses(server: Server, session_of: SessionOf) -> None:
    """A tunnel that is not opened carries no request."""
    server.answer = lambda _: Answer(407)
    session = session_of(f"[mounts.'https://127.0.0.1:*/']\nproxy = '{server.url}'")
    with pytest.raises(requests.exceptions.ProxyError):
        session.get("https://127.0.0.1:9/")
    found = numbers(session, "https://127.0.0.1:*/")
    assert (found.requests, found.connections, found.pools[0].in_use) == (0, 1, 0)
    assert server.connections == 1


def test_an_https_proxy_that_is_dead(server: Server, session_of: SessionOf) -> None:
    """That it refuses connections is no timeout, though urllib3 derives the one from the other."""
    with HttpProxy() as proxy:
        pass
    place = proxy.url.replace("http:", "https:")
    session = session_of(f"[defaults]\nproxy = '{place}'")
    with pytest.raises(requests.exceptions.ProxyError):
        session.get(server.url)
    pools = (PoolStats(origin=place, proxy=place),)  # One serves all http origins.
    assert numbers(session) == MountStats(prefix="http://", origins=1, peak=1, pools=pools)


def test_a_crawler_is_counted_within_bounds() -> None:
    """Origins are told apart up to a number that no pool manager can have."""
    counters = Counters()
    pools = [HTTPConnectionPool("h") for _ in range(2)]
    for number in range(66_000):
        counters.add_pool(pools[0], f"http://h{number}", None)
    assert counters.read()["origins"] == 65_535


def test_who_refused(server: Server) -> None:
    """A limit, a circuit and a retry budget are told apart, by the advice too."""
    server.answer = lambda _: Answer(503)
    text = f"""
[mounts."{server.url}/limit/"]
limit = {{ rate = 0.01, max_wait = 0.1 }}
breaker.failures = 99
[mounts."{server.url}/breaker/"]
breaker.failures = 1
[mounts."{server.url}/budget/"]
retry_budget.tokens = 1
max_retries = {{ total = 3, status_forcelist = [503] }}
"""
    with MountedSession(parse_config(text, source="mounts.toml")) as session:
        for _ in range(5):
            for path in ("limit", "breaker", "budget"):
                with suppress(requests.RequestException):
                    session.get(f"{server.url}/{path}/")
        found = {stats.prefix.removeprefix(server.url): stats for stats in session.stats()}
        told = [str(advice) for advice in session.advice()]
    keys = ("requests", "refused", "limited", "circuit_open", "unretried", "retries")
    assert {
        path: tuple(getattr(found[path], key) for key in keys)
        for path in found
        if path.startswith("/")
    } == {
        "/limit/": (1, 4, 4, 0, 0, 0),
        "/breaker/": (1, 4, 0, 4, 0, 0),
        "/budget/": (5, 0, 0, 0, 5, 0),
    }
    assert told == [
        "mounts.toml:6 breaker.failures = 1: the open circuit refused 4 requests, 1 was sent",
        (
            "mounts.toml:8 retry_budget.tokens = 1: 5 failed attempts could not be retried,"
            " 0 retries were sent"
        ),
        "mounts.toml:3 limit.max_wait = 0.1: 4 requests would have waited longer, 1 was sent; set 0.2",
    ]
