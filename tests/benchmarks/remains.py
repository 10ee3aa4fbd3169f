"""What a run leaves behind in its process: sockets, threads and memory."""

import gc
import os
import stat
import threading
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from measure import report

_LONGEST_END = 30
"""Seconds; servers end a connection's thread when they see that the client has gone."""


class Remains(NamedTuple):
    """What there is at a moment of quiet."""

    sockets: int
    threads: int
    megabytes: float


def look(*, threads: int) -> Remains:
    """Wait until no more threads are left than there were once, and see what there is."""
    end = time.monotonic() + _LONGEST_END
    while threading.active_count() > threads and time.monotonic() < end:
        time.sleep(0.05)
    gc.collect()
    left = threading.active_count() - threads
    return Remains(open_sockets(), left, tracemalloc.get_traced_memory()[0] / 1e6)


def open_sockets() -> int:
    """Count the descriptors of this process that are sockets, whoever knows of them."""
    found = 0
    for number in os.listdir("/dev/fd"):  # noqa: PTH208 - names alone
        with suppress(OSError):  # The descriptor of this very directory is closed by now.
            found += stat.S_ISSOCK(os.fstat(int(number)).st_mode)
    return found


def report_remains(before: Remains, after: Remains) -> None:
    """Print what a run has left."""
    report("  sockets open", after.sockets - before.sockets, "", "0")
    report("  threads left", after.threads, "", "0")
    report("  memory before", before.megabytes, "MB", "")
    report("  memory after", after.megabytes, "MB", "as before")


def replace(file: Path, text: str) -> None:
    """Put another file in the place of one, in one step."""
    new = file.with_suffix(".new")
    new.write_text(text, "utf-8")
    new.replace(file)
