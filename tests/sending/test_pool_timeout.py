"""How long a request waits for a connection, seen from real servers."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import urllib3

from loopback import Answer, Handler
from requests_mounts import (
    MountsError,
    PoolTimeout,
)
from servers import Serve, SessionOf, adapter_of, wait_for


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ("pool_timeout = 0.1", "(mounts.toml:4) was free within pool_timeout = 0.1"),
        ("timeout.connect = 1", "(mounts.toml:2) was free within the connect timeout"),
        ("pool_timeout = 0.1\ntimeout = 9", "(mounts.toml:4) was free within pool_timeout = 0.1"),
        ("pool_timeout = 0", "(mounts.toml:4) was free within pool_timeout = 0"),
    ],
)
def test_pool_timeout(serve: Serve, session_of: SessionOf, settings: str, limit: str) -> None:
    """Nobody waits for a connection longer than the file says."""
    go = threading.Event()

    def wait(_: Handler) -> Answer:
        go.wait(10)
        return Answer()

    server = serve(answer=wait)
    session = session_of(
        f'[mounts."{server.url}"]\npool_block = true\npool_maxsize = 1\n{settings}'
    )
    first = threading.Thread(target=session.get, args=(server.url,))
    first.start()
    wait_for(lambda: server.requests)
    with pytest.raises(PoolTimeout) as caught:
        session.get(server.url)
    assert isinstance(caught.value, MountsError)
    assert isinstance(caught.value, requests.ConnectTimeout)
    assert caught.value.request is not None
    prefix = f"{server.url}/"
    assert str(caught.value) == f"{prefix} was not sent: no connection of {prefix} {limit}"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    go.set()
    first.join()
    assert session.get(server.url).ok
    assert server.connections == 1


def test_a_timeout_of_reading_alone(serve: Serve, session_of: SessionOf) -> None:
    """It says nothing of the wait for a connection, which is without end."""
    server = serve()
    session = session_of("[defaults]\npool_block = true\npool_maxsize = 1")
    timeout: Any = urllib3.Timeout(read=20)
    with ThreadPoolExecutor() as threads, session.get(server.url, stream=True) as response:
        waiting = threads.submit(session.get, server.url, timeout=timeout)
        wait_for(lambda: waiting.done() or sum(stats.waits for stats in session.stats()))
        assert response.content == b"ok"
        assert waiting.result(20).ok


@pytest.mark.parametrize(
    ("setting", "connect", "wait"),
    [("pool_timeout = inf", 1, None), ("pool_timeout = 5", 1, 5), ("", 1, 1), ("", None, None)],
)
def test_the_wait_for_a_connection(
    session_of: SessionOf, setting: str, connect: float | None, wait: float | None
) -> None:
    """It is without end only where the file says so, or neither the file nor the caller anything."""
    session = session_of(f"[defaults]\npool_block = true\n{setting}")
    pool: Any = adapter_of(session, "http://h/").poolmanager.connection_from_url("http://h/")
    assert pool._wait(urllib3.Timeout(connect=connect)) == wait
