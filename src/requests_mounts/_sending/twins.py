"""Classes made at run time: one of urllib3, or of a tool in its place, under one of ours.

Which class it is shows only when there is an object of it, as tools replace urllib3's classes and
users derive from them. The name stays, because it is part of urllib3's messages.
"""

from functools import lru_cache
from typing import Any


def twin(ours: type, theirs: type) -> Any:
    """Return a class that asks ours before theirs; every method of ours has to call `super`."""
    return _make(ours, theirs)


@lru_cache(maxsize=64)
def _make(ours: type, theirs: type) -> type:
    if issubclass(theirs, ours):
        return theirs
    return type(theirs.__name__, (ours, theirs), {"__module__": theirs.__module__})
