"""The warnings about limits, breakers and retry budgets."""

import pytest

from requests_mounts import parse_config
from requests_mounts._command.check import check
from requests_mounts._explain import explain_url

CASES = {
    "siblings": (
        '[mounts."https://h/a/"]\nlimit.rate = 1\n[mounts."https://h/b/"]\nlimit.rate = 1',
        ["2 two-limits"],
    ),
    "one name": (
        '[limits.x]\nrate = 1\n[mounts."https://h/a/"]\nlimit = "x"\npool_maxsize = 5\n[mounts."https://h/"]\nlimit = "x"',
        [],
    ),
    "a wildcard that serves the rest": (
        '[mounts."https://*.h/"]\nlimit.rate = 1\n[mounts."https://a.h/b/"]\nlimit.rate = 1',
        ["4 two-limits"],
    ),
    "a whole host below a wildcard": (
        '[mounts."https://*.h/"]\nlimit.rate = 1\n[mounts."https://a.h/"]\nlimit.rate = 2',
        [],
    ),
    "a path below a wildcard, which no mount of the host serves": (
        '[mounts."https://*.h/x/"]\nlimit.rate = 1\n[mounts."https://a.h/v2/"]\nlimit.rate = 1',
        ["4 two-limits"],
    ),
    "a path below a wildcard, which another mount of the host serves": (
        '[mounts."https://*.h/x/"]\nlimit.rate = 1\n[mounts."https://a.h/x/"]\nlimit.rate = 1',
        [],
    ),
    "a path below a wildcard, which the host denies": (
        '[mounts."https://*.h/x/"]\nlimit.rate = 1\n[mounts."https://a.h/v/"]\nlimit.rate = 1\n[mounts."https://a.h/x/"]\ndeny = true',
        [],
    ),
    "a path below a wildcard below another": (
        '[mounts."https://*.h/x/"]\nlimit.rate = 1\n[mounts."https://*.a.h/v/"]\nlimit.rate = 1',
        ["4 two-limits"],
    ),
    "one name below a wildcard": (
        '[limits.x]\nrate = 1\n[mounts."https://*.h/x/"]\nlimit = "x"\n[mounts."https://a.h/v/"]\nlimit = "x"',
        [],
    ),
    "a host that is called any": (
        '[mounts."https://*.h/x/"]\nlimit.rate = 1\n[mounts."https://any.h/v/"]\nlimit.rate = 1',
        ["4 two-limits"],
    ),
    "a path on any port": (
        '[mounts."https://h:*/x/"]\nlimit.rate = 1\n[mounts."https://h/v2/"]\nlimit.rate = 1\n[mounts."https://h:1/v3/"]\nlimit.rate = 1',
        ["4 two-limits", "6 two-limits"],
    ),
    "any port of a host below a wildcard with a port": (
        '[mounts."https://*.h/x/"]\nlimit.rate = 1\n[mounts."https://a.h:*/v2/"]\nlimit.rate = 1',
        ["4 two-limits"],
    ),
    "any port of both": (
        '[mounts."https://*.h:*/x/"]\nlimit.rate = 1\n[mounts."https://a.h:*/v2/"]\nlimit.rate = 1',
        ["4 two-limits"],
    ),
    "another port below a wildcard": (
        '[mounts."https://*.h:1/x/"]\nlimit.rate = 1\n[mounts."https://a.h:2/v2/"]\nlimit.rate = 1',
        [],
    ),
    "other ports": (
        '[mounts."https://h:1/"]\nlimit.rate = 1\n[mounts."https://h:2/"]\nlimit.rate = 2',
        [],
    ),
    "inherited": (
        '[defaults]\nlimit.rate = 1\n[policies.p]\nlimit.rate = 2\n[mounts."https://h/a/"]\npolicy = "p"',
        ["5 two-limits"],
    ),
    "ignored": (
        '[defaults]\nlimit.rate = 1\n[mounts."https://h/a/"]\nlimit.rate = 2\nignore = ["two-limits"]',
        [],
    ),
    "denied": (
        '[mounts."https://h/a/"]\nlimit.rate = 1\n[mounts."https://h/"]\nlimit.rate = 2\ndeny = true',
        [],
    ),
    "none": (
        '[mounts."https://h/a/"]\nlimit.rate = 1\n[mounts."https://h/"]\nlimit.rate = inf',
        [],
    ),
    "none but places": (
        '[mounts."https://h/a/"]\nlimit.rate = 1\n[mounts."https://h/"]\nlimit = { rate = inf, concurrency = 1 }',
        ["2 two-limits"],
    ),
    "nothing to wait for": (
        '[mounts."https://h/"]\nlimit = { rate = inf, max_pause = 0, max_wait = inf }',
        [],
    ),
    "a pause to wait for": (
        '[mounts."https://h/"]\nlimit = { rate = inf, max_wait = inf }',
        ["2 endless-limit-wait"],
    ),
    "a minimum that is reached": (
        '[mounts."https://h/"]\nlimit = { rate = 1 }\nbreaker = { ratio = 0.5, minimum = 31 }',
        [],
    ),
    "a minimum that is not": (
        '[mounts."https://h/"]\nlimit = { rate = 1 }\nbreaker = { ratio = 0.5, minimum = 32 }',
        ["3 unreached-minimum"],
    ),
    "no rate": (
        '[mounts."https://h/"]\nlimit = { concurrency = 1 }\nbreaker = { ratio = 0.5 }',
        [],
    ),
    "a deadline ends the wait": (
        '[mounts."https://h/"]\nlimit = { rate = 1, max_wait = inf }\ndeadline = 3',
        [],
    ),
    "equal limits in two tables": (
        '[mounts."https://h/"]\nlimit.rate = 1\n[mounts."https://h/a/"]\nlimit.rate = 1',
        ["4 two-limits"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=list(CASES))
def test_warnings(text: str, expected: list[str]) -> None:
    """Each is told once, at the line that can mend it, and only if something is wrong."""
    text = f'ignore = ["no-timeout", "http-twin"]\n{text}'
    found = [f"{one.line - 1} {one.code}" for one in check(parse_config(text))]
    assert found == expected


def test_explanations_say_what_is_counted() -> None:
    """A process counts for itself, and `explain` says so where there is something to count."""
    config = parse_config('[mounts."https://h/"]\nlimit.rate = 1\nbreaker.failures = 3')
    explained = explain_url(config, "https://h/")
    assert "counted by each process for itself: limit, breaker" in str(explained)
    other = explain_url(config, "https://other/")
    assert "counted" not in other.text(everything=True)
