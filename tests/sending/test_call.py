"""A deadline changes the time and nothing else, over a whole call of a session."""

import contextlib
import contextvars
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from loopback import Answer, Handler, Server
from proxies import pump
from requests_mounts import MountedSession, mount, parse_config
from servers import Scripted, Serve, SessionOf, drip, free_places, slow, trickle, wait_for


def hops(seconds: float, *, last: int) -> Any:
    """Redirect from one number to the next, and take some time for each but the last two."""

    def answer(handler: Handler) -> Answer:
        number = int(handler.path[1:] or 0)
        time.sleep(seconds if number < last - 1 else 0)
        return Answer() if number == last else Answer(302, {"Location": f"/{number + 1}"})

    return answer


@pytest.mark.parametrize("stream", [False, True])
def test_one_clock_for_all_hops(serve: Serve, session_of: SessionOf, *, stream: bool) -> None:
    """A redirect does not start it anew."""
    server = serve(answer=hops(0.4, last=20))
    session = session_of("[defaults]\ndeadline = 1.5")
    with pytest.raises(requests.Timeout, match="deadline"):
        session.get(server.url, stream=stream)
    assert len(server.requests) <= 4
    patient = session_of("[defaults]\ndeadline = 20")
    assert patient.get(f"{server.url}/19", stream=stream).content == b"ok"


def test_each_hop_has_the_deadline_of_its_own_mount(serve: Serve, session_of: SessionOf) -> None:
    """Counted from the beginning of the call, so that it may be over before the hop is sent."""
    server = serve(answer=hops(0.7, last=3))
    session = session_of(f"[mounts.'{server.url}/2']\ndeadline = 1.2")
    with pytest.raises(requests.Timeout, match=r"/2 took longer than its deadline of 1\.2 s"):
        session.get(server.url)
    assert len(server.requests) == 2
    assert session.get(f"{server.url}/2", allow_redirects=False).status_code == 302
    prepared = requests.Request("GET", server.url).prepare()
    with pytest.raises(requests.Timeout):
        session.send(prepared, verify=session.verify)


def test_on_other_sessions_each_hop_has_a_clock(
    serve: Serve, session_of: SessionOf, authority_file: str
) -> None:
    """Nobody tells an adapter which call a request belongs to."""
    server = serve(answer=hops(0.5, last=4))
    with requests.Session() as session:
        session.verify = authority_file
        mount(session, parse_config("[defaults]\ndeadline = 1.4"))
        assert session.get(server.url).content == b"ok"
    assert session_of("[defaults]\ndeadline = 20").get(server.url).content == b"ok"


def test_a_redirect_asked_for_by_hand(server: Server, session_of: SessionOf) -> None:
    """`Response.next` and `resolve_redirects` work as ever, outside of a call."""
    server.answer = hops(0, last=1)
    session = session_of("[defaults]\ndeadline = 20")
    response = session.get(server.url, allow_redirects=False)
    assert response.next
    assert response.next.url == f"{server.url}/1"
    (last,) = session.resolve_redirects(response, response.request)
    assert last.content == b"ok"


@pytest.mark.parametrize("own", [False, True])
def test_requests_inside_of_a_request(
    serve: Serve, session_of: SessionOf, authority_file: str, *, own: bool
) -> None:
    """A body and a hook that send requests of their own neither give nor take a deadline."""
    server = serve(
        answer=lambda handler: slow(0.4)(handler) if "slow" in handler.path else Answer()
    )
    outer = session_of(
        f"[mounts.'{server.url}']\ndeadline = 1.6\npool_block = true\n"
        f"[mounts.'{server.url}/hook']\n[mounts.'{server.url}/slow']\npool_block = true\n"
        f"[mounts.'{server.url}/slow/2']\ndeadline = 1.5"
    )
    inner = outer if own else mount(requests.Session(), outer.config)
    inner.verify = authority_file

    def body() -> Iterator[bytes]:
        time.sleep(1.2)  # So that the deadline is over within the next line.
        assert inner.get(f"{server.url}/slow/2").ok
        assert inner.get(f"{server.url}/slow").ok
        yield b"x"

    def hook(*_: Any, **__: Any) -> None:
        time.sleep(1.2)
        assert inner.get(f"{server.url}/slow/2").ok

    with pytest.raises(requests.Timeout, match=r"POST .* took longer than its deadline of 1\.6 s"):
        outer.post(server.url, data=body())
    assert {"POST /", "GET /slow/2", "GET /slow"} <= {*server.requests}
    assert outer.get(f"{server.url}/hook", hooks={"response": hook}).ok
    inner.close()


def test_a_request_before_each_hop(server: Server) -> None:
    """A session that asks for a token before it follows a redirect has one clock all the same."""
    server.answer = lambda handler: (
        Answer() if handler.path == "/token" else hops(0.3, last=20)(handler)
    )

    class Asking(MountedSession):
        def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
            assert self.get(f"{server.url}/token").ok
            super().rebuild_auth(prepared_request, response)

    text = f"[defaults]\ndeadline = 1\n[mounts.'{server.url}/token']\ndeadline = inf"
    with Asking(parse_config(text)) as session, pytest.raises(requests.Timeout, match="deadline"):
        session.get(server.url)


def test_a_request_inside_of_a_redirect(server: Server, session_of: SessionOf) -> None:
    """The hook of a hop has a call of its own, even though the hop has none."""

    def answer(handler: Handler) -> Answer:
        time.sleep({"/hop": 1, "/hook": 0.3}.get(handler.path, 0))
        return Answer(302, {"Location": "/hop"}) if handler.path == "/" else Answer()

    server.answer = answer
    session = session_of(f"[mounts.'{server.url}/hook']\ndeadline = 1.2")

    def hook(response: requests.Response, **_: Any) -> None:
        if response.url.endswith("/hop"):
            assert session.get(f"{server.url}/hook").ok

    assert session.get(server.url, hooks={"response": hook}).ok
    assert server.requests == ["GET /", "GET /hop", "GET /hook"]


def test_a_thread_inside_of_a_redirect(server: Server, session_of: SessionOf) -> None:
    """What it sends is no hop, though it has a copy of the context in which hops are followed."""
    go = threading.Event()

    def answer(handler: Handler) -> Answer:
        if handler.path != "/":
            return Answer()
        handler.wfile.write(  # It closes, so that no hop is sent over it in that moment.
            b"HTTP/1.1 302 F\r\nLocation: /x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nx"
        )
        go.wait(20)  # Until then the body of the redirect is read.
        handler.wfile.write(b"y")
        raise ConnectionError

    server.answer = answer
    session = session_of(f"[mounts.'{server.url}']\n[mounts.'{server.url}/other']\ndeadline = 1")
    results: list[Any] = []

    def ask() -> None:
        time.sleep(0.3)
        try:
            results.append(session.get(f"{server.url}/other").content)
        except requests.Timeout as error:
            results.append(error)
        go.set()

    def hook(response: requests.Response, **_: Any) -> None:
        if response.is_redirect:
            time.sleep(1.1)
            threading.Thread(target=contextvars.copy_context().run, args=(ask,)).start()

    assert session.get(server.url, hooks={"response": hook}).ok
    assert results == [b"ok"]


class InThreads(BaseAdapter):
    """Has another adapter send everything several times at once, in copies of the context."""

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.adapter = adapter

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        def send(context: contextvars.Context) -> requests.Response:
            for _ in range(10):
                response = context.run(self.adapter.send, request.copy(), **kwargs)
                assert response.content == b"ok"
            return response

        with ThreadPoolExecutor(8) as threads:
            contexts = [contextvars.copy_context() for _ in range(8)]
            return next(iter(threads.map(send, contexts)))

    def close(self) -> None:
        """Close nothing: the other adapter has the connections."""


def test_an_adapter_that_sends_in_threads(serve: Serve, session_of: SessionOf) -> None:
    """Each thread has its own attempts, whatever the others do in the same call."""
    at_once = threading.Semaphore(2)
    exceeded: list[str] = []

    def answer(handler: Handler) -> Answer:
        if not at_once.acquire(blocking=False):
            exceeded.append(handler.path)
            return Answer()
        time.sleep(0.01)
        at_once.release()
        return Answer()

    server = serve(answer=answer)
    session = session_of(f"[mounts.'{server.url}']\nlimit.concurrency = 2\ndeadline = 20")
    session.mount(f"{server.url}/x", InThreads(session.get_adapter(server.url)))
    assert session.get(f"{server.url}/x").ok
    assert len(server.requests) == 80
    assert not exceeded


class InOneThread(InThreads):
    """Has it send everything once, in another thread."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as threads:
            sent = threads.submit(lambda: context.run(self.adapter.send, request, **kwargs))
            return sent.result()


def test_a_redirect_that_another_thread_gets(server: Server, session_of: SessionOf) -> None:
    """Its body is under the clock too, before a stream as well, and so is the next hop."""

    def answer(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 200\r\n\r\n")
        drip(handler)
        raise ConnectionError

    server.answer = answer
    session = session_of("[defaults]\ndeadline = 1")
    session.mount(server.url, InOneThread(session.get_adapter(server.url)))
    with pytest.raises(requests.Timeout, match="deadline"):
        session.get(server.url, stream=True)
    assert server.requests == ["GET /"]
    server.answer = hops(0.3, last=20)
    with pytest.raises(requests.Timeout, match="deadline"):
        session.get(server.url)


def test_an_adapter_inside_of_a_request(serve: Serve, session_of: SessionOf) -> None:
    """What a body sends by an adapter of the same session takes no deadline away."""
    go, late = threading.Event(), list[bool]()

    def answer(handler: Handler) -> Answer:
        if handler.path != "/inner":
            late.append(not go.wait(10))
        return Answer()

    server = serve(answer=answer)
    session = session_of(
        f"[mounts.'{server.url}']\ndeadline = 1.5\n[mounts.'{server.url}/inner']\npool_block = true"
    )
    inner = requests.Request("GET", f"{server.url}/inner").prepare()
    settings = session.merge_environment_settings(inner.url, {}, None, None, None)

    def body() -> Iterator[bytes]:
        assert session.get_adapter(f"{server.url}/inner").send(inner, **settings).ok
        yield b"x"

    with pytest.raises(requests.Timeout, match=r"POST .* took longer than its deadline of 1\.5 s"):
        session.post(server.url, data=body())
    go.set()
    wait_for(lambda: late)
    assert late == [False]


def test_a_hook_that_asks_where_a_redirect_leads(server: Server, session_of: SessionOf) -> None:
    """What it sends afterwards is a call of its own, and no hop."""

    def answer(handler: Handler) -> Answer:
        time.sleep(0.5 if handler.path == "/own" else 0)
        return Answer(302, {"Location": "/hop"}) if handler.path == "/" else Answer()

    server.answer = answer
    session = session_of(f"[mounts.'{server.url}/own']\ndeadline = 2")

    def hook(response: requests.Response, **_: Any) -> None:
        if response.is_redirect:
            asked: Any = session.resolve_redirects(response, response.request, yield_requests=True)
            assert next(asked).url == f"{server.url}/hop"
            time.sleep(1.6)
            assert session.get(f"{server.url}/own").ok

    assert session.get(server.url, hooks={"response": hook}).ok
    assert server.requests == ["GET /", "GET /own", "GET /hop"]


def test_a_timeout_in_total(serve: Serve, session_of: SessionOf) -> None:
    """urllib3's own kind of timeout means what it means without a deadline, and is cut by one."""
    server = serve(answer=lambda handler: slow(10 if handler.path == "/slow" else 0)(handler))
    short, long, both = (
        urllib3.Timeout(total=1),
        urllib3.Timeout(total=20),
        urllib3.Timeout(9, 5),
    )

    def get(path: str, timeout: Any, seconds: float = 20, **options: Any) -> requests.Response:
        session = session_of(f"[defaults]\ndeadline = {seconds}")
        return session.get(server.url + path, timeout=timeout, **options)

    with pytest.raises(requests.ReadTimeout):
        get("/slow", short)
    assert get("/", both).ok
    with pytest.raises(requests.Timeout, match="deadline"):
        get("/slow", long, seconds=0.2)
    assert get("/", long, stream=True).content == b"ok"


def broken_redirect(handler: Handler) -> Answer:
    """Redirect with a body that ends before its length."""
    if handler.path == "/":
        handler.wfile.write(b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 99\r\n\r\nx")
        raise ConnectionError
    return Answer()


def test_a_broken_body_of_a_redirect(serve: Serve, session_of: SessionOf) -> None:
    """requests follows it, and so do we."""
    server = serve(answer=broken_redirect)
    session = session_of("[defaults]\ndeadline = 20\npool_block = true\npool_maxsize = 1")
    assert session.get(server.url).content == b"ok"
    assert server.requests == ["GET /", "GET /x"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_redirect_whose_body_trickles(
    serve: Serve, session_of: SessionOf, *, stream: bool
) -> None:
    """requests reads it to the end, even before a stream, so that it is under the clock."""

    def answer(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 99\r\n\r\n")
        for _ in range(99):
            handler.wfile.write(b"x")
            time.sleep(0.1)
        raise ConnectionError

    server = serve(answer=answer)
    session = session_of("[defaults]\ndeadline = 1\npool_block = true\npool_maxsize = 1")
    start = time.monotonic()
    for _ in range(2):
        with pytest.raises(requests.Timeout, match="deadline"):
            session.get(server.url, stream=stream)
    assert time.monotonic() - start < 5
    assert len(server.requests) == 2


def test_a_second_redirect_whose_body_trickles(server: Server, session_of: SessionOf) -> None:
    """A hop is followed as the first request is, before a stream too."""

    def answer(handler: Handler) -> Answer:
        if handler.path == "/":
            return Answer(302, {"Location": "/hop"})
        handler.wfile.write(b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 200\r\n\r\n")
        drip(handler)
        raise ConnectionError

    server.answer = answer
    session = session_of("[defaults]\ndeadline = 1")
    with pytest.raises(requests.Timeout, match="/hop took longer than its deadline"):
        session.get(server.url, stream=True)


def test_what_hooks_and_callers_see(serve: Serve, session_of: SessionOf) -> None:
    """The body is not read yet in a hook, and `elapsed` ends with the headers."""
    go = threading.Event()

    def answer(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx")
        go.wait(30)
        handler.wfile.write(b"y")
        raise ConnectionError

    server = serve(answer=answer)
    session = session_of("[defaults]\ndeadline = 20")
    seen = []

    def hook(response: requests.Response, **_: Any) -> None:
        seen.append((response._content_consumed, isinstance(response.raw, urllib3.HTTPResponse)))
        time.sleep(0.3)
        go.set()

    start = time.perf_counter()
    response = session.get(server.url, hooks={"response": hook})
    assert seen == [(False, True)]
    assert response.content == b"xy"
    assert response.elapsed.total_seconds() < time.perf_counter() - start - 0.3


def test_a_body_that_a_hook_reads(serve: Serve, session_of: SessionOf) -> None:
    """Whoever reads it, and however, meets the deadline, and the connection is given back."""

    def chunked(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(99):
            handler.wfile.write(b"1\r\nx\r\n")
            time.sleep(0.2)
        raise ConnectionError

    readings: list[Any] = [
        lambda raw: raw.read(),
        lambda raw: raw.read(99),
        lambda raw: [raw.read1() for _ in range(99)],
        lambda raw: raw.readinto(bytearray(99)),
        lambda raw: [*raw.stream(1)],
        lambda raw: raw.data,
    ]
    for answer in (chunked, trickle):
        server = serve(answer=answer)
        session = session_of("[defaults]\ndeadline = 2.5\npool_block = true\npool_maxsize = 6")

        def ask(read: Any, server: Server = server, session: Any = session) -> None:
            hook = {"response": lambda response, **_: read(response.raw)}
            with pytest.raises(requests.Timeout, match="deadline"):
                session.get(server.url, hooks=hook)

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(ask, readings))
        assert len(server.requests) == len(readings)
        assert free_places(session, server.url) == 6


def test_a_body_that_breaks_in_time(serve: Serve, session_of: SessionOf) -> None:
    """Its errors are requests' and urllib3's own, and it does not matter how it is read."""

    def chunked(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx")
        raise ConnectionError

    def short(handler: Handler) -> Answer:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        raise ConnectionError

    session = session_of("[defaults]\ndeadline = 20\npool_block = true\npool_maxsize = 1")
    for answer in (chunked, short):
        server = serve(answer=answer)
        for error, read in (
            (requests.exceptions.ChunkedEncodingError, lambda _: None),
            (urllib3.exceptions.ProtocolError, lambda raw: raw.read()),
            (urllib3.exceptions.ProtocolError, lambda raw: [raw.read1(9) for _ in range(9)]),
        ):
            hook = {"response": lambda response, read=read, **_: read(response.raw)}
            with pytest.raises(error):
                session.get(server.url, hooks=hook)


def test_a_response_that_is_dropped(serve: Serve, session_of: SessionOf) -> None:
    """A hook that fails leaves a body unread; its connection is closed with the response."""
    server = serve(answer=lambda _: Answer(body=b"x" * 1000))
    session = session_of("[defaults]\ndeadline = 20")

    def fail(*_: Any, **__: Any) -> None:
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            session.get(server.url, hooks={"response": fail})
    assert session.get(server.url).ok
    assert server.connections == 4


def test_around_the_deadline_all_failures_are_timeouts(serve: Serve, session_of: SessionOf) -> None:
    """Of many threads, each has its answer or a `Timeout`, and no place in the pool is lost."""
    numbers = count()

    def answer(handler: Handler) -> Answer:
        time.sleep(0.05 + next(numbers) % 10 * 0.01)
        return Answer(503 if "retry" in handler.path else 200, body=handler.path.encode())

    server = serve(answer=answer)
    session = session_of(
        "[defaults]\ndeadline = 0.1\npool_block = true\npool_maxsize = 8\n"
        "max_retries = { total = 2, status_forcelist = [503] }"
    )

    def ask(number: int) -> str:
        path = f"/{number}" + ("/retry" if number % 3 == 0 else "")
        try:
            response = session.get(server.url + path, stream=number % 4 == 0)
            assert response.content == path.encode()
        except requests.Timeout:
            return "timeout"
        except requests.exceptions.RetryError:
            return "retries"
        return "answer"

    with ThreadPoolExecutor(16) as threads:
        outcomes = set(threads.map(ask, range(300)))
    assert "timeout" in outcomes
    assert free_places(session, server.url) == 8


def test_nothing_is_sent_in_the_clear(server_tls: ssl.SSLContext, session_of: SessionOf) -> None:
    """Cutting a connection leaves the TLS alone of the thread that has it."""
    seen: list[bytes] = []
    numbers = count()

    def answer(_: Handler) -> Answer:
        time.sleep(0.03 + next(numbers) % 5 * 0.01)
        return Answer()

    with Server(tls=server_tls, answer=answer) as server:

        def relay(client: socket.socket) -> None:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with socket.create_connection(("127.0.0.1", server.server_port)) as upstream:
                pump(client, upstream, seen.append)

        with Scripted(relay) as proxy:
            # How long a request takes is the machine's affair; the last of these is long enough.
            sessions = [
                session_of(f"[defaults]\nproxy = '{proxy.url}'\ndeadline = {deadline}")
                for deadline in (0.05, 0.06, 0.07, 0.15, 20)
            ]

            def pay(number: int) -> None:
                with contextlib.suppress(requests.Timeout):
                    sessions[number % 5].post(server.url, data=b"card=1234" * 1000)

            with ThreadPoolExecutor(8) as threads:
                list(threads.map(pay, range(150)))
        assert server.requests
    assert len(seen) > 100
    assert not any(b"card" in data or b"POST" in data for data in seen)
