"""Text that may be used but not shown."""

import re

HIDDEN = "**********"
_USERINFO = re.compile(r"""(?<=://)[^\s"']*@""")


class Secret(str):
    """A string that shows as ``**********`` in whatever way it is printed.

    It is equal to the string that it hides; `reveal` gives that string to the code that needs it.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return repr(str(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class ProxyUrl(Secret):
    """A URL that shows without its user name and password."""

    __slots__ = ()

    def __str__(self) -> str:
        return redact(reveal(self))


def reveal(text: str) -> str:
    """Return the string itself, also of a secret."""
    return str.__str__(text)


def like(model: str, text: str) -> str:
    """Return a text that is a secret where the one that it was made from is."""
    return type(model)(reveal(text)) if isinstance(model, Secret) else text


def redact(text: str) -> str:
    """Hide the user name and password of each URL in a text."""
    return _USERINFO.sub(f"{HIDDEN}@", text) if "@" in text else text
