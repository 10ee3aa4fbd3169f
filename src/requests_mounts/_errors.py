"""The root of the library's errors."""


class MountsError(Exception):
    """Anything that requests-mounts itself refuses to do."""

    __module__ = "requests_mounts"
