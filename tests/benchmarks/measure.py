"""Measure a thing and its peer in turns, so that a noisy machine is noisy to both."""

import gc
import time
from collections.abc import Callable


def ratio(
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return how many times as long as the peer a thing takes, by the best of the rounds."""
    pairs = [(seconds(ours, clock=clock), seconds(peer, clock=clock)) for _ in range(rounds)]
    return min(one for one, _ in pairs) / min(other for _, other in pairs)


def seconds(work: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the time of one run; its result is freed afterwards."""
    gc.collect()
    start = clock()
    result = work()
    taken = clock() - start
    del result
    return taken


reported: list[str] = []
"""The rows of the report so far."""


def report(what: str, measured: float, unit: str, bound: str) -> None:
    """Print a line: what, the figure, and what is expected of it."""
    print(f"{what:66} {measured:8.3g} {unit:5} {bound}", flush=True)
    reported.append(f"| {what.strip()} | {measured:.3g} {unit} | {bound} |")
