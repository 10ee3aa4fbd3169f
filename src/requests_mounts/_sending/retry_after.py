"""What a server asks for with a Retry-After header (RFC 9110, 10.2.3)."""

from math import inf

from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

_READER = Retry(retry_after_max=inf)  # type: ignore[arg-type] # typed as an integer, only compared


def read_retry_after(header: str) -> float | None:
    """Return the seconds from now, as urllib3 reads them; None if the header is invalid."""
    try:
        return _READER.parse_retry_after(header)
    except (InvalidHeader, ValueError, OverflowError):
        return None
