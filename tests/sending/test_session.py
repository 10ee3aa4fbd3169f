"""Sessions and adapters that come from a file, beside those of plain requests."""

import copy
import inspect
import pickle
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
import responses
import urllib3
from requests.adapters import HTTPAdapter
from responses.registries import OrderedRegistry

from loopback import Server
from requests_mounts import (
    MountAdapter,
    MountedSession,
    ThreadSessions,
    load_config,
    load_session,
    mount,
    parse_config,
)
from requests_mounts._file.options import RetryOptions
from requests_mounts._file.policy import Policy
from requests_mounts._sending.managers import PooledAdapter

FILE = """
[defaults]
pool_maxsize = 20

[mounts."https://api.example.com/v1"]
pool_connections = 1
pool_block = true
max_retries = { total = 3, read = false, allowed_methods = "any", status_forcelist = [503] }

[mounts."https://api.example.com"]
max_retries = 5
"""


@pytest.fixture
def session() -> Iterator[MountedSession]:
    with MountedSession(parse_config(FILE)) as session:
        yield session


def state(retry: urllib3.Retry) -> dict[str, object]:
    return vars(retry)


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(MountedSession, id="MountedSession"),
        pytest.param(lambda config: mount(requests.Session(), config), id="mount"),
        pytest.param(
            lambda config: mount(MountedSession(parse_config("")), config), id="mount on ours"
        ),
    ],
)
def test_a_path_is_not_a_config(use: Callable[[Any], object]) -> None:
    """The error says what to do first, and repeats nothing, as a text may hold a secret."""
    words = r"^expected a Config, so load the file first with load_config \(got str\)$"
    with pytest.raises(TypeError, match=words):
        use("crawler.toml")


@pytest.mark.parametrize(
    ("interval", "error", "words"),
    [
        ("5", TypeError, "expected seconds as a number, or None (got str)"),
        (True, TypeError, "expected seconds as a number, or None (got bool)"),
        (-1, ValueError, "expected seconds of 0 or more, or None (got -1)"),
        (float("nan"), ValueError, "expected seconds of 0 or more, or None (got nan)"),
    ],
)
def test_a_wrong_reload_interval(
    tmp_path: Path, interval: Any, error: type[Exception], words: str
) -> None:
    """It is refused where it is given, and what was there before stays."""
    file = tmp_path / "mounts.toml"
    file.write_text("")
    with load_session(file, reload_interval=60) as session:
        with pytest.raises(error, match=f"^{re.escape(f'reload_interval: {words}')}$"):
            session.reload_interval = interval
        assert session.reload_interval == 60
        session.reload_interval = None
    for load in (load_session, ThreadSessions):
        with pytest.raises(error):
            load(file, reload_interval=interval)


def test_the_options_are_those_of_the_installed_retry() -> None:
    """Names and defaults, so that no new option can be missed; the history is no setting."""
    parameters = inspect.signature(urllib3.Retry).parameters
    assert {field.name for field in fields(RetryOptions)} == set(parameters) - {"history"}
    ours = MountAdapter(Policy(max_retries=RetryOptions(total=10))).max_retries
    assert state(ours) == state(urllib3.Retry()) | {"status_forcelist": frozenset()}


def test_the_defaults_are_those_of_the_installed_adapter() -> None:
    """A policy without a setting makes the adapter that requests makes."""
    parameters = inspect.signature(HTTPAdapter).parameters
    for name, parameter in parameters.items():
        assert getattr(Policy(), name) == parameter.default


@pytest.mark.parametrize("number", [0, 1, 5])
def test_a_number_of_retries_is_what_it_is_for_an_adapter(number: int) -> None:
    """Zero does not even retry a read."""
    ours = MountAdapter(Policy(max_retries=number)).max_retries
    assert state(ours) == state(HTTPAdapter(max_retries=number).max_retries)


def test_false_is_no_zero() -> None:
    """They are equal in Python, and differ in urllib3."""
    for total in (False, 0, False):
        retry = MountAdapter(Policy(max_retries=RetryOptions(total=total, read=total))).max_retries
        assert retry.total is total
        assert retry.read is total


def test_an_empty_file_is_a_plain_session(tmp_path: Path) -> None:
    """Same keys in the same order, same settings of the adapters, same everything else."""
    path = tmp_path / "mounts.toml"
    path.touch()
    ours, plain = load_session(path), requests.Session()
    assert list(ours.adapters) == list(plain.adapters)
    for name in set(plain.__attrs__) - {"adapters", "cookies"}:
        assert getattr(ours, name) == getattr(plain, name)
    for one, other in zip(ours.adapters.values(), plain.adapters.values(), strict=True):
        assert isinstance(one, HTTPAdapter)
        assert isinstance(other, HTTPAdapter)
        for name in set(HTTPAdapter.__attrs__) - {"max_retries"}:
            assert getattr(one, name) == getattr(other, name)
        assert state(one.max_retries) == state(other.max_retries)
        assert one.poolmanager.connection_pool_kw == other.poolmanager.connection_pool_kw
        assert one.proxy_manager == other.proxy_manager == {}


def test_every_prefix_has_an_adapter_of_its_own(session: MountedSession) -> None:
    """Longest first, whatever the order in the file."""
    assert list(session.adapters) == [
        "https://api.example.com/v1/",
        "https://api.example.com/",
        "https://",
        "http://",
    ]
    adapters = list(session.adapters.values())
    assert len(set(map(id, adapters))) == 4
    assert all(isinstance(adapter, MountAdapter) for adapter in adapters)


def test_the_settings_reach_urllib3(session: MountedSession) -> None:
    """What the file says is what the pool manager is built with."""
    adapter = session.get_adapter("https://api.example.com/v1/x")
    assert isinstance(adapter, MountAdapter)
    assert adapter.poolmanager.connection_pool_kw == {"maxsize": 20, "block": True}
    assert adapter.poolmanager.pools._maxsize == 1
    assert adapter.max_retries.allowed_methods is None
    assert adapter.max_retries.read is False


def test_prefixes_do_not_reach_other_hosts(session: MountedSession) -> None:
    """Also where only requests' own lookup is at work."""
    plain = mount(requests.Session(), session.config)
    for both in (session, plain):
        for url in (
            "https://api.example.com.evil.org/",
            "https://api.example.com@evil.org/",
            "https://api.example.comevil.org/v1/",
            "https://evil.org/https://api.example.com/",
        ):
            assert both.get_adapter(url) is both.adapters["https://"]


def test_mount_on_a_session_of_another_kind() -> None:
    """Its other adapters stay, its class and its order too."""

    class Other(requests.Session):
        pass

    other, mine = Other(), HTTPAdapter()
    other.mount("https://mine.example.com/a/long/path/", mine)
    other.mount("mock://", mine)
    assert mount(other, parse_config(FILE)) is other
    assert list(other.adapters) == [
        "https://mine.example.com/a/long/path/",
        "https://api.example.com/v1/",
        "https://api.example.com/",
        "https://",
        "http://",
        "mock://",
    ]
    adapter = other.get_adapter("https://api.example.com/v1/")
    assert isinstance(adapter, MountAdapter)
    assert adapter.policy.pool_block


def test_load_session_reads_a_file(tmp_path: Path) -> None:
    """The same as from its configuration."""
    path = tmp_path / "mounts.toml"
    path.write_text(FILE)
    session = load_session(str(path))
    assert session.config == load_config(str(path))
    assert list(session.adapters) == list(MountedSession(parse_config(FILE)).adapters)


def copies(value: object) -> list[object]:
    return [copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))]


def test_an_adapter_survives_copying_and_pickling(session: MountedSession) -> None:
    """With its policy, and with pools of its own."""
    adapter = session.adapters["https://api.example.com/v1/"]
    assert isinstance(adapter, MountAdapter)
    for again in copies(adapter):
        assert isinstance(again, MountAdapter)
        assert again.policy == adapter.policy
        assert again.poolmanager is not adapter.poolmanager
        assert again.poolmanager.connection_pool_kw == {"maxsize": 20, "block": True}


def test_a_session_survives_copying_and_pickling(session: MountedSession) -> None:
    """With its adapters, its routing and its file."""
    for again in copies(session):
        assert isinstance(again, MountedSession)
        adapter = again.get_adapter("https://api.example.com/v1/x")
        assert isinstance(adapter, MountAdapter)
        assert adapter.policy.pool_block
        assert again.explain("https://api.example.com/v1/x").line == 5


def test_the_pool_manager_is_built_when_it_is_used(session: MountedSession) -> None:
    """And again when the pool settings change, as requests allows it."""
    adapter = session.adapters["http://"]
    assert isinstance(adapter, MountAdapter)
    assert "poolmanager" not in vars(adapter)
    first = adapter.poolmanager
    assert adapter.poolmanager is first
    adapter.init_poolmanager(3, 4, block=True, source_address=("127.0.0.2", 0))
    assert adapter.poolmanager is not first
    assert adapter.poolmanager.pools._maxsize == 3
    assert adapter.poolmanager.connection_pool_kw == {
        "maxsize": 4,
        "block": True,
        "source_address": ("127.0.0.2", 0),
    }
    own = urllib3.PoolManager()
    adapter.poolmanager = own
    assert adapter.poolmanager is own
    del adapter.poolmanager
    assert adapter.poolmanager not in {first, own}
    with pytest.raises(AttributeError, match="'MountAdapter' object has no attribute 'pool'"):
        adapter.pool  # type: ignore[attr-defined]  # noqa: B018 - the access is what is tested


def test_threads_build_one_pool_manager() -> None:
    """What waits while another thread builds it takes what that thread has built."""
    adapter = MountAdapter(Policy())
    found: list[object] = []
    threads = [Thread(target=lambda: found.append(adapter.poolmanager)) for _ in range(4)]
    with adapter._lock:
        for thread in threads:
            thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert found == [adapter.poolmanager] * 4


def test_a_thread_that_waits_for_a_pool_manager_takes_the_one_that_is_there() -> None:
    """Also one that somebody else has set."""
    adapter, own = MountAdapter(Policy()), urllib3.PoolManager()
    found: list[object] = []
    thread = Thread(target=lambda: found.append(adapter.poolmanager))
    with adapter._lock:
        thread.start()
        time.sleep(0.1)
        adapter.poolmanager = own
    thread.join()
    assert found == [own]


def test_an_adapter_shows_its_policy() -> None:
    """In a debugger and in a log."""
    adapter = MountAdapter(Policy(pool_maxsize=3))
    assert repr(adapter).startswith("<MountAdapter Policy(pool_connections=10, pool_maxsize=3,")


def test_close_closes_the_sockets() -> None:
    """The pools of a closed session hold no connection."""
    with Server() as server:
        session = MountedSession(parse_config(""))
        session.get(server.url)
        adapter = session.adapters["http://"]
        assert isinstance(adapter, MountAdapter)
        (key,) = adapter.poolmanager.pools.keys()
        pool = adapter.poolmanager.pools[key].pool
        assert pool
        connection = pool.queue[-1]
        assert connection.sock
        session.close()
        assert connection.sock is None


@responses.activate(registry=OrderedRegistry)
def test_responses_mocks_a_session(session: MountedSession) -> None:
    """As it mocks a plain one, the retries of the mount included."""
    url = "https://api.example.com/v1/articles"
    responses.get(url, status=503)
    responses.get(url, status=503)
    last = responses.get(url, json={"articles": 3})
    assert session.get(url).json() == {"articles": 3}
    assert last.call_count == 1
    assert len(responses.calls) == 3


def test_what_is_made_once_though_threads_meet() -> None:
    """Since Python 3.12 a cached property has no lock: the second thread finds what is there."""
    adapter = MountAdapter(Policy())
    for name in ("counters", "poolmanager"):
        assert vars(PooledAdapter)[name].func(adapter) is getattr(adapter, name)
        assert vars(PooledAdapter)[name].func(adapter) is getattr(adapter, name)


def test_adapters_that_code_mounts_are_pickled_along() -> None:
    """They stay as they are beside those of the file."""
    session = MountedSession(parse_config(""))
    session.mount("https://ours.example/", MountAdapter(Policy(pool_maxsize=3)))
    session.mount("https://other.example/", HTTPAdapter(max_retries=3))
    copied = pickle.loads(pickle.dumps(session))
    assert type(copied.get_adapter("https://other.example/")) is HTTPAdapter
    ours = copied.get_adapter("https://ours.example/")
    assert (ours.policy.pool_maxsize, ours.siblings) == (3, None)
