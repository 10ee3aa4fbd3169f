"""Learn what the settings of an adapter mean, by counting the connections that a server accepts.

Each experiment prints what was set, what was sent, and how many connections that took. The servers
are on loopback addresses: 127.0.0.1 is host A, 127.0.0.2 is host B.
"""

import logging
import threading
from collections.abc import Callable

import requests

import requests_mounts
from loopback import Answer, Handler, Server


def session_with(**settings: object) -> requests.Session:
    """Return a session whose http:// mount has the given settings."""
    lines = [f"{key} = {str(value).lower()}" for key, value in settings.items()]
    return requests_mounts.MountedSession(
        requests_mounts.parse_config("\n".join(['[mounts."http://"]', *lines]))
    )


def report(settings: str, sent: str, *servers: Server) -> None:
    """Print a line of the table."""
    print(f"{settings:40} {sent:44} {sum(server.connections for server in servers):4}")


def pool_connections(number: int) -> None:
    """Keep pools for so many hosts: the pool of the host that was not used longest is dropped."""
    with Server("127.0.0.1") as a, Server("127.0.0.2") as b:
        with session_with(pool_connections=number) as session:
            for server in (a, b, a):
                session.get(server.url)
        report(f"pool_connections = {number}", "a request each to A, B and A again", a, b)


def pool_maxsize(number: int) -> None:
    """Keep so many connections of a pool: what two threads open at once may not all be kept."""
    with Server(answer=at_once(2)) as server:
        with session_with(pool_maxsize=number) as session:
            for _ in range(2):
                in_threads(2, lambda: session.get(server.url))
        report(f"pool_maxsize = {number}", "two threads, together, twice", server)


def pool_block() -> None:
    """Wait for a free connection instead of opening one more."""
    with Server(answer=at_once(3)) as server:
        with session_with(pool_maxsize=3, pool_block=True) as session:
            in_threads(24, lambda: session.get(server.url))
        report("pool_maxsize = 3, pool_block = true", "24 threads", server)


def thread_sessions() -> None:
    """Give each thread a session with cookies of its own; all share the pool and its cap."""
    config = requests_mounts.parse_config("[defaults]\npool_maxsize = 3\npool_block = true")
    with Server(answer=at_once(3)) as server:
        with requests_mounts.ThreadSessions(config) as sessions:
            in_threads(24, lambda: sessions().get(server.url))
        report("the same", "24 threads, a session each", server)


def two_prefixes() -> None:
    """Give two hosts settings of their own, which do not influence each other."""
    config = requests_mounts.parse_config(
        """
        [mounts."http://127.0.0.1:*/"]
        pool_maxsize = 1
        [mounts."http://127.0.0.2:*/"]
        pool_maxsize = 2
        """
    )
    with Server("127.0.0.1") as a, Server("127.0.0.2") as b:
        a.answer, b.answer = at_once(2), at_once(2)
        with requests_mounts.MountedSession(config) as session:
            for _ in range(2):
                in_threads(2, lambda: session.get(a.url))
                in_threads(2, lambda: session.get(b.url))
        report("pool_maxsize = 1 for A, 2 for B", "to A: two threads, together, twice", a)
        report("", "to B: two threads, together, twice", b)


def retries() -> None:
    """Send a request again after statuses that say so, over the connection that is there."""
    statuses = iter([503, 503, 200])
    with Server(answer=lambda _: Answer(next(statuses))) as server:
        with session_with(max_retries="{ total = 3, status_forcelist = [503] }") as session:
            session.get(server.url)
        report(
            "max_retries: total 3, on 503", f"one GET, sent {len(server.requests)} times", server
        )


def redirects() -> None:
    """Take the adapter of its own prefix for each hop of a redirect."""
    with Server("127.0.0.2") as b:
        moved = Answer(302, {"Location": b.url})
        with Server("127.0.0.1", answer=lambda _: moved) as a:
            with session_with() as session:
                session.get(a.url)
            report("nothing", "one GET to A, redirected to B", a, b)


def many_posts() -> None:
    """Use one connection over and over."""
    with Server() as server:
        with session_with() as session:
            for number in range(500):
                session.post(server.url, json={"article": number})
        report("nothing", "500 POSTs, one after the other", server)


def at_once(number: int) -> Callable[[Handler], Answer]:
    """Answer when so many requests are there, so that each needs a connection."""
    barrier = threading.Barrier(number)
    return lambda _: Answer(body=b"%d" % barrier.wait(timeout=60))


def in_threads(number: int, work: Callable[[], object]) -> None:
    """Do the same in several threads at once."""
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Run the experiments."""
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    print(f"{'set':40} {'sent':44} connections")
    pool_connections(1)
    pool_connections(2)
    pool_maxsize(1)
    pool_maxsize(2)
    pool_block()
    thread_sessions()
    two_prefixes()
    many_posts()
    retries()
    redirects()


if __name__ == "__main__":
    main()
