"""The tables within a policy, but for those of limits, as frozen values.

The docstrings are the descriptions of the JSON Schema. The defaults are those of
`urllib3.Retry`; a test holds them against the installed ones.
"""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, Tag, WithJsonSchema
from pydantic.dataclasses import dataclass

from requests_mounts._file.tables import CONFIG, EXTENDING
from requests_mounts._file.texts import (
    Credential,
    FilePath,
    Fingerprint,
    HostnameOrNot,
    Password,
    Text,
    Token,
    Username,
    Verify,
)
from requests_mounts._file.types import (
    LARGEST,
    SCALAR,
    TABLE,
    TABLE_OR_SCALAR,
    Count,
    Duration,
    Expected,
    Flag,
    HeaderName,
    Limit,
    Methods,
    OnlyFalse,
    Probe,
    Seconds,
    Status,
    Version,
    bounded,
)

UNSET_RETRY_AFTER = 21600
"""The longest wait that a server may ask for if the file does not say; nobody sets as much."""


@dataclass(frozen=True, slots=True, kw_only=True, config=EXTENDING)
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

    retry_after_max: Limit = UNSET_RETRY_AFTER
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
        Field(strict=True, ge=0, le=LARGEST),
        Expected("an integer of 0 or more, or a table of urllib3.Retry's options"),
        Tag(SCALAR),
    ]
    | Annotated[RetryOptions, Tag(TABLE)],
    TABLE_OR_SCALAR,
]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Timeout:
    """The two timeouts of a request."""

    connect: Seconds | None = None
    """Seconds to wait for a connection."""

    read: Seconds | None = None
    """Seconds to wait for the server to send something."""


TimeoutOrTable: TypeAlias = Annotated[
    Annotated[
        float,
        Field(strict=True, gt=0),
        AfterValidator(bounded),
        Expected("seconds above 0, inf for no limit, or a table with connect and read"),
        WithJsonSchema({"type": ["number", "null"], "exclusiveMinimum": 0}),
        Tag(SCALAR),
    ]
    | Annotated[Timeout, Tag(TABLE)],
    TABLE_OR_SCALAR,
]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Tls:
    """How https connections are secured; what is not set is as requests has it."""

    verify: Verify | None = None
    """Whether to verify the server, or the CA certificates to do so with: a file or a directory."""

    cert_file: FilePath | None = None
    """The client certificate, in a PEM file that may hold its key too."""

    key_file: FilePath | None = None
    """The key of the client certificate."""

    key_password: Password | None = None
    """The password of that key."""

    minimum_version: Version | None = None
    """The oldest version of TLS to accept; by default TLSv1.2."""

    maximum_version: Version | None = None
    """The newest version of TLS to offer."""

    ciphers: Text | None = None
    """The cipher suites to offer before TLS 1.3, in OpenSSL's notation."""

    assert_hostname: HostnameOrNot | None = None
    """The name that the certificate must bear instead of the host's; false checks none."""

    assert_fingerprint: Fingerprint | None = None
    """The fingerprint that the certificate must have, whatever its name."""

    server_hostname: Text | None = None
    """The name to ask the server for (SNI) instead of the host's."""


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class TcpKeepalive:
    """Probes that tell a dead connection from an idle one; what is not set the system decides."""

    idle: Probe | None = None
    """Seconds without traffic before the first probe."""

    interval: Probe | None = None
    """Seconds between probes."""

    count: Probe | None = None
    """Probes without an answer after which the connection is dead."""


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Auth:
    """The Authorization header: a token, the file of a token, or a name and a password."""

    bearer: Token | None = None
    """A token (RFC 6750)."""

    bearer_file: FilePath | None = None
    """A file that holds a token; it is read again when it may have changed."""

    username: Username | None = None
    """The name of HTTP's Basic authentication, with `password`."""

    password: Credential | None = None
    """The password that belongs to it."""


AuthOrNot: TypeAlias = Annotated[
    Annotated[OnlyFalse, Expected("a table, or false for none"), Tag(SCALAR)]
    | Annotated[Auth, Tag(TABLE)],
    TABLE_OR_SCALAR,
]
