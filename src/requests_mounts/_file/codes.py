"""What each problem is called: stable names for programs, with a word for people.

The codes of warnings, which a file may ignore, are those of `requests_mounts._file.types.Code`.
"""

from typing import Final

ERRORS: Final = {
    "encoding": "text that is not UTF-8",
    "syntax": "text that is not TOML",
    "defined-twice": "a key or a table that is defined twice",
    "missing-table": "a pyproject.toml without the table",
    "unknown-key": "a key that its table does not have",
    "invalid-key": "a key that its table cannot have, such as a header named Host",
    "missing-key": "a key that its table needs",
    "invalid-value": "a value of the wrong type, or out of range",
    "invalid-prefix": "a key of [mounts] that is not a prefix",
    "same-prefix": "two prefixes that mean the same",
    "unknown-policy": "a policy that does not exist",
    "unknown-limit": "a limit that does not exist",
    "circle": "policies or files that extend themselves",
    "missing-file": "a file to extend that cannot be read",
    "missing-variable": "an environment variable that is not set",
    "invalid-reference": "a ${ that is not a reference",
    "unusable-tls": "certificates, keys or ciphers that cannot be used",
    "unusable-token": "the file of a token that cannot be used",
    "conflict": "settings that contradict each other, or their prefix",
    "missing-extra": "a part of the installation that is missing",
    "failed-expectation": "an [[expect]] table that does not hold",
}
"""The codes of errors, with what each is about."""

AT_THE_VALUE: Final = {
    "invalid-value",
    "unknown-policy",
    "unknown-limit",
    "circle",
    "missing-file",
    "missing-variable",
    "invalid-reference",
    "unusable-tls",
    "unusable-token",
    "missing-extra",
    "failed-expectation",
}
"""Problems of a value; all others, and warnings, are problems of a key."""
