"""Variables as other tools write them, where ``${NAME}`` is meant."""

import re

_NAME = r"([A-Za-z_][A-Za-z0-9_]{0,63})"
# Patterns are text here: only a file with a problem needs them compiled.
_FORMS = (
    rf"\${_NAME}",
    rf"\$\({_NAME}\)",
    rf"\$env:{_NAME}",
    rf"%{_NAME}%",
    rf"\$?\{{\{{[ \t]*(?:env\.)?{_NAME}[ \t]*\}}\}}",
    rf"(?:os\.)?(?:environ|getenv)(?:\.get)?[\[(][\"']{_NAME}[\"'][\])]",
)
_REFERENCE = rf"\$\{{{_NAME}(?::-[^{{}}\"'\n]*)?\}}"
_END = r"(?=[ \t]*(?:[,\]}#\n]|\Z))"


def variable_in(text: str) -> str:
    """Return the name of the variable that a text stands for elsewhere; empty if for none."""
    return next((found[1] for form in _FORMS if (found := re.fullmatch(form, text.strip()))), "")


def reference_at(text: str) -> str:
    """Return the reference that is meant by what a text begins with, where quotes are missing."""
    if found := re.match(_REFERENCE + _END, text):
        return found[0]
    names = (found[1] for form in _FORMS if (found := re.match(form + _END, text)))
    return next((f"${{{name}}}" for name in names), "")
