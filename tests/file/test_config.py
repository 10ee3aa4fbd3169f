"""From text to policies: what no pair of files can show."""

import os
import pickle
import random
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_mounts import ConfigError, Diagnostic, MountsError, load_config, parse_config
from requests_mounts._file.codes import AT_THE_VALUE, ERRORS
from requests_mounts._file.config import Config
from requests_mounts._file.types import Code


def problems(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    return caught.value.diagnostics


def test_a_text_is_named_in_its_diagnostics() -> None:
    """The source of a text that is no file is what the caller calls it."""
    with pytest.raises(ConfigError, match=r"^over the wire:1:1: x: unknown key\n"):
        parse_config("x = 1", source="over the wire")
    with pytest.raises(ConfigError, match=r"^<string>:1:1: x: unknown key\n"):
        parse_config("x = 1")


def test_a_diagnostic_has_its_place_in_attributes() -> None:
    """Tools need not parse the text."""
    (found,) = problems("\n[defaults]\n  pool_block = 1")
    assert (found.path, found.line, found.column) == ("<string>", 3, 16)
    assert found.key == "defaults.pool_block"
    assert found.message == "expected true or false (got 1); write true"
    assert (found.severity, found.code) == ("error", "invalid-value")
    assert (found.end_line, found.end_column) == (3, 17)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[defaults]\npool_maxsise = 1", (2, 1, 2, 13)),
        ("[defaults]\npool_maxsize = [\n1,\n2\n ]", (2, 16, 5, 3)),
        ('defaults.proxy = """\nx\n"""', (1, 18, 3, 4)),
        ("[defaults]\npool_maxsize =", (2, 15, 2, 15)),
        ("[defaults]\n[defaults]", (2, 2, 2, 10)),
    ],
)
def test_the_end_of_a_diagnostic(text: str, place: tuple[int, int, int, int]) -> None:
    """It is the column after the last character, on whichever line that is."""
    (found,) = problems(text)
    assert (found.line, found.column, found.end_line, found.end_column) == place


def test_the_code_of_an_error_is_listed() -> None:
    """Each has a word for people, and those of warnings are others."""
    assert all(ERRORS.values())
    assert not ERRORS.keys() & set(get_args(get_args(Code)[0]))
    assert ERRORS.keys() >= AT_THE_VALUE


def test_problems_are_in_the_order_of_the_file() -> None:
    """Whatever found them: the prefixes, the tables or the values."""
    found = problems(
        '[mounts."x"]\na = 1\n[defaults]\nb = 1\n[mounts."https://h"]\nc = 1\nmounts = 1'
    )
    assert [problem.line for problem in found] == [1, 2, 4, 6, 7]


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_an_os_error(name: str, tmp_path: Path) -> None:
    """It names the path."""
    path = tmp_path / name
    with pytest.raises(OSError, match=str(tmp_path)) as caught:
        load_config(path)
    assert caught.value.filename == os.fspath(path)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """Some editors write one; lines and columns are those that they show."""
    path = tmp_path / "mounts.toml"
    path.write_bytes(b"\xef\xbb\xbf[defaults]\npool_maxsize = 3")
    assert load_config(path).mounts[0].policy.pool_maxsize == 3
    path.write_bytes(b"\xef\xbb\xbfx = 1 # \xff")
    with pytest.raises(ConfigError, match=r"mounts.toml:1:9: expected UTF-8"):
        load_config(path)


def test_a_path_with_a_nul() -> None:
    """No file can have such a name; the diagnostic shows it safely."""
    with pytest.raises(
        ConfigError, match=r'^"a\\u0000b":1:1: expected a path \(embedded null byte\)$'
    ):
        load_config("a\0b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a = " + "[" * 20_000, "nested too deeply", id="arrays"),
        pytest.param("a = " + "{a = " * 20_000, "nested too deeply", id="inline tables"),
        pytest.param("b = [[]]\na = " + "[" * 20_000, ":2:", id="arrays after another"),
        pytest.param("a . " * 20_000 + "a = 1", "nested too deeply|unknown key", id="spaces"),
        pytest.param("[[[[" * 5_000, "expected a key", id="headers"),
        pytest.param(
            "a" + ".a" * 20_000 + " = 1", "nested too deeply|unknown key", id="a key of many parts"
        ),
        pytest.param(
            "[a" + ".a" * 20_000 + "]", "nested too deeply|unknown key", id="a table of many parts"
        ),
        pytest.param("a" * 3_000_000 + " = 1", "unknown key", id="a long key"),
        pytest.param('"' + "é" * 3_000_000 + '" = 1', "unknown key", id="a long quoted key"),
        pytest.param(f"[mounts.'https://{'é' * 300_000}']", "expected a host", id="a long prefix"),
        pytest.param(f"[mounts.'https://{'a.' * 300_000}']", "expected a host", id="many labels"),
        pytest.param("defaults.pool_maxsize = 0x" + "f" * 9_000, "36000 bits", id="a large number"),
        pytest.param("defaults.pool_maxsize = " + "9" * 9_000, "fewer digits", id="a long number"),
        pytest.param("a = '\ud800'", "surrogate", id="half a character"),
        pytest.param("a = 1\0", r"\\u0000", id="NUL"),
        pytest.param("\ufeff\ufeff", "expected a key", id="byte order marks"),
        pytest.param("defaults = { max_retries = { total = {} } }", "got a table", id="a table"),
    ],
)
def test_hostile_texts(text: str, message: str) -> None:
    """Each is a diagnostic that can be printed, and is short whatever the size of the text."""
    with pytest.raises(ConfigError, match=message) as caught:
        parse_config(text)
    assert len(str(caught.value).encode()) < 1_500


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_no_other_exception_escapes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever the bytes of a file, there is a configuration or a diagnostic."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    try:
        load_config(path)
    except ConfigError as error:
        assert error.diagnostics
        assert str(error)


@given(st.data())
def test_mutations_of_a_file(data: st.DataObject) -> None:
    """The same for files that are nearly right."""
    text = Path(__file__).parents[1].joinpath("data/valid/every_retry_option.toml").read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from("\"'[]{}=.,#\n 1x\\")) + text[at + 1 :]
    try:
        parse_config(text)
    except ConfigError as error:
        assert str(error)


def test_many_problems_print_as_a_readable_number() -> None:
    """All of them are there, the text shows the first, and counts the rest."""
    text = "".join(f'[mounts."https://h{n}/"]\npool_maxsise_{n} = 1\n' for n in range(10_000))
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    assert len(caught.value.diagnostics) == 10_000
    *_, last = lines = str(caught.value).splitlines()
    assert len(lines) == 3 * 20 + 1
    assert last == "… and 9,980 more problems"


def test_one_more_problem_is_counted_in_the_singular() -> None:
    """Twenty-one problems."""
    with pytest.raises(ConfigError, match=r"\n… and 1 more problem$"):
        parse_config("".join(f"a{n} = 1\n" for n in range(21)))


def test_an_error_survives_pickling() -> None:
    """With all that it carries."""
    with pytest.raises(ConfigError) as caught:
        parse_config("x = 1")
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.diagnostics == caught.value.diagnostics
    assert str(again) == str(caught.value)
    assert isinstance(again, MountsError)
    assert isinstance(again, ValueError)


def test_wide_characters_take_two_columns() -> None:
    """The caret stands under the key where the line begins with wide characters."""
    (found,) = problems('mounts."https://日本/" = { x = 1 }')
    line, carets = found.excerpt.splitlines()
    assert line == '   1 | mounts."https://日本/" = { x = 1 }'
    assert carets == "     |" + " " * 28 + "^"


def test_the_order_of_the_file_does_not_matter() -> None:
    """Prefixes are sorted by length; only of equal ones the first in the file is first."""
    keys = [f"https://{'x' * n}.org/" for n in range(1, 30)]
    random.Random(1).shuffle(keys)
    config = parse_config("\n".join(f'[mounts."{key}"]' for key in keys))
    lengths = [len(mount.text) for mount in config.mounts]
    assert lengths == sorted(lengths, reverse=True)


def test_a_config_prints_shortly_and_survives_pickling() -> None:
    """A repr of ten thousand mounts would help nobody."""
    config = parse_config('[mounts."https://h/"]', source="mounts.toml")
    assert repr(config) == "<Config 'mounts.toml', 3 mounts>"
    again = pickle.loads(pickle.dumps(config))
    assert isinstance(again, Config)
    assert again == config


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[defaults]\nPool-Maxsize = 1", ", did you mean pool_maxsize?"),
        ("[defaults.max_retries]\ntotal = 1\nbackof = 1", ", did you mean backoff_max?"),
        ("default = 1", ", did you mean defaults?"),
        (f"[defaults]\npool_maxsize{'_' * 40} = 1", ""),
    ],
)
def test_did_you_mean(text: str, key: str) -> None:
    """A key is corrected by the keys of its own table."""
    assert problems(text)[0].message == f"unknown key{key}"


def test_a_valid_file_is_not_searched_for_positions() -> None:
    """They cost more than everything else, and only problems and explanations need them."""
    config = parse_config('[defaults]\ndeadline = 1\n[mounts."https://h/"]\nheaders.X = "y"')
    assert "_positions" not in vars(config.document)
    assert config.line(config.mounts[0]) == 3
    assert "_positions" in vars(config.document)
