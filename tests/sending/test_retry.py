"""Retries under a deadline, seen from real servers."""

import threading
import time
from typing import Any

import pytest
import requests
from urllib3 import Retry

from loopback import Answer
from servers import Serve, SessionOf, adapter_of, free_places, slow


class Counting(Retry):
    """A user's own retry, with a constructor of its own."""

    def __init__(self, *args: Any, seen: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen = [] if seen is None else seen

    def new(self, **kwargs: Any) -> "Counting":
        return super().new(seen=self.seen, **kwargs)

    def increment(self, *args: Any, **kwargs: Any) -> "Counting":
        self.seen.append("increment")
        return super().increment(*args, **kwargs)

    def get_backoff_time(self) -> float:
        self.seen.append("backoff")
        return 0.01


@pytest.mark.parametrize("settings", ["", "deadline = 20"])
def test_a_retry_of_the_users_own_class(serve: Serve, session_of: SessionOf, settings: str) -> None:
    """Its methods are asked with a deadline as without, at every attempt."""
    statuses = iter([503, 503, 200])
    server = serve(answer=lambda _: Answer(next(statuses)))
    session = session_of(f'[mounts."{server.url}"]\n{settings}')
    retry = Counting(3, status_forcelist=[503])
    adapter_of(session, server.url).max_retries = retry
    response = session.get(server.url)
    assert response.ok
    assert isinstance(response.raw.retries, Counting)
    assert retry.seen == ["increment", "backoff", "increment", "backoff"]


@pytest.mark.parametrize("backoff", ["", ", backoff_factor = 60"])
def test_a_retry_at_the_deadline_gives_its_connection_back(
    serve: Serve, session_of: SessionOf, backoff: str
) -> None:
    """However often it happens, the places of a blocking pool stay."""

    server = serve(answer=lambda handler: slow(0.1)(handler)._replace(status=503))
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 0.1\npool_block = true\npool_maxsize = 2\n'
        f"max_retries = {{ total = 3, status_forcelist = [503]{backoff} }}"
    )

    def ask() -> None:
        with pytest.raises(requests.Timeout, match="deadline"):
            session.get(server.url)

    for _ in range(3):
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert free_places(session, server.url) == 2


class SlowToDecide(Retry):
    """Takes longer than the deadline, with a response in its hands."""

    def is_retry(self, *args: Any, **kwargs: Any) -> bool:
        time.sleep(1.2)
        return super().is_retry(*args, **kwargs)


def test_a_response_that_is_not_retried_any_more(serve: Serve, session_of: SessionOf) -> None:
    """Its connection is closed, and its place in a blocking pool is free."""
    server = serve(answer=lambda _: Answer(503, body=b"x" * 100_000))
    session = session_of(
        "[defaults]\ndeadline = 1\npool_block = true\npool_maxsize = 1\npool_timeout = 9"
    )
    adapter_of(session, server.url).max_retries = SlowToDecide(3, status_forcelist=[503])
    for _ in range(2):
        with pytest.raises(requests.Timeout, match="deadline"):
            session.get(server.url)
    assert free_places(session, server.url) == 1
    assert [pool.idle for stats in session.stats() for pool in stats.pools] == [0]
    assert len(server.requests) == 2


def test_a_status_of_which_none_is_retried(serve: Serve, session_of: SessionOf) -> None:
    """As urllib3 has it, it raises; the table that `check` proposes returns the response."""
    server = serve(answer=lambda _: Answer(503))
    defaults = "[defaults]\nmax_retries = { total = 2, status_forcelist = [503] }"
    mount = f'[mounts."{server.url}"]\nmax_retries'
    with pytest.raises(requests.exceptions.RetryError):
        session_of(f"{defaults}\n{mount} = 0").get(server.url)
    mended = session_of(f"{defaults}\n{mount} = {{ total = 0, raise_on_status = false }}")
    assert mended.get(server.url).status_code == 503
