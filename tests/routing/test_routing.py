"""Every URL finds exactly its mount: a table of cases."""

from pathlib import Path
from typing import Any

import pytest
import requests
import tomli
from requests.exceptions import InvalidSchema

from requests_mounts import MountedSession, parse_config
from requests_mounts._routing.location import Location
from requests_mounts._routing.prefix import Prefix

CASES = tomli.loads((Path(__file__).parents[1] / "data/routing.toml").read_text("utf-8"))["group"]
ROWS = [
    pytest.param(
        group["rules"], *row, *[None] * (3 - len(row)), id=f"{group['name'][:20]}: {row[0]}"
    )
    for group in CASES
    for row in group["rows"]
]


def session_of(rules: list[str]) -> MountedSession:
    return MountedSession(parse_config("\n".join(f"[mounts.'{rule}']" for rule in rules)))


def served(session: requests.Session, get_adapter: Any, url: str) -> str:
    """Return the key of the adapter that serves a URL; empty where there is none."""
    try:
        adapter = get_adapter(url)
    except InvalidSchema as error:
        assert str(error) == f"No connection adapters were found for {url!r}"
        return ""
    return next(key for key, value in session.adapters.items() if value is adapter)


def test_there_are_enough_rows() -> None:
    """The table is no sample: at least 250 rows in groups, none twice."""
    assert len({str(row.values[:2]) for row in ROWS}) == len(ROWS) >= 250


@pytest.mark.parametrize(("rules", "url", "prefix", "differs"), ROWS)
def test_row(rules: list[str], url: str, prefix: str, differs: str | None) -> None:
    """A URL is served by the prefix of its row, by requests' own lookup too unless it says why."""
    session = session_of(rules)
    for _ in range(2):  # The second time, the origin is known.
        assert served(session, session.get_adapter, url) == prefix
    plain = requests.Session()
    plain.adapters = session.adapters
    assert (served(session, plain.get_adapter, url) == prefix) is (differs is None)


@pytest.mark.parametrize(("rules", "url", "prefix", "differs"), ROWS)
def test_row_prepared(rules: list[str], url: str, prefix: str, differs: str | None) -> None:
    """The URL that requests makes of one is never served by a prefix of another place."""
    del differs
    try:
        prepared = requests.Request("GET", url).prepare().url
    except requests.exceptions.RequestException:
        return
    assert prepared is not None
    session = session_of(rules)
    winner = served(session, session.get_adapter, prepared)
    if winner not in {prefix, "", "https://", "http://"}:
        place, serving = Location.parse(prepared), Prefix.parse(winner)
        domain = serving.host.removeprefix("*")
        assert place.host == domain or (domain.startswith(".") and place.host.endswith(domain))
        assert serving.port in {place.port, "*"}
        assert f"{place.path}/".startswith(serving.path)
