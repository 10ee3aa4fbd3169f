"""What a file may say, as frozen values: the policy of a prefix, and the file around it.

The docstrings are the descriptions of the JSON Schema. The defaults are those of
`requests.adapters.HTTPAdapter`; a test holds them against the installed ones.
"""

import dataclasses
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
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
from requests_mounts._file.options import (
    Auth,
    AuthOrNot,
    MaxRetries,
    RetryOptions,
    TcpKeepalive,
    Timeout,
    TimeoutOrTable,
    Tls,
)
from requests_mounts._file.tables import CONFIG
from requests_mounts._file.texts import (
    Address,
    AddressEntry,
    HttpUrl,
    NoProxy,
    PrefixText,
    Proxy,
    Target,
)
from requests_mounts._file.types import (
    WORD,
    AddressFamily,
    Bytes,
    Code,
    Expected,
    Flag,
    Limit,
    Name,
    PoolSize,
    Seconds,
)


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
