"""What is not known of a mount, as the file was loaded without some of its variables.

1. What is written with a variable is unknown, even if it has a default.
2. Some tables are left out as a whole if one of their keys lacks a variable.
3. Where the name of a policy lacks one, whatever the mount and the policies before that one do not
   set is unknown.
"""

from dataclasses import fields

from requests_mounts._file.config import BUILT_IN, Config, Mount
from requests_mounts._file.policy import NESTED_TABLES
from requests_mounts._file.settings import SettingPath

_LEFT_OUT_AS_A_WHOLE = {"limit", "breaker", "max_retries", "retry_budget"}
_WEAKEST = {"defaults", BUILT_IN.layer}


def is_unknown(config: Config, mount: Mount, path: SettingPath) -> bool:
    """Tell whether a variable that is not looked at decides a setting."""
    if not config.variables.offline:
        return False
    whole, origin = config.origin(mount, path[:1]), config.origin(mount, path)
    if whole.reference is not None or origin.reference is not None:
        return True
    if left_out(config, mount, path[0]):
        return True
    decided_by = whole if path[0] == "limit" else origin
    return decided_by.layer in _WEAKEST and config.layers.is_undecided(mount.text)


def left_out(config: Config, mount: Mount, key: str) -> tuple[SettingPath, ...]:
    """Name the settings of a table that was left out as a whole; nothing if it was not."""
    if key not in _LEFT_OUT_AS_A_WHOLE or not mount.lacking or getattr(mount.policy, key):
        return ()
    if config.origin(mount, (key,)).reference is not None:
        return ()
    paths = ((key, field.name) for field in fields(NESTED_TABLES[key]))
    origins = {path: config.origin(mount, path) for path in paths}
    if all(origin.reference is None for origin in origins.values()):
        return ()
    return tuple(path for path, origin in origins.items() if origin.place)
