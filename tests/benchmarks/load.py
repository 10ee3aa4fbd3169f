"""The time and memory that it takes to load a file, beside tomli and a mount loop by hand."""

import os
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time

import requests
import tomli
from measure import ratio, report
from requests.adapters import HTTPAdapter

from requests_mounts import MountedSession, parse_config


def file_of(mounts: int, *, policies: int = 50) -> str:
    """Write a file of many mounts, each with the four settings of an adapter, that repeat."""
    return "".join(
        f'[mounts."https://host{number}.example.com/"]\n'
        f"pool_connections = {1 + number % policies // 50}\n"
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


loading_ratio = partial(ratio, clock=process_time)
"""Of one thread that waits for nothing: the processor's time, whatever else the machine does."""


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
    """Measure an import in a fresh interpreter, by the processor's time and the best of five."""
    code = f"from time import process_time as t; s = t(); {module}; print(t() - s)"
    command = [sys.executable, "-c", code]
    return min(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    )


def over_imports(imports: str, *codes: str) -> list[float]:
    """Return how many times as long whole processes take as one with some imports alone.

    Measured in turns and by the time of the processor, by the medians; the first turn compiles.
    """
    turns = [[_processor_seconds(code) for code in (imports, *codes)] for _ in range(20)][1:]
    floor, *taken = map(median, zip(*turns, strict=True))
    return [seconds / floor for seconds in taken]


def _processor_seconds(code: str) -> float:
    variables = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=variables)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


VALIDATING = """
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass
@dataclass
class Mount:
    pool_maxsize: int
TypeAdapter(Mount).validate_python({"pool_maxsize": 1})
"""


def processes() -> None:
    """Measure processes that load or check a file of ten mounts, beside their imports alone."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(file_of(10))
        file.flush()
        imports = "import requests, pydantic, tomli"
        load = f"from requests_mounts import load_session; load_session({file.name!r})"
        validating, loading = over_imports(imports, f"{imports}{VALIDATING}", load)
        report("a process that loads ten mounts, over its imports", loading, "times", "< 1.3")
        report("  one that validates a pydantic dataclass of one key", validating, "times", "")
        imports = "import typer, rich, pydantic, tomli"
        check = (
            f"import sys; sys.argv[1:] = ['check', '--quiet', {file.name!r}];"
            "from requests_mounts.__main__ import main; main()"
        )
        validating, checking = over_imports(imports, f"{imports}{VALIDATING}", check)
        report("check of ten mounts, over its imports", checking, "times", "< 1.3")
        report("  one that validates a pydantic dataclass of one key", validating, "times", "")


def main() -> None:
    """Print the figures."""
    for mounts in (10, 1_000, 10_000):
        text = file_of(mounts)
        rounds = 3 if mounts > 1_000 else 20
        to_tomli = loading_ratio(partial(ours, text), partial(tomli.loads, text), rounds=rounds)
        report(f"load {mounts:,} mounts, over tomli.loads", to_tomli, "times", "at 10,000 < 3")
        to_hand = loading_ratio(partial(ours, text), partial(by_hand, text), rounds=rounds)
        report(f"load {mounts:,} mounts, over a loop by hand", to_hand, "times", "at 10,000 < 0.2")
    text = file_of(100_000)
    to_tomli = loading_ratio(partial(ours, text), partial(tomli.loads, text), rounds=3)
    report("load 100,000 mounts, over tomli.loads", to_tomli, "times", "< 2")
    text = file_of(100_000, policies=100_000)
    to_tomli = loading_ratio(partial(ours, text), partial(tomli.loads, text), rounds=3)
    report("  of which no two say the same", to_tomli, "times", "")
    large, small = file_of(100_000), file_of(10_000)
    growth = loading_ratio(partial(ours, large), partial(ours, small), rounds=3)
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
