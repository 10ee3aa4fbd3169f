"""The time of a request, beside plain requests on the same server."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import requests
import trustme
from measure import report
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from requests_mounts import MountedSession, parse_config

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


def ratio(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> float:
    """Compare medians of single calls made in turns: a request waits for another process."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, taken in zip((ours, peer), times, strict=True):
            start = perf_counter()
            work()
            taken.append(perf_counter() - start)
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
            kept_alive(plain.stdout.readline().strip())
            new_connections(secure.stdout.readline().strip(), str(bundle))
            plain.stdin.close()
            secure.stdin.close()


def kept_alive(url: str) -> None:
    """Measure GETs over one connection each."""
    with requests.Session() as peer:
        for text, what, bound in (
            ("", "the same settings", "< 1.03"),
            ("[defaults]\nproxy = 'direct'", "proxy = 'direct'", "< 0.9"),
            ("[defaults]\ndeadline = 30", "a deadline", ""),
        ):
            with session_of(text) as session:
                measured = ratio(lambda: session.get(url), lambda: peer.get(url), 2_000)
            report(f"a kept-alive GET, {what}, over requests", measured, "times", bound)


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
