"""The host of a proxy in the texts of errors."""

import re

from urllib3.util import parse_url

from requests_mounts._secret import Secret, is_missing, reveal


def hide_host(text: str, proxy: str | Secret) -> str:
    """Write the text of an error with a proxy as in the file, if variables are its host."""
    if not isinstance(proxy, Secret) or is_missing(proxy):
        return text
    host = (parse_url(reveal(proxy)).host or "").strip("[]")
    if host in str(proxy).lower():
        return text
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", lambda _: str(proxy), text)
