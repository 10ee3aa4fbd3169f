"""From a file to a configuration, stage by stage.

1. The file is read, and those that it extends.
2. The keys of ``[mounts]`` are parsed as prefixes.
3. Variables are filled into the names of policies and limits. Tables are laid over those that they
   inherit from, as they are written.
4. Other variables are filled in, and only those that are in use then.
5. What comes out is validated once, so every policy is checked as it will act, and a problem that
   was inherited is reported where it is written. What stands in a file below is validated by
   itself too, as another may be laid over it.
6. Mounts are made of it, longest prefix first.
7. What only the world outside can tell is tried out: files of certificates, extras.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib.util import find_spec
from typing import Any, TypeAlias

from requests_mounts._collector import paused_collector
from requests_mounts._errors import MountsError
from requests_mounts._file.bases import check_bases
from requests_mounts._file.config import Claim, Config, Mount
from requests_mounts._file.diagnostics import ConfigError
from requests_mounts._file.document import Document, Place
from requests_mounts._file.environment import (
    BROKEN,
    Variables,
    fill_in,
    is_broken,
    variable_at_fault,
)
from requests_mounts._file.extends import read_with_bases
from requests_mounts._file.filling import NOTHING_EXPECTED, fill_names, fill_tables
from requests_mounts._file.findings import Findings
from requests_mounts._file.headers import Headers
from requests_mounts._file.identity import identity_problems, repeated_headers, token_problem
from requests_mounts._file.inheritance import Layers
from requests_mounts._file.options import Tls
from requests_mounts._file.policy import PATHS, File, MountPolicy, Policy
from requests_mounts._file.proxies import user_fault
from requests_mounts._file.reach import reach_problems
from requests_mounts._file.settings import SettingPath, spelled_out
from requests_mounts._file.targets import locate_target
from requests_mounts._file.validation import validate
from requests_mounts._routing.partial import PartialPrefix
from requests_mounts._routing.prefix import Prefix
from requests_mounts._secret import Secret, is_missing, reveal
from requests_mounts._toml import KeyPath, show_key, show_text

_WITH_PATHS = {key for key, _ in PATHS} | {"connect_to"}
_Problem: TypeAlias = tuple[KeyPath, str, str]
"""The path below a mount, what is wrong, and the code of that."""


def load_config(
    path: str | os.PathLike[str],
    *,
    environ: Mapping[str, str] | None = None,
    offline: bool = False,
) -> Config:
    """Read and validate a file, and those that it extends.

    ``environ`` takes the place of `os.environ`. With ``offline``, nothing outside the files is
    consulted: variables that ``environ`` lacks stay references, and no file of a key or certificate
    is opened.

    Raises `ConfigError` with every problem of the file, and `OSError` if it cannot be read.
    """
    variables = Variables(environ, offline)
    with paused_collector():
        return _configure(read_with_bases(Document.load(path)), variables)


def load_again(config: Config) -> Config:
    """Read the file of a configuration again, as it was loaded.

    Raises what `load_config` raises, and `MountsError` if it came from a text.
    """
    document = config.document
    if document.file is None:
        raise MountsError(f"the configuration {config.name} came from a text, not from a file")
    name = config.name if os.path.abspath(config.name) == document.file else document.file  # noqa: PTH100
    variables = config.variables
    return load_config(name, environ=variables.environ, offline=variables.offline)


def parse_config(
    text: str,
    *,
    source: str = "<string>",
    environ: Mapping[str, str] | None = None,
    offline: bool = False,
) -> Config:
    """Validate a text as `load_config` does a file; ``source`` is its name in diagnostics.

    Paths in the text are relative to the folder of that name.
    """
    variables = Variables(environ, offline)
    with paused_collector():
        return _configure(read_with_bases(Document.parse(text, name=source)), variables)


def _configure(documents: tuple[Document, ...], variables: Variables) -> Config:
    findings = Findings(documents)
    names = tuple(_name_mounts(one, variables, findings) for one in documents)
    findings.layers = layers = Layers(documents, names, fill_names(documents, variables))
    layers.check(findings.report)
    for place, message in (found for one in documents for found in repeated_headers(one)):
        findings.add(place, message, "defined-twice")
    tables = layers.merged()
    tables, missing = fill_tables(tables, layers, variables, findings.report)
    if len({document.folder for document in documents}) > 1:
        tables = _locate_paths(tables, layers)
    file, policies = validate(tables, findings)
    check_bases(layers, variables, findings)
    mounts = tuple(_make_mounts(file, policies, layers, missing))
    _refuse_in_defaults(findings)
    _try_out(mounts, findings, offline=variables.offline)
    if findings.diagnostics:
        raise ConfigError(findings.diagnostics)
    claims = tuple(_claims(file, tables, layers))
    partial = tuple(_partial_prefixes(file, variables)) if variables.offline else ()
    return Config(layers, variables, mounts, file.unmatched, claims, file.ignore, partial)


def _name_mounts(document: Document, variables: Variables, findings: Findings) -> dict[str, str]:
    """Parse the keys of ``[mounts]``, and return them by the canonical spellings of the prefixes.

    A key that is not a prefix stands for itself, so that its table is validated too, and one that
    lacks a variable. Of two that mean the same, the second is a problem.
    """
    names: dict[str, str] = {}
    mounts = document.data.get("mounts")
    for key in mounts if isinstance(mounts, dict) else ():
        try:
            name = _name_of(key, variables)
        except ValueError as error:
            findings.add(Place(document, ("mounts", key)), str(error), "invalid-prefix")
            name = None
        if name is None:
            names[key] = key
            continue
        first = names.setdefault(name, key)
        if first != key:
            other = Place(document, ("mounts", first))
            message = f"the same prefix as {show_key(other.path)} on line {other.line}"
            findings.add(Place(document, ("mounts", key)), message, "same-prefix")
    return names


def _name_of(key: str, variables: Variables) -> str | None:
    """Return the canonical spelling of a prefix; `None` if it lacks a variable offline.

    Raises `ValueError` if it is not a prefix, without a word of what a variable holds.
    """
    if "${" not in key:
        return Prefix.spell(key)
    if is_broken(key):
        raise ValueError(BROKEN)
    filled = fill_in(key, variables=variables)
    if isinstance(filled, Secret) and filled.missing:
        if not variables.offline:
            raise ValueError(f"the environment variable {filled.missing[0]} is not set")
        return None
    prefix, culprit = Prefix.read(reveal(filled)), variable_at_fault(key, variables)
    if not prefix or (culprit and not prefix.host):
        got = f"got {show_text(key)}{culprit and f'; {culprit}'}"
        raise ValueError(f"expected a prefix once the variables are filled in ({got})")
    return str(prefix)


def _locate_paths(tables: dict[str, Any], layers: Layers) -> dict[str, Any]:
    """Make paths absolute that stand in files of other folders than the first."""
    located = {**tables}
    if isinstance(mounts := tables.get("mounts"), dict):
        located["mounts"] = {name: _located(table, layers, name) for name, table in mounts.items()}
    if "defaults" in tables:
        located["defaults"] = _located(tables["defaults"], layers, None)
    return located


def _located(table: Any, layers: Layers, name: str | None) -> Any:
    if not isinstance(table, dict) or table.keys().isdisjoint(_WITH_PATHS):
        return table
    tables = layers.of(name)
    for key, inner in PATHS:
        place = next(filter(None, (layer.find((key, inner)) for layer in tables)), None)
        path = table[key].get(inner) if isinstance(table.get(key), dict) else None
        if place and isinstance(path, str | Secret):
            join = partial(os.path.join, place.document.folder)
            table = {**table, key: {**table[key], inner: _change(path, join)}}
    place = next(filter(None, (layer.find(("connect_to",)) for layer in tables)), None)
    if place and isinstance(targets := table.get("connect_to"), list):
        locate = partial(locate_target, place.document.folder)
        table = {**table, "connect_to": [_change(target, locate) for target in targets]}
    return table


def _change(value: Any, change: Callable[[str], str]) -> Any:
    """Change a text, also one that is secret."""
    if isinstance(value, Secret):
        return value.changed(change)
    return change(value) if isinstance(value, str) else value


def _make_mounts(
    file: File,
    policies: Mapping[str, MountPolicy],
    layers: Layers,
    missing: Mapping[str, tuple[str, ...]],
) -> list[Mount]:
    """Pair prefixes and policies, longest first; http:// and https:// are always among them.

    A prefix that lacks a variable has none. ``missing`` are the variables of each table.
    """
    keys = {name: key for names in reversed(layers.mounts) for name, key in names.items()}
    mounts = [
        Mount(name, policy, keys[name], _lacking(missing, name))
        for name, policy in policies.items()
        if "${" not in name
    ]
    defaults = replace(file.defaults, deny=True) if file.unmatched == "deny" else file.defaults
    for scheme in ("https", "http"):
        name = f"{scheme}://"
        if name not in keys:
            policy = replace(defaults, tls=None) if scheme == "http" and defaults.tls else defaults
            mounts.append(Mount(name, policy, None, _lacking(missing, "defaults", "unmatched")))
    return sorted(mounts, key=lambda mount: len(mount.text), reverse=True)


def _partial_prefixes(file: File, variables: Variables) -> Iterator[PartialPrefix]:
    """Name the prefixes that lack a variable."""
    for name in file.mounts:
        filled = fill_in(name, variables=variables) if "${" in name else name
        if isinstance(filled, Secret):
            yield PartialPrefix(name, filled.missing[0])


def _lacking(missing: Mapping[str, tuple[str, ...]], *tables: str) -> tuple[str, ...]:
    return tuple(name for table in tables for name in missing.get(table, ())) if missing else ()


def _refuse_in_defaults(findings: Findings) -> None:
    """Report what would tell every host who we are."""
    for document in findings.documents:
        place = Place(document, ("defaults", "auth"))
        if place.exists:
            message = "expected in a mount or a policy, as every host would be told"
            findings.add(place, message, "conflict")


def _try_out(mounts: tuple[Mount, ...], findings: Findings, *, offline: bool) -> None:
    """Report what only the world outside the file can tell, or a prefix and its policy together."""
    tried: dict[tuple[int, bool], tuple[_Problem, ...]] = {}

    @cache
    def of_tls(tls: Tls | None) -> tuple[_Problem, ...]:
        if tls is None:
            return ()
        from requests_mounts._file.tls import tls_problems

        found = tls_problems(tls, open_files=not offline)
        return tuple((("tls", key), problem, "unusable-tls") for key, problem in found)

    of_token = None if offline else cache(token_problem)

    for mount in mounts:
        place: KeyPath = ("mounts", mount.text) if mount.key is not None else ("defaults",)
        is_plain = mount.text.startswith("http:")
        tls = None if is_plain else mount.policy.tls
        if mount.policy.tls and is_plain:
            message = f"expected an https:// prefix for it (got {mount.shown})"
            findings.report((*place, "tls"), message, "conflict")
        if (key := (id(mount.policy), is_plain)) not in tried:
            tried[key] = (*of_tls(tls), *_problems_of(mount.policy, of_token))
        for path, message, code in tried[key]:
            findings.report((*place, *path), message, code)


def _problems_of(
    policy: Policy, of_token: Callable[[str | Secret], str] | None
) -> Iterator[_Problem]:
    """Name the keys of a policy that cannot be used, whatever its prefix, but those of TLS.

    Without ``of_token`` nothing outside the file is consulted.
    """
    yield from identity_problems(policy, problem_of=of_token)
    for path, problem in reach_problems(policy):
        yield path, problem, "conflict"
    if policy.proxy == "env" or is_missing(policy.proxy):
        return
    if problem := user_fault(reveal(policy.proxy)):
        yield ("proxy",), problem, "invalid-value"
    is_socks = reveal(policy.proxy).startswith("socks")
    if is_socks and of_token and not find_spec("socks"):
        message = 'a socks proxy needs pip install "requests-mounts[socks]"'
        yield ("proxy",), message, "missing-extra"


def _claims(file: File, tables: dict[str, Any], layers: Layers) -> Iterator[Claim]:
    """Say what each ``[[expect]]`` table sets; the others of its keys have their defaults.

    One that lacks a variable expects nothing.
    """
    for index, expectation in enumerate(file.expect):
        table = tables["expect"][index]
        if table is not NOTHING_EXPECTED:
            place, filled = Place(layers.documents[0], ("expect", index)), _written_paths(table)
            limit = layers.name_at(place.below("limit"))
            named = [(("limit",), limit)] if isinstance(limit, str) else []
            settings = [
                setting
                for path in _written_paths(place.value)
                if path in filled and path not in {("url",), ("mount",)}
                for setting in spelled_out(path, _setting(expectation, path))
                if not is_missing(setting[1])
            ]
            yield Claim(expectation.url, expectation.mount, (*settings, *named), place)


def _written_paths(table: dict[str, Any], above: SettingPath = ()) -> dict[SettingPath, None]:
    """Return the paths of what a table sets, in its order."""
    found: dict[SettingPath, None] = {}
    for key, value in table.items():
        path = (*above, key)
        found |= _written_paths(value, path) if isinstance(value, dict) else {path: None}
    return found


def _setting(policy: Any, path: SettingPath) -> object:
    for key in path:
        policy = policy.get(key) if isinstance(policy, Headers) else getattr(policy, key)
    return policy
