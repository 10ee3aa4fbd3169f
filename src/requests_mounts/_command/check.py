"""What `requests-mounts check` says of a valid file."""

from requests_mounts._command.cautions import cautions
from requests_mounts._command.expectations import failures
from requests_mounts._file.config import Config
from requests_mounts._file.diagnostics import Diagnostic, in_order


def check(config: Config) -> tuple[Diagnostic, ...]:
    """Return the expectations that fail, as errors, and the warnings that are not ignored."""
    return in_order([*failures(config), *cautions(config)])
