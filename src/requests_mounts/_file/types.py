"""The types of the values in a file, each with the words for it in diagnostics."""

import dataclasses
import os
import re
from ipaddress import ip_address
from math import inf
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

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
    WrapValidator,
)
from pydantic_core import CoreSchema, core_schema

from requests_mounts._routing.index import Location
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import ProxyUrl, Secret, like, reveal


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


def bounded(seconds: float) -> float:
    """Take what the system's clocks cannot count, some years, for no limit."""
    return seconds if seconds <= _LONGEST_WAIT else inf


_LONGEST_WAIT = 1e8

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
_False: TypeAlias = Annotated[
    Literal[False],
    BeforeValidator(_only_false),
    WithJsonSchema({"type": "boolean", "const": False}),
]
Count: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=0)] | _False,
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
    ARRAY_OR_SCALAR,
]


def _keep_secret(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Validate a string without losing that it is a secret."""
    checked = handler(value)
    return like(value, checked) if isinstance(value, str) else checked


def _in_the_folder(
    value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> object:
    """Take a path to be relative to the folder of the file, which is the validation's context."""
    checked = handler(value)
    return like(checked, os.path.join(info.context or "", reveal(checked)))  # noqa: PTH118


def _proxy(text: str) -> str:
    """Check a proxy, and hide its password."""
    if text in {"direct", "env"}:
        return text
    parts = urlsplit(reveal(text))
    if (
        re.search(r"[\s\x00-\x1f]", reveal(text))
        or parts.scheme not in _PROXY_SCHEMES
        or not parts.hostname
        or parts.port == 0
    ):
        raise ValueError("no proxy")
    return text if isinstance(text, Secret) or "@" not in text else ProxyUrl(text)


def _version(value: object) -> object:
    """Read 1.2 and TLSv1_2 as the TLSv1.2 of the ssl module."""
    found = _VERSION.fullmatch(reveal(value)) if isinstance(value, str) else None
    return f"TLSv1{found[1].replace('_', '.')}".removesuffix(".0") if found else value


def _address(text: str) -> str:
    ip_address(reveal(text))
    return text


def _url(text: str) -> str:
    Location.parse(text)
    return text


def _prefix(text: str) -> str:
    Prefix.parse(text)
    return text


def _fingerprint(text: str) -> str:
    digits = reveal(text).replace(":", "")
    if not re.fullmatch("[0-9A-Fa-f]*", digits) or len(digits) not in _DIGEST_DIGITS:
        raise ValueError("no fingerprint")
    return text


_PROXY_SCHEMES = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"}
_VERSION = re.compile(r"(?:TLSv)?1((?:[._][0-3])?)")
_VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
_DIGEST_DIGITS = {32, 40, 64}  # MD5, SHA-1 and SHA-256, as urllib3 knows them.

_String: TypeAlias = Annotated[
    str, StringConstraints(strict=True, min_length=1), WrapValidator(_keep_secret)
]
Text: TypeAlias = Annotated[_String, Expected("a string that is not empty")]
Password: TypeAlias = Annotated[
    str, Field(strict=True), AfterValidator(Secret), Expected("a string")
]
FilePath: TypeAlias = Annotated[
    _String, WrapValidator(_in_the_folder), Expected("the path of a file")
]
Verify: TypeAlias = Annotated[
    Annotated[bool, Field(strict=True)] | Annotated[_String, WrapValidator(_in_the_folder)],
    Expected("true, false, or the path of a file or directory of CA certificates"),
]
HostnameOrNot: TypeAlias = Annotated[_String | _False, Expected("a host name, or false")]
Fingerprint: TypeAlias = Annotated[
    _String,
    AfterValidator(_fingerprint),
    Expected("a fingerprint, 32, 40 or 64 hexadecimal digits with or without colons"),
]
Version: TypeAlias = Annotated[
    Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
    BeforeValidator(_version),
    Expected("TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"),
    WithJsonSchema({"enum": [*_VERSIONS, "1.0", "1.1", "1.2", "1.3"]}),
]
Proxy: TypeAlias = Annotated[
    _String,
    AfterValidator(_proxy),
    Expected('"env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h'),
    WithJsonSchema(
        {"anyOf": [{"enum": ["env", "direct"]}, {"type": "string", "pattern": "://|[$]"}]}
    ),
]
HttpUrl: TypeAlias = Annotated[
    _String, AfterValidator(_url), Expected("an absolute http or https URL")
]
PrefixText: TypeAlias = Annotated[
    _String, AfterValidator(_prefix), Expected("a prefix, as a key of [mounts]")
]
Code: TypeAlias = Annotated[
    Literal[
        "no-timeout",
        "no-verify",
        "no-backoff",
        "long-retry-after",
        "endless-pool-wait",
        "unused-pools",
        "redundant-mount",
        "http-twin",
        "long-request",
    ],
    Expected("the code of a warning, as no-timeout"),
]
Address: TypeAlias = Annotated[_String, AfterValidator(_address), Expected("an IP address")]
Probe: TypeAlias = Annotated[
    int, Field(strict=True, ge=1, le=32767), Expected("an integer from 1 to 32767")
]
