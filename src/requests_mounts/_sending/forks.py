"""What a forked child does before anything else: locks and connections are its parent's."""

import os
from collections.abc import Callable


def around_forks(
    *,
    in_child: Callable[[], object],
    before: Callable[[], object] = lambda: None,
    in_parent: Callable[[], object] = lambda: None,
) -> None:
    """Call functions around each fork from now on; they are never forgotten.

    On Windows nothing forks, and nothing is done.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
