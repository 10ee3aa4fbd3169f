"""The types of the texts in a file, many of which may be secret, as a variable holds them."""

import dataclasses
import os
import re
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import Annotated, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
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
from requests_mounts._file.types import NAME, Expected, OnlyFalse, Revealed
from requests_mounts._routing.location import Location
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import Secret, redact, reveal


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


_DIGEST_DIGITS = {32, 40, 64}  # MD5, SHA-1 and SHA-256, as urllib3 knows them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_OURS = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "proxy-authorization",
}
Text: TypeAlias = Annotated[str | Secret, _OrSecret(), Expected("a string that is not empty")]
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
    StringConstraints(strict=True, pattern=NAME),
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
    Revealed, AfterValidator(_url), Expected("an absolute http or https URL")
]
PrefixText: TypeAlias = Annotated[
    Revealed, AfterValidator(_prefix), Expected("a prefix, such as https://api.example.com/")
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
