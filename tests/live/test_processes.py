"""Processes: what a child has of its parent's session, and what it has not."""

import copy
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from loopback import Answer, Handler, Server
from proxies import HttpProxy
from requests_mounts import MountedSession, load_session, parse_config
from requests_mounts._sending import counters, counting, pools
from requests_mounts._sending.table import MountTable
from servers import wait_for

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")


def in_child(work: Callable[[], object]) -> int:
    """Do something in a forked child, and return its exit code."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - nothing of the parent's may run here
            os._exit(1)
        os._exit(0)
    for _ in range(3000):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_child_opens_connections_of_its_own(
    scheme: str, server_tls: Any, authority_file: str
) -> None:
    """The parent's stay open and in use, and the child's numbers begin at zero."""
    with Server(tls=server_tls if scheme == "https" else None) as server:
        config = parse_config("[defaults]\npool_maxsize = 2\npool_block = true")
        with MountedSession(config) as session:
            session.verify = authority_file
            session.get(server.url)
            stream = session.get(server.url, stream=True)

            def work() -> None:
                with pytest.raises(Exception, match=r".*"):
                    assert stream.content == b"ok"
                for _ in range(3):
                    assert session.get(server.url).text == "ok"
                (stats,) = [one for one in session.stats() if one.requests]
                assert (stats.requests, stats.connections, stats.peak) == (3, 1, 1)

            assert in_child(work) == 0
            assert stream.content == b"ok"
            session.get(server.url)
            assert server.connections == 2
            (stats,) = [one for one in session.stats() if one.requests]
            assert (stats.requests, stats.connections) == (3, 1)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_of_a_process_that_waits(server: Server) -> None:
    """A thread of the parent that waits for a connection is none of the child's."""
    config = parse_config("[defaults]\npool_maxsize = 1\npool_block = true")
    with MountedSession(config) as session, session.get(server.url, stream=True) as stream:
        waiter = threading.Thread(target=session.get, args=(server.url,))
        waiter.start()
        wait_for(lambda: sum(one.waits for one in session.stats()))

        def work() -> None:
            assert session.get(server.url).text == "ok"
            (stats,) = [one for one in session.stats() if one.requests]
            assert (stats.waits, stats.peak) == (0, 1)

        assert in_child(work) == 0
        assert stream.content == b"ok"
        waiter.join()


FORKING = """
import faulthandler, os, sys, threading
from requests_mounts import load_session

path, url = sys.argv[1:]
session, over = load_session(path), threading.Event()

def work():
    session.get(url)
    session.stats()
    session.mount("https://code/", session.adapters["https://"])
    session.reload()

def go_on():
    while not over.is_set():
        work()

def in_child():
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    faulthandler.dump_traceback_later(60, exit=True)
    try:
        work()
    except BaseException as error:
        os.write(2, repr(error).encode())
        os._exit(1)
    os._exit(0)

work()  # It imports the rest: the locks of imports are Python's, and a child may wait for them.
threads = [threading.Thread(target=go_on) for _ in range(4)]
for thread in threads:
    thread.start()
print([in_child() for _ in range(20)])
over.set()
for thread in threads:
    thread.join()
"""


def test_no_lock_is_left_held(server: Server, tmp_path: Path) -> None:
    """Children of a process whose threads send, count, mount and reload can do all of it."""
    file = tmp_path / "mounts.toml"
    file.write_text("[defaults]\npool_maxsize = 2\npool_block = true")
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, file, server.url],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{[0] * 20}\n", "")


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_reload(tmp_path: Path) -> None:
    """The child reloads for itself what a thread of its parent has begun to."""
    file = tmp_path / "mounts.toml"
    file.write_text("[defaults]\npool_maxsize = 2")
    begun, over = threading.Event(), threading.Event()
    exchange = MountTable.exchange

    def slow(*args: Any) -> None:
        exchange(*args)
        if threading.current_thread() is thread:
            begun.set()
            assert over.wait(30)

    with load_session(file) as session, pytest.MonkeyPatch.context() as patch:

        def work() -> None:
            session.reload()
            assert {vars(one)["_pool_maxsize"] for one in session.adapters.values()} == {3}
            assert {mount.policy.pool_maxsize for mount in session.config.mounts} == {3}

        patch.setattr(MountTable, "exchange", slow)
        thread = threading.Thread(target=session.reload)
        file.write_text("[defaults]\npool_maxsize = 3")
        thread.start()
        assert begun.wait(30)
        try:
            assert in_child(work) == 0
        finally:
            over.set()
            thread.join()
        work()


def test_what_a_child_does_first(server: Server) -> None:
    """Sockets are let go of without a word, pools are empty, numbers are zero, locks are free."""
    server.answer = lambda _: Answer(body=b"x" * 10_000_000)
    with MountedSession(parse_config("[defaults]\npool_maxsize = 2")) as session:
        session.get(server.url)
        stream = session.get(server.url, stream=True)
        (pool,) = session.get_adapter(server.url).counters.pools()  # type: ignore[attr-defined]
        before = counters._lock
        counters._start_anew()
        pools._renew_locks()
        counting._start_anew()
        assert counters._lock is not before
        assert pool.state() == {"origin": server.url, "proxy": None, "idle": 0, "in_use": 0}
        assert pool.pool.qsize() == 2
        with pytest.raises((requests.RequestException, OSError)):
            assert stream.content
        session.get(server.url)
        (stats,) = [one for one in session.stats() if one.requests]
        assert (stats.requests, stats.connections) == (1, 1)
        pool.close()
        counting._start_anew()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_under_load(server: Server, copied: Callable[[Any], Any]) -> None:
    """Sessions, adapters and configurations are copied while threads send and mount."""
    over = threading.Event()
    failures: list[BaseException] = []
    with MountedSession(parse_config("[defaults]\npool_maxsize = 2")) as session:

        def work() -> None:
            try:
                while not over.is_set():
                    session.get(server.url)
                    session.mount("https://code/", session.adapters["https://"])
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test fails
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                with copied(session) as other:
                    assert other.get(server.url).text == "ok"
                    adapters = (other.adapters["http://"], session.adapters["http://"])
                    one, same = (vars(adapter)["_policy"] for adapter in adapters)
                    assert one == same
                    assert other.config.mounts == copied(session.config).mounts
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert not failures


SCRIPT = """
import multiprocessing, sys
from requests_mounts import MountedSession, parse_config

def fetch(session, url):
    return session.get(url).text, sum(one.requests for one in session.stats())

if __name__ == "__main__":
    method, url = sys.argv[1:]
    session = MountedSession(parse_config("[defaults]\\npool_maxsize = 2"))
    session.get(url)
    with multiprocessing.get_context(method).Pool(2) as pool:
        print(pool.starmap(fetch, [(session, url)] * 4))
    session.get(url)
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(method: str, server: Server, tmp_path: Path) -> None:
    """A session goes to the processes of a pool as an argument, with fresh connections."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, method, server.url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == f"{[('ok', 1)] * 4}\n", done.stderr
    assert (len(server.requests), server.connections) == (6, 5)


APPLICATION = """
import os, requests_mounts
session = requests_mounts.load_session(os.environ["MOUNTS"])
url = os.environ["URL"]
assert session.get(url).text == "ok"

def application(environ, start_response):
    texts = {session.get(url).text for _ in range(3)}
    (stats,) = [one for one in session.stats() if one.requests]
    start_response("200 OK", [])
    return [f"{os.getpid()} {texts} {stats.connections}".encode()]
"""


def test_gunicorn(server: Server, tmp_path: Path) -> None:
    """Three workers of one session that was used before the fork share no connection."""
    pytest.importorskip("gunicorn")
    (tmp_path / "application.py").write_text(APPLICATION)
    (tmp_path / "mounts.toml").write_text("[defaults]\npool_maxsize = 2\npool_block = true")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--preload", "-w", "3", "-b", f"127.0.0.1:{port}"]
    settings = {"MOUNTS": str(tmp_path / "mounts.toml"), "URL": server.url}
    gunicorn = subprocess.Popen(
        [*command, "application:application"],
        cwd=tmp_path,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        seen: dict[str, set[str]] = {}
        end = time.monotonic() + 120
        while len(seen) < 3 and time.monotonic() < end:
            try:
                worker, _, told = requests.get(
                    f"http://127.0.0.1:{port}", timeout=30
                ).text.partition(" ")
                seen.setdefault(worker, set()).add(told)
            except requests.ConnectionError:  # It has not begun yet.
                time.sleep(0.05)
        assert len(seen) == 3
        assert {told for worker in seen.values() for told in worker} == {"{'ok'} 1"}
        assert server.connections == 4
    finally:
        gunicorn.terminate()
        gunicorn.wait(60)


def test_connections_of_every_kind_are_let_go_of(
    server: Server, server_tls: Any, authority_file: str
) -> None:
    """TLS in the TLS of a proxy, and one that is closed already."""

    def answer(handler: Handler) -> Answer:
        handler.close_connection = True
        return Answer()

    server.answer = answer
    with HttpProxy(server_tls) as proxy, Server(tls=server_tls) as secure:
        text = f"[mounts.'https://127.0.0.1:*/']\nproxy = '{proxy.url}'\ntls.verify = '{authority_file}'"
        with MountedSession(parse_config(text)) as session:
            for one in (server, secure):
                assert session.get(one.url).text == "ok"
            counting._start_anew()
            counters._start_anew()
            assert session.get(secure.url).text == "ok"
            assert (proxy.connections, secure.connections) == (2, 2)


def test_counters_that_nobody_listens_to() -> None:
    """They count all the same."""
    alone = counters.Counters()
    alone.count("waits")
    assert alone.read()["waits"] == 1
