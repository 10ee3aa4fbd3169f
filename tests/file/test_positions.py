"""Where keys stand, held against tomli: for any valid document, both know the same keys."""

from typing import Any

import pytest
import tomli
from hypothesis import assume, example, given
from hypothesis import strategies as st

from requests_mounts._file.positions import find_positions
from requests_mounts._toml import KeyPath

NAMES = ["a", "b", "c", "d-e", "1", "ü x", 'q"q', "a.b", "", "\\", "'"]


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def spell_key(name: str) -> st.SearchStrategy[str]:
    spellings = [quoted(name)]
    if name.replace("-", "").isascii() and name.replace("-", "").isalnum():
        spellings.append(name)
    if "'" not in name:
        spellings.append(f"'{name}'")
    return st.sampled_from(spellings)


SPACE = st.sampled_from(["", " ", "\t "])
GAP = st.sampled_from(["", " ", "\n", " # ] } = [x]\n", "\r\n"])
KEY_PART = st.sampled_from(NAMES).flatmap(spell_key)
KEY = st.builds(
    lambda parts, space: f"{space}.{space}".join(parts),
    st.lists(KEY_PART, min_size=1, max_size=3),
    SPACE,
)
SCALAR = st.sampled_from(
    [
        "1", "-0.5", "true", "inf", "1979-05-27 07:32:00", "1979-05-27", "07:32:00.5", "0xff",
        '""', "''", '"a # b"', '"]\\"}"', "'\\'", '"""x\n[a]\n"" \\""""""', "'''\n'a' = ''''", '""""""', "''''''",
    ]
)  # fmt: skip


def containers(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    array = st.builds(
        lambda items, gap: "[" + gap + f",{gap}".join(items) + gap + "]",
        st.lists(values, max_size=3),
        GAP,
    )
    pairs = st.lists(st.tuples(KEY, SPACE, values), max_size=3)
    table = pairs.map(lambda pairs: "{" + ", ".join(f"{k}{s}={s}{v}" for k, s, v in pairs) + "}")
    return array | table


VALUE = st.recursive(SCALAR, containers, max_leaves=6)
STATEMENT = st.one_of(
    st.builds("{0}{1}{0}={0}{2}{0}".format, SPACE, KEY, VALUE),
    st.builds("{0}[{0}{1}{0}]{0}# [no]".format, SPACE, KEY),
    st.builds("{0}[[{0}{1}{0}]]".format, SPACE, KEY),
    st.just("# x = 1"),
)
DOCUMENT = st.lists(STATEMENT, max_size=8).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n"]).map(lambda end: end.join(lines))
)


def paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Name every key and element of parsed data."""
    found = {path} - {()}
    if isinstance(value, (dict, list)):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            found |= paths(child, (*path, key))
    return found


def at(data: Any, path: KeyPath) -> Any:
    """Follow a path into parsed data."""
    for part in path:
        data = data[part]
    return data


@given(DOCUMENT)
@example("[[a]]\nb.c = 1\n[a.d]\n[[a]]\n[[a.b]]\n[[a.b]]\nx=[[1], {y=2}]")
@example("a = [\n  1, # ]\n  [2, { b = '''\n]''' }],\n]\n[c]\n")
@example('"""" = 1')
def test_both_know_the_same_keys(text: str) -> None:
    """Every key that tomli reads has a place, at which it is written, and there are no others."""
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError:
        assume(condition=False)
    text = text.replace("\r\n", "\n")
    positions = find_positions(text)
    assert set(positions.keys) == paths(data)
    for path, (start, end) in positions.keys.items():
        name = next(part for part in reversed(path) if isinstance(part, str))
        if isinstance(path[-1], str):
            assert tomli.loads(f"{text[start:end]} = 1") == {name: 1}
    for path, (start, end) in positions.values.items():
        assert tomli.loads(f"x = {text[start:end]}")["x"] == at(data, path)


@pytest.mark.parametrize(
    ("text", "path", "written"),
    [
        ("[a.b]\nc.d = 1", ("a", "b", "c"), "c"),
        ("[a.b]\nc.d = 1", ("a", "b", "c", "d"), "d"),
        ("[a]\nb = [10, 20]", ("a", "b", 1), "20"),
        ("[a]\nb = [\n'x',\n'y y',\n]", ("a", "b", 1), "'y y'"),
        ("[[a]]\n[[a]]\nb = { c = 3 }", ("a", 1, "b", "c"), "c"),
    ],
)
def test_places(text: str, path: KeyPath, written: str) -> None:
    """A key stands where its own part is written, an element where its value is."""
    start, end = find_positions(text).keys[path]
    assert text[start:end] == written


@pytest.mark.parametrize(
    ("text", "path", "written"),
    [
        ("a = 1 # one", ("a",), "1"),
        ("a.b = 1979-05-27 07:32:00 ", ("a", "b"), "1979-05-27 07:32:00"),
        ("[a]\nb = [10, [20]]", ("a", "b"), "[10, [20]]"),
        ("[a]\nb = [10, [20]]", ("a", "b", 1), "[20]"),
        ("a = { b = { c = '}' } }", ("a", "b"), "{ c = '}' }"),
        ("a = [\n1, # ]\n2\n]", ("a",), "[\n1, # ]\n2\n]"),
    ],
)
def test_values(text: str, path: KeyPath, written: str) -> None:
    """A value stands where it is written, however many lines that takes."""
    start, end = find_positions(text).values[path]
    assert text[start:end] == written


def test_a_table_with_a_header_has_no_value() -> None:
    """Its parts may be anywhere."""
    assert find_positions("[a]\n[[b]]\nc = 1").values.keys() == {("b", 0, "c")}


def test_a_table_stands_where_it_is_first_named() -> None:
    """Later tables that only pass through it do not move it."""
    assert find_positions("[a.b]\n[a.c]\n[a]\n").keys["a",] == (1, 2)
