"""The pause of the garbage collector while a file is loaded."""

import gc
import os
from collections.abc import Callable, Iterator

import pytest

from requests_mounts import ConfigError, MountedSession, parse_config
from requests_mounts._collector import _end_all, paused_collector


@pytest.fixture
def collections() -> Iterator[list[int]]:
    """The generations of all collections, other than those that end a pause."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            found.append(info["generation"])

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


def test_nothing_is_collected_while_a_file_is_loaded(collections: list[int]) -> None:
    """Afterwards the collector runs as before, and looks at what was made once."""
    text = "".join(
        f"[mounts.'https://h{number}.example.com/']\npool_maxsize = {1 + number}\n"
        for number in range(2000)
    )
    gc.collect()
    collections.clear()
    with MountedSession(parse_config(text)) as session:
        session.get_adapter("https://h1.example.com/")
        assert len(collections) < 20  # More than a hundred without the pause.
    assert gc.isenabled()


def test_an_error_ends_the_pause() -> None:
    """The collector is on again."""
    with pytest.raises(ConfigError):
        parse_config("[mounts")
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    """Programs that collect when it suits them are left alone."""
    gc.disable()
    try:
        with paused_collector():
            assert not gc.isenabled()
        parse_config("")
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(("number", "generation"), [(50_000, 2), (100, 0)])
def test_what_is_made_in_great_numbers_counts_as_old(number: int, generation: int) -> None:
    """The collector does not walk through it thrice before it knows; little is left to it."""
    gc.collect()
    with paused_collector():
        made: list[list[int]] = [[] for _ in range(number)]
        last = made[-1]
    gc.disable()  # Else what this makes would start it.
    try:
        assert any(last is one for one in gc.get_objects(generation))
    finally:
        gc.enable()


def test_what_is_frozen_stays_frozen() -> None:
    """Programs that freeze what they share with their children are left alone."""
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with paused_collector():
            made: list[list[int]] = [[] for _ in range(50_000)]
        assert gc.get_freeze_count() == frozen
        assert made
    finally:
        gc.unfreeze()


def test_a_child_that_is_forked_in_a_pause() -> None:
    """Nobody ends the pause there, so that it is over at once; if there is none, nothing changes."""
    with paused_collector():
        assert in_a_child(gc.isenabled)
        assert not gc.isenabled()
    assert in_a_child(gc.isenabled)
    gc.disable()
    try:
        assert not in_a_child(gc.isenabled)
    finally:
        gc.enable()


def test_what_a_child_does() -> None:
    """A pause that is over already ends without an error."""
    with paused_collector():
        _end_all()
        assert gc.isenabled()
        _end_all()


def in_a_child(tell: Callable[[], bool]) -> bool:
    """Fork, and return what the child tells."""
    child = os.fork()
    if child == 0:
        os._exit(tell())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
