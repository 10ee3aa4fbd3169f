"""A session for each thread, over adapters that all share."""

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loopback import Answer, Server
from requests_mounts import MountedSession, ThreadSessions, parse_config
from servers import slow


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def in_threads(number: int, work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_each_thread_has_its_own_session() -> None:
    """It is the same at every call of a thread, and another in every other thread."""
    found: list[MountedSession] = []
    with ThreadSessions(parse_config("")) as sessions:
        assert sessions() is sessions()
        in_threads(3, lambda: found.append(sessions()))
        assert len({id(session) for session in [*found, sessions()]}) == 4


def test_a_file_will_do(server: Server, tmp_path: Path) -> None:
    """A path is loaded as `load_session` does."""
    path = tmp_path / "mounts.toml"
    path.write_text("[mounts.'http://127.0.0.1:*/']")
    with ThreadSessions(path) as sessions:
        assert sessions().get(server.url).text == "ok"
        assert sessions().explain(server.url).prefix == "http://127.0.0.1:*/"
        assert str(sessions.explain(server.url)) == str(sessions().explain(server.url))


def test_cookies_headers_and_auth_are_a_threads_own(server: Server) -> None:
    """What one session learns or is told does not show in another."""
    seen: list[tuple[str | None, str | None, str | None]] = []

    def answer(handler: object) -> Answer:
        headers = handler.headers  # type: ignore[attr-defined]
        seen.append((headers["Cookie"], headers["X-Of"], headers["Authorization"]))
        return Answer(headers={"Set-Cookie": "who=first"})

    server.answer = answer
    with ThreadSessions(parse_config("")) as sessions:
        first = sessions()
        first.auth, first.headers["X-Of"] = ("user", "password"), "first"
        first.get(server.url)
        in_threads(1, lambda: sessions().get(server.url))
        first.get(server.url)
    assert seen[1] == (None, None, None)
    assert seen[2][:2] == ("who=first", "first")
    assert seen[2][2]


def test_all_threads_share_the_cap_of_a_pool(server: Server) -> None:
    """With `pool_block`, they open no more connections together than a pool may have."""
    server.answer = slow(0.002)
    config = parse_config("[defaults]\npool_maxsize = 3\npool_block = true")
    with ThreadSessions(config) as sessions:
        in_threads(24, lambda: sessions().get(server.url))
    assert len(server.requests) == 24
    assert server.connections <= 3


def test_closing_one_session_leaves_the_others_working(server: Server) -> None:
    """The connections stay open, until all are closed."""
    with ThreadSessions(parse_config("")) as sessions:
        sessions().get(server.url)
        in_threads(1, lambda: sessions().close())
        with sessions() as session:
            session.get(server.url)
        sessions().get(server.url)
        assert server.connections == 1
        sessions.close()
        sessions().get(server.url)
        assert server.connections == 2
    sessions().get(server.url)  # The end of the block has closed them too.
    assert server.connections == 3
    sessions.close()


def test_the_end_of_a_thread_frees_its_session() -> None:
    """Nothing but the thread holds it."""
    held: list[weakref.ref[MountedSession]] = []
    with ThreadSessions(parse_config("")) as sessions:
        in_threads(2, lambda: held.append(weakref.ref(sessions())))
        gc.collect()
        assert [session() for session in held] == [None, None]


def test_what_one_thread_mounts_serves_all(server: Server) -> None:
    """The table of adapters is one."""
    with ThreadSessions(parse_config("")) as sessions:
        other = MountedSession(parse_config("")).get_adapter("http://")
        in_threads(1, lambda: sessions().mount(server.url, other))
        assert sessions().get_adapter(server.url) is sessions.adapters[server.url] is other


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_have_adapters_of_their_own(
    server: Server, copied: Callable[[object], object]
) -> None:
    """A copy of a thread's session closes its connections; one of all sessions shares none."""
    with ThreadSessions(parse_config("[defaults]\npool_maxsize = 3")) as sessions:
        sessions().cookies.set("who", "first")
        one, all_ = copied(sessions()), copied(sessions)
        assert isinstance(one, MountedSession)
        assert isinstance(all_, ThreadSessions)
        with one, all_:
            assert one.cookies["who"] == "first"
            assert one.adapters is not sessions.adapters is not all_.adapters
            for session in (one, all_(), sessions()):
                session.get(server.url)
            assert server.connections == 3
            adapter = one.adapters["http://"]
            assert vars(adapter)["_pool_maxsize"] == 3
            one.close()
            assert not len(vars(adapter)["poolmanager"].pools)
