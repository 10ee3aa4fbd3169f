"""The time and memory that it takes to load a file, beside tomli and a mount loop by hand."""

import os
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from functools import partial

import requests
import tomli
from measure import ratio, report, seconds
from requests.adapters import HTTPAdapter

from requests_mounts import MountedSession, parse_config


def file_of(mounts: int) -> str:
    """Write a file of many mounts, each with the four settings of an adapter."""
    return "".join(
        f'[mounts."https://host{number}.example.com/"]\npool_connections = 1\n'
        f"pool_maxsize = {1 + number % 50}\nmax_retries = 2\npool_block = true\n\n"
        for number in range(mounts)
    )


def ours(text: str) -> MountedSession:
    """Load a text and look up once, so that the index is built too."""
    session = MountedSession(parse_config(text))
    session.get_adapter("https://host0.example.com/")
    return session


def by_hand(text: str) -> requests.Session:
    """Load a text as people do it without this library."""
    session = requests.Session()
    for prefix, settings in tomli.loads(text)["mounts"].items():
        session.mount(prefix, HTTPAdapter(**settings))
    return session


def kilobytes(load: Callable[[], object]) -> float:
    """Measure what stays allocated."""
    load()
    tracemalloc.start()
    result = load()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return size / 1024


def import_seconds(module: str) -> float:
    """Measure an import in a fresh interpreter, by the best of five."""
    code = f"import time; s = time.perf_counter(); {module}; print(time.perf_counter() - s)"
    command = [sys.executable, "-c", code]
    return min(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    )


def process_seconds(*command: str) -> float:
    """Measure a whole process, by the best of nine, of which the first compiles what it imports."""
    variables = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    run = partial(subprocess.run, command, capture_output=True, check=True, env=variables)
    return min(seconds(run) for _ in range(9))


def processes() -> None:
    """Measure processes that load or check a file of ten mounts, beside their imports alone."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(file_of(10))
        file.flush()
        code = f"from requests_mounts import load_session; load_session({file.name!r})"
        loading = process_seconds(sys.executable, "-c", code)
        floor = process_seconds(sys.executable, "-c", "import requests, pydantic, tomli")
        report(
            "a process that loads ten mounts, over its imports", loading / floor, "times", "< 1.3"
        )
        program = (sys.executable, "-m", "requests_mounts", "check", "--quiet", file.name)
        checking = process_seconds(*program)
        floor = process_seconds(sys.executable, "-c", "import typer, rich, pydantic, tomli")
        report("check of ten mounts, over its imports", checking / floor, "times", "< 1.3")


def main() -> None:
    """Print the figures."""
    for mounts in (10, 1_000, 10_000):
        text = file_of(mounts)
        rounds = 3 if mounts > 1_000 else 20
        to_tomli = ratio(partial(ours, text), partial(tomli.loads, text), rounds=rounds)
        report(f"load {mounts:,} mounts, over tomli.loads", to_tomli, "times", "at 10,000 < 3")
        to_hand = ratio(partial(ours, text), partial(by_hand, text), rounds=rounds)
        report(f"load {mounts:,} mounts, over a loop by hand", to_hand, "times", "at 10,000 < 0.2")
    text = file_of(100_000)
    to_tomli = ratio(partial(ours, text), partial(tomli.loads, text), rounds=2)
    report("load 100,000 mounts, over tomli.loads", to_tomli, "times", "< 2")
    growth = seconds(lambda: ours(file_of(100_000))) / seconds(lambda: ours(file_of(10_000)))
    report("load 100,000 mounts, over 10,000", growth, "times", "about 10")
    text = file_of(10_000)
    report("memory of a mount", kilobytes(lambda: ours(text)) / 10_000, "KB", "< 4")
    report("  by hand", kilobytes(lambda: by_hand(text)) / 10_000, "KB", "")
    plain = import_seconds("import requests")
    parts = import_seconds("import requests, pydantic, tomli; pydantic.BaseModel")
    full = import_seconds("from requests_mounts import load_session")
    report("import load_session, over import requests", full / plain, "times", "")
    report("  over requests, pydantic and tomli", full / parts, "times", "")
    bare = import_seconds("import requests_mounts")
    report("import requests_mounts alone, over import requests", bare / plain, "times", "")
    processes()
