"""The time of a request, beside plain requests on the same server."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter, thread_time

import requests
import trustme
from measure import report, seconds
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPResponse, PoolManager

from requests_mounts import MountAdapter, MountedSession, load_session, parse_config
from requests_mounts._sending.attempt import Attempt

SERVER = """
import sys
sys.path.insert(0, sys.argv[1])
from loopback import Server
import ssl
tls = None
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2])
with Server(tls=tls) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""
EXAMPLES = Path(__file__).parents[2] / "examples"


def ratio(
    ours: Callable[[], object],
    peer: Callable[[], object],
    rounds: int,
    *,
    timer: Callable[[], float] = perf_counter,
) -> float:
    """Compare medians of single calls made in turns: a request waits for another process."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, taken in zip((ours, peer), times, strict=True):
            start = timer()
            work()
            taken.append(timer() - start)
    return median(times[0]) / median(times[1])


def session_of(text: str) -> MountedSession:
    """Make a session from the text of a file."""
    return MountedSession(parse_config(text))


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        certificate = Path(folder) / "server.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        bundle = Path(folder) / "bundle.pem"
        usual = Path(DEFAULT_CA_BUNDLE_PATH).read_bytes()
        bundle.write_bytes(usual + b"\n" + authority.cert_pem.bytes())
        command = [sys.executable, "-c", SERVER, EXAMPLES]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with (
            subprocess.Popen(command, **pipes) as plain,  # type: ignore[call-overload]
            subprocess.Popen([*command, certificate], **pipes) as secure,  # type: ignore[call-overload]
        ):
            url = plain.stdout.readline().strip()
            kept_alive(url)
            threads(url)
            counting(url)
            settings(url)
            guards(url)
            new_connections(secure.stdout.readline().strip(), str(bundle))
            plain.stdin.close()
            secure.stdin.close()


def kept_alive(url: str) -> None:
    """Measure GETs over one connection each, in the thread that sends them."""
    proxies = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "localhost,.internal"}
    with requests.Session() as peer:
        for text, variables, what, bound in (
            ("", {}, "the same settings", "< 0.82"),
            ("", proxies, "the same, with HTTPS_PROXY and NO_PROXY", "< 0.95"),
            ("[defaults]\nproxy = 'direct'", {}, "proxy = 'direct'", "< 0.82"),
        ):
            with session_of(text) as session, environment(variables):
                measured = ratio(
                    lambda: session.get(url), lambda: peer.get(url), 2_000, timer=thread_time
                )
            report(f"a kept-alive GET, {what}, over requests", measured, "times", bound)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Have these variables of proxies, and no others."""
    before = dict(os.environ)
    for name in before:
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def threads(url: str) -> None:
    """Measure how many GETs sixteen threads make, each over a connection of its own."""
    with requests.Session() as peer, session_of("[defaults]\npool_maxsize = 16") as session:
        peer.mount("http://", HTTPAdapter(pool_maxsize=16))
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(9):
            for one, times in zip((session, peer), taken, strict=True):
                times.append(seconds(partial(get_in_threads, one, url)))
    measured = median(taken[1]) / median(taken[0])
    report("GETs in a second, 16 threads, over requests", measured, "times", "> 1.15")


def get_in_threads(session: requests.Session, url: str) -> None:
    """Send 1,600 requests from sixteen threads."""
    workers = [Thread(target=lambda: [session.get(url) for _ in range(100)]) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def counting(url: str) -> None:
    """Measure GETs that are counted beside those over urllib3's own pools, which count nothing."""
    with session_of("") as session, session_of("") as peer:
        adapter = peer.adapters["http://"]
        adapter.poolmanager = PoolManager(num_pools=10, maxsize=10)  # type: ignore[attr-defined]
        measured = in_turns(session, peer, url)
    report("a kept-alive GET, counted, over not", measured, "times", "< 1.01")


NEVER_BITE = """
deadline = 30
timeout = { connect = 5, read = 30 }
max_retries = { total = 2, backoff_factor = 0.1, status_forcelist = [503] }
pool_block = true
keepalive_expiry = 60
max_connection_age = 600
tcp_keepalive = { idle = 60 }
limit = { rate = 1000000, burst = 1000000, concurrency = 1000 }
breaker = { failures = 5 }
retry_budget = { tokens = 10 }
addresses = ["loopback"]
max_body_size = 1000000
"""


def settings(url: str) -> None:
    """Measure GETs with settings beside GETs without, in the thread that sends them."""
    ageing = "pool_block = true\nkeepalive_expiry = 60\nmax_connection_age = 600"
    with session_of("") as peer:
        for what, text, bound in (
            ("a deadline", "deadline = 30", "< 1.08"),
            ("pool_block and connections that age", ageing, "< 1.05"),
            ("every key, with values that never bite", NEVER_BITE, "< 1.10"),
        ):
            with session_of(f"[defaults]\n{text}") as session:
                measured = in_turns(session, peer, url)
            report(f"a kept-alive GET, {what}, over none", measured, "times", bound)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mounts.toml"
            path.touch()
            with load_session(path, reload_interval=5) as session:
                measured = in_turns(session, peer, url)
        report("a kept-alive GET, reload_interval, over none", measured, "times", "< 1.02")


def in_turns(session: requests.Session, peer: requests.Session, url: str) -> float:
    """Compare GETs of two sessions, in the thread that sends them."""
    return ratio(lambda: session.get(url), lambda: peer.get(url), 4_000, timer=thread_time)


def guards(url: str) -> None:
    """Measure what a limit, a breaker and a retry budget add that never bite."""
    base = "[defaults]\npool_block = true\nmax_retries = 2\n"
    text = """
        limit = { rate = 1000000, burst = 1000000, concurrency = 1000 }
        breaker = { failures = 5 }
        retry_budget = { tokens = 10 }
    """
    taken: tuple[list[float], list[float]] = ([], [])
    with session_of(base) as peer, session_of(base + text) as session:
        for _ in range(6_000):
            for one, times in zip((peer, session), taken, strict=True):
                start = thread_time()
                one.get(url)
                times.append(thread_time() - start)
        added = (median(taken[1]) - median(taken[0])) * 1e6
        alone = min(seconds(partial(attempts, session, url)) for _ in range(9)) / _ATTEMPTS * 1e6
    report("a kept-alive GET, limit, breaker and budget, over none", added, "µs", "< 6")
    report("  the attempt by itself, in a loop", alone, "µs", "< 6")


_ATTEMPTS = 20_000


def attempts(session: MountedSession, url: str) -> None:
    """Ask a limit, a breaker and a budget, and tell them of an answer, without a request."""
    adapter, answer = session.get_adapter(url), HTTPResponse(status=200)
    assert isinstance(adapter, MountAdapter)
    assert adapter.guard
    gate = adapter.guard.gate(url)
    for _ in range(_ATTEMPTS):
        attempt = Attempt(gate)
        attempt.answer(answer, "GET", None)
        attempt.end()


def new_connections(url: str, bundle: str) -> None:
    """Measure GETs over new TLS connections, with the usual CA certificates and the server's."""
    close = {"Connection": "close"}
    with requests.Session() as peer, session_of(f"[defaults]\ntls.verify = '{bundle}'") as session:

        def plain() -> object:
            return peer.get(url, headers=close, verify=bundle)

        measured = ratio(lambda: session.get(url, headers=close), plain, 60)
        report("a GET over a new TLS connection, over requests", measured, "times", "< 0.2")
        session.adapters.clear()
        session.mount("https://", session_of("").adapters["https://"])
        measured = ratio(lambda: session.get(url, headers=close, verify=bundle), plain, 60)
        report("  where the caller names the bundle", measured, "times", "< 0.2")
