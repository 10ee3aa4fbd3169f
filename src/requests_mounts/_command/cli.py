"""The commands, a rim around the library: results go to standard output, trouble to standard error.

Exit codes: 0 if all is well, 1 for problems and differences, 2 for what cannot be read or meant.
"""

import io
import os
import re
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from textwrap import fill
from typing import Annotated, NoReturn, get_args

import typer

from requests_mounts._command.check import check as check_config
from requests_mounts._command.printing import (
    annotation,
    as_json,
    complain,
    count,
    print_columns,
    print_explanation,
    print_findings,
)
from requests_mounts._command.reading import STANDARD_INPUT, Unreadable, read_bytes, read_config
from requests_mounts._command.worst_case import WorstCase, worst_case
from requests_mounts._errors import MountsError
from requests_mounts._explain import explain_url, find_mount
from requests_mounts._file.codes import ERRORS
from requests_mounts._file.config import Config
from requests_mounts._file.diagnostics import ConfigError, Diagnostic
from requests_mounts._file.types import Code

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")
_PROBLEMS, _TROUBLE = 1, 2
_CODES = "\b\n" + fill(  # As it is, since else codes are broken at their hyphens.
    f"Codes of errors: {', '.join(ERRORS)}. "
    f"Codes of warnings, for ignore: {', '.join(get_args(get_args(Code)[0]))}.",
    width=76,
    break_on_hyphens=False,
)

app = typer.Typer(
    help="Check and explain files that describe the mounts of a requests session.",
    epilog="Exit codes: 0 if all is well, 1 for problems or differences, 2 for usage and files "
    "that cannot be read. A FILE may be - for standard input.",
    context_settings={"help_option_names": ["-h", "--help"]},
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


_File = Annotated[str, typer.Argument(metavar="FILE", hidden=True)]
_Old = Annotated[str, typer.Argument(metavar="OLD", hidden=True)]
_New = Annotated[str, typer.Argument(metavar="NEW", hidden=True)]
_Files = Annotated[list[str], typer.Argument(metavar="FILE", hidden=True)]
_Urls = Annotated[list[str], typer.Argument(metavar="URL", hidden=True)]
_Format = Annotated[Format, typer.Option("--format", help="How to print the result.")]
_CheckFormat = Annotated[CheckFormat, typer.Option("--format", help="How to print the findings.")]
_Strict = Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")]
_Offline = Annotated[
    bool,
    typer.Option("--offline", help="Look at no variable, certificate or key, only at the files."),
]
_Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print no summary.")]
_Silent = Annotated[bool, typer.Option("-q", "--quiet", help="Do not say what was written.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
_Everything = Annotated[
    bool, typer.Option("-a", "--all", help="Show what is built in and what has no effect, too.")
]
_Origin = Annotated[
    bool, typer.Option("--origin", help="Show the file and the line that each setting is from.")
]
_UrlOption = Annotated[
    list[str] | None,
    typer.Option("--url", metavar="URL", help="Tell whether this URL changes its mount."),
]


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        from requests_mounts._version import __version__

        print(f"requests-mounts {__version__}")
        raise typer.Exit


@app.callback()
def program(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options of the program itself."""


@app.command(short_help="Find the problems of files, and warn.", epilog=_CODES)
def check(
    files: _Files,
    form: _CheckFormat = CheckFormat.text,
    *,
    strict: _Strict = False,
    offline: _Offline = False,
    quiet: _Quiet = False,
) -> None:
    """Find the problems of each FILE, run its [[expect]] tables, and warn.

    Findings go to standard output, a summary to standard error.
    """
    found, unreadable = _diagnose(files, offline=offline)
    if form is CheckFormat.json:
        print(as_json([asdict(one) for one in found]))
    elif form is CheckFormat.github:
        for one in found:
            print(annotation(one))
    else:
        print_findings(found)
    errors = sum(one.severity == "error" for one in found)
    if form is CheckFormat.text and not quiet:
        complain(_summary(len(files) - unreadable, unreadable, errors, len(found) - errors))
    if unreadable:
        raise typer.Exit(_TROUBLE)
    if errors or (strict and found):
        raise typer.Exit(_PROBLEMS)


@app.command(short_help="Say which prefix serves a URL, and why.")
def explain(
    file: _File, urls: _Urls, form: _Format = Format.text, *, everything: _Everything = False
) -> None:
    """Say which prefix of FILE serves each URL, with which settings, and why no other does."""
    (config,) = _load(file, form=form)
    absolute = [url for url in urls if _SCHEME.match(url)]
    explained = [(explain_url(config, url), _worst_case(config, url)) for url in absolute]
    if form is Format.json:
        cases = [asdict(found) | {"worst_case": case and asdict(case)} for found, case in explained]
        print(as_json(cases))
    else:
        for found, case in explained:
            print_explanation(found, case, everything=everything)
    for url in urls:
        if url not in absolute:
            complain(f"{url}: expected a URL with a scheme, such as https://{url.lstrip('/')}")
    if len(absolute) < len(urls):
        raise typer.Exit(_PROBLEMS)


@app.command(short_help="List all mounts and their settings.")
def show(file: _File, form: _Format = Format.text, *, origin: _Origin = False) -> None:
    """List the mounts of FILE, longest prefix first, with what differs from built-in settings."""
    from requests_mounts._command.describe import describe

    (config,) = _load(file, form=form)
    shown = list(describe(config))
    if form is Format.json:
        print(as_json([asdict(mount) for mount in shown]))
    else:
        for mount in shown:
            print_columns(mount.rows(origin=origin))


@app.command(short_help="Name the mounts that differ between two files.")
def diff(old: _Old, new: _New, urls: _UrlOption = None, form: _Format = Format.text) -> None:
    """Name the mounts that NEW adds to OLD, removes from it or changes.

    The exit code is 0 if there are none, 1 if there are some, and 2 for trouble, as diff's.
    """
    from requests_mounts._command.compare import compare, move_of

    before, after = _load(old, new, form=form, problems=_TROUBLE)
    changes = list(compare(before, after))
    moves = [move_of(before, after, url, changes) for url in urls or ()]
    if form is Format.json:
        told = {"mounts": [*map(asdict, changes)], "urls": [*map(asdict, moves)]}
        print(as_json(told))
    else:
        for one in (*changes, *moves):
            print(one)
    if changes:
        raise typer.Exit(_PROBLEMS)


@app.command(short_help="Say what the numbers of a session advise.")
def advise(
    stats: Annotated[str, typer.Argument(metavar="STATS.json", hidden=True)],
    file: _File,
    form: _Format = Format.text,
) -> None:
    """Say which keys of FILE the numbers in STATS.json speak against, and what to set.

    A program writes the numbers with json.dumps([asdict(mount) for mount in session.stats()]).
    The exit code is 0 if there is no advice, and 1 if there is some.
    """
    from requests_mounts._live.advice import advise as advise_config
    from requests_mounts._live.stats import read_stats

    if _is_stats(file):
        _fail(f"{file}: expected a file of mounts (got the stats of a session, which come first)")
    (config,) = _load(file, form=form)
    try:
        found = list(advise_config(config, read_stats(read_bytes(stats))))
    except Unreadable as error:
        _fail(error)
    except MountsError as error:
        _fail(f"{stats}: {error}")
    if form is Format.json:
        print(as_json([asdict(one) for one in found]))
    else:
        for one in found:
            print(one)
    if found:
        raise typer.Exit(_PROBLEMS)


@app.command(short_help="Print the JSON Schema of the file, for editors.")
def schema(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write it to a file instead."),
    ] = None,
    *,
    quiet: _Silent = False,
) -> None:
    """Print the JSON Schema of the file, for editors.

    A file of mounts that begins with #:schema and the path of the schema is completed and checked.
    """
    if output:
        _write(output, _schema(), replace=True, quiet=quiet)
    else:
        print(_schema(), end="")


@app.command(short_help="Write a file to start from.")
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", hidden=True)] = Path("mounts.toml"),
    *,
    force: _Force = False,
    quiet: _Silent = False,
) -> None:
    """Write a file to start from, with comments, and beside it the schema that editors use.

    FILE is mounts.toml unless another is named.
    """
    from importlib.resources import files as resources

    starter = resources("requests_mounts._command").joinpath("starter.toml").read_text("utf-8")
    _write(file, starter, replace=force, quiet=quiet)
    beside = file.with_name("mounts.schema.json")
    if force or not beside.exists():
        _write(beside, _schema(), replace=True, quiet=quiet)


def main() -> None:
    """Run the command line; a reader that goes away is not an error of it."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # A name or an arrow may be more than it can say.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="requests-mounts")
    finally:
        try:
            if sys.stdout is not None:  # Nor is one that was never there.
                sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _summary(read: int, unreadable: int, errors: int, warnings: int) -> str:
    """Say how many files were checked, with what result, and how many were not."""
    counts = ((read, "file"), (errors, "problem"), (warnings, "warning"))
    checked = ", ".join(count(*one) for one in counts) if read else ""
    missed = f"{count(unreadable, 'file')} could not be read" if unreadable else ""
    return "; ".join(filter(None, (checked, missed)))


def _diagnose(names: list[str], *, offline: bool) -> tuple[list[Diagnostic], int]:
    """Check each file; return what was found, and how many of them cannot be read."""
    found: list[Diagnostic] = []
    unreadable = 0
    for name in names:
        try:
            found += check_config(read_config(name, offline=offline))
        except ConfigError as error:
            found += error.diagnostics
        except Unreadable as error:
            complain(str(error))
            unreadable += 1
    return found, unreadable


def _load(*names: str, form: Format = Format.text, problems: int = _PROBLEMS) -> list[Config]:
    """Read files for a command that needs all of them, or end with what is wrong with them."""
    configs: list[Config] = []
    broken: list[ConfigError] = []
    for name in names:
        try:
            configs.append(read_config(name))
        except ConfigError as error:
            broken.append(error)
        except Unreadable as error:
            _fail(error)
    if not broken:
        return configs
    if form is Format.json:
        print(as_json([asdict(one) for error in broken for one in error.diagnostics]))
    else:
        complain("\n".join(map(str, broken)))
    raise typer.Exit(problems)


def _is_stats(name: str) -> bool:
    """Tell whether what should be a file of mounts holds the numbers of a session."""
    from requests_mounts._live.stats import read_stats

    try:
        return name != STANDARD_INPUT and read_stats(read_bytes(name)) is not None
    except (Unreadable, ValueError, MountsError):
        return False


def _write(file: Path, text: str, *, replace: bool, quiet: bool) -> None:
    try:
        with file.open("w" if replace else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        _fail(f"{file} is there already; --force replaces it", code=_PROBLEMS)
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    if not quiet:
        print(f"wrote {file}")


def _fail(message: object, *, code: int = _TROUBLE) -> NoReturn:
    complain(str(message))
    raise typer.Exit(code) from None


def _schema() -> str:
    from requests_mounts._file.schema import json_schema

    return f"{as_json(json_schema())}\n"


def _worst_case(config: Config, url: str) -> WorstCase | None:
    """Return what a request may cost, if one is sent at all."""
    mount = find_mount(config, url)
    return worst_case(mount.policy) if mount and not mount.policy.deny else None
