"""The reload of a session that goes on sending."""

import copy
import gc
import itertools
import logging
import os
import pickle
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter

from loopback import Answer, Handler, Server
from proxies import SocksProxy
from requests_mounts import (
    BodyTooLarge,
    CircuitOpen,
    Config,
    ConfigError,
    LimitExceeded,
    MountAdapter,
    MountedSession,
    MountsError,
    Reloaded,
    ThreadSessions,
    load_config,
    load_session,
    mount,
    parse_config,
)
from requests_mounts._file import loading
from requests_mounts._file.limits import BudgetOptions
from requests_mounts._file.policy import Policy
from requests_mounts._live import loaded
from requests_mounts._sending.budget import Budget
from requests_mounts._sending.guards import States
from requests_mounts._sending.table import MountTable
from servers import adapter_of, wait_for


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mounts.toml"


def replace(file: Path, text: str) -> None:
    """Put another file in the place of one, in one step."""
    new = file.with_suffix(".new")
    new.write_text(text, "utf-8")
    new.replace(file)


BEFORE = """
[mounts."https://kept.example.com/"]
pool_maxsize = 3
[mounts."https://changed.example.com/"]
pool_maxsize = 3
[mounts."https://removed.example.com/"]
"""
AFTER = """
[mounts."https://changed.example.com/"]
pool_maxsize = 4
[mounts."https://added.example.com/"]
[mounts."https://kept.example.com:443"]
pool_maxsize = 3
ignore = ["no-timeout"]
"""


def test_a_reload_changes_what_changed(file: Path) -> None:
    """An adapter whose policy is as before stays, wherever and however the file writes it."""
    replace(file, BEFORE)
    with load_session(file) as session:
        before = dict(session.adapters)
        replace(file, AFTER)
        assert session.reload() == Reloaded(
            added=("https://added.example.com/",),
            removed=("https://removed.example.com/",),
            changed=("https://changed.example.com/",),
            kept=("https://kept.example.com/", "https://", "http://"),
        )
        after = dict(session.adapters)
        assert list(after) == sorted(after, key=len, reverse=True)
        same = {prefix for prefix in after if after[prefix] is before.get(prefix)}
        assert same == {"https://kept.example.com/", "https://", "http://"}
        assert vars(after["https://changed.example.com/"])["_pool_maxsize"] == 4
        explained = str(session.explain("https://kept.example.com/x"))
        assert "mounts.toml:6  mount" in explained.replace(str(file.parent) + os.sep, "")
        assert (
            session.get_adapter("https://added.example.com/") is after["https://added.example.com/"]
        )
        assert session.get_adapter("https://removed.example.com/") is after["https://"]


def test_code_may_mount_the_policy_of_another_prefix(file: Path) -> None:
    """Mounts that say the same have one policy, and an adapter that code made of it stays."""
    text = "[mounts.'https://one.example.com/']\ndeny = true\n[mounts.'https://two.example.com/']\n"
    replace(file, f"{text}deny = true")
    with load_session(file) as session:
        assert session.config.mounts[0].policy is session.config.mounts[1].policy
        theirs = MountAdapter(session.config.mounts[0].policy)
        session.mount("https://two.example.com/", theirs)
        assert not session.explain("https://two.example.com/").settings
        replace(file, text)
        assert session.reload().changed == ("https://two.example.com/",)
        assert session.get_adapter("https://two.example.com/") is theirs


def test_code_may_mount_another_policy_under_a_prefix_of_the_file(file: Path) -> None:
    """The file says nothing of it then."""
    prefix = "https://one.example.com/"
    replace(file, f"[mounts.'{prefix}']\npool_maxsize = 3")
    with load_session(file) as session:
        assert session.explain(prefix).settings
        session.mount(prefix, MountAdapter(Policy(deny=True), prefix=prefix))
        assert not session.explain(prefix).settings


def test_nothing_changes_if_nothing_changed(file: Path) -> None:
    """A file that was written anew, with other words for the same, changes no adapter."""
    replace(file, "[defaults]\nmax_retries = 2\ntimeout = 5")
    with load_session(file) as session:
        before = dict(session.adapters)
        replace(file, "[defaults]\nmax_retries.total = 2\ntimeout = { connect = 5, read = 5.0 }")
        assert session.reload() == Reloaded(kept=("https://", "http://"))
        assert dict(session.adapters) == before


@pytest.mark.parametrize(
    ("text", "error"),
    [("[mounts", ConfigError), ("[defaults]\npool_maxsise = 1", ConfigError), (None, OSError)],
)
def test_a_broken_file_changes_nothing(
    file: Path, text: str | None, error: type[Exception]
) -> None:
    """The error is that of loading, and the session is as before."""
    replace(file, BEFORE)
    with load_session(file) as session:
        before, config = dict(session.adapters), session.config
        if text is None:
            file.unlink()
        else:
            replace(file, text)
        with pytest.raises(error):
            session.reload()
        assert dict(session.adapters) == before
        assert session.config is config
        replace(file, AFTER)
        assert session.reload().added == ("https://added.example.com/",)


REFUSING = """
[limits.slow]
rate = 1
per = 1000
max_wait = 0
[mounts."http://127.0.0.1:*/limited/"]
limit = "slow"
[mounts."http://127.0.0.1:*/broken/"]
breaker = { failures = 1 }
"""


def test_refusals_name_the_lines_of_the_newer_file(file: Path, server: Server) -> None:
    """A mount that stays keeps the state of its limit and breaker, and tells where they stand now."""
    server.answer = lambda handler: Answer(500 if "broken" in handler.path else 200)
    replace(file, REFUSING)
    with load_session(file) as session:
        session.get(f"{server.url}/limited/")
        session.get(f"{server.url}/broken/")
        replace(file, f"# A line more.{REFUSING}".replace("[mounts", "\n[mounts", 1))
        assert not session.reload().changed
        with pytest.raises(LimitExceeded, match=r"mounts\.toml:2\b"):
            session.get(f"{server.url}/limited/")
        with pytest.raises(CircuitOpen, match=r"mounts\.toml:10\b"):
            session.get(f"{server.url}/broken/")


def test_a_text_has_no_file_to_read() -> None:
    """The error says so."""
    with MountedSession(parse_config("")) as session, pytest.raises(MountsError) as caught:
        session.reload()
    assert str(caught.value) == "the configuration <string> came from a text, not from a file"


def test_what_code_mounted_stays(file: Path) -> None:
    """Also in the place of a mount of the file, and under a prefix that the file adds."""
    replace(file, BEFORE)
    with load_session(file) as session:
        ours = {
            prefix: HTTPAdapter()
            for prefix in (
                "https://changed.example.com/",
                "https://removed.example.com/",
                "https://added.example.com/",
                "https://kept.example.com/",
                "file://",
            )
        }
        for prefix, adapter in ours.items():
            session.mount(prefix, adapter)
        replace(file, AFTER)
        session.reload()
        assert {prefix: session.adapters[prefix] for prefix in ours} == ours
        del session.adapters["https://changed.example.com/"]
        replace(file, BEFORE)
        session.reload()
        assert "https://changed.example.com/" not in session.adapters


def test_connections_of_what_is_kept_stay_open(file: Path, server: Server, other: Server) -> None:
    """And those of what changed are closed."""
    text = f"[mounts.'{server.url}']\n[mounts.'{other.url}']\npool_maxsize = "
    replace(file, text + "3")
    with load_session(file) as session:
        for one in (server, other):
            session.get(one.url)
        connections = open_connections(server, other)
        replace(file, text + "4")
        session.reload()
        gc.collect()
        assert open_connections(server, other) == connections - 1
        for one in (server, other):
            session.get(one.url)
        assert (server.connections, other.connections) == (1, 2)


def open_connections(*servers: Server) -> int:
    """Count the sockets of this process that lead to servers."""
    ports = {server.server_port for server in servers}
    found = [thing for thing in gc.get_objects() if issubclass(type(thing), socket.socket)]
    return sum(_peer(one) in ports for one in found)


def _peer(connection: socket.socket) -> int | None:
    try:
        return int(connection.getpeername()[1])
    except OSError:
        return None


def test_requests_under_way_end_as_they_began(file: Path, server: Server) -> None:
    """One that waits for its headers, a stream, and one that took its adapter just before."""
    replace(file, "[defaults]\npool_maxsize = 3")
    go = threading.Event()

    def answer(handler: Handler) -> Answer:
        if handler.path == "/slow":
            go.wait(20)
            return Answer()
        return Answer(body=b"x" * 1_000_000)

    server.answer = answer
    with load_session(file) as session:
        waiting: list[requests.Response] = []
        thread = threading.Thread(target=lambda: waiting.append(session.get(f"{server.url}/slow")))
        thread.start()
        stream = session.get(server.url, stream=True)
        adapter = session.get_adapter(server.url)
        wait_for(lambda: "GET /slow" in server.requests)
        replace(file, "[defaults]\npool_maxsize = 4")
        assert session.reload().changed == ("https://", "http://")
        assert len(stream.content) == 1_000_000
        late = adapter.send(requests.Request("GET", server.url).prepare())
        assert len(late.content) == 1_000_000
        go.set()
        thread.join()
        assert waiting[0].text == "ok"
        gc.collect()
        assert open_connections(server) == 0
        (stats,) = [stats for stats in session.stats() if stats.prefix == "http://"]
        assert stats.requests == len(server.requests) == 3
        assert (stats.connections, stats.evicted, stats.discarded) == (3, 0, 0)


def test_the_numbers_go_on(file: Path, server: Server) -> None:
    """For a prefix that stays, whether its policy changed or not."""
    replace(file, "[defaults]\npool_maxsize = 3")
    with load_session(file) as session:
        session.get(server.url)
        replace(file, "[defaults]\npool_maxsize = 4")
        session.reload()
        session.get(server.url)
        (stats,) = [stats for stats in session.stats() if stats.prefix == "http://"]
        assert (stats.requests, stats.connections) == (2, 2)


def test_a_new_certificate_is_a_change(file: Path, authority: trustme.CA) -> None:
    """Of the mounts that use it, even if the text of the file is the same."""
    for name in ("one.pem", "two.pem"):
        authority.cert_pem.write_to_path(file.with_name(name))
    replace(
        file,
        "[mounts.'https://one/']\ntls.verify = 'one.pem'\n"
        "[mounts.'https://two/']\ntls.verify = 'two.pem'\n",
    )
    with load_session(file) as session:
        replace(file.with_name("one.pem"), file.with_name("one.pem").read_text() + "\n")
        reloaded = session.reload()
        assert (reloaded.changed, reloaded.kept[0]) == (("https://one/",), "https://two/")
        assert session.reload().changed == ()


@pytest.mark.parametrize("replaced", ["client.pem", "client.key"])
def test_a_new_client_certificate_is_a_change(
    file: Path, authority: trustme.CA, replaced: str
) -> None:
    """And so is a new key."""
    certificate = authority.issue_cert("client@example.com")
    pem, key = file.with_name("client.pem"), file.with_name("client.key")
    certificate.cert_chain_pems[0].write_to_path(pem)
    certificate.private_key_pem.write_to_path(key)
    prefix = "https://one.example.com/"
    replace(
        file, f"[mounts.'{prefix}']\ntls = {{ cert_file = 'client.pem', key_file = 'client.key' }}"
    )
    with load_session(file) as session:
        replace(file.with_name(replaced), file.with_name(replaced).read_text("utf-8"))
        assert session.reload().changed == (prefix,)


def test_a_copy_reloads_too(file: Path) -> None:
    """A session that was pickled finds its file again."""
    replace(file, BEFORE)
    with load_session(file, reload_interval=60) as session:
        copied: MountedSession = pickle.loads(pickle.dumps(session))
        with copied:
            assert copied.reload_interval == 60
            replace(file, AFTER)
            assert copied.reload().changed == ("https://changed.example.com/",)
        assert session.config is not copied.config


def test_thread_sessions_reload_together(file: Path) -> None:
    """Each thread sends by the new table, and knows the new configuration."""
    replace(file, BEFORE)
    with ThreadSessions(file) as sessions:
        session = sessions()
        replace(file, AFTER)
        assert sessions.reload().added == ("https://added.example.com/",)
        assert session.config is sessions.config
        assert "https://added.example.com/" in session.adapters
        replace(file, BEFORE)
        assert session.reload().removed == ("https://added.example.com/",)
        assert "https://added.example.com/" not in sessions.adapters


def test_the_way_of_a_request_looks_at_the_file(
    file: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken or missing file is logged once for each change of it, and nothing changes."""
    replace(file, "[defaults]\npool_maxsize = 3")
    texts = ("[defaults]\npool_maxsize = 4", "nope", "nope", None, "[defaults]\npool_maxsize = 5")
    sizes = []
    with load_session(file, reload_interval=0) as session:
        for text in texts:
            if text is None:
                file.unlink()
            else:
                replace(file, text)
            for _ in range(3):
                session._loaded._due = 0  # A look that took long would be the last for a while.
                session.get(server.url)
            sizes.append(session.config.mounts[0].policy.pool_maxsize)
        session.send(session.prepare_request(requests.Request("GET", server.url)))
    assert sizes == [4, 4, 4, 4, 5]
    errors = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [(record.name, record.levelname) for record in errors] == [
        ("requests_mounts", "ERROR")
    ] * 3
    said = [record.getMessage().replace(str(file), "F").splitlines()[0] for record in errors]
    assert said[0] == said[1]
    assert said[0].startswith("F cannot be reloaded, nothing changes: F:1:5: expected")
    assert said[2].startswith("F cannot be reloaded, nothing changes: [Errno 2] No such file")


def test_a_request_that_was_prepared_before(file: Path, server: Server) -> None:
    """It looks at the file when it is sent."""
    replace(file, "[defaults]\npool_maxsize = 3")
    with load_session(file, reload_interval=0) as session:
        request = session.prepare_request(requests.Request("GET", server.url))
        replace(file, "[defaults]\npool_maxsize = 4")
        assert session.send(request).ok
        assert set(sizes(session).values()) == {4}


def test_a_file_that_is_broken_again(
    file: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged again, even if it is the very file that was there before the right one."""
    right, broken = file.with_name("right"), file.with_name("broken")
    right.write_text("")
    broken.write_text("nope")
    file.hardlink_to(right)
    with load_session(file, reload_interval=0) as session:
        for one in (broken, right, broken):
            file.unlink()
            file.hardlink_to(one)
            session._loaded._due = 0
            session.get(server.url)
    assert [record.name for record in caplog.records].count("requests_mounts") == 2


def test_an_interval_is_kept(file: Path, server: Server) -> None:
    """No request looks at the file again before it is over."""
    replace(file, "[defaults]\npool_maxsize = 3")
    with load_session(file, reload_interval=3600) as session:
        session.get(server.url)
        replace(file, "[defaults]\npool_maxsize = 4")
        session.get(server.url)
        assert session.config.mounts[0].policy.pool_maxsize == 3


def test_a_file_that_was_missing_is_found(file: Path, server: Server) -> None:
    """A file that extends one that is not there yet is tried again, though it has not changed."""
    replace(file, "")
    with load_session(file, reload_interval=0) as session:
        replace(file, "extends = 'base.toml'")
        session.get(server.url)
        file.with_name("base.toml").write_text("[defaults]\npool_maxsize = 7")
        session._loaded._due = 0
        session.get(server.url)
        assert session.config.mounts[0].policy.pool_maxsize == 7
        assert len(session.config.files) == 2


@pytest.mark.parametrize(
    "late",
    [
        lambda config: partial(MountedSession, config),
        lambda config: partial(pickle.loads, pickle.dumps(MountedSession(config))),
    ],
    ids=["a session", "a pickle"],
)
def test_a_file_that_changed_before_there_was_a_session(
    file: Path, server: Server, late: Callable[[Config], Callable[[], MountedSession]]
) -> None:
    """What counts is the version that was read, however long ago."""
    replace(file, "[defaults]\npool_maxsize = 3")
    make = late(load_config(file))
    replace(file, "[defaults]\npool_maxsize = 4")
    with make() as session:
        session.reload_interval = 0
        session.get(server.url)
        assert set(sizes(session).values()) == {4}


def test_a_file_that_changes_while_it_is_read(file: Path, server: Server) -> None:
    """One that is named for the first time, too: the next look reads it again."""
    base = file.with_name("base.toml")
    replace(base, "[defaults]\npool_maxsize = 4")
    replace(file, "")
    with load_session(file, reload_interval=0) as session:
        replace(file, "extends = 'base.toml'")
        with at("read", lambda: replace(base, "[defaults]\npool_maxsize = 5")):
            session.get(server.url)
        assert set(sizes(session).values()) == {4}
        session._loaded._due = 0
        session.get(server.url)
        assert set(sizes(session).values()) == {5}


def test_a_certificate_that_is_replaced_while_the_file_is_read(
    file: Path, authority: trustme.CA
) -> None:
    """The next reload knows that connections were verified by the one before."""
    certificates = file.with_name("ca.pem")
    text = authority.cert_pem.bytes().decode()
    replace(certificates, text)
    replace(file, "[mounts.'https://h/']\ntls.verify = 'ca.pem'")
    with load_session(file) as session:
        with at("read", lambda: replace(certificates, text)):
            assert session.reload().changed == ()
        assert session.reload().changed == ("https://h/",)
        assert session.reload().changed == ()


def test_a_copy_in_this_process_has_the_same_variables(file: Path) -> None:
    """Those that its session was loaded with, and not the environment's."""
    replace(file, "[defaults]\nheaders = { X = '${SIEGE}' }")
    with load_session(file, environ={"SIEGE": "one"}) as session:
        assert copy.deepcopy(session).reload().changed == ()


def test_a_look_does_not_wait(file: Path, server: Server) -> None:
    """While one thread reads the file, the others send."""
    replace(file, "")
    with load_session(file, reload_interval=0) as session, loaded._lock:
        thread = threading.Thread(target=lambda: session.get(server.url))
        thread.start()
        thread.join(30)
        assert not thread.is_alive()


MOMENTS = {
    "looked at": (loaded, "versions", "before"),
    "read": (loaded, "load_again", "after"),
    "checked": (MountTable, "exchange", "before"),
    "exchanged": (MountTable, "exchange", "after"),
}


@contextmanager
def at(moment: str, act: Callable[[], object]) -> Iterator[None]:
    """Act once in the middle of a reload, as the handler of a signal may."""
    place, name, when = MOMENTS[moment]
    called = getattr(place, name)
    acts = [act]

    def interrupted(*args: Any) -> Any:
        if when == "before" and acts:
            acts.pop()()
        found = called(*args)
        if when == "after" and acts:
            acts.pop()()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, interrupted)
        yield
    assert not acts


def sizes(session: MountedSession) -> dict[str, int]:
    """Return the sizes of the pools, which have to be those of the configuration."""
    found = {prefix: vars(adapter)["_pool_maxsize"] for prefix, adapter in session.adapters.items()}
    assert found == {mount.text: mount.policy.pool_maxsize for mount in session.config.mounts}
    return found


SIZES = """
[defaults]
pool_maxsize = 3
[mounts."https://kept/"]
pool_maxsize = 1
[mounts."https://old/"]
"""
NEWER = SIZES.replace("3", "4").replace("old", "new")
NEWEST = SIZES.replace("3", "5").replace("old", "newest")
EXPECTED = {"https://newest/": 5, "https://kept/": 1, "https://": 5, "http://": 5}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_reload_in_the_handler_of_a_signal(file: Path, moment: str) -> None:
    """The one that it interrupts reads the newest file too, and tells of both."""
    replace(file, SIZES)
    with load_session(file) as session:
        nested: list[Reloaded] = []

        def handle() -> None:
            replace(file, NEWEST)
            nested.append(session.reload())

        replace(file, NEWER)
        kept = session.adapters["https://kept/"]
        with at(moment, handle):
            assert session.reload() == Reloaded(
                added=("https://newest/",),
                removed=("https://old/",),
                changed=("https://", "http://"),
                kept=("https://kept/",),
            )
        assert nested == [Reloaded()]
        assert sizes(session) == EXPECTED
        assert session.adapters["https://kept/"] is kept
        replace(file, SIZES)
        assert session.reload().changed == ("https://", "http://")
        assert set(sizes(session).values()) == {1, 3}


@pytest.mark.parametrize("missing", [False, True])
def test_a_handler_asks_for_a_file_that_was_mended(file: Path, *, missing: bool) -> None:
    """The reload that it interrupts has read the broken one, or none, and does not raise."""
    replace(file, SIZES)
    with load_session(file) as session:

        def handle() -> None:
            replace(file, NEWEST)
            session.reload()

        load_again = loading.load_again
        with pytest.MonkeyPatch.context() as patch:

            def interrupted(config: Config) -> Config:
                patch.setattr(loaded, "load_again", load_again)
                try:
                    return load_again(config)
                finally:
                    handle()

            patch.setattr(loaded, "load_again", interrupted)
            replace(file, "[broken")
            if missing:
                file.unlink()
            assert session.reload().added == ("https://newest/",)
        assert sizes(session) == EXPECTED


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_reload_that_is_interrupted(file: Path, moment: str) -> None:
    """By Ctrl-C, or an error in the handler of a signal: the next one does it all."""
    replace(file, SIZES)
    with load_session(file) as session:

        def interrupt() -> None:
            raise KeyboardInterrupt

        for text in (NEWER, NEWEST):
            replace(file, text)
            with at(moment, interrupt), pytest.raises(KeyboardInterrupt):
                session.reload()
        session.reload()
        assert sizes(session) == EXPECTED


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_setting_that_is_taken_back_after_an_interrupted_reload(file: Path, moment: str) -> None:
    """The next reload finds the file as it was, and the adapters become so again."""
    replace(file, SIZES)
    with load_session(file) as session:

        def interrupt() -> None:
            raise KeyboardInterrupt

        replace(file, NEWER)
        with at(moment, interrupt), pytest.raises(KeyboardInterrupt):
            session.reload()
        replace(file, SIZES)
        session.reload()
        expected = {"https://old/": 3, "https://kept/": 1, "https://": 3, "http://": 3}
        assert sizes(session) == expected
        del session.adapters["https://old/"]
        replace(file, f"{SIZES}# What code removed stays so.")
        session.reload()
        assert "https://old/" not in session.adapters


def test_a_copy_of_the_outside_reloads_alone(file: Path) -> None:
    """As `copy.copy` makes one, with adapters of its own."""
    replace(file, "[defaults]\npool_maxsize = 3")
    with load_session(file) as session, copy.copy(session) as other:
        replace(file, "[defaults]\npool_maxsize = 4")
        assert session.reload().changed == ("https://", "http://")
        assert sizes(session) == {"https://": 4, "http://": 4}
        assert sizes(other) == {"https://": 3, "http://": 3}


def test_what_is_kept_offline_is_refused_still(file: Path, server: Server) -> None:
    """A setting that lacks its variable lacks it after a reload."""
    text = f"[mounts.'{server.url}']\npool_maxsize = '${{LACKS}}'"
    replace(file, text)
    with load_session(file, offline=True) as session:
        replace(file, f"{text}\n# the same")
        assert not session.reload().changed
        with pytest.raises(MountsError, match="LACKS"):
            session.get(server.url)
    assert server.connections == 0


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_of_a_session_that_reloads(
    file: Path, moment: str, copied: Callable[[Any], Any]
) -> None:
    """It is as before the reload, or as after it, and reloads like any other."""
    replace(file, SIZES)
    with load_session(file) as session:
        copies: list[MountedSession] = []
        thread = threading.Thread(target=lambda: copies.append(copied(session)))

        def act() -> None:
            thread.start()
            thread.join(0.3)

        replace(file, NEWER)
        with at(moment, act):
            session.reload()
        thread.join()
        (other,) = copies
        with other:
            assert sizes(other) == sizes(session)
            replace(file, NEWEST)
            other.reload()
            assert sizes(other) == EXPECTED


def test_reload_under_load(file: Path, server: Server, other: Server) -> None:
    """No request fails, what is unchanged keeps its connections, and no socket is left."""
    text = f"[mounts.'{server.url}']\npool_maxsize = 12\n[mounts.'{other.url}']\npool_maxsize = "
    replace(file, f"{text}20")
    over = threading.Event()
    failures: list[BaseException] = []
    answers: list[bool] = []
    server.answer = other.answer = lambda handler: Answer(body=handler.path.encode())

    def work(number: int) -> None:
        try:
            for count in itertools.count():
                path = f"/{number}/{count}"
                url = (server, other)[count % 2].url + path
                answers.append(session.get(url).text == path)
                if over.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test fails
            failures.append(error)

    with load_session(file, reload_interval=0) as session:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for number in range(60):
            broken = number % 4 == 0
            replace(file, "[broken" if broken else f"{text}{20 + number}")
            session.mount(f"https://code{number}/", HTTPAdapter())
            with pytest.raises(ConfigError) if broken else nullcontext():
                session.reload()
            sent = len(answers)
            wait_for(lambda sent=sent: len(answers) > sent + 3)  # type: ignore[misc]
        over.set()
        for thread in threads:
            thread.join()
        assert not failures
        assert all(answers)
        assert len(answers) == len(server.requests) + len(other.requests)
        assert sum(key.startswith("https://code") for key in session.adapters) == 60
        assert server.connections <= 12
        assert server.connections < other.connections
        assert [stats.requests for stats in session.stats() if stats.requests] == [
            len(one.requests) for one in (server, other)
        ]
        gc.collect()
        assert open_connections(server, other) <= 24
    gc.collect()
    assert open_connections(server, other) == 0


def test_a_mount_that_is_gone_warns_of_nothing(file: Path, server: Server) -> None:
    """An adapter of a prefix that the file has no more has no line to name."""
    replace(file, f"[mounts.'{server.url}']\npool_connections = 1")
    with load_session(file) as session:
        adapter = session.get_adapter(server.url)
        assert isinstance(adapter, MountAdapter)
        replace(file, "")
        assert session.reload().removed == (f"{server.url}/",)
        adapter.counters.count("discarded")


def test_a_pool_that_is_closed_is_retired_too(file: Path, server: Server) -> None:
    """Code may have closed it."""
    replace(file, "[defaults]\npool_maxsize = 3")
    with load_session(file) as session:
        session.get(server.url)
        adapter = session.get_adapter(server.url)
        assert isinstance(adapter, MountAdapter)
        (pool,) = adapter.counters.pools()
        pool.close()
        replace(file, "[defaults]\npool_maxsize = 4")
        session.reload()
        assert session.get(server.url).text == "ok"


def test_a_retired_adapter_stays_retired(file: Path, server: Server) -> None:
    """A thread that has just made its pool manager keeps no connection by it."""
    replace(file, "[defaults]\npool_maxsize = 3")
    with load_session(file) as session:
        adapter: Any = session.get_adapter(server.url)
        made = type(adapter).poolmanager.func(adapter)  # In the middle of making it.
        replace(file, "[defaults]\npool_maxsize = 4")
        session.reload()
        assert vars(adapter).setdefault("poolmanager", made) is not made
        assert adapter.send(requests.Request("GET", server.url).prepare()).text == "ok"
        gc.collect()
        assert open_connections(server) == 0


def test_a_retired_adapter_keeps_no_connection_by_a_proxy(
    file: Path, server: Server, other: Server
) -> None:
    """Not even to a host that it has not asked before."""
    with SocksProxy() as proxy:
        replace(file, f"[defaults]\nproxy = '{proxy.url}'")
        with load_session(file) as session:
            adapter = session.get_adapter(server.url)
            session.get(server.url)
            replace(file, f"[defaults]\nproxy = '{proxy.url}'\npool_maxsize = 3")
            session.reload()
            for _ in range(2):
                assert adapter.send(requests.Request("GET", other.url).prepare()).text == "ok"
        assert proxy.connections == 3


def test_a_request_under_way_by_a_proxy_leaves_no_connection(file: Path, server: Server) -> None:
    """Its own is closed when it ends, even if somebody keeps the pool."""
    with SocksProxy() as proxy:
        replace(file, f"[defaults]\nproxy = '{proxy.url}'")
        with load_session(file) as session:
            stream = session.get(server.url, stream=True)
            (pool,) = adapter_of(session, server.url).counters.pools()
            replace(file, f"[defaults]\nproxy = '{proxy.url}'\npool_maxsize = 3")
            session.reload()
            assert stream.text == "ok"
            assert pool.state()["idle"] == 0


GUARDED = """
[defaults]
pool_maxsize = 3
limit = { rate = 1000, concurrency = 3 }
breaker = { failures = 3 }
retry_budget = { tokens = 3 }
"""


def test_a_signal_may_come_while_any_lock_is_held(file: Path, server: Server) -> None:
    """Its handler reloads in the thread that has the lock, and does not wait for itself."""
    replace(file, GUARDED)
    with load_session(file) as session:
        session.get(server.url)
        adapter: Any = session.get_adapter(server.url)
        (pool,) = adapter.counters.pools()
        guard = adapter.guard
        states = (guard.limits, guard.breakers, guard.budgets)
        one_of_each = [state.of(server.url) for state in states]
        locks = [pool.pool.mutex, *(one._lock for one in (*states, *one_of_each))]

        def handle() -> None:
            for size, lock in enumerate(locks, 4):
                replace(file, GUARDED.replace("= 3", f"= {size}"))
                with lock:
                    session.reload()
                assert session.get(server.url).text == "ok"

        thread = threading.Thread(target=handle, daemon=True)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
        assert [state.of(server.url).options for state in states] == [
            session.config.mounts[0].policy.limit,
            session.config.mounts[0].policy.breaker,
            session.config.mounts[0].policy.retry_budget,
        ]
        assert one_of_each[0]._permits == 3 + len(locks)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_the_caller_is_heard_by_a_mount_that_is_made_meanwhile(
    file: Path, server: Server, server_tls: ssl.SSLContext, authority_file: str
) -> None:
    """``verify=True`` goes along a redirect, and wins over a file that is loaded on the way."""
    replace(file, "")
    with load_session(file) as session, Server(tls=server_tls) as secure:

        def answer(_: Handler) -> Answer:
            replace(file, f"[mounts.'{secure.url}']\ntls.verify = false")
            session.reload()
            return Answer(302, {"Location": secure.url})

        server.answer = answer
        with pytest.raises(requests.exceptions.SSLError):
            session.get(server.url, verify=True)
        assert session.get(server.url).text == "ok"
        assert session.get(server.url, verify=authority_file).text == "ok"


def test_a_signal_may_come_while_a_state_is_made() -> None:
    """It goes on under the options that the handler has brought."""
    options = [BudgetOptions(tokens=4), BudgetOptions(tokens=6)]

    def make(given: BudgetOptions) -> Budget:
        states.change(options[1])
        return Budget(given)

    states = States(make, options[0])
    assert states.of("https://h:443").options is options[1]


def test_an_error_names_the_line_of_the_newer_file(server: Server, file: Path) -> None:
    """Also by an adapter that stayed, on a copy of the session, and on one of requests' own."""
    server.answer = lambda _: Answer(body=b"too much")
    text = f"[mounts.'{server.url}']\nmax_body_size = 7\n"
    file.write_text(text)
    with load_session(file) as session:
        file.write_text(f"# one more line\n{text}")
        assert session.reload().kept
        plain = mount(requests.Session(), session.config)
        with pickle.loads(pickle.dumps(session)) as copied, copy.deepcopy(plain) as others:
            for one in (session, copied, plain):
                with pytest.raises(BodyTooLarge, match=rf"\({re.escape(str(file))}:3\)$"):
                    one.get(server.url)
            with pytest.raises(BodyTooLarge, match=rf" of {server.url}/$"):
                others.get(server.url)
        plain.close()
