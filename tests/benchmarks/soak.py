"""A minute of everything at once: what is lost, mixed up or left behind."""

import itertools
import logging
import sys
import tempfile
import threading
import time
import tracemalloc
from collections import Counter
from contextlib import suppress
from pathlib import Path

import requests
from measure import report
from remains import look, replace, report_remains

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from loopback import Answer, Handler, Server
from requests_mounts import MountedSession, load_session, parse_config

SECONDS = 60
THREADS = 16
TEXT = """
[defaults]
max_retries = {{ total = 9, status_forcelist = [503] }}
deadline = 30
[mounts."http://127.0.0.1:*/"]
pool_connections = 1
pool_maxsize = {size}
pool_block = true
[mounts."http://127.0.0.1:*/late"]
deadline = 0.05
"""
"""Two servers on 127.0.0.1 take the one pool from each other."""


def answer(handler: Handler) -> Answer:
    """Echo the path, after a redirect, a refusal, a while, or with the connection's end."""
    kind = handler.path.split("/")[1]
    seen = handler.server.requests.count(f"GET {handler.path}") if kind == "busy" else 0
    if kind == "moved":
        return Answer(302, {"Location": handler.path.replace("moved", "there")})
    if kind == "busy" and seen == 1:
        return Answer(503)
    if kind == "late":
        time.sleep(0.1)
    if kind == "dropped":  # The server closes the connection after this, without a word.
        handler.connection.settimeout(0.001)
    handler.close_connection = kind == "closed"
    return Answer(body=handler.path.replace("there", "moved").encode())


def send(
    session: MountedSession, servers: list[Server], number: int, over: threading.Event
) -> Counter[str]:
    """Send until it is over, and count what came of it."""
    found: Counter[str] = Counter()
    kinds = ("plain", "moved", "busy", "closed", "late", "dropped", "plain")
    for count in itertools.count():
        if over.is_set():
            return found
        path = f"/{kinds[count % len(kinds)]}/{number}/{count}"
        try:
            text = session.get(servers[count % len(servers)].url + path).text
            found["answered" if text == path else "mixed up"] += 1
        except requests.Timeout:
            found["ended" if "late" in path else "lost"] += 1
        except requests.RequestException:
            found["lost"] += 1
    return found


def run(seconds: float) -> Counter[str]:
    """Send from all threads while the file is replaced, a quarter of the times by a broken one."""
    found: list[Counter[str]] = []
    over = threading.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(answer=answer) as one,
        Server(answer=answer) as two,
        Server("127.0.0.2", answer=answer) as three,
    ):
        servers = [one, two, three]
        file = Path(folder) / "mounts.toml"
        replace(file, TEXT.format(size=THREADS))
        with load_session(file, reload_interval=0.05) as session:

            def work(number: int) -> None:
                found.append(send(session, servers, number, over))

            threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
            for thread in threads:
                thread.start()
            end = time.monotonic() + seconds
            for number in itertools.count():
                if time.monotonic() > end:
                    break
                broken = number % 4 == 0
                replace(file, "[broken" if broken else TEXT.format(size=THREADS + number % 3))
                for server in servers:
                    server.requests.clear()
                time.sleep(0.2)
            over.set()
            for thread in threads:
                thread.join()
            stats = session.stats()
    evicted, retries = (
        sum(getattr(numbers, name) for numbers in stats) for name in ("evicted", "retries")
    )
    return sum(found, Counter(evicted=evicted, retries=retries))


def main() -> None:
    """Print the figures."""
    logging.getLogger("requests_mounts").setLevel(logging.CRITICAL)  # Of each broken file.
    with (
        MountedSession(parse_config("[defaults]\ndeadline = 30")) as session,
        suppress(requests.ConnectionError),
    ):
        # The one thread of a process for all its deadlines starts now, and stays.
        session.get("http://127.0.0.1:9/")
    threads = threading.active_count()
    tracemalloc.start()
    run(3)  # What is made once is made now.
    before = look(threads=threads)
    total = run(SECONDS)
    after = look(threads=threads)
    tracemalloc.stop()
    report(f"a minute of {THREADS} threads: requests answered", total["answered"], "", "")
    report("  requests ended by a deadline", total["ended"], "", "> 0")
    report("  attempts that were retries", total["retries"], "", "> 0")
    report("  pools dropped for others", total["evicted"], "", "> 0")
    report("  requests lost", total["lost"], "", "0")
    report("  answers mixed up", total["mixed up"], "", "0")
    report_remains(before, after)


if __name__ == "__main__":
    main()
