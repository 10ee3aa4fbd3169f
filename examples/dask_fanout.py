"""Fetch some thousands of URLs on a Dask cluster, with one set of sessions for each worker process.

The file says how each worker treats each host; its limits are those of a process, so a cluster of n
workers sends at most n times as much.
"""

import tempfile
from pathlib import Path

from distributed import Client, LocalCluster, Worker, WorkerPlugin, get_worker

import requests_mounts
from loopback import Server

FILE = """
[mounts."http://127.0.0.1:*/"]
pool_maxsize = 4
pool_block = true
limit = { concurrency = 4, max_wait = inf }

[mounts."http://127.0.0.2:*/"]
pool_maxsize = 2
limit = { rate = 2000, burst = 20, max_wait = inf }
"""
NUMBER = 2000
BATCH = 50


class Sessions(WorkerPlugin):  # type: ignore[misc]  # dask has no types
    """Give each worker process its sessions, a session for each of its threads."""

    def __init__(self, file: str) -> None:
        self.file = file

    def setup(self, worker: Worker) -> None:
        """Load the file when a worker starts."""
        worker.sessions = requests_mounts.ThreadSessions(self.file)

    def teardown(self, worker: Worker) -> None:
        """Close the connections when it ends."""
        worker.sessions.close()


def fetch(urls: list[str]) -> int:
    """Fetch URLs in a thread of a worker, and say how many were answered."""
    session = get_worker().sessions()
    return sum(session.get(url).ok for url in urls)


def numbers(dask_worker: Worker) -> tuple[int, int, list[str]]:
    """Return what a worker has sent, over how many connections, and what that advises."""
    stats, advice = dask_worker.sessions.stats(), dask_worker.sessions.advice()
    requests = sum(mount.requests for mount in stats)
    connections = sum(mount.connections for mount in stats)
    return requests, connections, [one.message for one in advice]


def main() -> None:
    """Fan out, and print a table of the workers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Server("127.0.0.1") as one,
        Server("127.0.0.2") as other,
    ):
        file = Path(folder) / "mounts.toml"
        file.write_text(FILE)
        with (
            LocalCluster(n_workers=2, threads_per_worker=6, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            client.register_plugin(Sessions(str(file)))
            urls = [f"{(one, other)[number % 2].url}/{number}" for number in range(NUMBER)]
            batches = [urls[start : start + BATCH] for start in range(0, NUMBER, BATCH)]
            answered = sum(client.gather(client.map(fetch, batches)))
            print(f"{answered} of {NUMBER} requests were answered")
            print(f"{'worker':8} {'requests':>8} {'connections':>12}  advice")
            found = client.run(numbers).values()
            for number, (requests, connections, advice) in enumerate(found):
                print(f"{number:6}   {requests:8} {connections:12}  {'; '.join(advice) or 'none'}")


if __name__ == "__main__":
    main()
