"""Twelve threads that send while their file is replaced 300 times: what fails or is left behind."""

import itertools
import logging
import sys
import tempfile
import threading
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import requests
from measure import report
from remains import look, replace, report_remains
from requests.adapters import HTTPAdapter

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from loopback import Answer, Server
from requests_mounts import ConfigError, MountedSession, load_session

TIMES = 300
THREADS = 12
PREFIXES = 20
TEXT = """
[mounts."{kept}"]
pool_maxsize = 12
[mounts."{changed}"]
pool_maxsize = {size}
"""


def send(session: MountedSession, servers: list[Server], over: threading.Event) -> Counter[str]:
    """Send until it is over, and count what came of it."""
    found: Counter[str] = Counter()
    for count in itertools.count():
        if over.is_set():
            return found
        path = f"/{threading.get_ident()}/{count}"
        try:
            text = session.get(servers[count % len(servers)].url + path).text
            found["answered" if text == path else "failed"] += 1
        except requests.RequestException:
            found["failed"] += 1
    return found


def change(session: MountedSession, file: Path, servers: list[Server], times: int) -> int:
    """Replace the file, each fourth time by a broken one, while code mounts prefixes too.

    Return how often a reload took the one for the other.
    """
    kept, changed = (server.url for server in servers)
    wrong = 0
    for number in range(times):
        broken = number % 4 == 0
        text = TEXT.format(kept=kept, changed=changed, size=20 + number)
        replace(file, "[broken" if broken else text)
        session.mount(f"https://code{number % PREFIXES}/", HTTPAdapter())
        try:
            session.reload()
            wrong += broken
        except ConfigError:
            wrong += not broken
        time.sleep(0.05)
    return wrong


def run(times: int) -> Counter[str]:
    """Send from all threads while the file is replaced so many times."""
    found: list[Counter[str]] = []
    over = threading.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(answer=lambda handler: Answer(body=handler.path.encode())) as kept,
        Server("127.0.0.2", answer=lambda handler: Answer(body=handler.path.encode())) as changed,
    ):
        servers = [kept, changed]
        file = Path(folder) / "mounts.toml"
        replace(file, TEXT.format(kept=kept.url, changed=changed.url, size=20))
        with load_session(file, reload_interval=0) as session:

            def work() -> None:
                found.append(send(session, servers, over))

            threads = [threading.Thread(target=work) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            wrong = change(session, file, servers, times)
            over.set()
            for thread in threads:
                thread.join()
            counted = sum(numbers.requests for numbers in session.stats())
            served = sum(len(server.requests) for server in servers)
            mounted = sum(key.startswith("https://code") for key in session.adapters)
    figures = {"wrong": wrong, "off": abs(counted - served), "gone": PREFIXES - mounted}
    figures |= {"kept": kept.connections, "changed": changed.connections}
    return sum(found, Counter(figures))


def main() -> None:
    """Print the figures."""
    logging.getLogger("requests_mounts").setLevel(logging.CRITICAL)  # Of each broken file.
    threads = threading.active_count()
    tracemalloc.start()
    run(2 * PREFIXES)  # What is made once is made now.
    before = look(threads=threads)
    total = run(TIMES)
    after = look(threads=threads)
    tracemalloc.stop()
    what = f"{TIMES} reloads under {THREADS} threads: requests answered"
    report(what, total["answered"], "", "")
    report("  requests failed", total["failed"], "", "0")
    report("  reloads that took a file for another", total["wrong"], "", "0")
    report("  prefixes mounted by code that are gone", total["gone"], "", "0")
    report("  connections of the mount that stays", total["kept"], "", f"<= {THREADS}")
    report("  connections of the mount that changes", total["changed"], "", "")
    report("  requests that servers count otherwise than stats", total["off"], "", "0")
    report_remains(before, after)


if __name__ == "__main__":
    main()
