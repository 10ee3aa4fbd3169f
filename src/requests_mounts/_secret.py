"""What must not be shown: which text is secret, and a value that keeps it.

One place decides: a setting is secret by its key (whatever is called password, token and the like),
a URL by its user name and password, and a text by what an environment variable put into it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeAlias

from requests_mounts._errors import MountsError

HIDDEN: Final = "**********"

Recipe: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...]]
"""What `pickle` keeps of a value: a function and its arguments."""

_SECRET_KEY = re.compile(
    r"pas+[-_]?(?:w|phrase|code)|pwd|token(?!s)|secret|credential|bearer|authorization|cookie"
    r"|(?:api|access|private)[-_]?key|(?:\b|_)auth(?:\b|_)",
    re.IGNORECASE,
)
_ABBREVIATIONS = {"pass", "pw", "pwd", "passw", "cred", "creds", "tok", "tkn", "psk"}
_LIKE = ("password", "passphrase", "secret", "token", "credential", "credentials", "bearer",
         "authorization", "cookie", "apikey")  # fmt: skip
_LIKENESS = 0.85
_LONGEST_WORD = 32
_OUR_WORDS = {"bearer", "tokens"}
"""Of ``bearer_file`` and ``retry_budget.tokens``; `is_secret` decides about them."""
REFERENCES: Final = r"(?:(?i:bearer|basic|token) )?(?:\$\{[A-Za-z_][A-Za-z0-9_]*(?::-)?\})+"
"""The pattern of variables that are named, and no more: a default may be the secret itself."""
_REFERENCES = re.compile(REFERENCES)
_REFERENCE = re.compile(r"\$\$|\$\{[A-Za-z_][A-Za-z0-9_]*(?::-(?P<default>[^{}]*))?\}")
_COLON = re.compile(r":(?!-[^{}:]*\})")
"""What ends the name before a password, and does not begin a default."""
_DEFAULT = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*:-[^{}]")


class Secret:
    """A text that shows as its file writes it: the reference to a variable, or asterisks.

    It is not a `str`, so neither ``+`` nor ``join`` nor ``json.dumps`` gives it away, and a type
    checker finds where `reveal` was forgotten. Secrets of the same content are equal.

    One that is made of variables is pickled as its reference, and filled in again from the
    environment of the process that loads it. Without a variable it has no content, and cannot be
    revealed.
    """

    __slots__ = ("_content", "_shown", "missing", "recipe")

    _content: str | None
    _shown: str
    missing: tuple[str, ...]
    """The names of the variables that it lacks; empty if it has a content."""
    recipe: Recipe | None
    """How to make it again in another process, if it is not to be pickled by its content."""

    def __init__(
        self,
        content: str | None,
        shown: str = HIDDEN,
        *,
        missing: tuple[str, ...] = (),
        recipe: Recipe | None = None,
    ) -> None:
        for name, value in (("_content", content), ("_shown", shown)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "missing", missing)
        object.__setattr__(self, "recipe", recipe)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a secret cannot be changed, nor its {name}")

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return repr(self._shown)

    def __format__(self, spec: str) -> str:
        return format(self._shown, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._identity == other._identity

    def __hash__(self) -> int:
        return hash((Secret, self._identity))

    def __bool__(self) -> bool:
        return self._content != ""

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> Recipe:
        return self.recipe or (Secret, (self._content, self._shown))

    @property
    def _identity(self) -> tuple[str | None, str]:
        return self._content, self._shown if self.missing else ""

    def changed(self, change: Callable[[str], str]) -> "Secret":
        """Return a secret that is made of the content of this one, and shows the same."""
        if self._content is None:
            return self
        recipe = (Secret.changed, (self, change)) if self.recipe else None
        return Secret(change(self._content), self._shown, recipe=recipe)


def reveal(value: str | Secret) -> str:
    """Return the text itself, also of a secret.

    Raises `MountsError` if it is made of a variable that is not set.
    """
    if not isinstance(value, Secret):
        return value
    if value._content is None:  # noqa: SLF001 - its only reader
        raise MountsError(f"{value} needs the environment variable {value.missing[0]}")
    return value._content  # noqa: SLF001 - as above


def is_missing(value: object) -> bool:
    """Tell whether a value is a text that lacks a variable."""
    return isinstance(value, Secret) and bool(value.missing)


def is_secret(key: str) -> bool:
    """Tell by its name whether a key holds a secret; the name of a file is none."""
    return bool(_SECRET_KEY.search(key)) and not key.endswith("_file")


def resembles_secret(key: str) -> bool:
    """Tell by its name whether a key that need not be one of ours may be meant for a secret.

    In the line of a file a secret's name may be misspelled, so that nothing else hides the value.
    """
    last = re.split(r"[.\"'\s]", key)[-1]
    words = re.split("[^A-Za-z]+", last)
    return is_secret(key) or any(map(_is_like_secret, words))


@lru_cache(maxsize=4096)
def _is_like_secret(word: str) -> bool:
    from difflib import get_close_matches  # noqa: PLC0415 - only a file with a problem needs it

    word = word.lower()
    if word in _ABBREVIATIONS or word.endswith("pass"):
        return True
    if word in _OUR_WORDS or len(word) > _LONGEST_WORD:
        return False
    return bool(get_close_matches(word, _LIKE, n=1, cutoff=_LIKENESS))


def key_of(path: tuple[str | int, ...]) -> str:
    """Return the key that decides about what stands under a path; in ``auth`` all is secret."""
    *above, key = [part for part in path if isinstance(part, str)] or [""]
    in_auth = above[-1:] == ["auth"] and above[:-1] != ["policies"]
    return f"auth.{key}" if in_auth else key


def redact(text: str, key: str = "") -> str:
    """Hide the user name and password of a URL, also where its scheme is missing."""
    start, end = _userinfo(text, key)
    return f"{text[:start]}{HIDDEN}{text[end:]}" if end else text


def redact_written(text: str, key: str = "") -> str:
    """Hide what a file writes out of a secret, and leave references to variables as they are."""
    if is_secret(key):
        return text if _REFERENCES.fullmatch(text) else _hide_literals(text)
    start, end = _userinfo(text, key)
    user, colon, password = _split_user(text[start:end])
    if _REFERENCES.fullmatch(password if colon else user):
        return text
    shown = f"{_hide_literals(user)}{colon}{_hide_literals(password)}"
    return f"{text[:start]}{shown}{text[end:]}" if "${" in shown else redact(text, key)


def _hide_literals(text: str) -> str:
    """Hide all of a text but the references in it; the default of one is hidden too."""
    shown, end = "", 0
    for found in _REFERENCE.finditer(text):
        if found[0] == "$$":
            continue
        shown += HIDDEN * (end < found.start())
        default = found["default"]
        shown += (
            f"{text[found.start() : found.start('default')]}{HIDDEN}}}" if default else found[0]
        )
        end = found.end()
    return shown + HIDDEN * (end < len(text))


def _split_user(text: str) -> tuple[str, str, str]:
    user, *rest = _COLON.split(text, maxsplit=1)
    return user, ":" * len(rest), "".join(rest)


def writes_secret(text: str, key: str) -> bool:
    """Tell whether a file holds a secret itself, if only as the default of a variable."""
    part = text.replace("$$", "")
    if not is_secret(key):
        start, end = _userinfo(part, key)
        part = part[start:end].partition(":")[2]
    return bool(part) and ("${" not in part or bool(_DEFAULT.search(part)))


def _userinfo(text: str, key: str) -> tuple[int, int]:
    """Find the user name and password of a URL; two zeros if it has none.

    They end at the last ``@``: a password in which a ``/`` was not escaped is hidden too. Without a
    scheme only a colon, or a key such as ``proxy``, tells a URL from an address of mail.
    """
    end = text.rfind("@")
    scheme = text.find("://", 0, max(end, 0))
    if scheme >= 0:
        return scheme + 3, end
    return (0, max(end, 0)) if ":" in text[: max(end, 0)] or "prox" in key.lower() else (0, 0)
