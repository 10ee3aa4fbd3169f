"""The time of a lookup and of a mount, beside requests and httpx, and the plot of it."""

import itertools
import random
import timeit
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlparse

import httpx
import matplotlib as mpl
import requests
from matplotlib import pyplot as plt
from measure import report
from requests.adapters import HTTPAdapter

from requests_mounts import MountedSession, parse_config

SIZES = [2, 10, 100, 1_000, 10_000, 100_000]


def session_of(mounts: int, extra: str = "") -> MountedSession:
    """Make a session with so many mounts, the two implied ones among them."""
    prefixes = (f"https://host{number}.example.com/" for number in range(mounts - 2))
    return MountedSession(parse_config("".join(f'[mounts."{p}"]\n' for p in prefixes) + extra))


def plain_of(session: MountedSession) -> requests.Session:
    """Make a plain session with the same adapters."""
    plain = requests.Session()
    plain.adapters = OrderedDict(session.adapters)
    return plain


def urls_of(mounts: int) -> list[str]:
    """Name a URL below each of some mounts."""
    numbers = random.Random(0).sample(range(max(mounts - 2, 1)), min(max(mounts - 2, 1), 1_000))
    return [f"https://host{number}.example.com/users/1" for number in numbers]


def microseconds(lookup: Callable[[str], object], urls: list[str]) -> float:
    """Measure a lookup, by the best of some rounds over all URLs."""

    def work() -> None:
        for url in urls:
            lookup(url)

    once = timeit.timeit(work, number=1)
    number = max(1, int(0.005 / once))
    rounds = max(3, min(20, int(0.5 / once)))
    return min(timeit.repeat(work, number=number, repeat=rounds)) / number / len(urls) * 1e6


def in_turns(one: Callable[[], float], other: Callable[[], float]) -> float:
    """Return the ratio of two measurements, each the best of three made in turns."""
    pairs = [(one(), other()) for _ in range(3)]
    return min(first for first, _ in pairs) / min(second for _, second in pairs)


def lookups() -> None:
    """Compare lookups with those of requests, and with each other."""
    for mounts, bound in ((2, "<= 1"), (100, "< 1/15 = 0.067"), (10_000, "< 0.001")):
        session = session_of(mounts)
        plain, urls = plain_of(session), urls_of(mounts)[:20]
        measured = in_turns(
            partial(microseconds, session.get_adapter, urls),
            partial(microseconds, plain.get_adapter, urls),
        )
        report(f"lookup, {mounts:,} mounts, over requests'", measured, "times", bound)
    few, many = session_of(10), session_of(100_000)
    urls = urls_of(10)
    flat = in_turns(
        partial(microseconds, many.get_adapter, urls), partial(microseconds, few.get_adapter, urls)
    )
    report("lookup, 100,000 mounts over 10", flat, "times", "< 1.5")
    paths = "".join(f'[mounts."https://paths.org/p{n}/"]\n' for n in range(1_000))
    session = session_of(10, paths)
    path = in_turns(
        partial(microseconds, session.get_adapter, ["https://paths.org/p7/users/1"]),
        partial(microseconds, session.get_adapter, urls),
    )
    report("lookup, 1,000 paths of a host, over a host", path, "times", "< 5")


def crawl() -> None:
    """Look up hosts that were never seen before."""
    session = session_of(10, '[mounts."https://*.example.org/"]')
    numbers = itertools.count()
    new = in_turns(
        lambda: timeit.timeit(
            lambda: session.get_adapter(f"https://h{next(numbers)}.crawled.net/x"), number=100_000
        ),
        lambda: timeit.timeit(
            lambda: urlparse(f"https://h{next(numbers)}.crawled.net/x"), number=100_000
        ),
    )
    report("lookup of a host never seen, over urlparse", new, "times", "< 4")


def mounting() -> None:
    """Mount one prefix more from code."""
    session, adapter, numbers = session_of(10_000), HTTPAdapter(), itertools.count()
    plain = plain_of(session)
    session.get_adapter("https://h/")
    mount = in_turns(
        lambda: timeit.timeit(
            lambda: session.mount(f"https://new{next(numbers)}.org/", adapter), number=100
        ),
        lambda: timeit.timeit(
            lambda: plain.mount(f"https://new{next(numbers)}.org/", adapter), number=100
        ),
    )
    report("mount one prefix into 10,000, over requests'", mount, "times", "<= 1")


def plot(file: Path) -> None:
    """Draw the time of a lookup over the number of mounts."""
    times: dict[str, list[float]] = {"requests": [], "httpx": [], "requests-mounts": []}
    for mounts in SIZES:
        session, urls = session_of(mounts), urls_of(mounts)
        some = urls[:10]
        times["requests"].append(microseconds(plain_of(session).get_adapter, some))
        patterns = dict.fromkeys(
            (f"all://host{number}.example.com" for number in range(mounts - 2)), None
        )
        with httpx.Client(mounts=patterns, trust_env=False) as client:
            parsed = {url: httpx.URL(url) for url in some}
            times["httpx"].append(
                microseconds(lambda url: client._transport_for_url(parsed[url]), some)  # noqa: B023
            )
        times["requests-mounts"].append(microseconds(session.get_adapter, urls))
    mpl.rcParams["svg.hashsalt"] = "requests-mounts"
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for name, values in times.items():
        axes.loglog(SIZES, values, marker="o", label=name)
    axes.set(xlabel="mounts", ylabel="µs for a lookup")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """Print the figures and draw the plot."""
    lookups()
    crawl()
    mounting()
    plot(Path(__file__).with_name("lookup.svg"))
