"""Which URLs ``no_proxy`` leaves direct: those that NO_PROXY would, as requests reads it.

requests has a function for it, `requests.utils.should_bypass_proxies`. While it asks the standard
library about a list that it is given, it sets the variable, for all threads of the process; so the
standard library is asked here. Releases of requests that match names by their ends alone, so that
``corp.example`` is ``evilcorp.example`` too, are not followed.
"""

from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from requests.utils import address_in_network, is_ipv4_address, is_valid_cidr


def is_bypassed(url: str, no_proxy: tuple[str, ...]) -> bool:
    """Tell whether the host of a URL is one of some hosts, domains and networks."""
    path = url.find("/", len("https://"))
    return _is_bypassed(url[:path] if path > 0 else url, no_proxy)


@lru_cache(maxsize=1024)
def _is_bypassed(origin: str, no_proxy: tuple[str, ...]) -> bool:
    """Match addresses by networks, and names by whole labels, with or without their port."""
    parts = urlsplit(origin)
    names = [parts.hostname or ""]
    if is_ipv4_address(names[0]):
        networks = filter(is_valid_cidr, no_proxy)
        if any(address_in_network(names[0], network) for network in networks):
            return True
    elif parts.port:
        names.append(f"{names[0]}:{parts.port}")
    return any(proxy_bypass_environment(name, {"no": ",".join(no_proxy)}) for name in names)
