"""A URL prefix as a value: parsed, never compared as text."""

import re
from typing import NamedTuple, Self

from requests_mounts._routing.url import (
    DEFAULT_PORTS,
    LONGEST_HOST,
    canonical_host,
    canonical_path,
    is_ip_address,
)
from requests_mounts._toml import show_text

_PREFIX = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<host>\[[^\]/]*\]|[^:/\[\]]*)(?::(?P<port>[^/]*))?(?P<path>/.*)?",
    re.DOTALL,
)
# The canonical spelling of a name and a path of unreserved characters, which most files hold. Read
# at a glance, a prefix takes a third of the time, and a file may have thousands of them.
_CANONICAL = re.compile(
    r"(https?)://((?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62})(/(?:[A-Za-z0-9~_-][A-Za-z0-9.~_-]*/)*)"
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}")
_SCHEMES = {*DEFAULT_PORTS, "ftp", "ftps", "ws", "wss", "file", "tcp", "unix"}
_LARGEST_PORT = 65535
_FORM = "expected http://, https://, or http(s)://host[:port][/path]"


class Prefix(NamedTuple):
    """What a mount serves: a scheme, a host or all below one, a port or any, and a path.

    ``host`` and ``path`` are empty in ``https://``, which serves every host; ``port`` is empty for
    the scheme's default and ``*`` for any. ``str()`` is the canonical spelling, which always ends
    in a slash, so that text comparison too cannot take one host for another.
    """

    scheme: str
    host: str
    port: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a prefix in any spelling; raises `ValueError` that says what is wrong with it."""
        plain = _CANONICAL.fullmatch(text)
        if plain and len(text) <= LONGEST_HOST:
            return cls(plain[1], plain[2], "", plain[3])
        parts = _PREFIX.fullmatch(text)
        if not parts:
            raise ValueError(_expected(text))
        scheme = parts["scheme"].lower()
        if scheme not in DEFAULT_PORTS:
            raise ValueError(f"expected the scheme http or https (got {show_text(scheme)})")
        _refuse_foreign_parts(text)
        if not parts["host"]:
            if parts["port"] is not None or parts["path"] is not None:
                raise ValueError(f"expected a host after {scheme}:// (got {show_text(text)})")
            return cls(scheme, "", "", "")
        if parts["host"] == "*":
            every = f"write {scheme}:// for every host"
            raise ValueError(f"expected a host; {every} (got {show_text(text)})")
        if _second_scheme(parts):
            once = show_text(text[text.index("://") + 3 :])
            raise ValueError(f"expected one scheme; write {once} (got {show_text(text)})")
        path = _canonical_prefix_path(parts["path"] or "/")
        return cls(
            scheme, _canonical_prefix_host(parts["host"]), _port(parts["port"], scheme), path
        )

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read a prefix; `None` if the text is not a prefix."""
        try:
            return cls.parse(text)
        except ValueError:
            return None

    @staticmethod
    def spell(text: str) -> str:
        """Return the canonical spelling of a prefix; raises `ValueError` as `parse` does."""
        plain = _CANONICAL.fullmatch(text)
        return text if plain and len(text) <= LONGEST_HOST else str(Prefix.parse(text))

    @staticmethod
    def split(text: str) -> tuple[tuple[str, str, str], str] | None:
        """Return the origin of a prefix and its path, at least a slash, without the value.

        `None` if the text is not a prefix.
        """
        plain = _CANONICAL.fullmatch(text)
        if plain and len(text) <= LONGEST_HOST:
            return (plain[1], plain[2], ""), plain[3] or "/"
        prefix = Prefix.read(text)
        return (prefix[:3], prefix.path or "/") if prefix else None

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.host}{port}{self.path}"


def _second_scheme(parts: re.Match[str]) -> bool:
    """Tell whether what stands where a host should is a scheme and what follows one."""
    followed = parts["port"] == "" and (parts["path"] or "").startswith("//")
    return followed and parts["host"].lower() in _SCHEMES


def _expected(text: str) -> str:
    if text in {"*", "**", "all", "any", "default"}:
        return (
            f"expected a prefix; write https:// and http:// for every host (got {show_text(text)})"
        )
    if "://" not in text and re.match(r"[\w*-]+\.", text):
        return f"expected a scheme, as in {show_text('https://' + text)} (got {show_text(text)})"
    return f"{_FORM} (got {show_text(text)})"


def _refuse_foreign_parts(text: str) -> None:
    """Refuse userinfo, which is not shown, and whatever else a prefix does not have."""
    authority = re.split("[/?#]", text.partition("://")[2], maxsplit=1)[0]
    if "@" in authority:
        raise ValueError("expected a prefix without a user name or password")
    for char, part in (("?", "query"), ("#", "fragment")):
        if char in text:
            raise ValueError(f"expected a prefix without a {part} (got {show_text(text)})")
    if _FORBIDDEN.search(text):
        raise ValueError(
            f"expected a prefix without spaces, backslashes and control characters"
            f" (got {show_text(text)})"
        )


def _canonical_prefix_host(text: str) -> str:
    wildcard = "*." if text.startswith("*.") else ""
    try:
        host = canonical_host(text.removeprefix(wildcard))
    except ValueError as error:
        raise ValueError(f"expected a host (got {show_text(text)}: {error})") from None
    if host.startswith("[") and "%" not in host and not wildcard:
        return host
    if "*" in host:
        raise ValueError(
            f"expected * only as the whole first label, as in {_wildcard_of(host)}"
            f" (got {show_text(text)})"
        )
    if not _HOST.fullmatch(host) or len(host) > LONGEST_HOST or (wildcard and is_ip_address(host)):
        raise ValueError(f"expected a host (got {show_text(text)})")
    return wildcard + host


def _wildcard_of(host: str) -> str:
    """Name the wildcard that may be meant by a star elsewhere, or an example of one."""
    after = host.rpartition("*")[2]
    domain = after if host.startswith("*") and host.count("*") == 1 else after.partition(".")[2]
    likely = "." in domain.strip(".") and len(domain) <= LONGEST_HOST
    return f"*.{domain}" if likely else "*.example.com"


def _port(text: str | None, scheme: str) -> str:
    if not text or text == "*":
        return text or ""
    if not (
        text.isascii()
        and text.isdigit()
        and len(text) <= len(str(_LARGEST_PORT))
        and 0 < int(text) <= _LARGEST_PORT
    ):
        raise ValueError(
            f"expected a port from 1 to {_LARGEST_PORT}, or * for any (got {show_text(text)})"
        )
    port = str(int(text))
    return "" if port == DEFAULT_PORTS[scheme] else port


def _canonical_prefix_path(text: str) -> str:
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise ValueError(
            f"expected two hexadecimal digits after each % of the path (got {show_text(text)})"
        )
    path = canonical_path(text)
    return path if path.endswith("/") else f"{path}/"
