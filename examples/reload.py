"""Change a pool size in a running program, and reload the file when the process gets a SIGHUP."""

import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests_mounts
from loopback import Answer, Handler, Server

BEFORE = """
[mounts."http://127.0.0.1:*/"]
pool_maxsize = 2
pool_block = true
"""
AFTER = BEFORE.replace("= 2", "= 6")


def send(session: requests_mounts.MountedSession, server: Server) -> None:
    """Send from six threads at once, and say how many connections that took."""
    before, waited = server.connections, session.stats()[0].waits

    def busy(_: Handler) -> Answer:
        """Answer a while after all six have a new connection or wait for one."""
        while server.connections - before + session.stats()[0].waits - waited < len(threads):
            time.sleep(0.01)
        time.sleep(0.2)
        return Answer()

    server.answer = busy
    threads = [threading.Thread(target=session.get, args=(server.url,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"six requests at once, {server.connections - before} new connections")


def main() -> None:
    """Send, take the advice, and send again."""
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        file = Path(folder) / "mounts.toml"
        file.write_text(BEFORE)
        with requests_mounts.load_session(file) as session:
            send(session, server)
            for advice in session.advice():
                print(f"advice: {advice.key}, {advice.message.rpartition('; ')[2]}")

            new = file.with_suffix(".new")
            new.write_text(AFTER)
            new.replace(file)  # In one step, so that nobody reads half a file.
            if sys.platform != "win32":
                signal.signal(signal.SIGHUP, lambda *_: print(session.reload()))
                signal.raise_signal(signal.SIGHUP)
            else:
                print(session.reload())
            send(session, server)


if __name__ == "__main__":
    main()
