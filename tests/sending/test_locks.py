"""Locks of the whole process."""

import os
import signal
import subprocess
import sys
from threading import Event, Thread

import pytest

from requests_mounts import MountAdapter
from requests_mounts._file.options import Tls
from requests_mounts._file.policy import Policy
from requests_mounts._sending.contexts import _one_at_a_time, tls_context
from requests_mounts._sending.forks import around_forks


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    """It makes contexts and pool managers, though that thread held both locks."""
    held, done = Event(), Event()
    adapter = MountAdapter(Policy())

    def hold() -> None:
        with _one_at_a_time, adapter._lock:
            held.set()
            done.wait(30)

    thread = Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if not child:  # pragma: no cover - in another process
        signal.alarm(20)  # It ends a child that waits.
        tls_context(Tls())
        os._exit(adapter.poolmanager is None)
    status = os.waitpid(child, 0)[1]
    done.set()
    thread.join()
    assert status == 0, sys.platform


def test_a_lock_holds_off_other_threads_and_not_its_own() -> None:
    """It is reentrant."""
    entered: list[str] = []

    def enter() -> None:
        with _one_at_a_time:
            entered.append("other")

    thread = Thread(target=enter)
    with _one_at_a_time, _one_at_a_time:
        thread.start()
        thread.join(0.05)
        entered.append("own")
    thread.join()
    assert entered == ["own", "other"]


def test_where_nothing_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, everything can be imported, and nothing is called."""
    code = "import os; del os.fork, os.register_at_fork; import requests_mounts.otel"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    around_forks(in_child=pytest.fail)
