"""What the settings do, seen from servers that count the connections they accept."""

import logging
import threading
import time
from collections.abc import Callable

import pytest
import requests

from loopback import Answer, Handler, Server
from requests_mounts import MountAdapter
from servers import Serve, SessionOf


def in_threads(number: int, work: Callable[[], object]) -> list[object]:
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def together(number: int) -> Callable[[Handler], Answer]:
    """Answer when so many requests are there."""
    barrier = threading.Barrier(number)

    def answer(_: Handler) -> Answer:
        barrier.wait(timeout=10)
        return Answer()

    return answer


@pytest.mark.parametrize(("pools", "connections"), [(1, 3), (2, 2)])
def test_pool_connections(
    serve: Serve, session_of: SessionOf, pools: int, connections: int
) -> None:
    """The pool of the host used least recently is dropped when there is one too many."""
    a, b = serve("127.0.0.1"), serve("127.0.0.2")
    scheme = a.url.partition(":")[0]
    session = session_of(f'[mounts."{scheme}://"]\npool_connections = {pools}')
    for server in (a, b, a):
        assert session.get(server.url).ok
    assert a.connections + b.connections == connections


@pytest.mark.parametrize(("size", "connections", "warnings"), [(2, 2, 0), (1, 3, 2)])
def test_pool_maxsize(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    serve: Serve,
    session_of: SessionOf,
    caplog: pytest.LogCaptureFixture,
    size: int,
    connections: int,
    warnings: int,
) -> None:
    """Of two connections opened at once, as many are kept as the pool has places."""
    server = serve(answer=together(2))
    session = session_of(f"[defaults]\npool_maxsize = {size}")
    with caplog.at_level(logging.WARNING, logger="urllib3.connectionpool"):
        for _ in range(2):
            in_threads(2, lambda: session.get(server.url))
    assert server.connections == connections
    assert sum("pool is full" in record.message for record in caplog.records) == warnings


def test_two_prefixes_do_not_influence_each_other(serve: Serve, session_of: SessionOf) -> None:
    """The places in the pool of one host are not those of another."""
    a, b = serve("127.0.0.1", answer=together(2)), serve("127.0.0.2", answer=together(2))
    session = session_of(
        f'[mounts."{a.url}"]\npool_maxsize = 1\n[mounts."{b.url}"]\npool_maxsize = 2'
    )
    for _ in range(2):
        for server in (a, b):
            in_threads(2, lambda url=server.url: session.get(url))  # type: ignore[misc]
    assert (a.connections, b.connections) == (3, 2)


def test_500_posts_take_one_connection(serve: Serve, session_of: SessionOf) -> None:
    """A connection is used again as long as both sides keep it."""
    server = serve()
    session = session_of("")
    for number in range(500):
        session.post(server.url, json={"number": number})
    assert (server.connections, len(server.requests)) == (1, 500)


def test_pool_block(serve: Serve, session_of: SessionOf) -> None:
    """A pool that blocks never has more connections than places, and every request is answered."""
    server = serve()
    session = session_of("[defaults]\npool_block = true\npool_maxsize = 3")
    responses = in_threads(24, lambda: session.get(server.url).status_code)
    assert responses == [200] * 24
    assert server.connections <= 3


def test_retries_on_a_dead_port(session_of: SessionOf, caplog: pytest.LogCaptureFixture) -> None:
    """A number of retries is what it is for an HTTPAdapter."""
    with Server() as server:
        pass
    session = session_of("[defaults]\nmax_retries = 3")
    with (
        caplog.at_level(logging.WARNING, logger="urllib3.connectionpool"),
        pytest.raises(requests.ConnectionError, match="Max retries exceeded"),
    ):
        session.get(server.url)
    assert sum("Retrying" in record.message for record in caplog.records) == 3


def test_a_status_is_answered_with_a_retry(serve: Serve, session_of: SessionOf) -> None:
    """503, 503, 200 is a 200 for a session that retries on 503."""
    statuses = iter([503, 503, 200])
    server = serve(answer=lambda _: Answer(next(statuses)))
    session = session_of("[defaults]\nmax_retries = { total = 3, status_forcelist = [503] }")
    assert session.get(server.url).status_code == 200
    assert len(server.requests) == 3


def test_retry_after_is_honoured_and_capped(serve: Serve, session_of: SessionOf) -> None:
    """The server asks for an hour, the file allows a fifth of a second."""
    answers = iter([Answer(503, {"Retry-After": "3600"}), Answer()])
    server = serve(answer=lambda _: next(answers))
    session = session_of("[defaults]\nmax_retries = { total = 1, retry_after_max = 0.2 }")
    start = time.monotonic()
    assert session.get(server.url).status_code == 200
    assert 0.2 <= time.monotonic() - start < 60


def test_every_hop_of_a_redirect_takes_its_own_adapter(serve: Serve, session_of: SessionOf) -> None:
    """What one host is given, the host it points to is not."""
    b = serve("127.0.0.2")
    a = serve("127.0.0.1", answer=lambda _: Answer(302, {"Location": f"{b.url}/there"}))
    session = session_of(
        f'[mounts."{a.url}"]\npool_maxsize = 1\n[mounts."{b.url}/there"]\npool_maxsize = 2'
    )
    response = session.get(a.url)
    hops = [hop.connection for hop in (*response.history, response)]
    assert [hop.policy.pool_maxsize for hop in hops if isinstance(hop, MountAdapter)] == [1, 2]
