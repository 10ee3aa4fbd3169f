"""Limits that have a name, and variables in them."""

from pathlib import Path

import pytest

from requests_mounts import ConfigError, load_config, parse_config
from requests_mounts._file.config import Config

TEXT = """
[limits.x]
rate = "${RATE}"
burst = "${BURST:-3}"

[defaults]
limit = "x"

[mounts."http://h/"]
breaker.failures = "${FAILURES}"
"""


def origins(config: Config, prefix: str) -> list[str]:
    mount = next(mount for mount in config.mounts if mount.text == prefix)
    keys = ("rate", "burst", "concurrency", "max_wait")
    found = [config.origin(mount, ("limit", key)) for key in keys]
    return [f"{origin.layer} {origin.line}" for origin in found]


def test_variables_in_limits() -> None:
    """They stand for numbers, wherever the name is used."""
    config = parse_config(TEXT, environ={"RATE": "7", "FAILURES": "2"})
    for mount in config.mounts:
        assert mount.policy.limit
        assert (mount.policy.limit.rate, mount.policy.limit.burst) == (7, 3)
    assert config.mounts[0].policy.breaker
    assert config.mounts[0].policy.breaker.failures == 2


def test_a_variable_that_a_limit_lacks() -> None:
    """It is told once, where it is written; offline the whole limit is left out."""
    with pytest.raises(ConfigError) as caught:
        parse_config(TEXT, environ={"FAILURES": "2"})
    told = [(one.line, one.message) for one in caught.value.diagnostics]
    assert told == [(3, "the environment variable RATE is not set")]
    config = parse_config(TEXT, offline=True)
    assert {(mount.policy.limit, mount.policy.breaker) for mount in config.mounts} == {(None, None)}
    unused = TEXT.replace('limit = "x"', "")
    assert parse_config(unused, environ={"FAILURES": "2"}).mounts[0].policy.limit is None


def test_where_a_limit_is_written() -> None:
    """A name leads to its table, and what a stronger limit replaces is not looked at."""
    config = parse_config(
        "[limits.x]\nrate = 1\n[defaults]\nlimit = { rate = 2, burst = 5 }\n"
        '[mounts."http://a/"]\nlimit = "x"\n[mounts."HTTP://B"]\nlimit.concurrency = 3\n'
        '[mounts."http://c/"]'.replace("\\\n", "\n")
    )
    assert origins(config, "http://a/") == ["limit x 2"] + ["built in None"] * 3
    assert origins(config, "http://b/") == ["built in None"] * 2 + ["mount 8", "built in None"]
    assert origins(config, "http://c/") == ["defaults 4", "defaults 4"] + ["built in None"] * 2
    tables = {mount.text: config.limit_table(mount) for mount in config.mounts}
    assert tables["http://a/"] == ("limits", "x")
    assert tables["http://b/"] == ("mounts", "http://b/")
    assert tables["http://c/"] == tables["https://"] == ("defaults",)
    empty = parse_config("")
    assert empty.limit_table(empty.mounts[0]) == ()


@pytest.mark.parametrize(
    ("line", "works"),
    [
        ("breaker = { failures = 1, open_for = 5, max_open_for = 5 }", True),
        ("breaker = { failures = 1, open_for = 5, max_open_for = 4 }", False),
        ("breaker = { failures = 1, open_for = 301 }", False),
        ("breaker = { failures = 1, open_for = 301, max_open_for = inf }", True),
        ("breaker = { failures = 1, max_open_for = 29 }", False),
    ],
)
def test_the_longest_time_that_a_circuit_is_open(line: str, *, works: bool) -> None:
    """It is not shorter than the first such time, whichever of them the file sets."""
    text = f'[mounts."http://h/"]\n{line}'
    if works:
        assert parse_config(text).mounts[0].policy.breaker
        return
    with pytest.raises(ConfigError, match=r"breaker: expected open_for .* of at most max_open_for"):
        parse_config(text)


@pytest.mark.parametrize(
    ("defaults", "policy", "mount"),
    [
        ("failures = 3", "open_for = 60", ""),
        ("", "open_for = 60", "failures = 3"),
        ("ratio = 0.5", "window = 60", ""),
        ("failures = 3, max_open_for = 1000", "failures = 5, open_for = 600", ""),
    ],
)
def test_the_breaker_of_a_policy_may_be_completed(defaults: str, policy: str, mount: str) -> None:
    """By what it is laid over, or by what is laid over it, as other tables are."""
    above = f"[defaults]\nbreaker = {{ {defaults} }}\n" if defaults else ""
    below = f"breaker = {{ {mount} }}\n" if mount else ""
    text = f"[policies.p]\nbreaker = {{ {policy} }}\n[mounts.'http://h/']\npolicy = 'p'\n"
    assert parse_config(above + text + below).mounts[0].policy.breaker


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "breaker = { failures = 1, ratio = 1 }",
            "2: policies.p.breaker: expected a table with either failures or ratio (got failures, ratio)",
        ),
        (
            "breaker.open_for = 3\n[mounts.'http://h/']\npolicy = 'p'",
            "2: policies.p.breaker: expected a table with either failures or ratio (got open_for)",
        ),
        (
            "limit.burst = 3",
            "2: policies.p.limit: expected a table with rate or concurrency (got burst)",
        ),
    ],
)
def test_what_nothing_completes(text: str, expected: str) -> None:
    """Neither what has too much, nor a limit, which is not merged, nor what a mount uses as it is."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[policies.p]\n{text}")
    (found,) = caught.value.diagnostics
    assert f"{found.line}: {found.key}: {found.message}" == expected


@pytest.mark.parametrize(
    ("file", "line"), [("base.toml", "line 2"), ("mounts.toml", "{folder}/base.toml:2")]
)
def test_what_a_table_inherits_and_cannot_have(tmp_path: Path, file: str, line: str) -> None:
    """The line that it is from is named, as the mount does not show it."""
    mount = '[mounts."http://h/"]\nbreaker.ratio = 0.5\n'
    base = "[defaults]\nbreaker = { failures = 3 }\n"
    (tmp_path / "base.toml").write_text(base + (mount if file == "base.toml" else ""))
    (tmp_path / "mounts.toml").write_text(f'extends = "base.toml"\n{mount}')
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / file)
    (found,) = caught.value.diagnostics
    assert found.message.endswith(f"(got failures from {line.format(folder=tmp_path)}, ratio)")
