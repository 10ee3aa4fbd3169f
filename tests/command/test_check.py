"""What `check` finds in a valid file."""

import pytest

from requests_mounts import parse_config
from requests_mounts._command.check import check
from requests_mounts._command.compare import compare


def test_an_expectation_tells_false_from_zero() -> None:
    """Retries of false raise what retries of 0 wrap."""
    config = parse_config(
        """
        [mounts."https://h/"]
        max_retries = { total = 1, read = 0 }
        [[expect]]
        url = "https://h/"
        mount = "https://h/"
        max_retries.read = false
        """
    )
    messages = [one.message for one in check(config) if one.severity == "error"]
    assert messages == ["expected false (got 0 from line 3)"]


def test_a_mount_that_differs_in_false_is_not_redundant() -> None:
    """Neither for `check` nor for `diff`."""
    text = """
        [mounts."https://h/"]
        max_retries = { total = 1, read = 0 }
        [mounts."https://h/x"]
        max_retries = { total = 1, read = %s }
        """
    codes = [one.code for one in check(parse_config(text % "false"))]
    assert "redundant-mount" not in codes
    assert "redundant-mount" in [one.code for one in check(parse_config(text % "0"))]
    (change,) = compare(parse_config(text % "0"), parse_config(text % "false"))
    assert [str(one) for one in change.settings] == ["max_retries.read: 0 → false"]


@pytest.mark.parametrize(
    "text",
    [
        "[mounts.'https://a/']\n[mounts.'https://a/x']\ndeny = '${NO}'",
        "[mounts.'https://a/']\n[mounts.'https://a/x']\ndeny = '${NO:-false}'",
        "[mounts.'https://a/']\ndeny = '${NO}'\n[mounts.'https://a/x']",
        "[mounts.'https://a/']\n[mounts.'https://a/x']\npool_maxsize = '${NO}'",
        "[mounts.'https://a/']\n[mounts.'https://a/x']\nlimit = { rate = '${NO}' }",
        "[mounts.'https://a/']\nproxy = '${NO}'\n[mounts.'https://a/x']\nproxy = '${NOR}'",
        "[policies.p]\npool_maxsize=3\n[mounts.'https://a/']\n[mounts.'https://a/x']\npolicy = '${NO}'",
        "[mounts.'https://a/']\n[mounts.'https://a${NO}/x']\ndeny = true\n[mounts.'https://a/x/y']",
        "[mounts.'https://a/']\npool_connections = '${NO}'",
        "[mounts.'http://']\ndeny = '${NO}'",
        "[policies.p]\ndeny = true\n[mounts.'http://']\npolicy = '${NO}'\n[mounts.'https://a/']",
        "[policies.p]\ntimeout = 5\n[policies.q]\npolicy = '${NO}'\n[mounts.'https://a/']\npolicy = 'q'\ntimeout = inf",
        "[mounts.'https://a/']\ndeny = '${NO}'\ntls.verify = false",
        "[mounts.'https://a/']\nmax_retries = { total = 1, status_forcelist = [503], backoff_factor = '${NO}' }",
        "[mounts.'https://a/']\nmax_retries = { total = '${NO}', status_forcelist = [503], retry_after_max = 5 }",
        "[mounts.'https://a/']\nlimit.rate = 1\n[mounts.'https://a/x']\nlimit.rate = 2\ndeny = '${NO}'",
        "[mounts.'http://${NO}/']\ndeny = true\n[mounts.'https://a/']",
        "[mounts.'https://a/']\nmax_retries = { total = 1, status_forcelist = [503], retry_after_max = 5, backoff_jitter = '${NO}' }",
        "[mounts.'https://a/']\nlimit.rate = 1\ndeny = '${NO}'\n[mounts.'https://a/x']\nlimit.rate = 2",
    ],
)  # fmt: skip
def test_offline_nothing_unknown_is_found_fault_with(text: str) -> None:
    """What variables decide is neither redundant nor without effect."""
    quiet = "ignore = ['http-twin']\n" if "http://" not in text else ""
    rest = "[defaults]\ntimeout = 3\n[mounts.'https://']\npool_maxsize = 9"
    config = parse_config(f"{quiet}{rest}\n{text}", offline=True)
    assert check(config) == ()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("pool_maxsize = '${NO}'", "pool_maxsize = 5"),
        ("pool_maxsize = '${NO:-10}'", "pool_maxsize = 5"),
        ("proxy = '${NO}'", "proxy = 'http://proxy:3128'"),
        ("limit = '${NO}'", "limit = { rate = 3 }"),
        ("limit = { rate = '${NO}' }", "limit = { rate = 1, burst = 3 }"),
        ("limit = 'l'", "limit.rate = 3"),
        ("policy = '${NO}'", "deadline = 3"),
        ("policy = '${NO}'", "limit.rate = 3"),
        ("timeout.read = '${NO}'", "timeout.read = 3"),
        ("timeout = '${NO}'", "timeout.read = 3"),
        ("max_retries = { total = '${NO}', backoff_factor = 3 }", "max_retries.total = 3"),
        ("headers = { A = '${NO}' }", "headers = { a = 'b' }"),
    ],
)
def test_offline_nothing_unknown_fails_an_expectation(setting: str, expected: str) -> None:
    """It may be as expected."""
    text = f"""
        [limits]
        l.rate = "${{NO}}"
        known.rate = 1
        [defaults]
        limit = "known"
        [policies.p]
        [mounts."https://h/"]
        {setting}
        [[expect]]
        url = "https://h/"
        mount = "https://h/"
        {expected}
        """
    assert [one for one in check(parse_config(text, offline=True)) if one.severity == "error"] == []


def test_offline_what_is_known_is_found_fault_with() -> None:
    """Also of a mount that lacks a variable for something else."""
    text = """
        [defaults]
        proxy = "${PROXY}"
        [mounts."https://h/"]
        policy = "${TIER}"
        pool_connections = 5
        tls.verify = false
        deny = false
        limit.rate = 1
        [mounts."https://h/x"]
        policy = "${TIER}"
        [mounts."https://other/"]
        [mounts."https://api.${ENV}.example.com/"]
        [[expect]]
        url = "https://h/"
        mount = "https://h/"
        pool_connections = 6
        limit.rate = 1
        limit.burst = 2
        [[expect]]
        url = "https://api.prod.example.com/"
        mount = "https://api.prod.example.com/"
        [policies.p]
        """
    found = [(one.line, one.code) for one in check(parse_config(text, offline=True))]
    assert found == [
        (2, "no-timeout"),
        (4, "http-twin"),
        (6, "unused-pools"),
        (7, "no-verify"),
        (12, "redundant-mount"),
        (17, "failed-expectation"),
        (19, "failed-expectation"),
    ]


_LIMITED = """
[limits.x]
rate = 1
[limits.y]
rate = 1
[defaults]
limit = "x"
[mounts."https://h/"]
limit = {0}
[[expect]]
url = "https://h/"
mount = "https://h/"
limit = {1}
"""


@pytest.mark.parametrize(
    ("limit", "wanted", "expected"),
    [
        ('"x"', '"x"', []),
        ('"x"', '"${X:-x}"', []),
        ('"${X:-x}"', '"x"', []),
        ('"x"', '"y"', ['expected "y" (got "x" from line 9)']),
        ('"x"', '"${Y:-y}"', ['expected "${Y:-y}" (got "x" from line 9)']),
        ('"${X:-x}"', '"y"', ['expected "y" (got "${X:-x}" from line 9)']),
        ("{ rate = 1 }", '"y"', ['expected "y" (got a table)']),
        ('"x"', "{ rate = 1 }", []),
        ('"x"', "{ rate = 2 }", ["expected 2 (got 1 from line 3)"]),
    ],
)
def test_an_expected_limit(limit: str, wanted: str, expected: list[str]) -> None:
    """Another one of the same numbers counts other requests."""
    config = parse_config(_LIMITED.format(limit, wanted), environ={})
    assert [one.message for one in check(config) if one.severity == "error"] == expected


def test_a_limit_that_is_expected_of_none() -> None:
    """There is no name to compare with."""
    text = "[limits]\nx.rate = 1\n[[expect]]\nurl = 'https://h/'\nmount = 'https://'\nlimit = 'x'"
    messages = [one.message for one in check(parse_config(text)) if one.severity == "error"]
    assert messages == ['expected "x" (got none)']


def test_expectations_of_some_keys() -> None:
    """They need not say what a policy needs beside them."""
    text = """
        [mounts."https://h/"]
        max_retries.total = 3
        limit = { rate = 1, burst = 4, concurrency = 2 }
        breaker = { failures = 3, open_for = 600, max_open_for = 900 }
        retry_budget = { tokens = 5 }
        [mounts."https://i/"]
        breaker = { ratio = 0.5, window = 60 }
        [[expect]]
        url = "https://h/"
        mount = "https://h/"
        max_retries.backoff_factor = 0
        limit.burst = 4
        breaker.open_for = 600
        retry_budget.refund = 0.2
        [[expect]]
        url = "https://h/"
        mount = "https://h/"
        limit = { concurrency = 2, burst = 5 }
        breaker.max_open_for = 9
        [[expect]]
        url = "https://i/"
        mount = "https://i/"
        breaker.window = 60
    """
    messages = [one.message for one in check(parse_config(text)) if one.severity == "error"]
    assert messages == [
        "expected 0.2 (got 0.1)",
        "expected 5 (got 4 from line 4)",
        "expected 9 (got 900 from line 5)",
    ]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("'x'", "'y'", ['https://h/b/ limit: "x" → "y"']),
        ("'x'", "'${Y:-y}'", ['https://h/b/ limit: "x" → "${Y:-y}"']),
        ("'x'", "{ rate = 1 }", ['https://h/b/ limit: "x" → "mounts.\\"https://h/b/\\".limit"']),
        ("'x'", "{ rate = inf }", ["https://h/b/ limit.rate: 1 → inf", "https://h/b/ limit:"]),
        ("'y'", "'y'", []),
        ("'x'", "'x'", []),
    ],
)
def test_a_limit_that_is_shared_with_others(a: str, b: str, expected: list[str]) -> None:
    """Another table of the same numbers is a difference, as it is to a reload; a new name is none."""
    text = """
        limits = {{ x.rate = 1, y.rate = 1 }}
        [mounts."https://h/a/"]
        limit = {0}
        [mounts."https://h/b/"]
        limit = {1}
    """
    old, new = (parse_config(text.format(*pair), environ={}) for pair in (("'x'", "'x'"), (a, b)))
    found = [f"{one.prefix} {change}" for one in compare(old, new) for change in one.settings]
    assert len(found) == len(expected)
    assert all(map(str.startswith, found, expected)), found
