"""What a file may say, as frozen values: the policy of a prefix, and the file around it.

The docstrings are the descriptions of the JSON Schema. The defaults are those of
`requests.adapters.HTTPAdapter` and `urllib3.Retry`; a test holds them against the installed ones.
"""

import dataclasses
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass
from pydantic_core import CoreSchema, core_schema


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


TABLE, ARRAY, SCALAR = "<table>", "<array>", "<scalar>"
"""The names of the alternatives where a value may have several shapes."""

_TABLE_OR_SCALAR = Discriminator(
    lambda value: TABLE if isinstance(value, dict) or dataclasses.is_dataclass(value) else SCALAR
)
_ARRAY_OR_SCALAR = Discriminator(
    lambda value: ARRAY if isinstance(value, (list, tuple)) else SCALAR
)

PoolSize: TypeAlias = Annotated[
    int, Field(strict=True, ge=1, le=65535), Expected("an integer from 1 to 65535")
]
Flag: TypeAlias = Annotated[bool, Field(strict=True), Expected("true or false")]
Count: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=0)] | Literal[False],
    Expected("an integer of 0 or more, or false"),
]
Duration: TypeAlias = Annotated[
    float, Field(strict=True, ge=0, allow_inf_nan=False), Expected("seconds, a number of 0 or more")
]
Limit: TypeAlias = Annotated[
    float,
    Field(strict=True, ge=0),
    Expected("seconds, a number of 0 or more, or inf for no limit"),
    WithJsonSchema(
        {"type": ["number", "null"], "minimum": 0}
    ),  # JSON has no inf: editors say null.
]
Status: TypeAlias = Annotated[
    int, Field(strict=True, ge=100, le=599), Expected("an HTTP status, an integer from 100 to 599")
]
_NAME = r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$"
Method: TypeAlias = Annotated[
    str, StringConstraints(strict=True, to_upper=True, pattern=_NAME), Expected("an HTTP method")
]
HeaderName: TypeAlias = Annotated[
    str, StringConstraints(strict=True, pattern=_NAME), Expected("the name of a header")
]
Methods: TypeAlias = Annotated[
    Annotated[tuple[Method, ...], Field(min_length=1), Tag(ARRAY)]
    | Annotated[Literal["any"], Expected('an array of HTTP methods, or "any"'), Tag(SCALAR)],
    _ARRAY_OR_SCALAR,
]

_CONFIG = ConfigDict(extra="forbid", defer_build=True)


def _total_may_be_inherited(schema: dict[str, Any]) -> None:
    del schema["required"]


@dataclass(
    frozen=True,
    slots=True,
    kw_only=True,
    config=_CONFIG | ConfigDict(json_schema_extra=_total_may_be_inherited),
)
class RetryOptions:
    """Every option of `urllib3.Retry` under its own name, but for its history."""

    total: Count
    """Retries in all, whatever the cause; required, here or in the table that this one extends."""

    connect: Count | None = None
    """Retries after errors of connecting; by default as many as `total` allows."""

    read: Count | None = None
    """Retries after errors of reading, when the server may have acted; false raises them."""

    redirect: Count | None = None
    """Redirects that urllib3 follows; without effect, as requests follows redirects itself."""

    status: Count | None = None
    """Retries after a status in `status_forcelist`."""

    other: Count | None = None
    """Retries after any other error, as a broken TLS handshake."""

    allowed_methods: Methods = ("DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE")
    """Methods that are sent again after an error of reading or a status; "any" for all methods."""

    status_forcelist: tuple[Status, ...] = ()
    """Statuses that are answered with a retry."""

    backoff_factor: Duration = 0
    """The wait before retry n is `backoff_factor * 2 ** (n - 1)` seconds, none before the first."""

    backoff_max: Limit = 120
    """The longest such wait, in seconds."""

    backoff_jitter: Duration = 0
    """At most so many random seconds are added to each wait."""

    raise_on_redirect: Flag = True
    """Raise when `redirect` is used up, instead of returning the response."""

    raise_on_status: Flag = True
    """Raise when `status` is used up, instead of returning the last response."""

    respect_retry_after_header: Flag = True
    """Wait as long as the Retry-After header of a 413, 429 or 503 asks."""

    retry_after_max: Limit = 21600
    """The longest wait, in seconds, that a Retry-After header may ask for."""

    remove_headers_on_redirect: tuple[HeaderName, ...] = (
        "Authorization",
        "Cookie",
        "Proxy-Authorization",
    )
    """Headers not sent on to another host; without effect, as requests has a rule of its own."""


MaxRetries: TypeAlias = Annotated[
    Annotated[
        int,
        Field(strict=True, ge=0),
        Expected("an integer of 0 or more, or a table of urllib3.Retry's options"),
        Tag(SCALAR),
    ]
    | Annotated[RetryOptions, Tag(TABLE)],
    _TABLE_OR_SCALAR,
]


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Policy:
    """How requests to the URLs of one prefix are sent."""

    pool_connections: PoolSize = 10
    """Connection pools kept, one for each origin; the least recently used is dropped first."""

    pool_maxsize: PoolSize = 10
    """Connections that a pool keeps for reuse."""

    max_retries: MaxRetries = 0
    """What `HTTPAdapter(max_retries=...)` takes: retries of failed connections, or a table."""

    pool_block: Flag = False
    """Never open more than `pool_maxsize` connections in a pool; wait for a free one instead."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class File:
    """Settings of a requests session for each URL prefix."""

    defaults: Policy = dataclasses.field(default_factory=Policy)
    """What every prefix starts from."""

    mounts: dict[str, Policy] = dataclasses.field(default_factory=dict)
    """A table for each URL prefix, as [mounts."https://api.example.com/v1/"]."""


NESTED_TABLES: dict[str, type] = {"max_retries": RetryOptions}
"""The keys of a policy whose value may be a table, and what stands in it."""
