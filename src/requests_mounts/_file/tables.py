"""How pydantic validates the tables of a file."""

from typing import Any

from pydantic import ConfigDict


def _require_nothing(schema: dict[str, Any]) -> None:
    del schema["required"]


CONFIG = ConfigDict(extra="forbid", defer_build=True)
"""No other keys; what validates a table is built when there is one."""

EXTENDING = CONFIG | ConfigDict(json_schema_extra=_require_nothing)
"""The same where what is required may stand in the table that this one extends."""
