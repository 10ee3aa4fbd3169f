"""Deadlines, seen from real servers."""

import errno
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from requests.adapters import HTTPAdapter
from urllib3.util import connection

from loopback import Answer, Handler, Server
from requests_mounts._sending.calls import Call
from requests_mounts._sending.counters import Counters
from requests_mounts._sending.deadline import Deadline, DeadlineReached
from servers import (
    Serve,
    SessionOf,
    adapter_of,
    free_places,
    slow,
    trickle,
    trickle_headers,
    trickle_to_the_end,
)


@pytest.mark.parametrize(
    "answer",
    [slow(10), trickle, trickle_to_the_end, trickle_headers],
    ids=["silence", "body", "no length", "headers"],
)
def test_deadline(serve: Serve, session_of: SessionOf, answer: Callable[[Handler], Answer]) -> None:
    """However the server takes its time, the request ends."""
    server = serve(answer=answer)
    session = session_of(f'[mounts."{server.url}"]\ndeadline = 0.4')
    start = time.monotonic()
    with pytest.raises(requests.Timeout, match=r"GET .* took longer than its deadline") as caught:
        session.get(server.url)
    mount = f"{server.url}/ (mounts.toml:2)"
    assert str(caught.value).endswith(f" its deadline of 0.4 s under {mount}")
    assert time.monotonic() - start < 5


def test_deadline_ends_with_the_headers_of_a_stream(serve: Serve, session_of: SessionOf) -> None:
    """What the caller reads piece by piece is the caller's time."""
    go = threading.Event()

    def answer(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        go.wait(20)
        handler.wfile.write(b"def")
        raise ConnectionError

    server = serve(answer=answer)
    session = session_of(f'[mounts."{server.url}"]\ndeadline = 1')
    with session.get(server.url, stream=True) as response:
        time.sleep(1.1)
        go.set()
        assert response.content == b"abcdef"


def test_deadline_over_attempts_and_backoff(serve: Serve, session_of: SessionOf) -> None:
    """A backoff that is longer than what is left is not even begun."""
    server = serve(answer=lambda _: Answer(503))
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 30\n'
        "max_retries = { total = 9, backoff_factor = 60, status_forcelist = [503] }"
    )
    start = time.monotonic()
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    assert time.monotonic() - start < 25
    assert len(server.requests) == 2


def test_deadline_over_attempts_that_time_out(serve: Serve, session_of: SessionOf) -> None:
    """Each attempt has only what the others left."""
    server = serve(answer=slow(10))
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 2.5\ntimeout = 1\nmax_retries = {{ total = 99 }}'
    )
    start = time.monotonic()
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    assert time.monotonic() - start < 25
    assert 2 <= len(server.requests) <= 3


def test_a_retry_after_beyond_the_deadline_fails_at_once(
    serve: Serve, session_of: SessionOf
) -> None:
    """Sleeping until the deadline would help nobody."""
    server = serve(answer=lambda _: Answer(503, {"Retry-After": "30"}))
    session = session_of(f'[mounts."{server.url}"]\ndeadline = 20\nmax_retries = {{ total = 9 }}')
    start = time.monotonic()
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    assert time.monotonic() - start < 5


def test_within_the_deadline_all_is_as_without(serve: Serve, session_of: SessionOf) -> None:
    """Retries, waits and errors are those of requests."""
    statuses = iter([503, 503, 503, 200, 503, 503, 503])
    server = serve(answer=lambda _: Answer(next(statuses), {"Retry-After": "0"}))
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 20\npool_block = true\npool_timeout = 1\n'
        "max_retries = { total = 3, backoff_factor = 0.01, status_forcelist = [503] }"
    )
    assert session.get(server.url).content == b"ok"
    session.adapters[f"{server.url}/"] = adapter_of(
        session_of(
            "[defaults]\ndeadline = 20\nmax_retries = { total = 2, status_forcelist = [503] }"
        ),
        server.url,
    )
    with pytest.raises(requests.exceptions.RetryError):
        session.get(server.url)
    with Server() as dead:
        pass
    with pytest.raises(requests.ConnectionError):
        session.get(dead.url)


def test_deadline_of_a_wait_for_a_connection(serve: Serve, session_of: SessionOf) -> None:
    """The wait for a place in the pool is a part of the request."""
    server = serve()
    session = session_of(
        f'[mounts."{server.url}"]\ndeadline = 1\n'
        "pool_block = true\npool_maxsize = 1\npool_timeout = 20"
    )
    with session.get(server.url, stream=True):
        start = time.monotonic()
        with pytest.raises(requests.Timeout, match="deadline"):
            session.get(server.url)
        assert time.monotonic() - start < 10


@pytest.mark.parametrize(("timeout", "longest"), [(None, 5), (60, 5), (3, 3)])
def test_a_tool_that_dials_has_what_is_left(
    server: Server,
    session_of: SessionOf,
    monkeypatch: pytest.MonkeyPatch,
    timeout: Any,
    longest: int,
) -> None:
    """It is given the connect timeout, or the rest of the deadline if that is less."""
    given = []
    dialled = connection.create_connection

    def create_connection(address: Any, timeout: Any, *args: Any, **kwargs: Any) -> socket.socket:
        given.append(timeout)
        return dialled(address, timeout, *args, **kwargs)

    monkeypatch.setattr("urllib3.util.connection.create_connection", create_connection)
    session = session_of("[defaults]\ndeadline = 5")
    assert session.get(server.url, timeout=timeout).ok
    assert 0 < given[0] <= longest


def test_an_infinite_deadline_is_none(server: Server, session_of: SessionOf) -> None:
    """So that a mount can undo that of the defaults."""
    session = session_of("[defaults]\ndeadline = 1\n[mounts.'http://']\ndeadline = inf")
    assert session.get(server.url).ok


def test_a_deadline_and_a_tool_that_sends_nothing(session_of: SessionOf) -> None:
    """What replaces requests' own `send` answers without a connection to watch."""
    session = session_of("[defaults]\ndeadline = 20")
    with responses.RequestsMock() as tool:
        tool.get("http://h/", body="from the tool")
        assert session.get("http://h/").text == "from the tool"
        tool.get("http://slow/", body=requests.ConnectionError("from the tool"))
        with pytest.raises(requests.ConnectionError, match="from the tool"):
            session.get("http://slow/")


def test_no_second_handle_of_a_socket(
    serve: Serve, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a process may open no more files, the socket is closed and the place given back."""

    def refuse(_: socket.socket) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    server = serve()
    session = session_of("[defaults]\ndeadline = 20\npool_block = true\npool_maxsize = 1")
    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "dup", refuse)
        with pytest.raises(requests.ConnectionError, match="Too many"):
            session.get(server.url)
    assert free_places(session, server.url) == 1
    assert session.get(server.url).ok


def test_a_deadline_is_counted_once() -> None:
    """However often the request raises its error."""
    deadline = Deadline(requests.PreparedRequest(), 20, stream=False)
    deadline.counters = counters = Counters()
    for _ in range(2):
        assert "its deadline of 20 s" in str(deadline.error())
    deadline.stop()
    found = counters.read()
    assert (found["timeouts"], found["deadlines"]) == (1, 1)


def test_what_is_cut_again() -> None:
    """A request may go on over another socket, unless only its body is left to read."""
    deadline = Deadline(requests.PreparedRequest(), 20, stream=False)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline.watch(object(), ours)
        assert deadline.cut()
        assert deadline.go_on_in_body()
        assert not deadline.cut()
        assert theirs.recv(1) == b""


def test_a_stream_that_is_cut_behind_a_slow_tool_is_of_no_use(
    serve: Serve, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the time is up before a tool that wraps the sending returns, there is no response."""

    def answer(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        time.sleep(3)
        raise ConnectionError

    send = HTTPAdapter.send

    def send_slowly(*args: Any, **kwargs: Any) -> requests.Response:
        response = send(*args, **kwargs)
        time.sleep(1.5)
        return response

    server = serve(answer=answer)
    session = session_of(f'[mounts."{server.url}"]\ndeadline = 1\npool_block = true')
    monkeypatch.setattr(HTTPAdapter, "send", send_slowly)
    with pytest.raises(requests.Timeout, match="took longer than its deadline of 1 s"):
        session.get(server.url, stream=True)
    assert free_places(session, server.url) == 10


def test_a_wait_for_a_connection_that_takes_the_rest(server: Server, session_of: SessionOf) -> None:
    """Nothing is sent over what came too late, and the connection is not left open."""
    session = session_of("[defaults]\ndeadline = 30\npool_block = true\npool_maxsize = 1")
    session.get(server.url)
    (pool,) = adapter_of(session, server.url).counters.pools()
    (connection,) = pool._connections
    deadline = Deadline(requests.Request("GET", server.url).prepare(), -1, stream=True)
    call = Call()
    call.deadline = deadline
    with call, pytest.raises(DeadlineReached):
        pool._get_conn()
    deadline.stop()
    assert connection.is_closed
