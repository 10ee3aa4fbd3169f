"""The example of a cluster."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_dask() -> None:
    """Two workers fetch all URLs, each over its own connections within the file's limits."""
    pytest.importorskip("distributed")
    done = subprocess.run(
        [sys.executable, "examples/dask_fanout.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    first, _, *workers = done.stdout.splitlines()
    assert first == "2000 of 2000 requests were answered", done.stderr
    rows = [re.split(r" {2,}", worker.strip()) for worker in workers]
    assert len(rows) == 2
    assert sum(int(row[1]) for row in rows) == 2000
    assert all(int(row[2]) > 0 for row in rows if row[1] != "0")
