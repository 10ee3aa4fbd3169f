"""The numbers of a session as values: how they read, and their way through JSON."""

import dataclasses
import json
import pickle

import pytest

from requests_mounts import MountsError
from requests_mounts._live.reloaded import Reloaded
from requests_mounts._live.stats import MountStats, PoolStats, read_stats

BUSY = MountStats(
    prefix="https://api.example.com/",
    requests=61,
    connections=12,
    reused=49,
    discarded=8,
    evicted=1,
    waits=2,
    wait_seconds=0.25,
    retries=3,
    recovered=2,
    timeouts=1,
    deadlines=1,
    refused=4,
    limited=3,
    circuit_open=1,
    unretried=5,
    peak=6,
    origins=2,
    pools=(
        PoolStats(origin="https://api.example.com", idle=2, in_use=1),
        PoolStats(origin="https://api.example.com", proxy="http://proxy:3128", idle=1),
    ),
)


def test_stats_read_well() -> None:
    """A line for the mount, and one for each of its pools."""
    assert str(BUSY).splitlines() == [
        (
            "https://api.example.com/  61 requests, 3 retries, 2 recovered, 1 timeout, 4 refused,"
            " 5 unretried; 12 connections, 49 reused, 8 discarded; 1 evicted pool; 2 waits, 0.25 s;"
            " 6 at a time"
        ),
        "    https://api.example.com: 2 idle, 1 in use",
        "    https://api.example.com by way of http://proxy:3128: 1 idle, 0 in use",
    ]


def test_what_did_not_happen_is_not_told() -> None:
    """A mount that was never used takes few words."""
    assert str(MountStats(prefix="http://")) == "http://  0 requests"
    assert str(MountStats(prefix="http://", requests=1, retries=1)) == "http://  1 request, 1 retry"


def test_stats_pass_through_json() -> None:
    """What asdict and json.dumps write is read as the same values."""
    numbers = (BUSY, MountStats(prefix="http://"))
    text = json.dumps([dataclasses.asdict(mount) for mount in numbers])
    assert read_stats(text) == read_stats(text.encode()) == numbers


def test_stats_of_another_release_are_read() -> None:
    """Numbers that this release does not know are left out, and those that are missing are zero."""
    assert read_stats('[{"prefix": "http://", "requests": 2, "new": 1}]') == (
        MountStats(prefix="http://", requests=2),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "(the text: Invalid JSON: ", id="no JSON"),
        pytest.param("{}", "(the text: Input should be a valid array)", id="no array"),
        pytest.param("[{}]", "([0]['prefix']: Field required)", id="no prefix"),
        pytest.param(
            '[{"prefix": "http://", "requests": "many"}]',
            "([0]['requests']: Input should be a valid integer",
            id="a word for a number",
        ),
    ],
)
def test_what_is_something_else_is_refused(text: str, message: str) -> None:
    """The error names the place."""
    with pytest.raises(MountsError) as caught:
        read_stats(text)
    assert str(caught.value).startswith(f"expected the stats of a session as JSON {message}")


def test_a_reload_reads_well() -> None:
    """The counts, then what is not as before."""
    reloaded = Reloaded(
        added=("https://new/",),
        removed=("https://old/",),
        changed=("https://a/",),
        kept=("http://",),
    )
    assert str(reloaded).splitlines() == [
        "1 added, 1 removed, 1 changed, 1 kept",
        "+ https://new/",
        "- https://old/",
        "~ https://a/",
    ]


@pytest.mark.parametrize("value", [BUSY, Reloaded(kept=("http://",))])
def test_values_are_frozen_and_pickle(value: object) -> None:
    """They can be kept, sent and compared."""
    assert pickle.loads(pickle.dumps(value)) == value
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.__setattr__(dataclasses.fields(value)[0].name, ())  # type: ignore[arg-type]
