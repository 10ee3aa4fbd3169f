"""Files that somebody wrote to break the reader: each is answered in a few lines, at its place."""

from pathlib import Path

import pytest

from requests_mounts import ConfigError, load_config, parse_config

HUGE = f"0x{'f' * 5000}"
"""More digits than Python writes, and more than a float holds."""
LONG = "x" * 5_000_000
MOUNT = '[mounts."https://h/"]\n'

BROKEN = {
    "arrays in arrays": (f"[defaults]\ntimeout = {'[' * 50_000}", "2:111 nested too deeply"),
    "a key of many parts": (
        f"[defaults]\n{'.'.join('a' * 50_000)} = 1",
        "2:1 nested too deeply",
    ),
    "a huge integer": (
        f"[defaults]\npool_maxsize = {HUGE}",
        "2:16 defaults.pool_maxsize: expected an integer from 1 to 65535 (got an integer of 20000 bits)",
    ),
    "a huge integer under another key": (
        f"{MOUNT}proxies = {{ http = {HUGE} }}",
        '2:1 mounts."https://h/".proxies: unknown key, write proxy, one URL in each mount, instead',
    ),
    "NUL": ('[defaults]\nproxy = "a\0b"', "2:11 illegal character '\\x00' (got \"\\u0000\")"),
    "lines that end with CR": (
        "[defaults]\rtimeout = 3\r",
        '1:11 expected the end of the line (got "\\r"); end the lines with LF, or with CR and LF',
    ),
    "lines that end in two ways": (
        "[defaults]\r\ntimeout = 3\ndeny = 1\r\n",
        "3:8 defaults.deny: expected true or false (got 1); write true",
    ),
    "a dotted key and its table": (
        "[defaults]\ntimeout.read = 1\n[defaults.timeout]\nconnect = 1",
        "3:11 defaults.timeout: defined twice, first on line 2",
    ),
    "a table and its dotted key": (
        "[defaults.timeout]\nread = 1\n[defaults]\ntimeout.read = 1",
        "4:9 defaults.timeout.read: defined twice, first on line 2",
    ),
    "a letter of another alphabet": (
        "[d\u0435faults]",
        (
            "1:3 expected ']' at the end of a table declaration (got \"\u0435faults\");"
            " the character is CYRILLIC SMALL LETTER IE"
        ),
    ),
    "quotes of a word processor": (
        "[defaults]\nproxy = \u201cdirect\u201d",
        '2:9 expected a value (got "\u201c"); the character is LEFT DOUBLE QUOTATION MARK',
    ),
    "a space that is none": (
        "[defaults]\ntimeout\u00a0= 3",
        "2:8 expected '=' after the key (got \"\\u00a0\"); the character is NO-BREAK SPACE",
    ),
    "a character without a name": (
        "[defaults]\n\ue000 = 3",
        '2:1 expected a key or a [table] (got "\\ue000"); the character is U+E000',
    ),
    "a character of a secret": (
        "[defaults]\ntls.key_password = \u00ab\u00fc\u00bb",
        "2:20 expected a value (got **********)",
    ),
    "a long string": (
        f'[defaults]\nproxy = "${LONG}"',
        (
            '2:9 defaults.proxy: expected "env", "direct", or a URL of http, https, socks4, socks4a,'
            f' socks5 or socks5h (got "${"x" * 63}…")'
        ),
    ),
    "a long path": (
        f'[defaults]\ntls.verify = "/{LONG}"',
        f'2:14 defaults.tls.verify: expected CA certificates (got "/{"x" * 4095}…": File name too long)',
    ),
    "long ciphers": (
        f'[defaults]\ntls.ciphers = "{LONG}"',
        f'2:15 defaults.tls.ciphers: expected ciphers that OpenSSL knows (got "{"x" * 64}…")',
    ),
    "many signs of equality": (
        f"[defaults]\nproxy ={'=' * 500_000}",
        '2:8 expected a value (got "=")',
    ),
    "an array of tables for a table": (
        f"[{MOUNT.strip()}]",
        '1:10 mounts."https://h/": expected a table (got an array); write its header in single brackets',
    ),
    "tabs and wide characters before the caret": (
        "[defaults]\n\t\ttls = { '漢字' = 1 }",
        '2:11 defaults.tls."漢字": unknown key',
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file(name: str) -> None:
    """One problem, its line and column, and no more text than a terminal shows."""
    text, told = BROKEN[name]
    with pytest.raises(ConfigError) as caught:
        parse_config(text, source="m")
    (found,) = caught.value.diagnostics
    assert str(caught.value).splitlines()[0] == f"m:{told.replace(' ', ': ', 1)}"
    assert len(found.excerpt) < 400


def test_the_caret_after_tabs_and_wide_characters() -> None:
    """It counts the columns of a terminal, where the diagnostic counts characters."""
    with pytest.raises(ConfigError) as caught:
        parse_config("[defaults]\n\tproxy = '漢字' # ü")
    assert caught.value.diagnostics[0].excerpt == (
        "   2 |  proxy = '漢字' # ü\n     |          ^^^^^^"
    )


def test_many_problems_on_one_line() -> None:
    """Of a line without an end, what is quoted is around each of them."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[defaults]\nno_proxy = [{'1, ' * 3000}]")
    first, *_, last = caught.value.diagnostics
    assert (first.column, last.column) == (13, 13 + 2999 * 3)
    assert first.excerpt.splitlines()[0] == f"   2 | no_proxy = [{'1, ' * 29}1…"
    assert last.excerpt.splitlines()[0] == f"   2 | … {'1, ' * 13}1, ]"


def test_a_long_secret_before_the_caret() -> None:
    """What is quoted does not begin like a line if it is the end of one."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f'{MOUNT}headers = {{ A = "http://{"u" * 2000}@h", B = 3 }}')
    assert caught.value.diagnostics[0].excerpt == ('   2 | …", B = 3 }\n     |         ^')


@pytest.mark.parametrize("number", [HUGE, str(2**53)])
@pytest.mark.parametrize(
    "written",
    [
        "max_retries = {}",
        "max_retries = {{ total = {} }}",
        "max_body_size = {}",
        "limit.concurrency = {}",
        "limit = {{ rate = 1, burst = {} }}",
        "breaker.failures = {}",
        "retry_budget.tokens = {}",
    ],
)
def test_an_integer_that_nobody_counts_to(written: str, number: str) -> None:
    """It is refused where it is read, as not every program that is told of it could write it."""
    with pytest.raises(ConfigError) as caught:
        parse_config(MOUNT + written.format(number))
    (found,) = caught.value.diagnostics
    assert (found.line, found.code) == (2, "invalid-value")
    parse_config(MOUNT + written.format(2**53 - 1))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """The column counts the characters before the first of them."""
    path = tmp_path / "m.toml"
    path.write_bytes("[defaults]\r\n# ü\t".encode() + b"\xff\0")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (found,) = caught.value.diagnostics
    assert (found.line, found.column) == (2, 5)
