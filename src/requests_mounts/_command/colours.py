"""How the command line prints where colours are seen."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from requests_mounts._file.diagnostics import Diagnostic


def print_findings(found: Iterable[Diagnostic]) -> None:
    """Colour diagnostics by their severity."""
    terminal = _console()
    for one in found:
        head, _, rest = str(one).partition("\n")
        text = Text(head, style="bold red" if one.severity == "error" else "yellow")
        text.append(f"\n{rest}" if rest else "", style="default")
        terminal.print(text, soft_wrap=True)


def print_explanation(explanation: str, cost: str) -> None:
    """Make the URL bold, and colour what decides."""
    first, _, rest = explanation.partition("\n")
    text = Text(first, style="bold").append(f"\n{rest}", style="not bold")
    text.highlight_regex(r"(?<=  served by )\S+", "green")
    text.highlight_regex(r"(?<=  )denied by .*", "bold red")
    text.highlight_regex(r"(mount|policy .*|defaults|unmatched)$", "cyan")
    _console().print(text.append(cost, style="not bold"), soft_wrap=True)


def _console() -> Console:
    """Return standard output with the colours that it takes."""
    return Console(highlight=False, markup=False, emoji=False)
