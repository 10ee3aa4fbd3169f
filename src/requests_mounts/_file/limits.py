"""Limits, breakers and retry budgets as a file says them, in frozen values."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.dataclasses import dataclass
from pydantic_core import CoreSchema, PydanticCustomError

from requests_mounts._file.tables import CONFIG, EXTENDING
from requests_mounts._file.types import LARGEST, Expected, Limit, Seconds, Status

INCOMPLETE: Final = "incomplete"
"""The type of an error that other keys beside those of the table would mend."""

_Rate: TypeAlias = Annotated[
    float,
    Field(strict=True, gt=0),
    Expected("a number above 0, or inf for no limit"),
    WithJsonSchema({"type": ["number", "null"], "exclusiveMinimum": 0}),
]
_Period: TypeAlias = Annotated[
    float, Field(strict=True, gt=0, allow_inf_nan=False), Expected("seconds, a number above 0")
]
_Positive: TypeAlias = Annotated[
    int, Field(strict=True, ge=1, le=LARGEST), Expected("an integer of 1 or more")
]
_Ratio: TypeAlias = Annotated[
    float, Field(strict=True, gt=0, le=1), Expected("a number above 0, at most 1")
]
_Refund: TypeAlias = Annotated[
    float, Field(strict=True, ge=0, allow_inf_nan=False), Expected("a number of 0 or more")
]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class LimitOptions:
    """How fast attempts are sent, and how many at a time; `rate` or `concurrency` is required."""

    rate: _Rate | None = None
    """Attempts that are sent per `per` seconds, retries and hops of redirects included."""

    per: _Period = 1
    """The seconds that `rate` counts in."""

    burst: _Positive = 1
    """Attempts that may follow each other at once after a time of rest."""

    concurrency: _Positive | None = None
    """Attempts at a time; one that is streamed lasts until its body is read or closed."""

    max_wait: Limit = 30
    """The longest wait, in seconds, that an attempt accepts; beyond it raises LimitExceeded."""

    max_pause: Limit = 60
    """The longest pause, in seconds, that a Retry-After header may ask for; 0 ignores servers."""

    scope: Annotated[Literal["origin", "limit"], Expected('"origin" or "limit"')] = "origin"
    """Whether each origin has its own count, or all that share the limit have one together."""


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class BreakerOptions:
    """When to refuse what fails anyway; either `failures` or `ratio` is required."""

    failures: _Positive | None = None
    """Failed attempts in a row that open the circuit."""

    ratio: _Ratio | None = None
    """The share of failed attempts within `window` that opens the circuit."""

    window: _Period = 30
    """The seconds that `ratio` looks back, in ten slices."""

    minimum: _Positive = 10
    """Attempts within `window` below which `ratio` judges nothing."""

    open_for: _Period = 30
    """Seconds that an open circuit refuses, before it lets probes pass."""

    max_open_for: Seconds = 300
    """The longest such time, in seconds, which doubles whenever a probe fails."""

    probes: _Positive = 1
    """Attempts that have to succeed for the circuit to close, all of which may pass at a time."""

    statuses: tuple[Status, ...] = (500, 502, 503, 504)
    """Statuses that count as failures."""


@dataclass(frozen=True, slots=True, kw_only=True, config=EXTENDING)
class BudgetOptions:
    """For what share of requests there are retries (gRPC's proposal A6)."""

    tokens: _Positive
    """What the budget holds at most, and at the start; retries go out while it is above half."""

    refund: _Refund = 0.1
    """What a success gives back; a failed attempt that would be sent again costs 1."""


def _whole_limit(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Check which keys stand beside each other, once each of them is right by itself."""
    options = handler(value)
    if isinstance(value, dict):
        if not value.keys() & {"rate", "concurrency"}:
            raise PydanticCustomError(INCOMPLETE, "a table with rate or concurrency")
        _check_beside("rate", ("per", "burst"), value)
    return options


def _whole_breaker(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    options = handler(value)
    if isinstance(value, dict):
        if len(value.keys() & {"failures", "ratio"}) != 1:
            raise PydanticCustomError(INCOMPLETE, "a table with either failures or ratio")
        _check_beside("ratio", ("window", "minimum"), value)
        if options.open_for > options.max_open_for:
            said = "open_for (30 if not set) of at most max_open_for (300 if not set)"
            raise PydanticCustomError(INCOMPLETE, said)
    return options


def _check_beside(needed: str, keys: tuple[str, ...], table: dict[str, Any]) -> None:
    """Refuse keys that mean nothing without another."""
    lone = [key for key in keys if key in table]
    if lone and needed not in table:
        raise PydanticCustomError(INCOMPLETE, f"{needed} beside {' and '.join(lone)}")


def _table_or_name(value: Any) -> Any:
    if not isinstance(value, dict | LimitOptions):
        raise PydanticCustomError("expected", "the name of a table in [limits], or a table")
    return value


class _OrName:
    """Says in the schema that a name may stand in the place of a table, which is put there."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(schema)]}


LimitTable: TypeAlias = Annotated[LimitOptions, WrapValidator(_whole_limit)]
LimitOrName: TypeAlias = Annotated[LimitTable, BeforeValidator(_table_or_name), _OrName()]
BreakerTable: TypeAlias = Annotated[BreakerOptions, WrapValidator(_whole_breaker)]
