"""What to write instead of what is wrong, wherever the intention is plain."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Any, get_args

from requests_mounts._file.placeholders import variable_in
from requests_mounts._file.proxies import proxy_instead
from requests_mounts._file.synonyms import header_of
from requests_mounts._file.types import Code
from requests_mounts._secret import Secret
from requests_mounts._toml import KeyPath, hides_value, show_text, show_toml, show_value

# Patterns are text here: only a file with a problem needs them compiled.
_DURATION = r"(?i)(\d+(?:\.\d+)?) *(ms|s|m|h|)(?:(?<=s)ec\w*|(?<=m)in\w*|(?<=h)ours?)?"
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = r"(?i)(\d{1,9}) *([kmg]i?|)b?(?:ytes)?"
_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_PER = r"(?i)(\d{1,9}(?:\.\d+)?) *(?:/|per) *([a-z]+)"
_FIRST_KEYS = {"breaker": "failures", "retry_budget": "tokens"}
_PERCENT = range(10, 101)
_LONGEST, _MOST_BITS = 256, 128
_ENDLESS = {"inf", "infinity", "infinite", "never", "none", "unlimited", "off"}
_WORDS = {
    "true": "true",
    "yes": "true",
    "on": "true",
    "false": "false",
    "no": "false",
    "off": "false",
}
_EVERY = {"*", "all", "any"}
_VERSION = r"(?i)(?:tls)?[ v]*(1[._][0-3])"
_HOST_IN_URL = r"https?://([A-Za-z0-9_.-]+(?::\d+)?)/?|\[([0-9A-Fa-f:.]+)\]"
_NETWORK = r"(!?)!*\s*([0-9A-Fa-f.:]+/\d+)"
_ADDRESS = r"[\w*-]+(?:\.[\w-]+)*(?::[\d*]+)?(?:/\S*)?"


def instead(expected: str, path: KeyPath, value: object) -> str:
    """Say what to write instead of a value, given the words for what was expected.

    The text is empty if nobody can tell, and if a variable held the value, which is not shown.
    """
    if isinstance(value, Secret) or _is_long(value):
        return ""
    hidden = hides_value(path)
    hint = _of_variable(value, hidden=hidden) or _shape(expected, path, value)
    if hidden:
        return f"; {hint}" if hint else ""
    if "inf for no limit" in expected:
        hint = hint or _no_limit(value)
    hint = hint or _one_of_few(expected, value)
    for beginning, find in _HINTS.items():
        if not hint and expected.startswith(beginning):
            hint = find(value)
    return f"; {hint}" if hint else ""


def _is_long(value: object) -> bool:
    """Tell whether a value is too long to be written again."""
    if isinstance(value, int):
        return value.bit_length() > _MOST_BITS
    return isinstance(value, str) and len(value) > _LONGEST


def _of_variable(value: object, *, hidden: bool) -> str:
    name = variable_in(value) if isinstance(value, str) else ""
    return f'write "${{{"NAME" if hidden else name}}}" for the variable' if name else ""


def _one_of_few(expected: str, value: object) -> str:
    """Say which of the words that are expected is meant, in another case."""
    word = value.strip().lower() if isinstance(value, str) else ""
    return f"write {show_text(word)}" if word.isalnum() and f'"{word}"' in expected else ""


def _no_limit(value: object) -> str:
    if isinstance(value, str):
        return "write inf, without quotes" if value.strip().lower() in _ENDLESS else ""
    endless = isinstance(value, int | float) and value is not True and value in {0, -1}
    return "write inf for no limit" if endless else ""


def _seconds(value: object) -> str:
    if not isinstance(value, str):
        return ""
    seconds = as_seconds(value) or as_seconds(f"1 {value.strip()}")
    return f"write {seconds}, without quotes" if seconds else ""


def as_seconds(text: str) -> str:
    """Read a number with a unit or none, such as ``5 min``; empty if it is not one."""
    found = re.fullmatch(_DURATION, text.strip())
    return f"{float(found[1]) * _SECONDS[found[2].lower()]:g}" if found else ""


def _timeout(value: object) -> str:
    match value:
        case [int() | float() as connect, int() | float() as read]:
            return f"write {{ connect = {connect:g}, read = {read:g} }}"
    return ""


def _retries(value: object) -> str:
    if isinstance(value, bool):
        return "write 3, or another number" if value else "write 0 for none"
    return _integer(value)


def _integer(value: object) -> str:
    match value:
        case str() if re.fullmatch(r"\d{1,9}", value.strip()):
            return f"write {int(value)}, without quotes"
        case float() if value.is_integer() and value >= 0:
            return f"write {int(value)}"
    return ""


def _rate(value: object) -> str:
    rate = as_rate(value) if isinstance(value, str) else ""
    return f"write {rate}" if rate else _integer(value)


def as_rate(text: str) -> str:
    """Read a number per time, such as ``10/s``, as the keys of a limit; empty if it is not one."""
    found = re.fullmatch(_PER, text.strip())
    seconds = as_seconds(f"1 {found[2]}") if found else ""
    return f"rate = {found[1]}, per = {seconds}" if found and seconds else ""


def _share(value: object) -> str:
    percent = value.removesuffix("%").strip() if isinstance(value, str) else str(value)
    meant = percent.isdecimal() and int(percent) in _PERCENT
    return f"write {int(percent) / 100:g}" if meant else ""


def _bytes(value: object) -> str:
    found = re.fullmatch(_SIZE, value.strip()) if isinstance(value, str) else None
    if not found:
        return ""
    size = int(found[1]) * _BYTES[found[2].lower()]
    return f"write {size:_}, without quotes"


def _flag(value: object) -> str:
    if isinstance(value, str) and (word := _WORDS.get(value.strip().lower())):
        return f"write {word}, without quotes"
    known = isinstance(value, int | float) and value in {0, 1}
    return f"write {'true' if value else 'false'}" if known else ""


def _verify(value: object) -> str:
    return _flag(value) if isinstance(value, int) else ""


def _url(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(_ADDRESS, value):
        return f"write {show_text('https://' + value)}"
    return ""


def _network(value: object) -> str:
    found = re.fullmatch(_NETWORK, str(value))
    if not found:
        return ""
    try:
        return f"write {show_text(found[1] + str(ip_network(found[2], strict=False)))}"
    except ValueError:
        return ""


def _version(value: object) -> str:
    found = re.fullmatch(_VERSION, str(value))
    return f'write "{found[1].replace("_", ".")}"' if found else ""


def _array(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    texts = map(str.strip, value.split(",")) if isinstance(value, str) else ()
    entries = ", ".join(show_toml(text) for text in texts if text)
    return f"write [{entries or show_toml(value)}]"


def _direct_host(value: object) -> str:
    if not isinstance(value, str):
        return ""
    if value.startswith("*."):
        return f"write {show_text(value[1:])}"
    found = re.fullmatch(_HOST_IN_URL, value)
    return f"write {show_text(found[1] or found[2])}" if found else ""


def _methods(value: object) -> str:
    every = isinstance(value, bool) or (isinstance(value, str) and value.lower() in _EVERY)
    return 'write "any" for all methods' if every else ""


def _shape(expected: str, path: KeyPath, value: object) -> str:
    """Say what to write where the shape is wrong; nothing of a secret is told, but its keys."""
    match expected, path, value:
        case "an array", ["expect"], _:
            return "write [[expect]], in double brackets"
        case "a table, or false for none", [*_, "auth"], str() | list():
            return 'write { bearer = "${TOKEN}" }, or { username, password }'
        case "a table", [*_, "headers"], str() | list():
            return 'write { NAME = "text" }'
        case "a table", [_, _, *_], [dict(), *_]:
            return "write its header in single brackets"
        case "a table", _, _:
            return _table(path, value)
    return ""


def _table(path: KeyPath, value: object) -> str:
    match path, value:
        case ["mounts"], list():
            return f"write {header_of(value)}"
        case [("mounts" | "policies"), _], str() if value:
            return f"write {{ policy = {show_text(value)} }}"
        case [*_, "tcp_keepalive"], True:
            return "write {}"
        case [*_, "tls"], bool() | str() if value != "":
            return f"write {{ verify = {show_value(value)} }}"
        case [*_, ("breaker" | "retry_budget") as key], int() if value > 0 and value is not True:
            return f"write {{ {_FIRST_KEYS[key]} = {value} }}"
    return ""


def _fingerprint(value: object) -> str:
    found = (
        re.match(r"(?:md5|sha-?1|sha-?256)[:=]", value, re.IGNORECASE)
        if isinstance(value, str)
        else None
    )
    return f"leave {show_text(found[0])} out" if found else ""


def _pair(value: object) -> str:
    match value:
        case [str() as certificate, str() as key]:
            pair = f"cert_file = {show_text(certificate)}, key_file = {show_text(key)}"
            return f"write {pair}"
    return ""


def _text(value: object) -> str:
    known = isinstance(value, bool | int | float)
    return f"write {show_text(show_value(value))}, in quotes" if known else ""


def _target(value: object) -> str:
    if not isinstance(value, str):
        return ""
    path = re.fullmatch(r"(?:[\w+]+://)?((?:[./~][^\s]*|[^\s:]*\.sock))", value)
    return f"write {show_text(f'unix:{path[1]}')}" if path else ""


def _family(value: object) -> str:
    found = re.fullmatch(r"(?i)(?:af_)?(?:ip|inet)?v?([46])", str(value))
    return f'write "ipv{found[1]}"' if found else ""


def _limit(value: object) -> str:
    if value is False:
        return "write { rate = inf, max_pause = 0 } for none"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"write {{ rate = {value} }} or {{ concurrency = {value} }}" if number else ""


def _code(value: object) -> str:
    codes = get_args(get_args(Code)[0])
    close = get_close_matches(value, codes, n=1) if isinstance(value, str) else ()
    return f"write {show_text(close[0])}" if close else f"write one of {', '.join(codes)}"


_HINTS: dict[str, Callable[[Any], str]] = {
    "seconds": _seconds,
    "seconds above 0, inf for no limit, or a table": _timeout,
    "bytes": _bytes,
    "an integer of 0 or more, or a table of": _retries,
    "an integer": _integer,
    "an HTTP status": _integer,
    "a number above 0, at most 1": _share,
    "a number": _rate,
    "true or false": _flag,
    "true, false, or": _verify,
    '"env", "direct"': proxy_instead,
    "a host, a domain": _direct_host,
    "an absolute http or https URL": _url,
    "a prefix": _url,
    "TLSv1": _version,
    "an array of HTTP methods": _methods,
    "an array": _array,
    "a fingerprint": _fingerprint,
    "the code of a warning": _code,
    "a text in latin-1": _text,
    "a string that is not empty": _text,
    "an IP address, with or without": _target,
    '"any", "ipv4"': _family,
    '"any", "public"': _network,
    "the path of a file": _pair,
    "the name of a table in [limits]": _limit,
}
"""By the words for what was expected, or how these begin."""
