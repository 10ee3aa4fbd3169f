"""The command line, a rim around the library: problems go to stderr, results to stdout.

Exit codes: 0 for what is well, 1 for problems and differences, 2 for usage.
"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from enum import StrEnum
from math import isinf
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from requests_mounts._command.check import check as check_config
from requests_mounts._command.compare import compare
from requests_mounts._command.starter import STARTER
from requests_mounts._command.worst_case import show_seconds, worst_case
from requests_mounts._explain import Explanation, explain_url, find_mount, leaves
from requests_mounts._file.config import Config, load_config
from requests_mounts._file.diagnostics import ConfigError, Diagnostic
from requests_mounts._file.policy import Policy, RetryOptions
from requests_mounts._file.schema import json_schema
from requests_mounts._toml import show_toml

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}

app = typer.Typer(
    help="Check and explain files that describe the mounts of a requests session.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """How to print what is not only for people."""

    text = "text"
    json = "json"


class CheckFormat(StrEnum):
    """The same, and annotations of a workflow run."""

    text = "text"
    json = "json"
    github = "github"


_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE")]
_Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE...")]
_Urls = Annotated[list[str], typer.Argument(metavar="URL...")]
_Strict = Annotated[bool, typer.Option("--strict", help="Take warnings for problems.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
_UrlOption = Annotated[
    list[str] | None, typer.Option("--url", help="Tell whether this URL changes its mount.")
]


@app.command()
def check(
    files: _Files,
    form: Annotated[CheckFormat, typer.Option("--format")] = CheckFormat.text,
    *,
    strict: _Strict = False,
) -> None:
    """Find the problems of files, run their [[expect]] tables, and warn."""
    found = [one for file in files for one in _diagnose(file)]
    errors = sum(one.severity == "error" for one in found)
    if form is CheckFormat.json:
        _print_json([_plain(asdict(one), without="excerpt") for one in found])
    elif form is CheckFormat.github:
        for one in found:
            print(_annotation(one))
    else:
        console = _console(stderr=True)
        for one in found:
            console.print(_styled(one), soft_wrap=True)
        warnings = len(found) - errors
        counts = ((len(files), "file"), (errors, "problem"), (warnings, "warning"))
        print(", ".join(_count(*count) for count in counts))
    if errors or (strict and found):
        raise typer.Exit(1)


@app.command()
def explain(
    file: _File,
    urls: _Urls,
    form: Annotated[Format, typer.Option("--format")] = Format.text,
) -> None:
    """Say which prefix serves each URL, with which settings, and why no other does."""
    config = _load(file)
    explained = []
    for url in urls:
        mount = find_mount(config, url)
        explained.append((explain_url(config, url), worst_case(mount.policy) if mount else None))
    if form is Format.json:
        _print_json(
            [asdict(found) | {"worst_case": case and asdict(case)} for found, case in explained]
        )
        return
    console = _console()
    for found, case in explained:
        console.print(_styled_explanation(found), soft_wrap=True)
        if case:
            cost = f"{show_seconds(case.seconds)}, {_count(case.connections, 'connection')}"
            console.print(f"  at worst, for one request: {cost}", soft_wrap=True)


@app.command()
def show(file: _File) -> None:
    """List all mounts, longest prefix first, with what differs from the built-in settings."""
    table = Table("prefix", "policy", box=None, pad_edge=False, header_style="bold")
    built_in = dict(leaves(Policy(max_retries=RetryOptions(total=0)))) | dict(leaves(Policy()))
    for mount in _load(file).mounts:
        settings = [
            f"{'.'.join(path)} = {show_toml(value)}"
            for path, value in leaves(mount.policy)
            if value is not None and (path[-1] == "total" or built_in.get(path) != value)
        ]
        policy = "\n".join(settings) or "as requests"
        table.add_row(Text(mount.text, overflow="fold"), Text(policy, overflow="fold"))
    _console().print(table)


@app.command()
def diff(old: _File, new: _File, urls: _UrlOption = None) -> None:
    """Name the mounts that were added, removed or changed; exit with 1 where there are any."""
    before, after = _load(old), _load(new)
    changes = list(compare(before, after))
    for change in changes:
        print(f"{_SIGNS[change.kind]} {change.prefix}")
        for setting in change.settings:
            print(f"    {setting}")
    for url in urls or ():
        one, other = _mount_name(before, url), _mount_name(after, url)
        print(f"{url}: {one} → {other}" if one != other else f"{url}: {one}, as before")
    if changes:
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    _print_json(json_schema())


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE")] = Path("mounts.toml"),
    *,
    force: _Force = False,
) -> None:
    """Write a file to start from, with comments."""
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(STARTER)
    except FileExistsError:
        _complain(f"{file} is there already; --force replaces it")
        raise typer.Exit(1) from None
    except OSError as error:
        _complain(f"{file}: {error.strerror}")
        raise typer.Exit(1) from None
    print(f"wrote {file}")


def main() -> None:
    """Run the command line; a reader that goes away is no error of it."""
    try:
        app(prog_name="requests-mounts")
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _diagnose(file: Path) -> Iterable[Diagnostic]:
    try:
        return check_config(load_config(file))
    except ConfigError as error:
        return error.diagnostics


def _load(file: Path) -> Config:
    try:
        return load_config(file)
    except ConfigError as error:
        _complain(str(error))
        raise typer.Exit(1) from None


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def _mount_name(config: Config, url: str) -> str:
    mount = find_mount(config, url)
    return mount.text if mount else "no mount"


def _print_json(value: Any) -> None:
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _styled(found: Diagnostic) -> Text:
    head, _, rest = str(found).partition("\n")
    text = Text(head, style="bold red" if found.severity == "error" else "yellow")
    return text.append(f"\n{rest}", style="default") if rest else text


def _styled_explanation(found: Explanation) -> Text:
    first, _, rest = str(found).partition("\n")
    text = Text(first, style="bold").append(f"\n{rest}", style="not bold")
    text.highlight_regex(r"(?<=served by )\S+", "green")
    text.highlight_regex(r"(mount|policy .*|defaults|unmatched)$", "cyan")
    return text


def _annotation(found: Diagnostic) -> str:
    """Write a workflow command of GitHub, in which some characters are escaped."""

    def escape(text: str, *more: str) -> str:
        for char in ("%", "\r", "\n", *more):
            text = text.replace(char, f"%{ord(char):02X}")
        return text

    place = f"file={escape(found.path, ':', ',')},line={found.line},col={found.column}"
    title = escape(found.key or "requests-mounts", ":", ",")
    code = f" [{found.code}]" if found.code else ""
    return f"::{found.severity} {place},title={title}::{escape(found.message + code)}"


def _plain(value: Any, *, without: str = "") -> Any:
    """Make a value of plain JSON: secrets as they are shown, no limit as a string."""
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items() if key != without}
    if isinstance(value, (list, tuple)):
        return [_plain(child) for child in value]
    if isinstance(value, float) and isinf(value):
        return "inf"
    return str(value) if isinstance(value, str) else value
