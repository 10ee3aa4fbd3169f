"""The types of the numbers and words in a file, each with the words for it in diagnostics."""

import dataclasses
import re
from math import inf
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from requests_mounts._secret import Secret, reveal


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """The words for a type in diagnostics: whatever is wrong with a value, this was expected."""

    words: str

    def __get_pydantic_core_schema__(
        self, source: type, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.custom_error_schema(
            handler(source), custom_error_type="expected", custom_error_message=self.words
        )


def _only_false(value: object) -> object:
    if value is not False:
        raise ValueError("not false")
    return value


def _reveal_word(value: object) -> object:
    """Take a word that a variable gives as if it were written, as it can only be one of few."""
    return reveal(value) if isinstance(value, Secret) else value


WORD = BeforeValidator(_reveal_word)
"""For a string that is one of few, or is shown anyway: what a variable gives is as if written."""


def bounded(seconds: float) -> float:
    """Take what the system's clocks cannot count, some years, for no limit."""
    return seconds if seconds <= _LONGEST_WAIT else inf


_LONGEST_WAIT = 1e8

LARGEST = 2**53 - 1
"""The largest integer that JSON and a float hold as it is."""

TABLE, ARRAY, SCALAR = "<table>", "<array>", "<scalar>"
"""The names of the alternatives where a value may have several shapes."""

TABLE_OR_SCALAR = Discriminator(
    lambda value: TABLE if isinstance(value, dict) or dataclasses.is_dataclass(value) else SCALAR
)
ARRAY_OR_SCALAR = Discriminator(lambda value: ARRAY if isinstance(value, (list, tuple)) else SCALAR)

PoolSize: TypeAlias = Annotated[
    int, Field(strict=True, ge=1, le=65535), Expected("an integer from 1 to 65535")
]
Flag: TypeAlias = Annotated[bool, Field(strict=True), Expected("true or false")]
# Not Literal[False] alone, which takes 0 and 0.0 for false.
OnlyFalse: TypeAlias = Annotated[
    Literal[False],
    BeforeValidator(_only_false),
    WithJsonSchema({"type": "boolean", "const": False}),
]
Count: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=0, le=LARGEST)] | OnlyFalse,
    Expected("an integer of 0 or more, or false"),
]
Duration: TypeAlias = Annotated[
    float, Field(strict=True, ge=0, allow_inf_nan=False), Expected("seconds, a number of 0 or more")
]
# JSON has no inf: editors take it for null.
_FROM_ZERO = WithJsonSchema({"type": ["number", "null"], "minimum": 0})
_ABOVE_ZERO = WithJsonSchema({"type": ["number", "null"], "exclusiveMinimum": 0})
Limit: TypeAlias = Annotated[
    float,
    Field(strict=True, ge=0),
    AfterValidator(bounded),
    Expected("seconds, a number of 0 or more, or inf for no limit"),
    _FROM_ZERO,
]
Seconds: TypeAlias = Annotated[
    float,
    Field(strict=True, gt=0),
    AfterValidator(bounded),
    Expected("seconds, a number above 0, or inf for no limit"),
    _ABOVE_ZERO,
]
Bytes: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
    | Annotated[float, Field(strict=True, ge=inf)],
    Expected("bytes, an integer of 0 or more, or inf for no limit"),
    WithJsonSchema({"type": ["integer", "null"], "minimum": 0}),
]
Status: TypeAlias = Annotated[
    int, Field(strict=True, ge=100, le=599), Expected("an HTTP status, an integer from 100 to 599")
]
NAME = r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$"
"""A token (RFC 9110, section 5.6.2), as methods and headers have for a name."""

Method: TypeAlias = Annotated[
    str,
    StringConstraints(strict=True, to_upper=True, pattern=NAME),
    WORD,
    Expected("an HTTP method"),
]
HeaderName: TypeAlias = Annotated[
    str,
    StringConstraints(strict=True, pattern=NAME),
    WORD,
    Expected("the name of a header"),
]
Methods: TypeAlias = Annotated[
    Annotated[tuple[Method, ...], Field(min_length=1), Tag(ARRAY)]
    | Annotated[Literal["any"], WORD, Expected('an array of HTTP methods, or "any"'), Tag(SCALAR)],
    ARRAY_OR_SCALAR,
]


def _version(value: object) -> object:
    """Read 1.2 and TLSv1_2 as the TLSv1.2 of the ssl module."""
    value = _reveal_word(value)
    found = _VERSION.fullmatch(value) if isinstance(value, str) else None
    return f"TLSv1{found[1].replace('_', '.')}".removesuffix(".0") if found else value


_VERSION = re.compile(r"(?:TLSv)?1((?:[._][0-3])?)")
_VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

Revealed: TypeAlias = Annotated[str, StringConstraints(strict=True, min_length=1), WORD]
"""A text that is shown, even if a variable holds it."""

Name: TypeAlias = Annotated[Revealed, Expected("a string that is not empty")]
Version: TypeAlias = Annotated[
    Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
    BeforeValidator(_version),
    Expected("TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"),
    WithJsonSchema({"enum": [*_VERSIONS, "1.0", "1.1", "1.2", "1.3"]}),
]
Code: TypeAlias = Annotated[
    Literal[
        "no-timeout",
        "no-verify",
        "no-backoff",
        "forcelist-without-retries",
        "long-retry-after",
        "endless-pool-wait",
        "endless-limit-wait",
        "two-limits",
        "short-window",
        "unreached-minimum",
        "unused-budget",
        "unused-no-proxy",
        "unused-pools",
        "redundant-mount",
        "literal-star",
        "network-prefix",
        "http-twin",
        "long-request",
        "wide-secret",
        "literal-secret",
        "plain-secret",
    ],
    WORD,
    Expected("the code of a warning, such as no-timeout"),
]
AddressFamily: TypeAlias = Annotated[
    Literal["any", "ipv4", "ipv6"], WORD, Expected('"any", "ipv4" or "ipv6"')
]
Probe: TypeAlias = Annotated[
    int, Field(strict=True, ge=1, le=32767), Expected("an integer from 1 to 32767")
]
