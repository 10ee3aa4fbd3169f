"""What may stand in ``proxy``, and what to mend in what may not."""

import re
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from requests_mounts._toml import show_text

NO_PROXIES: Final = ("direct", "env")
_SCHEMES = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"}
_NO_WORDS = {"", "none", "no", "off", "false", "null", "disabled"}
_HOST_AND_PORT = r"[A-Za-z0-9.-]+(?::\d+)?/?"
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\\]")
_NO_HOST = "write a host after the scheme, an IPv6 address in brackets"
_BEGINNINGS = {"path": "/", "query": "?", "fragment": "#"}


def proxy_fault(text: str) -> str:
    """Say what to mend in the URL of a proxy, and nothing of what is in it; empty if nothing."""
    return _scheme_fault(text) or _fault_beyond(text)


def user_fault(text: str) -> str:
    """Say what is wrong with the user name and password of a proxy; empty if nothing is.

    requests decodes them as UTF-8, and encodes them as latin-1 for the header (RFC 7617).
    """
    parts = urlsplit(text)
    user = f"{parts.username or ''}{parts.password or ''}"
    try:
        unquote(user).encode("latin-1" if parts.scheme in {"http", "https"} else "utf-8")
    except UnicodeEncodeError:
        return "expected a user name and password of UTF-8 text that latin-1 has characters for"
    return ""


def proxy_instead(value: object) -> str:
    """Say what to write instead of what is not a proxy."""
    if isinstance(value, bool):
        return 'write "env" for what the environment says' if value else 'write "direct" for none'
    if not isinstance(value, str):
        return "write one URL, and other prefixes for other hosts" if value else ""
    if value.strip().lower() in _NO_WORDS:
        return 'write "direct" for none'
    if value.startswith("socks://"):
        return 'write "socks5://" or "socks4://"'
    if re.fullmatch(_HOST_AND_PORT, value):
        return f"write {show_text('http://' + value)}"
    return proxy_fault(value)


def _scheme_fault(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    if not separator:
        return "write it with http:// before it"
    if found := _FORBIDDEN.search(text):
        return _without(found[0], in_password="@" in text[found.start() :])
    return "" if scheme.lower() in _SCHEMES else "its scheme is none of these"


def _fault_beyond(text: str) -> str:
    """Say what to mend after the scheme; a password ends a URL's host if it was not escaped."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return _NO_HOST
    path = "" if parts.path == "/" else parts.path
    after = {"path": path, "query": parts.query, "fragment": parts.fragment}
    name = next((name for name, part in after.items() if part), "")
    if not name:
        return _host_fault(parts)
    fault, char = f"leave its {name} out", _BEGINNINGS[name]
    if "@" in "".join(after.values()):
        fault += f", or write {quote(char, '')} for a {char} in the password"
    return fault


def _without(char: str, *, in_password: bool) -> str:
    """Say how to do without a character that may not stand in a URL."""
    name = "backslash" if char == "\\" else "space" if char == " " else "control character"
    return f"write {quote(char)} for the {name}" if in_password else f"leave the {name} out"


def _host_fault(parts: SplitResult) -> str:
    """Say what to mend in the host or the port."""
    if not parts.hostname:
        return _NO_HOST
    try:
        port = parts.port
    except ValueError:
        port = 0
    return "write a port from 1 to 65535" if port == 0 else ""
