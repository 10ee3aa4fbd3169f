"""The clock of all deadlines: by itself, in real requests, after a fork and at the end."""

import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import requests

from loopback import Server
from requests_mounts._sending.clock import Clock
from servers import Serve, SessionOf, free_places, slow, wait_for


class Ends:
    """Notes when it is cut."""

    def __init__(self, seconds: float, *, times: int = 1, error: Exception | None = None) -> None:
        self.end = time.monotonic() + seconds
        self.cuts: list[float] = []
        self.times = times
        self.error = error
        self.done = threading.Event()

    def cut(self) -> bool:
        self.cuts.append(time.monotonic() - self.end)
        if len(self.cuts) == self.times:
            self.done.set()
        if self.error:
            raise self.error
        return not self.done.is_set()


class Counted(Clock):
    """Notes its own threads; clocks of other tests have theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[threading.Thread] = []

    def _run(self) -> None:
        self.threads.append(threading.current_thread())
        super()._run()


def watching() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "deadlines" in thread.name}


def test_each_at_its_own_time() -> None:
    """In whatever order they are started, and none that was stopped."""
    clock = Clock()
    late, soon, stopped, again = Ends(1.1), Ends(0.1), Ends(1), Ends(0.1, times=3)
    for ending in (late, soon, stopped, again):
        clock.start(ending)
    clock.stop(stopped)
    assert soon.done.wait(30)
    assert late.done.wait(30)
    assert again.done.wait(30)
    assert [len(ending.cuts) for ending in (soon, late, stopped, again)] == [1, 1, 0, 3]
    assert min(soon.cuts + late.cuts + again.cuts) >= 0
    time.sleep(0.2)
    assert len(again.cuts) == 3
    idle = Ends(0.05)
    clock.start(idle)
    assert idle.done.wait(30)


def test_started_from_many_threads_at_once() -> None:
    """One thread watches over all of them."""
    clock = Counted()
    endings = [Ends(0.3 + number % 7 * 0.05) for number in range(210)]
    threads = [
        threading.Thread(target=lambda some: [*map(clock.start, some)], args=(endings[n::6],))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ending.done.wait(30) for ending in endings)
    assert len(clock.threads) == 1
    assert {len(ending.cuts) for ending in endings} == {1}


def test_started_while_the_thread_looks() -> None:
    """It has looked at all of them by then, and has to look again."""
    clock, late = Clock(), Ends(0.5)

    class Starts(Ends):
        def cut(self) -> bool:
            thread = threading.Thread(target=clock.start, args=(late,))
            thread.start()
            thread.join(0.1)
            return super().cut()

    clock.start(Starts(0.1))
    assert late.done.wait(30)


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised, and the next deadline tries again."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    clock, first, second = Clock(), Ends(0.1), Ends(0.2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        clock.start(first)
    assert not clock.running
    clock.start(second)
    assert clock.running
    assert first.done.wait(30)
    assert second.done.wait(30)


def test_an_error_of_what_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is seen, and the next deadline has a thread again."""
    errors: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    clock, broken, fine = Clock(), Ends(0.01, error=LookupError("of a tool")), Ends(0.1)
    clock.start(broken)
    assert broken.done.wait(30)
    wait_for(lambda: errors)
    assert errors[0].exc_type is LookupError
    clock.stop(broken)
    clock.start(fine)
    assert fine.done.wait(30)


def test_around_a_fork() -> None:
    """Nothing is cut while the process forks, and a child forgets all."""
    clock, ending = Clock(), Ends(0.1)
    clock.hold()
    clock.start(ending)
    time.sleep(0.2)
    assert not ending.cuts
    clock.let_go()
    assert ending.done.wait(30)
    child = Clock()
    child.running = True  # As it is copied, without its thread.
    child.hold()
    child.start(of_parent := Ends(0.1))
    child.start_anew()
    child.start(of_child := Ends(0.2))
    assert of_child.done.wait(30)
    assert not of_parent.cuts


def test_requests_share_one_thread(serve: Serve, session_of: SessionOf) -> None:
    """It stays, and is a daemon."""
    server = serve()
    seen = []
    for deadline in (20, 30, 10):
        assert session_of(f"[defaults]\ndeadline = {deadline}").get(server.url).ok
        seen.append(watching())
    assert seen[0] == seen[1] == seen[2]
    assert all(thread.daemon for thread in seen[0])


@pytest.mark.parametrize("stream", [False, True])
def test_without_a_thread(
    serve: Serve, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    """The timeouts of the sockets are no longer than the deadline."""
    monkeypatch.setattr("requests_mounts._sending.clock.clock.running", False)
    monkeypatch.setattr("requests_mounts._sending.clock.clock.start", lambda _: None)
    server = serve(answer=slow(0 if stream else 10))
    session = session_of("[defaults]\ndeadline = 1.5\npool_block = true\npool_maxsize = 1")
    if stream:
        assert session.get(server.url, stream=True).content == b"ok"
        return
    with pytest.raises(requests.Timeout):
        session.get(server.url)
    assert free_places(session, server.url) == 1


AT_EXIT = """
import atexit, sys
from requests_mounts import MountedSession, parse_config
session = MountedSession(parse_config("[defaults]\\ndeadline = 20"))
atexit.register(lambda: print(session.get(sys.argv[1]).text))
"""

FORKING = """
import os, sys, time
from requests import Timeout
from requests_mounts import MountedSession, parse_config
session = MountedSession(parse_config("[defaults]\\ndeadline = 2"))
session.get(sys.argv[1])

def body():
    child = os.fork()
    if not child:
        try:
            session.get(sys.argv[1] + "/slow")
        except Timeout:
            os._exit(3)
        os._exit(4)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    yield b"x"

try:
    session.post(sys.argv[1], data=body())
except Timeout:
    print("timeout")
"""


@pytest.mark.parametrize(
    ("program", "printed"), [(AT_EXIT, "ok"), (FORKING, "3\ntimeout")], ids=["atexit", "fork"]
)
def test_in_a_process_of_its_own(server: Server, program: str, printed: str) -> None:
    """A request at the exit of the interpreter is sent; parent and child have a clock each."""
    server.answer = lambda handler: slow(10 if "slow" in handler.path else 0)(handler)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.stdout.strip(), ran.stderr) == (printed, "")
