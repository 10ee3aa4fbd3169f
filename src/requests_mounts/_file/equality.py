"""When two settings are the same.

Python says that ``False == 0`` and ``True == 1``, and a policy means something else by each: the
retries ``read = false`` raise the error that ``read = 0`` wraps. Whatever compares settings, or
keeps what it made from them under a key, asks here.
"""

from collections.abc import Hashable
from dataclasses import fields, is_dataclass
from typing import Any

from requests_mounts._secret import Secret, reveal


def identity(value: Any) -> Hashable:
    """Return what is equal for the same settings, and only for these; it holds what is secret.

    1 and 1.0 are the same, false and 0 are not. A secret is the same as the text that it holds.
    """
    match value:
        case bool():
            return (bool, value)
        case Secret():
            return (Secret, str(value)) if value.missing else reveal(value)
        case tuple() | list():
            return (tuple, *map(identity, value))
        case _ if is_dataclass(value):
            settings = (identity(getattr(value, field.name)) for field in fields(value))
            return (type(value), *settings)
        case _:
            return value  # type: ignore[no-any-return]


def same(one: object, other: object) -> bool:
    """Tell whether two settings, or two policies, mean the same."""
    return identity(one) == identity(other)
