"""Limits, breakers and retry budgets, seen from real servers."""

import gc
import logging
import os
import pickle
import signal
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from loopback import Answer, Handler, Server
from proxies import HttpProxy
from requests_mounts import (
    CircuitOpen,
    LimitExceeded,
    MountedSession,
    MountsError,
    PoolTimeout,
    load_session,
    parse_config,
)
from requests_mounts._file.limits import BreakerOptions, BudgetOptions, LimitOptions
from requests_mounts._file.policy import Policy
from requests_mounts._sending import guards as guards_module
from requests_mounts._sending.attempt import Attempt, LimitRefused
from requests_mounts._sending.deadline import Deadline, DeadlineReached
from requests_mounts._sending.guarded import guarded
from requests_mounts._sending.guards import Guard, Guards, States, guard_of
from requests_mounts._sending.limit import Limiter
from servers import Serve, SessionOf, adapter_of, enter, free_places, slow, wait_for


class Watch:
    """Notes how many requests are there at a time, and answers in turn."""

    def __init__(self, *answers: Answer, seconds: float = 0.0) -> None:
        self.answers = list(answers)
        self.seconds = seconds
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, _: Handler) -> Answer:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            answer = self.answers.pop(0) if self.answers else Answer()
        time.sleep(self.seconds)
        with self._lock:
            self._now -= 1
        return answer


def keep_to(interval: float, moments: list[float], *, burst: int = 1) -> bool:
    """Tell whether no two requests were closer than the guarantee.

    A thread may be held up between its token and its request, by less than half an interval.
    """
    times = sorted(moments)
    return all(
        times[j] - times[i] >= (j - i - burst + 0.5) * interval
        for i in range(len(times))
        for j in range(i + 1, len(times))
    )


def mounts(server: Server | str, *lines: str) -> str:
    url = server if isinstance(server, str) else server.url
    return "\n".join([f'[mounts."{url}"]', *lines])


def run(number: int, work: Callable[[], object]) -> None:
    """Run something in threads, and wait for their end."""
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def limiter_of(session: requests.Session, url: str) -> Limiter:
    """Return the only state of a mount's limit."""
    guard = adapter_of(session, url).guard
    assert guard
    assert guard.limits
    (limiter,) = guard.limits._states.values()
    return limiter


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port at which nobody listens, as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_threads_with_retries_and_redirects(
    serve: Serve, session_of: SessionOf, moments: list[float]
) -> None:
    """Retries, hops of redirects and threads together are never faster, nor more at a time."""
    hops = iter(range(10_000))
    watch = Watch(seconds=0.03)

    def answer(handler: Handler) -> Answer:
        watch(handler)
        if handler.path == "/":
            return Answer(302, {"Location": f"/{next(hops)}"})
        return Answer(503 if next(hops) % 3 == 0 else 200)

    server = serve(answer=answer)
    session = session_of(
        mounts(
            server,
            "limit = { rate = 8, burst = 2, concurrency = 2 }",
            "pool_maxsize = 6",
            "max_retries = { total = 9, status_forcelist = [503] }",
        )
    )

    def work() -> None:
        assert session.get(server.url + "/").ok

    run(6, work)
    assert len(moments) == len(server.requests) >= 12
    assert watch.most <= 2
    assert keep_to(1 / 8, moments, burst=2)


class SlowHandshake(Server):
    """A TLS server that takes its time for each new connection."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        time.sleep(0.4)
        super().finish_request(request, client_address)


def test_new_connections_keep_their_distance(
    server_tls: ssl.SSLContext, session_of: SessionOf, moments: list[float]
) -> None:
    """What dialling takes does not bring two requests closer together."""
    with SlowHandshake(tls=server_tls) as server:
        session = session_of(mounts(server, "limit = { rate = 2 }"))
        for number in range(4):
            session.get(server.url, headers={"Connection": "close"} if number % 2 else {})
        assert server.connections == 2
    assert len(moments) == 4
    assert keep_to(1 / 2, moments)


def test_waits_for_a_connection_keep_their_distance(
    server: Server, session_of: SessionOf, moments: list[float]
) -> None:
    """What goes out after a wait for a connection is as far from the next one as the rate asks."""
    go = threading.Event()

    def answer(handler: Handler) -> Answer:
        if handler.path == "/slow":
            go.wait(20)
        return Answer()

    server.answer = answer
    limit = "limit = { rate = 1, per = 1.5 }"
    session = session_of(mounts(server, limit, "pool_block = true", "pool_maxsize = 1"))
    slow_one = threading.Thread(target=session.get, args=(server.url + "/slow",))
    slow_one.start()
    wait_for(lambda: server.requests)
    others = threading.Thread(target=run, args=(2, lambda: session.get(server.url)))
    others.start()
    wait_for(lambda: sum(stats.waits for stats in session.stats()))
    time.sleep(1)  # The first of them waits, but not until there is a token for the second.
    go.set()
    for thread in (slow_one, others):
        thread.join(20)
    assert len(moments) == 3
    assert keep_to(1.5, moments)


class Late(Server):
    """A TLS server whose handshakes with some connections, by their numbers, take a long time."""

    late: frozenset[int] = frozenset()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.connections in self.late:
            time.sleep(2.5)
        super().finish_request(request, client_address)


def come_late(session: MountedSession, server: Late, meanwhile: Callable[[], object]) -> list[Any]:
    """Send a request that is long in connecting while others are sent, and return how it ended."""
    ended: list[Any] = []

    def come() -> None:
        try:
            ended.append(session.get(server.url + "/late").status_code)
        except requests.RequestException as error:
            ended.append(error)

    with session.get(server.url, stream=True) as held:  # Has the connection that is there.
        server.late = frozenset([server.connections + 1])
        late = threading.Thread(target=come)
        late.start()
        time.sleep(1.2)
        assert held.content == b"ok"
    meanwhile()
    late.join(20)
    return ended


def test_an_attempt_that_is_late_waits_for_another_token(
    server_tls: ssl.SSLContext, session_of: SessionOf, moments: list[float]
) -> None:
    """What was long in connecting keeps its distance from what was sent meanwhile."""
    with Late(tls=server_tls) as server:
        session = session_of(mounts(server, "limit = { rate = 1 }"))

        def others() -> None:
            for _ in range(4):
                session.get(server.url)

        assert come_late(session, server, others) == [200]
        assert server.connections == 2
    assert len(moments) == 6
    assert keep_to(1, moments)


@pytest.mark.parametrize(
    "lines", [["limit = { rate = 0.4, burst = 3, concurrency = 2, max_wait = 0.1 }"],
              ["limit = { rate = 0.4, burst = 3, concurrency = 2 }", "deadline = 4"]],
    ids=["max_wait", "deadline"],
)  # fmt: skip
def test_an_attempt_that_is_late_may_be_refused(
    server_tls: ssl.SSLContext, session_of: SessionOf, lines: list[str]
) -> None:
    """It gives back its connection, its permit, its place as a probe and its first token."""
    with Late(tls=server_tls) as server:
        lines = [*lines, "pool_block = true", "pool_maxsize = 2", "breaker.failures = 1"]
        session = session_of(mounts(server, *lines))

        def others() -> None:
            limiter = limiter_of(session, server.url)
            assert limiter._bucket
            session.get(server.url)
            limiter._bucket.hold(time.monotonic() + 7)

        (error,) = come_late(session, server, others)
        assert isinstance(error, LimitExceeded)
        assert error.retry_after
        assert 4 < error.retry_after <= 7
        assert len(server.requests) == 2
        assert not limiter_of(session, server.url)._holders
        assert free_places(session, server.url) == 2
        assert session.stats()[0].refused == 1


def test_a_wait_for_a_connection_that_is_followed_by_another(
    server: Server, session_of: SessionOf
) -> None:
    """Who got a connection too late for the limit leaves its place in the pool to others."""
    go = threading.Event()
    server.answer = lambda _: (go.wait(20) and Answer()) or Answer()
    session = session_of(
        mounts(
            server,
            "limit = { rate = 1000, burst = 3, max_wait = 0.1, max_pause = 9 }",
            "pool_block = true",
            "pool_maxsize = 1",
        )
    )
    first = threading.Thread(target=session.get, args=(server.url,))
    first.start()
    wait_for(lambda: server.requests)
    refused: list[float | None] = []

    def come() -> None:
        with pytest.raises(LimitExceeded) as caught:
            session.get(server.url)
        refused.append(caught.value.retry_after)

    second = threading.Thread(target=come)
    second.start()
    wait_for(lambda: sum(stats.waits for stats in session.stats()))
    time.sleep(0.01)
    limiter_of(session, server.url).pause(5)
    go.set()
    for thread in (first, second):
        thread.join(20)
    assert refused[0]
    assert 0 < refused[0] <= 5
    assert free_places(session, server.url) == 1
    assert len(server.requests) == 1


def test_a_pause_while_others_wait(
    server: Server, session_of: SessionOf, moments: list[float]
) -> None:
    """A Retry-After holds everybody, those who wait already too; its thread sleeps once."""
    session = session_of(
        mounts(
            server,
            "limit = { rate = 1, burst = 2 }",
            "max_retries = { total = 1, status_forcelist = [503] }",
        )
    )
    answers = [Answer(), Answer(503, {"Retry-After": "3"})]

    def answer(_: Handler) -> Answer:
        if len(answers) == 1:
            wait_for(lambda: len(limiter_of(session, server.url).queue) == 2)
            asked.append(time.monotonic())
        return answers.pop(0) if answers else Answer()

    asked: list[float] = []
    server.answer = answer
    session.get(server.url)
    run(3, lambda: session.get(server.url))
    _, _, *later = moments
    assert len(later) == 3
    assert later[0] >= asked[0] + 3
    assert keep_to(1, later)  # Nothing was saved up in the meantime.
    assert later[-1] < asked[0] + 6  # Two of them waited for their tokens, one slept, for as long.


@pytest.mark.parametrize(
    "limit", ["concurrency = 4", "concurrency = 4, rate = 100, burst = 100", "rate = inf"]
)
def test_a_pause_while_others_wait_for_a_connection(
    server: Server, session_of: SessionOf, moments: list[float], limit: str
) -> None:
    """It holds them too, as they are not sent yet."""
    answers = [Answer(429, {"Retry-After": "2"})]
    session = session_of(
        mounts(server, f"limit = {{ {limit} }}", "pool_block = true", "pool_maxsize = 1")
    )

    def answer(_: Handler) -> Answer:
        if answers:
            wait_for(lambda: sum(stats.waits for stats in session.stats()) == 2)
        return answers.pop() if answers else Answer()

    server.answer = answer
    run(3, lambda: session.get(server.url))
    first, *later = moments
    assert len(later) == 2
    assert later[0] >= first + 2


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(429, {"Retry-After": "30"}), 30),
        (Answer(503, {"Retry-After": "30"}), 30),
        (Answer(429, {"Retry-After": "9000"}), 60),
        (Answer(429, {"Retry-After": "soon"}), 2),
        (Answer(429), 2),
        (Answer(503), None),
        (Answer(500, {"Retry-After": "30"}), None),
        (Answer(503, {"Retry-After": "soon"}), None),
    ],
)
def test_what_a_server_asks_for(
    serve: Serve, session_of: SessionOf, answer: Answer, wait: float | None
) -> None:
    """A 429 or 503 with a Retry-After pauses, a 429 without one empties the bucket."""
    server = serve(answer=Watch(answer))
    session = session_of(mounts(server, "limit = { rate = 0.5, burst = 2, max_wait = 0 }"))
    session.get(server.url)
    if wait is None:
        assert session.get(server.url).ok
        return
    with pytest.raises(LimitExceeded) as caught:
        session.get(server.url)
    assert caught.value.retry_after == pytest.approx(wait, abs=1)
    assert len(server.requests) == 1


def test_a_deadline_before_a_long_wait(server: Server, session_of: SessionOf) -> None:
    """It fails at once, nothing is sent, and the token remains."""
    session = session_of(mounts(server, "limit = { rate = 0.25 }", "deadline = 2"))
    session.get(server.url)
    start = time.monotonic()
    with pytest.raises(LimitExceeded) as caught:
        session.get(server.url)
    assert time.monotonic() - start < 1.5
    assert isinstance(caught.value, requests.ConnectTimeout)
    assert isinstance(caught.value, MountsError)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after <= 4
    turn = f"{server.url}/ was not sent: its turn under the limit of {server.url}/ (mounts.toml:2)"
    assert str(caught.value).startswith(f"{turn} would come in ")
    assert str(caught.value).endswith(" s, not within the deadline")
    time.sleep(caught.value.retry_after)
    assert session.get(server.url).ok
    assert len(server.requests) == 2


def test_no_time_is_left_for_a_retry(serve: Serve, session_of: SessionOf) -> None:
    """A wait that only begins when the deadline is over is the deadline's error."""
    server = serve(answer=slow(0.1))
    session = session_of(mounts(server, "limit = { concurrency = 1 }", "deadline = 30"))
    assert session.get(server.url).ok
    assert limiter_of(session, server.url).is_idle()


def test_abandoned_streams(serve: Serve, session_of: SessionOf) -> None:
    """Responses that nobody reads or closes lose no permit."""
    server = serve(answer=lambda _: Answer(body=b"x" * 100_000))
    session = session_of(mounts(server, "limit = { concurrency = 2, max_wait = 5 }"))
    for number in range(500):
        response = session.get(server.url, stream=True)
        if number % 2:
            next(response.iter_content(10))
        del response
    gc.collect()
    assert limiter_of(session, server.url).is_idle()


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["kept", "closed"])
def test_an_abandoned_stream_wakes_who_waits(
    serve: Serve, session_of: SessionOf, headers: dict[str, str]
) -> None:
    """Whoever waits for its permit has it at once, though nobody gave it back."""
    server = serve(answer=lambda _: Answer(body=b"x" * 100_000))
    session = session_of(mounts(server, "limit = { concurrency = 1, max_wait = inf }"))
    response = session.get(server.url, stream=True, headers=headers)
    waiter = threading.Thread(target=session.get, args=(server.url,), daemon=True)
    waiter.start()
    wait_for(lambda: limiter_of(session, server.url).queue)
    del response
    gc.collect()
    wait_for(lambda: not waiter.is_alive())


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["kept", "closed"])
@pytest.mark.parametrize(
    "end",
    [
        lambda response: response.content,
        lambda response: response.close(),
        lambda response: response.raw.close(),
        lambda response: response.raw.read(),
        lambda response: response.raw.drain_conn(),
    ],
    ids=["read", "closed", "raw closed", "raw read", "drained"],
)
def test_a_stream_holds_its_permit(
    serve: Serve,
    session_of: SessionOf,
    end: Callable[[requests.Response], object],
    headers: dict[str, str],
) -> None:
    """Until its body is read or closed, even if the connection is not kept."""
    server = serve(answer=lambda _: Answer(body=b"x" * 5_000_000))
    session = session_of(mounts(server, "limit = { concurrency = 1, max_wait = 0.05 }"))
    response = session.get(server.url, stream=True, headers=headers)
    with pytest.raises(
        LimitExceeded, match=r"\(mounts\.toml:2\) did not come within max_wait = 0\.05$"
    ) as caught:
        session.get(server.url)
    assert caught.value.retry_after is None
    end(response)
    assert session.get(server.url).ok


def test_a_body_that_asks_the_pools_themselves(server: Server, session_of: SessionOf) -> None:
    """Its attempts come to an end in the middle of another, which keeps its own permit."""
    session = session_of(mounts(server, "limit = { concurrency = 2, max_wait = 0.05 }"))
    adapter = adapter_of(session, server.url)

    def body() -> Iterator[bytes]:
        assert adapter.poolmanager.request("GET", server.url).status == 200
        yield b"x"

    with session.put(server.url, data=body(), stream=True):
        with session.get(server.url, stream=True), pytest.raises(LimitExceeded):
            session.get(server.url)
        assert session.get(server.url).ok


def test_a_permit_is_not_held_between_attempts(serve: Serve, session_of: SessionOf) -> None:
    """With one permit all retries finish, and others pass while they wait for their turn."""
    server = serve(answer=Watch(*[Answer(503)] * 2))
    session = session_of(
        mounts(
            server,
            "limit = { concurrency = 1, max_wait = 20 }",
            "max_retries = { total = 2, backoff_factor = 1, status_forcelist = [503] }",
        )
    )

    def other() -> None:
        wait_for(lambda: len(server.requests) >= 2)
        session.get(f"{server.url}/other")

    thread = threading.Thread(target=other)
    thread.start()
    assert session.get(server.url).ok
    thread.join(20)
    assert server.requests == ["GET /", "GET /", "GET /other", "GET /"]
    assert limiter_of(session, server.url).is_idle()


@pytest.mark.parametrize("kind", ["refused", "cut", "body"])
def test_failures_give_permits_back(
    serve: Serve, session_of: SessionOf, closed_port: int, kind: str
) -> None:
    """Whatever goes wrong, and with retries, nothing stays taken."""

    def cut(handler: Handler) -> Answer:
        handler.connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionError

    def body() -> Iterator[bytes]:
        yield b"x"
        raise ZeroDivisionError

    server = serve(answer=cut if kind == "cut" else lambda _: Answer())
    url = f"http://127.0.0.1:{closed_port}" if kind == "refused" else server.url
    session = session_of(
        mounts(url, "limit = { concurrency = 1, max_wait = 1 }", "max_retries = 2")
    )
    error: Any = ZeroDivisionError if kind == "body" else requests.ConnectionError
    for _ in range(3):
        with pytest.raises(error) as caught:
            session.put(url, data=body() if kind == "body" else b"")
        assert not isinstance(caught.value, LimitExceeded)
    assert limiter_of(session, url).is_idle()


def test_a_wait_for_a_connection_gives_the_permit_back(serve: Serve, session_of: SessionOf) -> None:
    """Neither the limit nor the breaker keeps anything of an attempt that found no connection."""
    go = threading.Event()

    def wait(handler: Handler) -> Answer:
        if handler.path == "/slow":
            go.wait(20)
        return Answer()

    server = serve(answer=wait)
    session = session_of(
        mounts(
            server,
            "limit = { concurrency = 5 }",
            "breaker = { failures = 1 }",
            "pool_block = true",
            "pool_maxsize = 1",
            "pool_timeout = 0.05",
        )
    )
    thread = threading.Thread(target=session.get, args=(server.url + "/slow",))
    thread.start()
    wait_for(lambda: server.requests)
    with pytest.raises(PoolTimeout):
        session.get(server.url)
    go.set()
    thread.join(20)
    assert limiter_of(session, server.url).is_idle()
    assert session.get(server.url).ok


def test_origins_have_their_own_state(session_of: SessionOf) -> None:
    """Each host has its own bucket, unless the file gives all of them one."""
    with Server("127.0.0.1") as one, Server("127.0.0.2") as other:
        text = f'[mounts."http://127.0.0.1:*/"]\npolicy = "p"\n[mounts."{other.url}"]\npolicy = "p"\n[policies.p]\n'
        session = session_of(text + "limit = { rate = 0.01, max_wait = 0 }")
        assert session.get(one.url).ok
        assert session.get(other.url).ok
        for server in (one, other):
            with pytest.raises(LimitExceeded):
                session.get(server.url)
        session = session_of(text + 'limit = { rate = 0.01, max_wait = 0, scope = "limit" }')
        assert session.get(one.url).ok
        with pytest.raises(LimitExceeded):
            session.get(other.url)


def test_the_way_of_a_request_has_no_part_in_the_origin(session_of: SessionOf) -> None:
    """A request through a proxy and a direct one have the same state."""
    with Server() as server, HttpProxy() as proxy:
        session = session_of(mounts(server, "limit = { rate = 0.01, max_wait = 0 }"))
        assert session.get(server.url, proxies={"http": proxy.url}).ok
        with pytest.raises(LimitExceeded):
            session.get(server.url)
        with pytest.raises(LimitExceeded):
            session.get(server.url, proxies={"http": proxy.url})
        assert len(server.requests) == 1


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "127.0.0.1."])
@pytest.mark.parametrize("way", ["direct", "proxied"])
def test_a_host_has_one_state_however_it_is_spelled(
    session_of: SessionOf, host: str, way: str
) -> None:
    """A limit and a breaker cannot be passed by another spelling of the host."""
    with Server(answer=lambda _: Answer(503)) as server, HttpProxy() as proxy:
        proxies = {"http": proxy.url} if way == "proxied" else {}
        respelled = server.url.replace("127.0.0.1", host)
        for line, refusal in (
            ("limit = { rate = 0.01, max_wait = 0 }", LimitExceeded),
            ("breaker = { failures = 1 }", CircuitOpen),
        ):
            session = session_of(mounts(server, line))
            assert session.get(server.url).status_code == 503
            with pytest.raises(refusal):
                session.get(respelled, proxies=proxies)
        assert len(server.requests) == 2


_REFUSES_ALL = (
    r"^(http\S+/) was not sent: the breaker of \1 \(mounts\.toml:2\) refuses all for another \S+ s$"
)


def test_a_breaker_opens_and_closes(serve: Serve, session_of: SessionOf) -> None:
    """While a circuit is open nothing is sent; a probe that succeeds closes it."""
    server = serve(answer=Watch(*[Answer(503)] * 2))
    session = session_of(
        mounts(server, "breaker = { failures = 2, open_for = 1.5 }", "limit = { rate = 1000 }")
    )
    assert [session.get(server.url).status_code for _ in range(2)] == [503, 503]
    for _ in range(3):
        with pytest.raises(CircuitOpen, match=_REFUSES_ALL) as caught:
            session.get(server.url)
    assert isinstance(caught.value, requests.ConnectionError)
    assert isinstance(caught.value, MountsError)
    assert not isinstance(caught.value, requests.Timeout)
    assert caught.value.__cause__ is None
    assert 0 < caught.value.retry_after <= 1.5
    assert len(server.requests) == 2
    time.sleep(caught.value.retry_after)
    assert [session.get(server.url).status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("breaker", "statuses"),
    [
        ("failures = 2", [503, 200, 503, 200, 503, 503]),
        ("failures = 2", [200, 200, 503, 503]),
        ("ratio = 0.5, minimum = 4", [200, 200, 503, 503]),
        ("ratio = 0.5, minimum = 2", [200, 200, 200, 503, 503, 503]),
    ],
)
@pytest.mark.parametrize("before", ["failures = 99", "ratio = 1, minimum = 99", None])
def test_successes_count(
    server: Server, tmp_path: Path, before: str | None, breaker: str, statuses: list[int]
) -> None:
    """A success ends a row of failures, and is one of those that a ratio is of.

    So it is under a breaker that a reload changed before anything was counted.
    """
    server.answer = Watch(*map(Answer, statuses))
    file = tmp_path / "mounts.toml"
    file.write_text(mounts(server, f"breaker = {{ {before or breaker} }}"))
    with load_session(file) as session:
        guard = adapter_of(session, server.url).guard
        assert guard
        guard.gate(server.url)
        file.write_text(mounts(server, f"breaker = {{ {breaker} }}"))
        session.reload()
        assert [session.get(server.url).status_code for _ in statuses] == statuses
        with pytest.raises(CircuitOpen):
            session.get(server.url)


def test_fifty_threads_at_half_open(serve: Serve, session_of: SessionOf) -> None:
    """When the time is over one of them is sent, and the others are refused."""
    refused: list[float] = []

    def answer(_: Handler) -> Answer:
        if len(server.requests) > 1:
            wait_for(lambda: len(refused) == 49)
        return Answer(500)

    server = serve(answer=answer)
    session = session_of(mounts(server, "breaker = { failures = 1, open_for = 2 }"))
    session.get(server.url)
    time.sleep(2)
    start = threading.Barrier(50)

    def come() -> None:
        start.wait()
        try:
            session.get(server.url)
        except CircuitOpen as error:
            refused.append(error.retry_after)

    run(50, come)
    assert len(server.requests) == 2
    assert len(refused) == 49


def test_other_retries_from_one_request_to_the_next(serve: Serve, session_of: SessionOf) -> None:
    """An adapter may be given others at any time, or have its own changed, as those of requests."""
    watch = Watch(*[Answer(503)] * 6)
    server = serve(answer=watch)
    session = session_of(mounts(server, "breaker = { failures = 100 }", "max_retries = 1"))
    adapter = adapter_of(session, server.url)
    counts = []
    for total in (1, 3):
        adapter.max_retries = urllib3.Retry(total, status_forcelist=[503], raise_on_status=False)
        session.get(server.url)
        counts.append(len(server.requests))
    adapter.max_retries.status_forcelist = set()
    watch.answers.insert(0, Answer(503))
    session.get(server.url)
    assert [*counts, len(server.requests)] == [2, 6, 7]


def test_what_failed_is_not_kept(
    server: Server, session_of: SessionOf, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors hold all that was alive then, such as headers, which can be freed afterwards."""

    def fail_once(handler: Handler) -> Answer:
        if len(server.requests) == 1:
            handler.connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionError
        return Answer()

    server.answer = fail_once
    session = session_of(mounts(server, "breaker = { failures = 100 }", "max_retries = 1"))
    request = session.prepare_request(requests.Request("GET", server.url))
    kept = weakref.ref(request.headers)
    with caplog.at_level(logging.ERROR, "urllib3"):  # A record of the failure would hold it.
        assert session.send(request).ok
    assert len(server.requests) == 2
    del request
    gc.collect()
    assert kept() is None


class Stubborn(urllib3.Retry):
    """A user's own retry, which tries again whatever its numbers say."""

    def increment(self, *_: Any, **__: Any) -> "Stubborn":
        return self


def test_a_circuit_ends_the_retries_of_the_users_own_class(
    session_of: SessionOf, closed_port: int
) -> None:
    """By the failure that opened it, even if there are none by its numbers."""
    url = f"http://127.0.0.1:{closed_port}"
    session = session_of(mounts(url, "breaker = { failures = 2 }"))
    adapter_of(session, url).max_retries = Stubborn(0)
    with pytest.raises(CircuitOpen) as caught:
        session.get(url)
    assert isinstance(caught.value.__cause__, urllib3.exceptions.NewConnectionError)


@pytest.mark.parametrize("deadline", ["", "deadline = 60"])
def test_a_circuit_that_opens_ends_the_retries(
    session_of: SessionOf, closed_port: int, deadline: str
) -> None:
    """With retries left the call ends at once, caused by the failure that opened the circuit."""
    url = f"http://127.0.0.1:{closed_port}"
    session = session_of(
        mounts(
            url,
            "breaker = { failures = 2 }",
            "max_retries = { total = 5, backoff_factor = 30, backoff_max = 30 }",
            deadline,
        )
    )
    start = time.monotonic()
    with pytest.raises(CircuitOpen) as caught:
        session.get(url)
    assert time.monotonic() - start < 20
    assert isinstance(caught.value.__cause__, urllib3.exceptions.NewConnectionError)


def test_the_last_attempt_keeps_its_outcome(
    serve: Serve, session_of: SessionOf, closed_port: int
) -> None:
    """An attempt that opens the circuit and has no retry after it ends as it would without."""
    url = f"http://127.0.0.1:{closed_port}"
    session = session_of(mounts(url, "breaker = { failures = 2 }", "max_retries = 1"))
    with pytest.raises(requests.ConnectionError) as caught:
        session.get(url)
    assert not isinstance(caught.value, CircuitOpen)
    with pytest.raises(CircuitOpen):
        session.get(url)
    server = serve(answer=lambda _: Answer(503, {}, b"x" * 100_000))
    session = session_of(
        mounts(
            server,
            "breaker = { failures = 2 }",
            "max_retries = { total = 4, status_forcelist = [503] }",
            "limit = { concurrency = 1 }",
        )
    )
    with pytest.raises(CircuitOpen) as opened:
        session.get(server.url)
    assert opened.value.__cause__ is None
    assert len(server.requests) == 2
    assert server.connections == 1
    assert limiter_of(session, server.url).is_idle()


@pytest.mark.parametrize("kind", ["timeout", "deadline", "cut", "refused", "tls"])
def test_what_counts_as_a_failure(
    serve: Serve, session_of: SessionOf, closed_port: int, kind: str
) -> None:
    """Timeouts, deadlines, broken connections, refused ones and failed handshakes."""

    def cut(handler: Handler) -> Answer:
        if kind == "cut":
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            time.sleep(10)
        raise ConnectionError

    server = serve(answer=cut)
    url = {
        "refused": f"http://127.0.0.1:{closed_port}",
        "tls": server.url.replace("http:", "https:").replace("127.0.0.1", "127.0.0.3"),
    }.get(kind, server.url)
    line = {"timeout": "timeout.read = 0.1", "deadline": "deadline = 1"}.get(kind, "")
    session = session_of(mounts(url, "breaker = { failures = 1 }", line))
    with pytest.raises(requests.RequestException) as caught:
        session.get(url)
    assert not isinstance(caught.value, CircuitOpen)
    with pytest.raises(CircuitOpen):
        session.get(url)


class _Broken:
    """A body whose reading fails as a disk does."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        yield b"x"
        raise self.error

    def read(self, _: int = 0) -> bytes:
        raise self.error


class _BrokenFile(_Broken):
    __iter__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return 5


@pytest.mark.parametrize(
    "body", [_Broken, lambda error: _Broken(error).__iter__()], ids=["file", "iterator"]
)
@pytest.mark.parametrize("error", [OSError(5, "a broken disk"), KeyError("x"), KeyboardInterrupt()])
def test_what_counts_as_nothing(
    serve: Serve, session_of: SessionOf, body: Callable[[BaseException], Any], error: BaseException
) -> None:
    """Errors of the caller's body say nothing of the server, and a probe gives its place back."""
    server = serve(answer=Watch(Answer(500)))
    session = session_of(mounts(server, "breaker = { failures = 1, open_for = 0.05 }"))
    session.get(server.url)
    time.sleep(0.05)
    for _ in range(3):
        with pytest.raises((type(error), requests.ConnectionError)) as caught:
            session.post(server.url, data=body(error))
        assert not isinstance(caught.value, CircuitOpen)
    assert session.get(server.url).ok


def test_a_body_that_is_not_written_in_python(server: Server, session_of: SessionOf) -> None:
    """The errors of an iterator that leaves no trace of itself are the caller's too."""
    session = session_of(mounts(server, "breaker = { failures = 1 }"))
    for _ in range(2):
        with pytest.raises(requests.ConnectionError) as caught:
            session.post(server.url, data=map(os.readlink, ["missing file"]))
        assert not isinstance(caught.value, CircuitOpen)


def test_a_proxy_that_refuses_is_a_failure(session_of: SessionOf, closed_port: int) -> None:
    """A tunnel that cannot be built says something of the way to the server."""
    session = session_of(
        mounts(
            "https://127.0.0.9", f"proxy = 'http://127.0.0.1:{closed_port}'", "breaker.failures = 1"
        )
    )
    with pytest.raises(requests.exceptions.ProxyError):
        session.get("https://127.0.0.9")
    with pytest.raises(CircuitOpen):
        session.get("https://127.0.0.9")


def test_a_wildcard_with_a_host_that_is_down(session_of: SessionOf) -> None:
    """One host that is down is refused, and another of the same mount is served."""
    with Server("127.0.0.2") as good:
        session = session_of('[mounts."http://"]\nbreaker = { failures = 1 }')
        bad = good.url.replace("127.0.0.2", "127.0.0.4")
        with pytest.raises(requests.ConnectionError):
            session.get(bad)
        with pytest.raises(CircuitOpen):
            session.get(bad)
        assert session.get(good.url).ok


def test_a_late_failure_after_closing(serve: Serve, session_of: SessionOf) -> None:
    """What began before the circuit opened and closed again changes nothing."""
    go = threading.Event()

    def answer(handler: Handler) -> Answer:
        if handler.path == "/late":
            go.wait(20)
        return Answer(200 if handler.path == "/good" else 500)

    server = serve(answer=answer)
    session = session_of(mounts(server, "breaker = { failures = 1, open_for = 0.05 }"))
    late = threading.Thread(target=session.get, args=(server.url + "/late",))
    late.start()
    wait_for(lambda: server.requests)
    session.get(server.url + "/bad")
    time.sleep(0.05)
    assert session.get(server.url + "/good").ok
    go.set()
    late.join(20)
    assert session.get(server.url + "/good").ok


def test_an_open_circuit_takes_no_token(serve: Serve, session_of: SessionOf) -> None:
    """Refusals do not use up the limit."""
    server = serve(answer=Watch(Answer(500)))
    session = session_of(
        mounts(
            server,
            "breaker = { failures = 1, open_for = 1 }",
            "limit = { rate = 0.01, burst = 2, max_wait = 0 }",
        )
    )
    session.get(server.url)
    for _ in range(5):
        with pytest.raises(CircuitOpen):
            session.get(server.url)
    time.sleep(1)
    assert session.get(server.url).ok
    with pytest.raises(LimitExceeded):
        session.get(server.url)


def test_a_queue_before_a_circuit_that_opens(serve: Serve, session_of: SessionOf) -> None:
    """Who waited for a permit while the circuit opened is refused, and takes nothing."""
    server = serve(answer=Watch(Answer(500), seconds=0.3))
    session = session_of(
        mounts(server, "breaker = { failures = 1 }", "limit = { concurrency = 1, rate = 1000 }")
    )
    ended: list[str] = []

    def come() -> None:
        try:
            ended.append(str(session.get(server.url).status_code))
        except CircuitOpen:
            ended.append("refused")

    run(6, come)
    assert sorted(ended) == ["500", *["refused"] * 5]
    assert len(server.requests) == 1
    assert not limiter_of(session, server.url)._holders


def test_a_budget_of_a_dead_server(serve: Serve, session_of: SessionOf) -> None:
    """A hundred threads make a hundred attempts, and retries for half of the tokens."""

    def cut(handler: Handler) -> Answer:
        handler.connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionError

    server = serve(answer=cut)
    session = session_of(
        mounts(server, "retry_budget = { tokens = 10 }", "max_retries = 5", "pool_maxsize = 100")
    )

    def come() -> None:
        with suppress(requests.ConnectionError):
            session.get(server.url)

    run(100, come)
    assert 100 <= len(server.requests) <= 105


@pytest.mark.parametrize("raises", ["true", "false"])
@pytest.mark.parametrize("deadline", ["", "deadline = 60"])
def test_a_budget_that_is_used_up(
    serve: Serve, session_of: SessionOf, raises: str, deadline: str
) -> None:
    """It is as if total were used up, without a sleep; successes fill it again."""
    watch = Watch(*[Answer(503)] * 2)
    server = serve(answer=watch)
    session = session_of(
        mounts(
            server,
            "retry_budget = { tokens = 2, refund = 1 }",
            "limit = { concurrency = 1 }",
            "max_retries = { total = 3, status_forcelist = [503], backoff_factor = 60,"
            f" raise_on_status = {raises} }}",
            deadline,
        )
    )
    for _ in range(2):
        if raises == "true":
            with pytest.raises(requests.exceptions.RetryError):
                session.get(server.url)
        else:
            assert session.get(server.url).status_code == 503
    assert len(server.requests) == 2
    assert all(session.get(server.url).ok for _ in range(2))
    watch.answers.append(Answer(503))
    session.mount(server.url, adapter_of(session, server.url))
    assert limiter_of(session, server.url).is_idle()


def test_refunds(serve: Serve, session_of: SessionOf) -> None:
    """A success gives back, a failure and an answer that is retried do not."""
    watch = Watch()
    server = serve(answer=watch)
    session = session_of(
        mounts(
            server,
            "retry_budget = { tokens = 4, refund = 1 }",
            "breaker = { failures = 100, statuses = [500] }",
            "max_retries = { total = 1, status_forcelist = [429] }",
        )
    )
    guard = adapter_of(session, server.url).guard
    assert guard
    assert guard.budgets

    def get(*answers: int | Answer) -> float:
        watch.answers[:] = [one if isinstance(one, Answer) else Answer(one) for one in answers]
        with suppress(requests.exceptions.RetryError):
            session.get(server.url)
        assert guard.budgets
        (budget,) = guard.budgets._states.values()
        return budget.options.tokens - budget.spent

    assert get(429, 500) == 3
    assert get(500) == 3
    assert get(200) == 4
    assert get(429, 429) == 3
    assert get(Answer(503, {"Retry-After": "0"}), 200) == 2
    assert get(503) == 3


def test_first_attempts_always_go(server: Server, session_of: SessionOf) -> None:
    """A budget refuses retries alone, and redirects are not among them."""
    server.answer = lambda handler: (
        Answer(302, {"Location": "/x"}) if handler.path == "/" else Answer()
    )
    session = session_of(mounts(server, "retry_budget = { tokens = 1 }", "max_retries = 3"))
    for _ in range(4):
        assert session.get(server.url + "/").url == server.url + "/x"


@pytest.mark.parametrize(
    ("line", "attempts"),
    [("retry_budget = { tokens = 1 }", 1), ("breaker = { failures = 2, statuses = [302] }", 2)],
)
def test_redirects_that_are_retried(
    server: Server, session_of: SessionOf, line: str, attempts: int
) -> None:
    """They cost the budget what every retry costs, and the breaker is asked before each."""
    server.answer = lambda _: Answer(302, {"Location": "/x"})
    retries = "max_retries = { total = 3, status_forcelist = [302] }"
    session = session_of(mounts(server, line, retries))
    with pytest.raises((requests.exceptions.RetryError, CircuitOpen)):
        session.get(server.url, allow_redirects=False)
    assert len(server.requests) == attempts


def test_errors_are_pickled() -> None:
    """They keep what they say, in another process too."""
    for error in (
        LimitExceeded("http://u:pw@h/", "http://h/", "f.toml:3", 1.5),
        LimitExceeded("http://h/", "", "", None, "max_wait = 3"),
        CircuitOpen("http://h/", "http://h/", "f.toml:3", 1.5),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), copy.retry_after, copy.prefix) == (
            str(error),
            error.retry_after,
            error.prefix,
        )
        assert "pw" not in str(error)


def test_sessions_are_pickled_without_states(serve: Serve, session_of: SessionOf) -> None:
    """A copy begins with full buckets, and its mounts share what they shared."""
    server = serve()
    session = session_of(mounts(server, "limit = { rate = 0.01, max_wait = 0 }"))
    session.get(server.url)
    copy = pickle.loads(pickle.dumps(session))
    assert copy.get(server.url).ok
    for one in (session, copy):
        with pytest.raises(LimitExceeded):
            one.get(server.url)
        one.close()


def test_a_copy_of_a_session_that_is_reloaded(server: Server, tmp_path: Path) -> None:
    """It goes on with its own states, and what its mounts share they share after the reload."""
    file = tmp_path / "mounts.toml"
    text = "\n".join(
        [
            "[limits.one]",
            "rate = 0.01",
            "max_wait = 0",
            mounts(server, 'limit = "one"', "breaker.failures = 1"),
            mounts(f"{server.url}/other/", 'limit = "one"'),
        ]
    )
    file.write_text(text)
    with load_session(file) as session:
        copy = pickle.loads(pickle.dumps(session))
    server.answer = lambda _: Answer(500)
    with copy:
        copy.get(server.url)
        file.write_text(f"{text.replace('failures = 1', 'failures = 2')}\ntimeout = 5")
        assert len(copy.reload().changed) == 2
        with pytest.raises(LimitExceeded):
            copy.get(f"{server.url}/other/")
        with pytest.raises(CircuitOpen):
            copy.get(server.url)


def test_states_after_other_states() -> None:
    """What a reload keeps goes on as it was, what it changes keeps its fill, the rest is gone."""

    def guard(guards: Guards, text: str) -> Guard:
        policy = parse_config(f'[mounts."http://h/"]\n{text}').mounts[0].policy
        made = guard_of(policy, guards, prefix="http://h/")
        assert made
        return made

    guards = Guards()
    old = guard(guards, "limit = { rate = 0.01, max_wait = 0 }\nbreaker.failures = 5")
    attempt = Attempt(old.gate("http://h:80"))
    attempt.fail(ConnectionError())
    new = guard(guards, "limit = { rate = 0.01, burst = 2, max_wait = 0 }\nbreaker.failures = 1")
    assert new.limits is old.limits
    with pytest.raises(LimitRefused):
        Attempt(new.gate("http://h:80"))
    assert new.breakers
    new.breakers.of("http://h:80").fail(new.breakers.of("http://h:80").admit())
    assert new.breakers.of("http://h:80").refusal()
    assert guard(Guards(), "breaker.failures = 5").breakers is not old.breakers
    assert guard(guards, "breaker.failures = 1").breakers is new.breakers
    assert guard_of(Policy(), guards, prefix="http://h/") is None
    built = guard_of(Policy(limit=LimitOptions(rate=1)), guards, prefix="http://x/")
    assert built
    assert built.limits is not new.limits


def test_a_reload_keeps_what_is_counted(server: Server, tmp_path: Path) -> None:
    """A new file neither fills a bucket nor closes a circuit, and new numbers act at once."""
    file = tmp_path / "mounts.toml"
    text = mounts(
        server, "limit = { rate = 0.01, burst = 2, max_wait = 0 }", "breaker.failures = 1"
    )
    file.write_text(text)
    with load_session(file) as session:
        for _ in range(2):
            session.get(server.url)
        file.write_text(f"{text}\npool_maxsize = 7")
        assert session.reload().changed
        with pytest.raises(LimitExceeded):
            session.get(server.url)
        file.write_text(
            mounts(server, "limit = { rate = 1000, burst = 2 }", "breaker.failures = 1")
        )
        session.reload()
        server.answer = lambda _: Answer(500)
        session.get(server.url)
        file.write_text(mounts(server, "breaker = { failures = 3, open_for = 20 }"))
        session.reload()
        with pytest.raises(CircuitOpen):
            session.get(server.url)
        refused = [numbers.refused for numbers in session.stats() if numbers.refused]
        assert refused == [2]


def test_a_reload_under_another_spelling(server: Server, tmp_path: Path) -> None:
    """A prefix that is written in another way keeps the fill of its limit."""
    file = tmp_path / "mounts.toml"
    limit = "limit = { rate = 0.01, max_wait = 0 }"
    file.write_text(mounts(server, limit))
    with load_session(file) as session:
        session.get(server.url)
        for line in ("", "timeout = 5"):
            file.write_text(mounts(server.url.replace("http", "HTTP"), limit, line))
            assert bool(session.reload().changed) == bool(line)
            with pytest.raises(LimitExceeded):
                session.get(server.url)


def test_a_reload_with_another_breaker(server: Server, tmp_path: Path) -> None:
    """What was counted is judged by the new breaker, of whichever kind it is."""
    server.answer = lambda _: Answer(503)
    file = tmp_path / "mounts.toml"
    file.write_text(mounts(server, "breaker = { failures = 9 }"))
    with load_session(file) as session:
        for breaker in ("ratio = 1, minimum = 9", "ratio = 1, minimum = 9, window = 60"):
            session.get(server.url)
            file.write_text(mounts(server, f"breaker = {{ {breaker} }}"))
            session.reload()
        session.get(server.url)
        file.write_text(mounts(server, "breaker = { failures = 4 }"))
        session.reload()
        session.get(server.url)
        with pytest.raises(CircuitOpen):
            session.get(server.url)


def test_a_deadline_during_an_exchange_is_a_failure() -> None:
    """However it shows, as a signal too; what a policy refuses by itself is none."""
    policy = Policy(breaker=BreakerOptions(failures=1))
    guard = guard_of(policy, Guards(), prefix="")
    assert guard
    deadline = Deadline(requests.Request("GET", "http://h/").prepare(), 9, stream=True)
    deadline.stop()
    for error, fails in (
        (LimitRefused(guard, 1, "max_wait = 0"), False),
        (DeadlineReached(deadline), True),
    ):
        attempt = Attempt(guard.gate("http://h:80"))
        attempt.fail(error)
        assert guard.breakers
        assert bool(guard.breakers.of("http://h:80").refusal()) == fails


def test_outside_of_an_attempt(server: Server, session_of: SessionOf) -> None:
    """Connections and retries that somebody uses by themselves work as they are."""
    session = session_of(mounts(server, "limit = { concurrency = 1 }", "max_retries = 1"))
    pool: Any = adapter_of(session, server.url).poolmanager.connection_from_url(server.url)
    connection = pool._new_conn()
    connection.connect()
    pool._make_request(connection, "GET", "/", retries=urllib3.Retry(0)).read()
    connection.close()
    assert pool.urlopen("GET", "/", retries=False).status == 200
    retry = guarded(urllib3.Retry(2))
    retry.sleep()
    assert retry.increment("GET", "/", error=OSError()).total == 1
    assert isinstance(retry, urllib3.Retry)


def test_states_that_begin_anew() -> None:
    """What a forked child does to every state there is."""
    guard = guard_of(
        Policy(
            limit=LimitOptions(concurrency=1, max_wait=0),
            breaker=BreakerOptions(failures=1),
            retry_budget=BudgetOptions(tokens=1),
        ),
        Guards(),
        prefix="",
    )
    assert guard
    assert guard.budgets
    first = Attempt(guard.gate("http://h:80"))
    assert not first.may_retry()
    first.fail(ConnectionError())
    held = Attempt(guard.gate("http://other:80"))
    guards_module._start_anew()
    Attempt(guard.gate("http://h:80"))
    Attempt(guard.gate("http://other:80"))
    assert guard.budgets.of("http://h:80").is_idle()
    held.end()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_begins_anew(serve: Serve, session_of: SessionOf) -> None:
    """It has a full bucket and all permits, though a thread of the parent held the lock."""
    server = serve()
    session = session_of(
        mounts(
            server,
            "limit = { rate = 0.01, concurrency = 1, max_wait = 0 }",
            "breaker = { failures = 1 }",
        )
    )
    response = session.get(server.url, stream=True)
    limiter = limiter_of(session, server.url)
    with limiter._lock:
        child = os.fork()
        if not child:
            code = 1
            with suppress(BaseException):
                enter(limiter)
                response.close()
                with suppress(BaseException):
                    enter(limiter)
                    code = 2
                code = 0 if code == 1 else code
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_an_origin_is_added() -> None:
    """The child has other origins at once, though a thread of the parent was adding one."""
    limits = States(Limiter, LimitOptions(rate=1))
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with limits._lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if not child:
        signal.alarm(20)  # Ends a child that waits for the parent's lock, or for its own.
        with limits._lock:
            limits.of("http://h:80")
        os._exit(0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_many_origins() -> None:
    """At most 4,096 states are kept, and one in use is never forgotten."""
    limits = States(
        Limiter, parse_config('[mounts."http://h/"]\nlimit.concurrency = 1').mounts[0].policy.limit
    )
    first = limits.of("http://first:80")
    permit = enter(first)
    for number in range(5000):
        limits.of(f"http://h{number}:80")
    assert len(limits.origins()) == 4096
    assert limits.of("http://first:80") is first
    permit.give_back()


def test_more_origins_in_use() -> None:
    """Rather than forget a state that is in use, more of them are kept."""
    limits = States(
        Limiter, parse_config('[mounts."http://h/"]\nlimit.concurrency = 1').mounts[0].policy.limit
    )
    permits = [enter(limits.of(f"http://h{number}:80")) for number in range(4100)]
    assert len(limits.origins()) == 4100
    del permits


def test_an_interrupted_probe(server: Server, session_of: SessionOf) -> None:
    """An interrupt of the keyboard costs neither the place of a probe nor a permit."""
    session = session_of(mounts(server, "limit.concurrency = 1", "breaker.failures = 1"))
    guard = adapter_of(session, server.url).guard
    assert guard
    gate = guard.gate(server.url)
    assert gate.breaker
    assert gate.limiter
    now = [0.0]
    gate.breaker._clock = lambda: now[0]
    gate.breaker.fail(gate.breaker.admit())
    now[0] += gate.breaker.options.open_for
    with pytest.raises(KeyboardInterrupt):
        session.post(server.url, data=_Broken(KeyboardInterrupt()))
    assert gate.breaker.refusal() is None
    assert gate.limiter.is_idle()
    assert session.get(server.url).ok


class _Interrupting:
    """A lock during whose release the keyboard interrupts."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        raise KeyboardInterrupt


def test_an_attempt_that_is_interrupted_as_it_begins(server: Server, session_of: SessionOf) -> None:
    """It has nothing any more, even as long as the traceback is kept."""
    session = session_of(mounts(server, "limit.concurrency = 1", "breaker.failures = 1"))
    session.get(server.url)
    limiter: Any = limiter_of(session, server.url)
    lock, limiter._lock = limiter._lock, _Interrupting()
    with pytest.raises(KeyboardInterrupt) as caught:
        session.get(server.url)
    limiter._lock = lock
    assert caught.tb is not None
    assert limiter.is_idle()


def test_states_that_somebody_has(session_of: SessionOf) -> None:
    """An attempt under way and a pool keep the state that they count by; later it is dropped."""
    go = threading.Event()

    def answer(_: Handler) -> Answer:
        go.wait(20)
        return Answer(503)

    def come_to_many() -> None:
        for number in range(4096):
            breakers.of(f"http://h{number}:80")

    with Server(answer=answer) as server, Server("127.0.0.2") as other:
        session = session_of('[mounts."http://"]\npool_connections = 1\nbreaker = { failures = 2 }')
        guard = adapter_of(session, server.url).guard
        assert guard
        assert guard.breakers
        breakers = guard.breakers
        under_way = threading.Thread(target=session.get, args=(server.url,))
        under_way.start()
        wait_for(lambda: server.requests)
        session.get(other.url)
        come_to_many()
        assert {server.url, other.url} <= {*breakers.origins()}
        go.set()
        under_way.join(20)
        session.get(server.url)
        with pytest.raises(CircuitOpen):
            session.get(server.url)
        gc.collect()
        come_to_many()
        assert len(breakers.origins()) == 4096
        assert server.url in breakers.origins()
        assert other.url not in breakers.origins()
