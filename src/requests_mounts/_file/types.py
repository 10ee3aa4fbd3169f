"""The types of the values in a file, each with the words for it in diagnostics."""

import dataclasses
import os
import re
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
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
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from requests_mounts._file.addresses import parse_addresses
from requests_mounts._file.bearer import is_token
from requests_mounts._file.direct import check_direct_host
from requests_mounts._file.proxies import NO_PROXIES, proxy_fault
from requests_mounts._file.targets import locate_target, parse_target
from requests_mounts._routing.location import Location
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import Secret, redact, reveal


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
_NAME = r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$"
Method: TypeAlias = Annotated[
    str,
    StringConstraints(strict=True, to_upper=True, pattern=_NAME),
    WORD,
    Expected("an HTTP method"),
]
HeaderName: TypeAlias = Annotated[
    str,
    StringConstraints(strict=True, pattern=_NAME),
    WORD,
    Expected("the name of a header"),
]
Methods: TypeAlias = Annotated[
    Annotated[tuple[Method, ...], Field(min_length=1), Tag(ARRAY)]
    | Annotated[Literal["any"], WORD, Expected('an array of HTTP methods, or "any"'), Tag(SCALAR)],
    ARRAY_OR_SCALAR,
]


@dataclasses.dataclass(frozen=True, slots=True)
class _OrSecret:
    """Lets a string be a `Secret`, which is checked by its content and stays one.

    One that lacks its variable is left as it is.
    """

    check: Callable[[str], str | Secret] = str
    """Returns the text as it is to be used; raises `ValueError` for what cannot be."""
    least: int = 1
    """Characters."""
    words: tuple[str, ...] = ()
    """What is not secret, even if a variable holds it."""
    is_path: bool = False
    """Whether it is relative to the folder of the file, which is the validation's context."""
    join: Callable[[str, str], str] = os.path.join
    """Puts that folder before it."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        text = core_schema.str_schema(strict=True, min_length=self.least or None)
        return core_schema.with_info_wrap_validator_function(self._validate, text)

    def _validate(
        self, value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> str | Secret:
        if isinstance(value, Secret) and value.missing:
            return value
        join = partial(self.join, info.context or "")
        if not isinstance(value, Secret):
            checked = self.check(handler(value))
            return join(checked) if self.is_path and isinstance(checked, str) else checked
        content: str = handler(reveal(value))
        self.check(content)
        if content in self.words:
            return content
        return value.changed(join) if self.is_path else value


def _proxy(text: str) -> str | Secret:
    """Check a proxy, and hide its password."""
    if text in NO_PROXIES:
        return text
    if proxy_fault(text):
        raise ValueError("no proxy")
    return Secret(text, redact(text)) if "@" in text else text


def _path(text: str) -> str:
    """Refuse a URL, which is no path, and may have a password in it."""
    if "://" in text:
        raise ValueError("no path")
    return text


def _version(value: object) -> object:
    """Read 1.2 and TLSv1_2 as the TLSv1.2 of the ssl module."""
    value = _reveal_word(value)
    found = _VERSION.fullmatch(value) if isinstance(value, str) else None
    return f"TLSv1{found[1].replace('_', '.')}".removesuffix(".0") if found else value


def _address(text: str) -> str:
    ip_address(text)
    return text


def _header_field(text: str) -> str:
    if text.lower() in _NOT_OURS:
        raise ValueError("not for a policy")
    return text


def _header_value(text: str) -> str:
    """Refuse what would end a header, or what its bytes cannot say (RFC 9110, section 5.5)."""
    text.encode("latin-1")
    if text[:1].isspace() or _CONTROL.search(text.replace("\t", " ")):
        raise ValueError("not the value of a header")
    return text


def _token(text: str) -> Secret:
    if not is_token(text):
        raise ValueError("not a token")
    return Secret(text)


def _username(text: str) -> Secret:
    """Take the name before a password; both are joined by a colon (RFC 7617)."""
    if ":" in text:
        raise ValueError("not a name")
    return _credential(text)


def _credential(text: str) -> Secret:
    text.encode("latin-1")
    if _CONTROL.search(text):
        raise ValueError("control characters")
    return Secret(text)


def _target(text: str) -> str:
    parse_target(text)
    return text


def _address_entry(text: str) -> str:
    parse_addresses((text,))
    return text


def _url(text: str) -> str:
    Location.parse(text)
    return text


def _prefix(text: str) -> str:
    Prefix.parse(text)
    return text


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "")
    if not re.fullmatch("[0-9A-Fa-f]*", digits) or len(digits) not in _DIGEST_DIGITS:
        raise ValueError("no fingerprint")
    return text


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_OURS = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "proxy-authorization",
}
_VERSION = re.compile(r"(?:TLSv)?1((?:[._][0-3])?)")
_VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
_DIGEST_DIGITS = {32, 40, 64}  # MD5, SHA-1 and SHA-256, as urllib3 knows them.

_Revealed: TypeAlias = Annotated[str, StringConstraints(strict=True, min_length=1), WORD]
Text: TypeAlias = Annotated[str | Secret, _OrSecret(), Expected("a string that is not empty")]
Name: TypeAlias = Annotated[_Revealed, Expected("a string that is not empty")]
Password: TypeAlias = Annotated[str | Secret, _OrSecret(Secret, least=0), Expected("a string")]
FilePath: TypeAlias = Annotated[
    str | Secret, _OrSecret(_path, is_path=True), Expected("the path of a file")
]
Verify: TypeAlias = Annotated[
    Annotated[bool, Field(strict=True)] | Annotated[str | Secret, _OrSecret(_path, is_path=True)],
    Expected("true, false, or the path of a file or directory of CA certificates"),
]
HostnameOrNot: TypeAlias = Annotated[
    Annotated[str | Secret, _OrSecret()] | OnlyFalse, Expected("a host name, or false")
]
Fingerprint: TypeAlias = Annotated[
    str | Secret,
    _OrSecret(_fingerprint),
    Expected("a fingerprint, 32, 40 or 64 hexadecimal digits with or without colons"),
]
Version: TypeAlias = Annotated[
    Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
    BeforeValidator(_version),
    Expected("TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"),
    WithJsonSchema({"enum": [*_VERSIONS, "1.0", "1.1", "1.2", "1.3"]}),
]
Proxy: TypeAlias = Annotated[
    str | Secret,
    _OrSecret(_proxy, words=NO_PROXIES),
    Expected('"env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h'),
    WithJsonSchema(
        {"anyOf": [{"enum": ["env", "direct"]}, {"type": "string", "pattern": "://|[$]"}]}
    ),
]
NoProxy: TypeAlias = Annotated[
    str | Secret,
    _OrSecret(check_direct_host),
    Expected("a host, a domain such as .example.com, or a network such as 10.0.0.0/8"),
]
HeaderField: TypeAlias = Annotated[
    str,
    StringConstraints(strict=True, pattern=_NAME),
    AfterValidator(_header_field),
    Expected(
        "the name of a header, but not Host, Content-Length, Transfer-Encoding, Connection or"
        " Proxy-Authorization"
    ),
]
HeaderValue: TypeAlias = Annotated[
    Annotated[str | Secret, _OrSecret(_header_value, least=0)] | OnlyFalse,
    Expected("a text in latin-1 without line breaks, or false for none"),
]
Token: TypeAlias = Annotated[
    str | Secret, _OrSecret(_token), Expected('a token, without "Bearer" and without spaces')
]
Username: TypeAlias = Annotated[
    str | Secret, _OrSecret(_username), Expected("a name in latin-1 without a colon")
]
Credential: TypeAlias = Annotated[
    str | Secret,
    _OrSecret(_credential, least=0),
    Expected("a text in latin-1 without control characters"),
]
HttpUrl: TypeAlias = Annotated[
    _Revealed, AfterValidator(_url), Expected("an absolute http or https URL")
]
PrefixText: TypeAlias = Annotated[
    _Revealed, AfterValidator(_prefix), Expected("a prefix, such as https://api.example.com/")
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
Address: TypeAlias = Annotated[str | Secret, _OrSecret(_address), Expected("an IP address")]
Target: TypeAlias = Annotated[
    str | Secret,
    _OrSecret(_target, is_path=True, join=locate_target),
    Expected('an IP address, with or without a port, or "unix:" and the path of a socket'),
]
AddressEntry: TypeAlias = Annotated[
    str | Secret,
    _OrSecret(_address_entry),
    Expected('"any", "public", "private", "loopback", a network, or one of these after a "!"'),
]
AddressFamily: TypeAlias = Annotated[
    Literal["any", "ipv4", "ipv6"], WORD, Expected('"any", "ipv4" or "ipv6"')
]
Probe: TypeAlias = Annotated[
    int, Field(strict=True, ge=1, le=32767), Expected("an integer from 1 to 32767")
]
