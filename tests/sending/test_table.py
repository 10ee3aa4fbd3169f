"""The mapping of prefixes to adapters: routing follows whatever is done with it."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import InvalidSchema

from requests_mounts import MountedSession, parse_config
from requests_mounts._sending.table import MountTable


def session_of(rules: list[str]) -> MountedSession:
    return MountedSession(parse_config("\n".join(f"[mounts.'{rule}']" for rule in rules)))


def fresh() -> tuple[MountedSession, BaseAdapter]:
    session = session_of(["https://h.org/", "https://h.org/v1/"])
    return session, HTTPAdapter()


URL = "https://h.org/v1/x"


def test_routing_follows_every_change_of_the_mapping() -> None:
    """Each way to change an OrderedDict is seen by the next lookup."""
    session, mine = fresh()
    old, key = session.get_adapter(URL), "https://h.org/v1/"
    short = session.adapters["https://h.org/"]
    session.adapters[key] = mine
    assert session.get_adapter(URL) is mine
    del session.adapters[key]
    assert session.get_adapter(URL) is short
    session.adapters.update({key: old})
    assert session.get_adapter(URL) is old
    assert session.adapters.pop(key) is old
    assert session.adapters.pop(key, None) is None
    assert session.get_adapter(URL) is short
    assert session.adapters.setdefault(key, mine) is mine
    assert session.get_adapter(URL) is mine
    session.adapters |= {key: old}
    assert session.get_adapter(URL) is old
    session.adapters.move_to_end(key)
    assert list(session.adapters)[-1] == key
    assert session.get_adapter(URL) is old
    assert session.adapters.popitem() == (key, old)
    assert session.get_adapter(URL) is short
    session.adapters.clear()
    with pytest.raises(InvalidSchema, match="No connection adapters were found for"):
        session.get_adapter(URL)
    session.adapters = {"https://": mine}
    assert session.get_adapter(URL) is mine
    assert isinstance(session.adapters, MountTable)


def test_mount_puts_keys_where_requests_puts_them() -> None:
    """Also after changes that left the mapping out of order."""
    session, mine = fresh()
    plain = requests.Session()
    plain.adapters.clear()
    plain.adapters.update(session.adapters)
    for both in (session, plain):
        both.mount("https://h.org/a/", mine)
        both.get_adapter(URL)
        both.mount("https://b.org/", mine)
        both.adapters["https://a.much.longer.name.org/"] = mine
        both.get_adapter(URL)
        both.mount("https://c.org/d/", mine)
        both.mount("http", mine)
    assert list(session.adapters) == list(plain.adapters)


def test_mounting_from_code_takes_every_spelling() -> None:
    """A key keeps its spelling in the mapping, and is matched as what it means."""
    session, mine = fresh()
    session.get_adapter(URL)
    session.mount("HTTPS://H.org:443/v2", mine)
    assert "HTTPS://H.org:443/v2" in session.adapters
    assert session.get_adapter("https://h.org/v2/x") is mine
    assert session.get_adapter("https://h.org/v20") is not mine
    again = HTTPAdapter()
    session.mount("HTTPS://H.org:443/v2", again)
    assert session.get_adapter("https://h.org/v2/x") is again


def test_of_two_spellings_of_a_prefix_the_first_serves() -> None:
    """As in requests, where the longer key is asked first."""
    session, mine = fresh()
    session.get_adapter(URL)
    session.mount("https://H.org:443/v1/", mine)
    assert session.get_adapter(URL) is mine
    session.mount("https://h.org/v1", HTTPAdapter())
    assert session.get_adapter(URL) is mine
    del session.adapters["https://H.org:443/v1/"]
    assert session.get_adapter(URL) is session.adapters["https://h.org/v1/"]


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("file://", "file:///etc/hosts"),
        ("mock://", "mock://h.org/v1/"),
        ("MOCK://A", "mock://alpha"),
        ("http", "httpx://h"),
        ("", "anything"),
        ("https://other.org?page=", "https://other.org?page=2"),
        ("https://h.org/v1/?page=", "https://h.org/v1/?page=2"),
        ("https://user@h.org/", "https://user@h.org/v1/"),
    ],
)
def test_other_keys_are_compared_as_text(key: str, url: str) -> None:
    """What is no http or https prefix works as in requests."""
    session, mine = fresh()
    before = session.get_adapter(URL)
    session.mount(key, mine)
    assert session.get_adapter(URL) is before  # The origin is known now, and the key still wins.
    assert session.get_adapter(url) is mine
    assert session.get_adapter(URL) is before


def test_a_short_key_does_not_outdo_a_prefix() -> None:
    """The empty key takes what nothing else takes."""
    session, mine = fresh()
    session.mount("", mine)
    session.mount("http", mine)
    assert session.get_adapter("https://any.org/") is session.adapters["https://"]
    del session.adapters["https://"]
    assert session.get_adapter("https://any.org/") is mine


def test_lookups_go_on_while_another_thread_mounts() -> None:
    """There is never a moment without a route, nor a mapping that changes while it is walked."""
    session, mine = fresh()
    expected = session.get_adapter(URL)
    errors: list[BaseException] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            while not done.is_set():
                assert session.get_adapter(URL) is expected
                assert session.get_adapter("https://\t/") is session.adapters["https://"]
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            errors.append(error)

    threads = [threading.Thread(target=look_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(300):
        session.mount(f"https://h{number}.org/", mine)
        session.adapters[f"https://i{number}.org/"] = mine
        session.adapters.pop(f"https://i{number}.org/")
    done.set()
    for thread in threads:
        thread.join()
    assert not errors


def test_an_exchange_takes_nothing_away_that_stays() -> None:
    """Those who take an adapter by its key find it at any moment, the old one or the new one."""
    table = session_of(["https://h.org/"]).adapters
    old, same, new = table["http://"], table["https://"], HTTPAdapter()
    found: list[tuple[object, object]] = []

    class Looking(str):
        """A key that looks as it is put in."""

        __slots__ = ()

        def __hash__(self) -> int:
            found.append((table.get("http://"), table.get("https://")))
            return super().__hash__()

    gone = [Looking("https://h.org/"), "http://"]
    table.exchange(gone, {Looking("https://new.org/"): new, "http://": new})
    assert {*found} <= {(old, same), (new, same)}
    assert [*table.items()] == [("https://new.org/", new), ("https://", same), ("http://", new)]


CHANGES: list[Callable[[MountTable], object]] = [
    lambda table: table.mount("https://new.org/", HTTPAdapter()),
    lambda table: table.__setitem__("https://new.org/", HTTPAdapter()),
    lambda table: table.__delitem__("https://h.org/"),
    lambda table: table.pop("https://h.org/"),
    lambda table: table.popitem(),
    lambda table: table.move_to_end("https://h.org/"),
    lambda table: table.clear(),
    lambda table: table.exchange(["https://h.org/"], {}),
    lambda table: table.snapshot(),
    lambda table: table.find("https://new.org/"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_changes_and_walks_wait_for_each_other(change: Callable[[MountTable], object]) -> None:
    """While a thread has the table, no other changes it, nor reads all of it."""
    table = session_of(["https://h.org/"]).adapters
    before = list(table)
    thread = threading.Thread(target=change, args=(table,))
    with table.locked():
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        assert list(table) == before
    thread.join()


def test_threads_that_mount_keep_the_order() -> None:
    """Each key stands behind the longer ones, whoever mounts at the same time."""
    table = session_of([]).adapters
    adapter = HTTPAdapter()

    def mount(digit: int) -> None:
        for length in range(1, 60):
            table.mount(f"https://{str(digit) * length}.org/", adapter)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(mount, range(8)))
    finally:
        sys.setswitchinterval(interval)
    lengths = [len(key) for key in table]
    assert len(lengths) == 8 * 59 + 2
    assert lengths == sorted(lengths, reverse=True)


def test_a_table_of_a_table() -> None:
    """A copy has the same keys in the same order, and changes by itself."""
    table = MountTable({"https://h/": HTTPAdapter(), "https://": HTTPAdapter()})
    copied = MountTable(table)
    copied["http://"] = HTTPAdapter()
    assert [*table.items()] == [*copied.items()][:2]
    assert len(table) == 2


class Interrupted(str):
    """A key in whose comparison the handler of a signal comes."""

    __slots__ = ("handlers",)

    handlers: list[Callable[[], object]]

    def __len__(self) -> int:
        if self.handlers:
            self.handlers.pop()()
        return super().__len__()


@pytest.mark.parametrize("find", [True, False])
def test_a_handler_of_a_signal_changes_the_table(find: bool) -> None:  # noqa: FBT001
    """The lookup, and the mount, that it interrupts see the change, and so do all after them."""
    session = session_of(["https://h.org/v1/"])
    table, ours, old = session.adapters, HTTPAdapter(), session.get_adapter(URL)
    key = Interrupted("https://")
    key.handlers = []
    table[key] = table.pop("https://")
    if not find:
        table.move_to_end("http://")
        assert session.get_adapter(URL) is old
    key.handlers = [lambda: table.exchange(["http://"], {"https://h.org/v1/": ours})]
    if not find:
        session.mount("https://h.org/v1/xyz/", HTTPAdapter())
    assert session.get_adapter(URL) is ours
    assert not key.handlers
    assert "http://" not in table
    assert list(table) == sorted(table, key=len, reverse=True)


def test_a_handler_takes_away_what_a_mount_would_move() -> None:
    """It is not missed, and not put there again."""
    session = session_of(["https://h.org/v1/"])
    table, key = session.adapters, Interrupted("https://")
    key.handlers = []
    table[key] = table.pop("https://")
    key.handlers = [lambda: table.pop("http://")]
    session.mount("https://h.org/v1/xyz/", HTTPAdapter())
    assert not key.handlers
    assert list(table) == ["https://h.org/v1/xyz/", "https://h.org/v1/", "https://"]


def test_what_stays_is_never_missing() -> None:
    """Not even of a table whose exchange is interrupted in the middle."""
    session = session_of(["https://h.org/", "https://h.org/v1/"])
    table = session.adapters
    key = Interrupted("https://h.org/v1/x/")
    key.handlers = []
    table[key] = HTTPAdapter()
    old = table["https://h.org/v1/"]

    def interrupt() -> None:
        raise KeyboardInterrupt

    key.handlers = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        table.exchange(["https://h.org/"], {"https://new/": old})
    assert session.get_adapter(URL) is table[key]
    assert session.get_adapter("https://h.org/v1/") is old
    assert session.get_adapter("https://new/") is old
