"""Timeouts, seen from real servers."""

from typing import Any

import pytest
import requests

from servers import Serve, SessionOf, slow


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("timeout = 3", (3, 3)),
        ("timeout = inf", (None, None)),
        ("timeout = { connect = 3.05, read = 30 }", (3.05, 30)),
        ("timeout.read = 30", (None, 30)),
        ("timeout = { connect = inf, read = 30 }", (None, 30)),
        ("", None),
    ],
)
def test_timeout(
    sent: list[dict[str, Any]], session_of: SessionOf, setting: str, expected: object
) -> None:
    """The file's timeouts are those that requests is given; inf is none."""
    session_of(f"[defaults]\n{setting}").get("http://h/")
    assert sent[0]["timeout"] == expected


@pytest.mark.parametrize("given", [7, (1, 2), (None, None), (None, 5)])
def test_the_callers_timeout_wins(
    sent: list[dict[str, Any]], session_of: SessionOf, given: Any
) -> None:
    """Also where it says that there is none."""
    session_of("[defaults]\ntimeout = 3").get("http://h/", timeout=given)
    assert sent[0]["timeout"] == given


def test_a_slow_server_times_out(serve: Serve, session_of: SessionOf) -> None:
    """The timeout of the file ends the wait."""
    server = serve(answer=slow(5))
    session = session_of(f'[mounts."{server.url}"]\ntimeout = {{ connect = 5, read = 0.1 }}')
    with pytest.raises(requests.ReadTimeout):
        session.get(server.url)
