"""What may stand in ``no_proxy``: what can match, as requests reads NO_PROXY."""

import re
from ipaddress import AddressValueError, IPv4Network, IPv6Address

_NETWORK = re.compile(r"[0-9.]+/[0-9]{1,2}")
_HOST = re.compile(r"\.?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?::[0-9]{1,5})?")
_IPV4_AND_PORT = re.compile(r"[0-9]+(?:\.[0-9]+){3}:[0-9]+")


def check_direct_host(text: str) -> str:
    """Return a host, a domain, an address or a network that `requests` can compare with a URL.

    Raises `ValueError` for what never matches there: a network of IPv6, an IPv4 address with a
    port, a star before a domain, or a list in one text.
    """
    if text == "*":
        return text
    if _NETWORK.fullmatch(text):
        if not IPv4Network(text, strict=False).prefixlen:
            raise ValueError("requests takes no network of all addresses")
    elif _IPV4_AND_PORT.fullmatch(text) or not (_HOST.fullmatch(text) or _is_ipv6(text)):
        raise ValueError("no host")
    return text


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
