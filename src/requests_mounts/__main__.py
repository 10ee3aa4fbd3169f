"""The program ``requests-mounts``, also run as ``python -m requests_mounts``."""

import sys
from importlib.util import find_spec


def main() -> None:
    """Run the command line, or say what it needs."""
    if not (find_spec("typer") and find_spec("rich")):
        sys.exit('the command line needs more: pip install "requests-mounts[cli]"')
    from requests_mounts._command.cli import main as run  # noqa: PLC0415 - not without typer and rich

    run()


if __name__ == "__main__":
    main()
