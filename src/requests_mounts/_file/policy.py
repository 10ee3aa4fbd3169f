"""What a file may say, as frozen values: the policy of a prefix, and the file around it.

The docstrings are the descriptions of the JSON Schema. The defaults are those of
`requests.adapters.HTTPAdapter` and `urllib3.Retry`; a test holds them against the installed ones.
"""

import dataclasses
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, Tag, WithJsonSchema
from pydantic.dataclasses import dataclass

from requests_mounts._file.headers import Headers
from requests_mounts._file.limits import (
    BreakerOptions,
    BreakerTable,
    BudgetOptions,
    LimitOptions,
    LimitOrName,
    LimitTable,
)
from requests_mounts._file.tables import CONFIG, EXTENDING
from requests_mounts._file.types import (
    LARGEST,
    SCALAR,
    TABLE,
    TABLE_OR_SCALAR,
    WORD,
    Address,
    AddressEntry,
    AddressFamily,
    Bytes,
    Code,
    Count,
    Credential,
    Duration,
    Expected,
    FilePath,
    Fingerprint,
    Flag,
    HeaderName,
    HostnameOrNot,
    HttpUrl,
    Limit,
    Methods,
    Name,
    NoProxy,
    OnlyFalse,
    Password,
    PoolSize,
    PrefixText,
    Probe,
    Proxy,
    Seconds,
    Status,
    Target,
    Text,
    Token,
    Username,
    Verify,
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


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Policy:
    """How requests to the URLs of one prefix are sent."""

    pool_connections: PoolSize = 10
    """Connection pools kept, one for each origin; the least recently used is dropped first."""

    pool_maxsize: PoolSize = 10
    """Connections that a pool keeps for reuse."""

    pool_block: Flag = False
    """Never open more than `pool_maxsize` connections in a pool; wait for a free one instead."""

    pool_timeout: Limit | None = None
    """Seconds to wait for one where `pool_block` is true; by default the connect timeout."""

    max_retries: MaxRetries = 0
    """What `HTTPAdapter(max_retries=...)` takes: retries of failed connections, or a table."""

    timeout: TimeoutOrTable | None = None
    """Seconds for connecting and reading each, or a table; where the caller gives no timeout."""

    deadline: Seconds | None = None
    """Seconds for all of a request: attempts, waits, headers, and the body unless streamed."""

    keepalive_expiry: Limit | None = None
    """Seconds after which an idle connection is closed instead of used again."""

    max_connection_age: Limit | None = None
    """Seconds after which a connection is closed instead of used again, however busy it was."""

    tls: Tls | None = None
    """How https connections are secured."""

    proxy: Proxy = "env"
    """The proxy's URL, "direct" for none, or "env" for what the environment says."""

    no_proxy: tuple[NoProxy, ...] = ()
    """Hosts, domains and networks that a proxy's URL beside it leaves direct, as NO_PROXY does."""

    source_address: Address | None = None
    """The IP address to connect from."""

    tcp_keepalive: TcpKeepalive | None = None
    """Probes on idle connections; a table without keys leaves the times to the system."""

    headers: Headers = Headers()
    """Headers where the caller sends none; false for one that is not to be sent at all."""

    auth: AuthOrNot | None = None
    """The Authorization header, where the caller sends none; false undoes it. Not in [defaults]."""

    connect_to: tuple[Target, ...] = ()
    """What to dial instead of the host, in this order: IP addresses, or "unix:" and a path."""

    address_family: AddressFamily = "any"
    """Whether to dial IPv4 or IPv6 addresses only."""

    addresses: tuple[AddressEntry, ...] = ("any",)
    """Which addresses may be dialled: words, networks, and what a "!" before them takes away."""

    max_body_size: Bytes | None = None
    """The most bytes of a response's body, on the wire and decoded; more is an error."""

    deny: Flag = False
    """Refuse every request to this prefix."""

    limit: LimitOrName | None = None
    """How fast, and how many at a time: the name of a table in [limits], or a table."""

    breaker: BreakerTable | None = None
    """When to refuse at once what fails anyway."""

    retry_budget: BudgetOptions | None = None
    """For what share of requests there are retries."""


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class MountPolicy(Policy):
    """A policy that may extend another."""

    policy: Name | None = None
    """The name of a policy in [policies], from which this table has what it does not say itself."""

    ignore: tuple[Code, ...] | None = None
    """Warnings that `requests-mounts check` does not give here."""


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Expectation(Policy):
    """A test of the file itself, run by `requests-mounts check`; keys of a policy may be added."""

    url: HttpUrl
    """A URL."""

    mount: PrefixText
    """The prefix that is to serve it."""


FileName: TypeAlias = Annotated[str, Field(strict=True, min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class File:
    """Settings of a requests session for each URL prefix."""

    extends: Annotated[
        FileName | tuple[FileName, ...], Expected("the path of a file, or an array of paths")
    ] = ()
    """The file that this one is laid over, or several, each over the one before."""

    defaults: Policy = dataclasses.field(default_factory=Policy)
    """What every prefix starts from."""

    policies: dict[str, MountPolicy] = dataclasses.field(default_factory=dict)
    """Named sets of settings, used with policy = "name"."""

    limits: dict[str, LimitTable] = dataclasses.field(default_factory=dict)
    """Named limits, used with limit = "name" and shared by all that use one."""

    mounts: dict[str, MountPolicy] = dataclasses.field(default_factory=dict)
    """A table for each URL prefix, as [mounts."https://api.example.com/v1/"]."""

    unmatched: Annotated[Literal["allow", "deny"], WORD, Expected('"allow" or "deny"')] = "allow"
    """Whether to refuse requests to URLs that no prefix of the file serves."""

    expect: tuple[Expectation, ...] = ()
    """Tests of the file: which prefix serves a URL, and with which settings."""

    ignore: tuple[Code, ...] = ()
    """Warnings that `requests-mounts check` does not give."""


NESTED_TABLES: dict[str, type] = {
    "max_retries": RetryOptions,
    "timeout": Timeout,
    "tls": Tls,
    "tcp_keepalive": TcpKeepalive,
    "limit": LimitOptions,
    "breaker": BreakerOptions,
    "retry_budget": BudgetOptions,
    "auth": Auth,
}
"""The keys of a policy whose value may be a table, and what stands in it."""

PATHS: tuple[tuple[str, ...], ...] = (
    ("tls", "verify"),
    ("tls", "cert_file"),
    ("tls", "key_file"),
    ("auth", "bearer_file"),
)
"""The settings that are paths, relative to the folder of the file that writes them."""
