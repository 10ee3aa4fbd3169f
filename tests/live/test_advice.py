"""What the numbers of a session say about its file."""

from typing import Any

import pytest

from requests_mounts import parse_config
from requests_mounts._live.advice import advise
from requests_mounts._live.stats import MountStats

PREFIX = "https://api.example.com/"


def advice(text: str, *stats: MountStats) -> list[str]:
    """Advise on a file by numbers, as it is printed."""
    return [str(one) for one in advise(parse_config(text, source="mounts.toml"), stats)]


def numbers(prefix: str = PREFIX, **values: Any) -> MountStats:
    return MountStats(prefix=prefix, **{"requests": 60, **values})


MOUNT = f'[mounts."{PREFIX}"]\n'


@pytest.mark.parametrize(
    ("text", "stats", "expected"),
    [
        pytest.param(
            "\n\n" + MOUNT + "pool_maxsize = 2",
            numbers(connections=60, discarded=48, peak=6),
            "mounts.toml:4 pool_maxsize = 2: 48 of 60 connections were discarded,"
            " 6 requests ran at a time; set 6",
            id="discarded connections",
        ),
        pytest.param(
            "[limits.x]\nrate = 1\n" + MOUNT + 'limit = "x"',
            numbers(limited=12),
            "mounts.toml:3 limit.max_wait = 30: 12 requests would have waited longer,"
            " 60 were sent; set 60 for https://api.example.com/",
            id="refused by a limit",
        ),
        pytest.param(
            MOUNT + "limit = { rate = 1, max_wait = 2 }",
            numbers(limited=12),
            "mounts.toml:2 limit.max_wait = 2: 12 requests would have waited longer,"
            " 60 were sent; set 4",
            id="refused by its own limit",
        ),
        pytest.param(
            MOUNT + "limit = { rate = 1, max_wait = 2 }\nbreaker.failures = 3",
            numbers(limited=12, circuit_open=2),
            "mounts.toml:2 limit.max_wait = 2: 12 requests would have waited longer,"
            " 60 were sent; set 4",
            id="refused by a limit beside a breaker",
        ),
        pytest.param(
            "defaults.breaker.failures = 3\n" + MOUNT,
            numbers(requests=1, circuit_open=499),
            "mounts.toml:1 breaker.failures = 3: the open circuit refused 499 requests,"
            " 1 was sent for https://api.example.com/",
            id="refused by an open circuit",
        ),
        pytest.param(
            MOUNT + "breaker = { ratio = 0.5 }",
            numbers(circuit_open=3),
            "mounts.toml:2 breaker.ratio = 0.5: the open circuit refused 3 requests, 60 were sent",
            id="refused by an open circuit, in a share",
        ),
        pytest.param(
            MOUNT + "retry_budget.tokens = 9",
            numbers(unretried=48, retries=1, recovered=1),
            "mounts.toml:2 retry_budget.tokens = 9: 48 failed attempts could not be retried,"
            " 1 retry was sent",
            id="a budget that is used up",
        ),
        pytest.param(
            MOUNT + "pool_maxsize = 1",
            numbers(connections=2, discarded=1, peak=2),
            "mounts.toml:2 pool_maxsize = 1: 1 of 2 connections was discarded,"
            " 2 requests ran at a time; set 2",
            id="one discarded connection",
        ),
        pytest.param(
            "[defaults]\npool_maxsize = 2\n" + MOUNT,
            numbers(connections=60, discarded=48, peak=6),
            "mounts.toml:2 pool_maxsize = 2: 48 of 60 connections were discarded,"
            f" 6 requests ran at a time; set 6 for {PREFIX}",
            id="a default of the file",
        ),
        pytest.param(
            "policies.p.pool_maxsize = 2\n" + MOUNT + "policy = 'p'",
            numbers(connections=60, discarded=48, peak=6),
            "mounts.toml:1 pool_maxsize = 2: 48 of 60 connections were discarded,"
            f" 6 requests ran at a time; set 6 for {PREFIX}",
            id="a policy of the file",
        ),
        pytest.param(
            "\n" + MOUNT,
            numbers(connections=60, discarded=20, peak=12),
            "mounts.toml:2 pool_maxsize = 10: 20 of 60 connections were discarded,"
            f" 12 requests ran at a time; set 12 for {PREFIX}",
            id="a built-in value",
        ),
        pytest.param(
            "",
            numbers("https://", connections=60, discarded=20, peak=12),
            "mounts.toml: pool_maxsize = 10: 20 of 60 connections were discarded,"
            " 12 requests ran at a time; set 12 for https://",
            id="an implied mount",
        ),
        pytest.param(
            MOUNT + "pool_connections = 3",
            numbers(evicted=31, origins=8),
            "mounts.toml:2 pool_connections = 3: 31 pools were dropped for others,"
            " requests went to 8 origins; set 8",
            id="evicted pools",
        ),
        pytest.param(
            MOUNT + "pool_connections = 3",
            numbers(evicted=1),
            "mounts.toml:2 pool_connections = 3: 1 pool was dropped for others; set 6",
            id="evicted pools of an unknown number of origins",
        ),
        pytest.param(
            MOUNT + "pool_maxsize = 2\npool_block = true",
            numbers(waits=40, wait_seconds=20.0, peak=9),
            "mounts.toml:2 pool_maxsize = 2: 40 requests waited 0.5 s on average for a connection,"
            " 9 requests came at a time; set 9",
            id="long waits",
        ),
        pytest.param(
            MOUNT + "pool_maxsize = 50\npool_block = true",
            numbers(peak=3),
            "mounts.toml:2 pool_maxsize = 50: pool_block never made a request wait,"
            " 3 requests ran at a time; set 3",
            id="a cap that is never reached",
        ),
        pytest.param(
            MOUNT + "max_retries = 3",
            numbers(retries=9),
            "mounts.toml:2 max_retries = 3: none of 9 retries helped; set 0",
            id="retries that never helped",
        ),
        pytest.param(
            MOUNT + "max_retries = { total = 3, status_forcelist = [503] }",
            numbers(retries=9),
            "mounts.toml:2 max_retries.total = 3: none of 9 retries helped; set 0",
            id="a table of retries that never helped",
        ),
        pytest.param(
            MOUNT + "deadline = 2.5",
            numbers(deadlines=14),
            "mounts.toml:2 deadline = 2.5: it ended 14 requests, 60 were sent; set 5",
            id="a deadline that ends many requests",
        ),
        pytest.param(
            MOUNT + "deadline = 2.5",
            numbers(deadlines=3),
            "mounts.toml:2 deadline = 2.5: it ended 3 requests, 60 were sent; set 5",
            id="just so many that they count",
        ),
        pytest.param(
            MOUNT + "limit = { rate = 1, max_wait = 2 }",
            numbers(limited=3),
            "mounts.toml:2 limit.max_wait = 2: 3 requests would have waited longer,"
            " 60 were sent; set 4",
            id="just so many of a limit",
        ),
        pytest.param(
            MOUNT + "retry_budget.tokens = 9",
            numbers(unretried=3),
            "mounts.toml:2 retry_budget.tokens = 9: 3 failed attempts could not be retried,"
            " 0 retries were sent",
            id="just so many of a budget",
        ),
    ],
)
def test_advice(text: str, stats: MountStats, expected: str) -> None:
    """It names the file, the line, the key, its value, what happened and what to set."""
    assert advice(text, stats) == [expected]


@pytest.mark.parametrize(
    ("text", "stats"),
    [
        pytest.param(MOUNT, numbers(), id="nothing happened"),
        pytest.param(MOUNT, numbers(refused=12), id="refused without a limit"),
        pytest.param(MOUNT + "limit.rate = 1", numbers(refused=12), id="refused as denied"),
        pytest.param(MOUNT, numbers(limited=12), id="there was a limit"),
        pytest.param(MOUNT, numbers(circuit_open=12), id="there was a breaker"),
        pytest.param(MOUNT, numbers(unretried=12), id="there was a budget"),
        pytest.param(
            MOUNT + "breaker.failures = 3\nretry_budget.tokens = 9",
            numbers(requests=1000, circuit_open=49, unretried=49),
            id="a few refused by a circuit and a budget",
        ),
        pytest.param(
            MOUNT + "breaker.failures = 3\nretry_budget.tokens = 9",
            numbers(requests=2, circuit_open=2, unretried=2),
            id="two of two",
        ),
        pytest.param(
            MOUNT + "limit = { rate = 1, max_wait = 0 }", numbers(limited=12), id="nobody waits"
        ),
        pytest.param(
            MOUNT + "limit = { rate = 1, max_wait = 9 }\ndeadline = 9",
            numbers(limited=12),
            id="refused for either",
        ),
        pytest.param(MOUNT + "pool_block = true", numbers(), id="an unknown peak"),
        pytest.param(
            MOUNT + "pool_maxsize = 9\npool_block = true",
            numbers(waits=1, wait_seconds=0.01, peak=5),
            id="a cap that was reached before it was set",
        ),
        pytest.param(
            MOUNT + "limit = { rate = 1 }\ndeadline = 9",
            numbers(limited=12),
            id="refused for a deadline",
        ),
        pytest.param(
            MOUNT + "pool_maxsize = 6", numbers(discarded=48, peak=6), id="it was set since"
        ),
        pytest.param(
            MOUNT + "pool_connections = 8", numbers(evicted=9, origins=8), id="that too"
        ),
        pytest.param(
            MOUNT + "pool_maxsize = 2\npool_block = true",
            numbers(waits=40, wait_seconds=0.4, peak=9),
            id="short waits",
        ),
        pytest.param(
            MOUNT + "pool_maxsize = 9\npool_block = true",
            numbers(waits=40, wait_seconds=40.0, peak=9),
            id="waits before it was set",
        ),
        pytest.param(
            MOUNT + "pool_maxsize = 50\npool_block = true",
            numbers(requests=3, peak=2),
            id="too few requests to reach a cap",
        ),
        pytest.param(
            MOUNT + "pool_maxsize = 5\npool_block = true", numbers(peak=5), id="a cap just reached"
        ),
        pytest.param(MOUNT + "max_retries = 3", numbers(retries=9, recovered=1), id="one helped"),
        pytest.param(MOUNT + "max_retries = 3", numbers(retries=2), id="too few retries"),
        pytest.param(MOUNT + "deadline = 2", numbers(requests=600, deadlines=14), id="a few ended"),
        pytest.param(MOUNT + "deadline = 2", numbers(requests=2, deadlines=2), id="two ended"),
        pytest.param(MOUNT + "deadline = inf", numbers(deadlines=9), id="no deadline any more"),
        pytest.param(MOUNT, numbers(deadlines=9), id="nor one here"),
        pytest.param(MOUNT, numbers("https://elsewhere/", discarded=9, peak=99), id="not of the file"),
    ],
)  # fmt: skip
def test_no_advice(text: str, stats: MountStats) -> None:
    """Nothing is said of what is as it should be, nor by a few numbers."""
    assert advice(text, stats) == []


def test_no_more_is_advised_than_a_pool_may_have() -> None:
    """However many requests and origins there were."""
    found = numbers(
        connections=9, discarded=1, evicted=1, origins=70000, waits=1, wait_seconds=1.0, peak=70000
    )
    told = advice(MOUNT, found)
    assert [one.rpartition("; ")[2] for one in told] == [f"set 65535 for {PREFIX}"] * 3


def test_a_mount_that_was_never_used() -> None:
    """It is named once the others had enough requests; implied mounts and refusals are not."""
    text = '[mounts."https://a/"]\n[mounts."https://b/"]\n[mounts."https://c/"]\ndeny = true'
    unused = [MountStats(prefix=f"https://{host}/") for host in "bc"]
    unused.append(MountStats(prefix="http://"))
    assert advice(text, numbers("https://a/"), *unused) == [
        'mounts.toml:2 mounts."https://b/": none of 60 requests came here'
    ]
    assert advice(text, numbers("https://a/", requests=2), *unused) == []
    refused = MountStats(prefix="https://b/", refused=1)
    assert advice(text, numbers("https://a/"), refused) == []


def test_advice_is_data() -> None:
    """A program finds in attributes what the sentence says."""
    text = MOUNT + "pool_maxsize = 2"
    (one,) = advise(parse_config(text), [numbers(connections=60, discarded=48, peak=6)])
    assert (one.prefix, one.path, one.line, one.key) == (PREFIX, "<string>", 2, "pool_maxsize")
    assert one.message.startswith("pool_maxsize = 2: 48 of 60")


def test_what_a_prefix_holds_is_not_shown() -> None:
    """The advice names the reference."""
    text = "[defaults]\npool_maxsize = 2\n[mounts.'https://${HOST}/']"
    config = parse_config(text, environ={"HOST": "held"})
    found = numbers("https://held/", connections=60, discarded=48, peak=6)
    assert [one.message.rpartition("for ")[2] for one in advise(config, [found])] == [
        "https://${HOST}/"
    ]
