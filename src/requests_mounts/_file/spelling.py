"""What may have been meant by a word that is unknown."""

from collections.abc import Sequence

_LONGEST_CORRECTED = 40
_MOST_COMPARED = 100


def correction(name: str, known: Sequence[str]) -> str:
    """Suggest a name for one that is unknown."""
    from difflib import get_close_matches

    short = name[:_LONGEST_CORRECTED].lower()
    close = get_close_matches(short, known[:_MOST_COMPARED], n=1)
    return f", did you mean {close[0]}?" if close else ""
