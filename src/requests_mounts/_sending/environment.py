"""What the environment says about requests, read as requests reads it, with one look at it.

requests walks through all variables several times for each request, to find the proxies of its URL.
What it finds depends on the variables of proxies alone, so here it is asked again only when one of
them has changed.
"""

import os
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import requests.utils

CA_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

_python: Any = urllib.request  # Untyped, as type checkers do not know all that they hold.
_requests: Any = requests.utils
_AFTER_SCHEME = len("https://")
_NONE: Mapping[str, str] = MappingProxyType({})


def read_authorities() -> str | None:
    """Return the file or directory of CA certificates that the environment names."""
    return next(filter(None, map(os.environ.get, CA_BUNDLE_VARIABLES)), None)


def read_proxies(url: str, no_proxy: str | None) -> Mapping[str, str]:
    """Return what `requests.utils.get_environ_proxies` does."""
    if not _is_all_in_variables():
        if not _requests.getproxies():
            return _NONE
        found: Mapping[str, str] = _requests.get_environ_proxies(url, no_proxy=no_proxy)
        return found
    if "_proxy" not in "\0".join(os.environ).lower():
        return _NONE
    end = url.find("/", _AFTER_SCHEME)
    return _ask_requests(url[:end] if end > 0 else url, no_proxy, _variables())


def _is_all_in_variables() -> bool:
    """Tell whether nothing else is asked: neither a system's settings nor what a test put there."""
    return (
        _requests.getproxies is _python.getproxies_environment
        and _requests.proxy_bypass is _python.proxy_bypass_environment
    )


def _variables() -> tuple[tuple[str, str], ...]:
    """Return the variables that Python's own reading of proxies looks at."""
    names = (name for name in os.environ if name[-6:].lower() == "_proxy")
    return tuple((name, os.environ.get(name, "")) for name in (*names, "REQUEST_METHOD"))


@lru_cache(maxsize=256)
def _ask_requests(
    origin: str, no_proxy: str | None, _variables: tuple[tuple[str, str], ...]
) -> Mapping[str, str]:
    return MappingProxyType(_requests.get_environ_proxies(origin, no_proxy=no_proxy))
