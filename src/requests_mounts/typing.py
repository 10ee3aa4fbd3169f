"""The types that users meet in annotations and have no need to make."""

from requests_mounts._explain import Loser, Setting
from requests_mounts._file.policy import Policy

__all__ = ["Loser", "Policy", "Setting"]
