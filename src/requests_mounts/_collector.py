"""A pause of the garbage collector, while what is made in great numbers is made to stay."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_MANY = 10_000
"""New objects, which the collector walks through in less than a millisecond."""

_pauses: list[None] = []
"""One for each pause that is under way."""


@contextmanager
def paused_collector() -> Iterator[None]:
    """Keep the garbage collector from walking through what has just been made, again and again.

    It starts whenever there are a quarter more objects than before, which for a file of 100,000
    mounts is a third of the time to load it, and it finds nothing. If much is new afterwards, it
    counts as old at once, as it would after three more walks. If it is off, it stays off.
    """
    if not gc.isenabled():
        yield
        return
    _pauses.append(None)
    gc.disable()
    try:
        yield
    finally:
        del _pauses[-1:]
        # What a program has frozen would thaw. Python freezes a few again that are its own.
        if gc.get_count()[0] > _MANY > gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()


def _end_all() -> None:
    """End the pauses of other threads in a forked child, which does not have these threads."""
    if _pauses:
        _pauses.clear()
        gc.enable()


if hasattr(os, "register_at_fork"):  # pragma: no branch - nothing forks on Windows
    os.register_at_fork(after_in_child=_end_all)
