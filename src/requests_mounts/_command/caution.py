"""What a warning of `requests-mounts check` is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """A warning about the policy of a mount."""

    code: str
    message: str
    causes: tuple[str, ...] = ()
    """The settings that give rise to it, the likeliest first."""
    missing: bool = False
    """Whether it is a setting that is not there."""
    seconds: float = 0
    """How bad it is; of several mounts with one cause, the worst is told."""
