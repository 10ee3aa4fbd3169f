"""A `functools.cached_property` without a lock, as Python has it since 3.12.

Before that, one lock for all objects of a class is held while a value is made. A thread that waits
for another lock meanwhile can wait forever for the thread that has it, and a forked child for a
thread of its parent.
"""

import functools
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property"]

if TYPE_CHECKING:
    from functools import cached_property
else:

    class cached_property(functools.cached_property):  # noqa: N801 - as Python's own
        """Made when it is first asked for; what is put in its place meanwhile stays."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            """Return the value of an object, made by the first thread that is done."""
            if instance is None:
                return self
            return instance.__dict__.setdefault(self.attrname, self.func(instance))
