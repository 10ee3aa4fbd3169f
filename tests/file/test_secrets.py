"""What must not be shown: in values, in diagnostics, and in the lines that they quote."""

import copy
import json
import pickle
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_mounts import ConfigError, MountedSession, parse_config
from requests_mounts._command.compare import compare
from requests_mounts._file.excerpts import Masked
from requests_mounts._file.policy import NESTED_TABLES, Expectation, File, MountPolicy
from requests_mounts._secret import (
    Secret,
    is_secret,
    key_of,
    redact,
    redact_written,
    resembles_secret,
    reveal,
)


def shown(text: str) -> str:
    """Return all that a broken text makes visible."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, source="mounts.toml")
    return f"{caught.value} {caught.value!r}"


def test_a_secret_shows_as_it_is_written() -> None:
    """However it is printed; only `reveal` gives the text."""
    secret = Secret("hunter2", "${PASSWORD}")
    assert (str(secret), repr(secret), f"{secret:>13}") == (
        "${PASSWORD}", "'${PASSWORD}'", "  ${PASSWORD}",
    )  # fmt: skip
    assert str(Secret("hunter2")) == "**********"
    assert reveal(secret) == reveal("hunter2") == "hunter2"


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda secret: "x" + secret, id="adding"),
        pytest.param("".join, id="joining"),
        pytest.param(json.dumps, id="JSON"),
        pytest.param(lambda secret: "x".replace("x", secret), id="replacing"),
    ],
)
def test_a_secret_is_not_a_string(use: Any) -> None:
    """What takes strings refuses it, rather than showing it or sending asterisks."""
    with pytest.raises(TypeError):
        use([Secret("hunter2")] if use == "".join else Secret("hunter2"))


def test_a_secret_is_a_value() -> None:
    """Equal by its content, hashable, copied and pickled as it is, and never changed."""
    secret = Secret("hunter2", "${PASSWORD}")
    assert secret == Secret("hunter2")
    assert secret != Secret("other", "${PASSWORD}")
    assert secret != "hunter2"
    assert len({secret, Secret("hunter2"), Secret("")}) == 2
    assert (bool(secret), bool(Secret(""))) == (True, False)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    again = pickle.loads(pickle.dumps(secret))
    assert (again, str(again)) == (secret, "${PASSWORD}")
    with pytest.raises(AttributeError, match="cannot be changed"):
        secret._content = "other"


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("key_password", True),
        ("key-password", True),
        ("Passphrase", True),
        ("token", True),
        ("bearer", True),
        ("X-Api-Key", True),
        ("Authorization", True),
        ("bearer_file", False),
        ("tokens", False),
        ("proxy", False),
        ("key_file", False),
    ],
)
def test_keys_that_are_secret(key: str, secret: bool) -> None:  # noqa: FBT001
    """By what they are called, however they are spelled; the name of a file is not secret."""
    assert is_secret(key) is secret


@pytest.mark.parametrize(
    ("text", "key", "hidden"),
    [
        ("http://user:pw@proxy:3128", "", "http://**********@proxy:3128"),
        ("http://user:p'a\"ss@proxy", "", "http://**********@proxy"),
        ("http://user:p@ss/w rd@proxy", "", "http://**********@proxy"),
        ("http://token@proxy", "", "http://**********@proxy"),
        ("user:pw@proxy", "", "**********@proxy"),
        ("token@proxy", "proxies", "**********@proxy"),
        ("me@example.com", "", "me@example.com"),
        ("http://proxy:3128", "proxy", "http://proxy:3128"),
        ("@@://", "", "@@://"),
    ],
)
def test_the_user_of_a_url(text: str, key: str, hidden: str) -> None:
    """Everything before the last at sign is hidden, the host is kept."""
    assert redact(text, key) == hidden


@pytest.mark.parametrize(
    ("text", "key", "written"),
    [
        ("http://u:${PASSWORD}@proxy", "proxy", "http://u:${PASSWORD}@proxy"),
        ("http://${USER}:${PASSWORD}@proxy", "proxy", "http://${USER}:${PASSWORD}@proxy"),
        ("http://${BOTH}@proxy", "proxy", "http://${BOTH}@proxy"),
        ("http://u:hunter${N}@proxy", "proxy", "http://**********:**********${N}@proxy"),
        ("http://u:$${N}@proxy", "proxy", "http://**********@proxy"),
        ("http://u:hunter2@${HOST}", "proxy", "http://**********@${HOST}"),
        ("${PASSWORD}", "key_password", "${PASSWORD}"),
        ("${A}${B}", "key_password", "${A}${B}"),
        ("Bearer ${A}", "Authorization", "Bearer ${A}"),
        ("${A:-}", "key_password", "${A:-}"),
        ("${A:-hunter2}", "key_password", "${A:-**********}"),
        ("http://u:${A:-hunter2}@proxy", "proxy", "http://**********:${A:-**********}@proxy"),
        ("${A:-http://proxy}", "proxy", "${A:-http://proxy}"),
        ("hunter${N}", "key_password", "**********${N}"),
        ("${N}$${A}${M}2", "key_password", "${N}**********${M}**********"),
        ("http://${U:-joe}:${P}@proxy", "proxy", "http://${U:-joe}:${P}@proxy"),
        ("http://u:$${A}${P}@proxy", "proxy", "http://**********:**********${P}@proxy"),
        ("http://${A}hunter2@proxy", "proxy", "http://${A}**********@proxy"),
        ("${HOME}/ca.pem", "verify", "${HOME}/ca.pem"),
    ],
)
def test_references_are_shown(text: str, key: str, written: str) -> None:
    """They say where a password comes from; what is written literally of it is hidden."""
    assert redact_written(text, key) == written


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('defaults.tls.key-password = "hunter2"', id="misspelled"),
        pytest.param('defaults.tls.key_pasword = "hunter2"', id="misspelled in the middle"),
        pytest.param('[defaults.tls]\nkey_passwort = 1\ntoken = "hunter2"', id="unknown"),
        pytest.param("[defaults.tls]\nkey_password = 2202", id="a number"),
        pytest.param("[defaults.tls]\nkey_password = 2022-02-02", id="a date"),
        pytest.param('[defaults.tls]\nkey_password = """hunter2\nhunter3\\q"""', id="two lines"),
        pytest.param('[defaults.tls]\nkey_password = """hunter2\nhunter3', id="no end"),
        pytest.param("[defaults.tls]\nkey_password = '''\nhunter2\n'''hunter3", id="two ends"),
        pytest.param('[defaults.tls]\nkey_password = "hunter2', id="no quote"),
        pytest.param('[defaults.tls]\nkey_password = "hun"ter2"', id="an inner quote"),
        pytest.param("[defaults.tls]\nkey_password = hunter2 hunter3", id="no quotes"),
        pytest.param("defaults.tls = { x = 1, key_password = 'hunter2' y }", id="inline"),
        pytest.param('x = """\nkey_password = "hunter2"', id="an earlier quote"),
        pytest.param('x = 1 # key_password = "hunter2"', id="in a comment"),
        pytest.param("x = 1 # http://user:hunter2@proxy", id="a URL in a comment"),
        pytest.param('defaults.proxy = "user:hunter2@proxy"', id="a proxy without a scheme"),
        pytest.param('defaults.proxy = "hunter2@proxy"', id="a token without a scheme"),
        pytest.param('defaults.proxi = "hunter2@proxy"', id="a misspelled proxy"),
        pytest.param('defaults.proxy = "ftp://u:hun\'ter2@proxy"', id="quotes in a proxy"),
        pytest.param('defaults.proxy = "ftp://u:hunter2@proxy', id="a proxy that does not end"),
        pytest.param('defaults.tls = { passwrd = "hunter2" }', id="passwrd"),
        pytest.param('[defaults]\ntls.pass = "hunter2"', id="pass"),
        pytest.param('[defaults.tls]\nPwd = "hunter2"', id="pwd"),
        pytest.param('[defaults.tls]\n"secrt" = ["hunter2"]', id="secrt"),
        pytest.param('defaults.api_tokn = """hunter2\n"""', id="tokn"),
        pytest.param('[policies.p]\nauth = { basic = "u:hunter2" }', id="basic"),
        pytest.param('[policies.p.auth]\nbasic = "u:hunter2"', id="a table of auth"),
        pytest.param(
            '[policies.p]\n[ policies.p."auth" ] # x\nuser = "hunter2"', id="auth in quotes"
        ),
        pytest.param('[policies.p.auth]\nusername = "u:hunter2"', id="a username"),
        pytest.param(
            '[policies.p]\ny = """\n[policies.p.auth]\nbasic = "hunter2"', id="no end before auth"
        ),
        pytest.param('[policies.p.auth]\ny = """\nbasic = "hunter2"\n\\q', id="no end in auth"),
        pytest.param('[policies.p]\nauth = "Bearer hunter2"', id="no table of auth"),
        pytest.param('[policies.p]\nheaders = "A: hunter2"', id="no table of headers"),
        pytest.param('[policies.p]\nheaders = ["A: hunter2"]', id="an array of headers"),
        pytest.param('policies.p = {headers=["A: hunter2"]}', id="an array in a table"),
        pytest.param('[policies.p]\nheaders = [ # x\n  "A: hunter2" 5\n]', id="a second line"),
        pytest.param('defaults.tls.key_password = "${A" hunter2}"', id="no reference"),
        pytest.param('policies.p.auth = { bearer = "${A:-hunter2}", x = 1 }', id="a default"),
        pytest.param('[mounts."https://u:hunter2@h/"]', id="a prefix"),
        pytest.param('[mounts."ftp://u:hunter2@h/"]', id="another scheme"),
        pytest.param('[mounts."u.x:hunter2@h/"]', id="a prefix without a scheme"),
        pytest.param('"https://u:hunter2@h/" = 1', id="a key"),
        pytest.param('[defaults.tls]\nkeypass = "hunter2"', id="keypass"),
        pytest.param("defaults.proxy = http://u:hunter2@proxy", id="a proxy without quotes"),
        pytest.param('defaults.proxy = http://u:hun"ter2#hunter2@proxy', id="half a quote"),
        pytest.param("defaults.proxy = hunter2@proxy", id="a token without quotes"),
        pytest.param("proxy: http://u:hunter2@proxy", id="a proxy after a colon"),
        pytest.param("x = 1\n[mounts.https://u:hunter2@h]", id="a header without quotes"),
        pytest.param('[defaults.tls]\nkey_password: "hunter2"', id="a colon"),
        pytest.param('defaults.tls.key_password "hunter2"', id="no equals sign"),
        pytest.param('"password": hunter2', id="a colon after quotes"),
        pytest.param('"pass" "hunter2"', id="no equals sign after quotes"),
        pytest.param('defaults.tls = { x = "1", key_password: "hunter2" }', id="a colon inline"),
        pytest.param('{"defaults": {"tls": {"key_password": "hunter2"}}}', id="JSON"),
        pytest.param("defaults.tls:\n  key_password: hunter2", id="YAML"),
        pytest.param("the password hunter2", id="prose"),
        pytest.param('"p\\u0061\\u0073\\u0073word" = "hunter2" x', id="escapes in a key"),
        pytest.param("[defaults.tls]\nkey_pa}ssword = 'hunter2'", id="a brace in a key"),
        pytest.param("defaults.tls = { key_pas,sword = 'hunter2' }", id="a comma in a key"),
        pytest.param("defaults.tls = { pass\\wrd = 'hunter2' }", id="a backslash in a key"),
        pytest.param("[defaults.tls]\nkey_pass'word = 'hunter2'", id="a quote in a key"),
        pytest.param("[defaults.tls]\nkey_pass#word = 'hunter2'", id="a number sign in a key"),
        pytest.param("[defaults.tls]\nkey_pass=word = 'hunter2'", id="an equals sign in a key"),
        pytest.param("[defaults.tls]\n'key_password = 'hunter2'", id="a quote before a key"),
        pytest.param("[defaults.tls]\n'key_password = hunter2", id="a string with a key in it"),
        pytest.param("[defaults.tls]\nkey_password # 'hunter2'", id="a number sign for equals"),
        pytest.param("[defaults.tls]\nkey_password ] 'hunter2'", id="a bracket for equals"),
        pytest.param('[policies.p]\nheaders.Cooakie = "hunter2\\n"', id="a misspelled header"),
        pytest.param('defaults.proxy = "http://u:hunter2\\u0040h/x"', id="an escaped at sign"),
        pytest.param('defaults.proxy = "http://u:hunter2\\x40h" x', id="a short escape"),
        pytest.param('defaults.proxy = "http:\\U0000002f/hunter2@h/x"', id="a long escape"),
        pytest.param('defaults.tls.verify = "https://u:hunter2@h/ca.pem"', id="a URL of a CA"),
        pytest.param("[policies.p.headers.Cookie]\nvalue = hunter2", id="a table of a cookie"),
        pytest.param("[policies.p.tls.key_password]\nx: hunter2", id="a table of a password"),
        pytest.param('defaults.tls.key_password = [\n"hunter2\\q"]', id="in an array"),
    ],
)
def test_a_diagnostic_shows_no_secret(text: str) -> None:
    """Neither in its message nor in the line that it quotes, valid or not."""
    found = shown(text)
    for part in ("hunter", "ter2", "2202", "2022"):
        assert part not in found


@pytest.mark.parametrize(
    ("text", "quoted", "carets"),
    [
        ('auth = { bearr = "${PAY_TOKEN}" }', 'auth = { bearr = "${PAY_TOKEN}" }', "^^^^^"),
        ('tls = { key_password = "${P}", x = 1 }', "tls = { key_password = **********", "^" * 10),
        ("tls = { key_passwort = '${P}${Q:-}' }", "tls = { key_passwort = '${P}${Q:-}' }", "^" * 12),
        ("auth = {}\nheaders = [\n'${A}',\n]\nx = 1", "headers = [", "^"),
        ("headers = [\npool_block = 1", "pool_block = 1", "^" * 10),
        ('auth.bearer: "${PAY_TOKEN}"', 'auth.bearer: "${PAY_TOKEN}"', "^"),
        ("proxy = http://u:x@${P}", "proxy = http://**********", "^^^^"),
        ('deny = "password" # of x@y', 'deny = "password" # of x@y', "^" * 10),
        ("[policies.token]\ndeny = 'no'", "deny = 'no'", "^^^^"),
        ("[policies.auth]\nproxy = 'x'", "proxy = 'x'", "^^^"),
    ],
)  # fmt: skip
def test_a_reference_is_not_hidden(text: str, quoted: str, carets: str) -> None:
    """It says where a secret comes from, and what is wrong beside it can be seen."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[mounts.'https://h/']\n{text}", environ={"P": "x", "PAY_TOKEN": "x"})
    line, below = caught.value.diagnostics[0].excerpt.splitlines()
    assert line.partition(" | ")[2] == quoted
    assert below.strip(" |") == carets


def test_no_other_key_of_ours_is_taken_for_a_secret() -> None:
    """However much it resembles one; its values can be quoted."""
    tables = (File, MountPolicy, Expectation, *NESTED_TABLES.values())
    for key in {field.name for table in tables for field in fields(table)}:
        assert resembles_secret(key) == is_secret(key), key


@pytest.mark.parametrize(
    ("text", "quoted", "carets"),
    [
        ("key_password = 'a' x", "   2 | key_password = **********", "^" * 10),
        ("key_password = '''\na\n'''\nx y", "   5 | x y", "^"),
        ('key_password = """a\nb\\q"""', "   3 | **********", "^"),
    ],
)
def test_the_caret_stands_under_what_is_hidden(text: str, quoted: str, carets: str) -> None:
    """The quoted line has the asterisks once, and the carets stand under them or behind."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[defaults.tls]\n{text}")
    line, below = caught.value.diagnostics[0].excerpt.splitlines()
    assert line == quoted
    assert below.strip(" |") == carets


@given(st.text(alphabet="ab=\"'\\\n#@:/{}, ", max_size=60), st.data())
def test_what_is_hidden_is_hidden_at_every_cut(text: str, data: st.DataObject) -> None:
    """However a line is cut around its caret, no character of a hidden part is in what is shown."""
    whole = f"a = 1\n{text}\nkey_password = 'ÿÿÿ'\n{text}\n"
    masked = Masked(whole)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    assert "ÿ" not in masked.show(start, end)
    assert all(masked.hides(at) for at, char in enumerate(whole) if char == "ÿ")


def test_each_line_is_looked_at_by_itself() -> None:
    """An at sign is looked for on each, and what is not closed on one is not on another."""
    text = 'a: 1\nb: http://u:hunter2@h\nauth.x = [ "hunter2"\ny = 1\nauth.z = "hunter2" z\n5 5\n'
    seen = Masked(text).show(0, len(text)).splitlines()
    assert seen == [
        "a: 1",
        "b: http://**********",
        "auth.x = **********",
        "y = 1",
        "auth.z = **********",
        "5 5",
    ]


@pytest.mark.parametrize(
    "line",
    ["x = 1# a = b", "x# a note", "x = 'password = y'", "x = [1, 2] # a@b", "x = 'token' # a note"],
)
def test_what_is_not_spoilt_is_shown(line: str) -> None:
    """A comment right behind a value, a key within a string, a word that is a value."""
    assert Masked(f"{line}\n").show(0, len(line)) == line


def test_all_of_auth_is_secret() -> None:
    """But the name of a file; a policy may be called so too."""
    assert key_of(("mounts", "https://h/", "auth", "username")) == "auth.username"
    assert key_of(("mounts", "https://auth.h/", "headers", "X", 0)) == "X"
    assert key_of(("policies", "auth", "proxy")) == "proxy"
    assert key_of(()) == ""
    assert is_secret("auth.username")
    assert not is_secret("auth.bearer_file")


def test_a_quote_too_many_in_a_table_of_auth() -> None:
    """What looks like a string may be the lines of that table."""
    text = '[policies.p.auth]\n"""\nbasic = "hunter2" x\n[policies.p]\nx = "y"\n'
    assert "hunter2" not in Masked(text).show(0, len(text))


def test_an_explanation_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made of what may be shown."""
    monkeypatch.setenv("HUNTER", "hunter2")
    session = MountedSession(
        parse_config(
            """
            [mounts."https://a.org"]
            proxy = "http://user:pa'hunter2@proxy"
            [mounts."https://b.org"]
            proxy = "http://user:${HUNTER}@proxy"
            tls.server_hostname = "${HUNTER}.org"
            headers = { Cookie = "hunter2=${HUNTER}", X-Api-Key = "${NONE:-hunter2}" }
            auth = { bearer = "${NONE:-hunter2}" }
            no_proxy = ["${HUNTER}", "a.org"]
            [mounts."https://c.org"]
            proxy = "http://user:hunter2@${HUNTER}"
            """
        )
    )
    for url, proxy in (("https://a.org", "http://**********@proxy"), ("https://b.org", "http://user:${HUNTER}@proxy"), ("https://c.org", "http://**********@${HUNTER}")):  # fmt: skip
        found = session.explain(url)
        for text in (json.dumps(asdict(found)), repr(found), str(found), repr(session.config.mounts)):  # fmt: skip
            assert "hunter2" not in text
        assert {setting.key: setting.value for setting in found.settings}["proxy"] == proxy
        assert f'"{proxy}"' in str(found)


@pytest.mark.parametrize("environ", [None, {"A": "open sesame", "T": "open"}], ids=str)
@pytest.mark.parametrize(
    ("setting", "key", "written"),
    [
        ("proxy = 'http://u:hunter2$${x@h'", "proxy", "http://**********@h"),
        ("proxy = 'http://u:hunter2@${T}'", "proxy", "http://**********@${T}"),
        ("proxy = 'http://u:${A}@h'", "proxy", "http://u:${A}@h"),
        ("tls.key_password = 'hunter2${A}'", "tls.key_password", "**********${A}"),
        ("auth.bearer = 'hunter2$${x'", "auth.bearer", "**********"),
        ("auth.bearer = '${NO:-hunter2}'", "auth.bearer", "${NO:-**********}"),
        ("auth = { username = 'hunter2${A}', password = '${A}' }", "auth.username", "**********${A}"),
        ("auth = { username = 'u', password = '$$hunter2${A}' }", "auth.password", "**********${A}"),
        ("headers.Cookie = 'a=hunter2$${x'", "headers.cookie", "**********"),
        ("headers.X-Api-Key = '${NO:-hunter2}'", "headers.x-api-key", "${NO:-**********}"),
    ],
)  # fmt: skip
def test_the_literal_part_of_a_secret(
    setting: str, key: str, written: str, environ: dict[str, str] | None
) -> None:
    """It is hidden wherever a setting is shown, and the references beside it are not."""
    texts = [f"[mounts.'https://h/']\n{setting}\n", "[mounts.'https://h/']\n"]
    if key == "tls.key_password":
        environ = None  # No key of this password is there.
    config, before = (parse_config(one, environ=environ, offline=not environ) for one in texts)
    session = MountedSession(config)
    found = session.explain("https://h/x")
    changes = [change.new for one in compare(before, config) for change in one.settings]
    shown = [json.dumps(asdict(found)), str(found), repr(config.mounts), repr(changes)]
    for text in (*shown, repr(session.get_adapter("https://h/x")), repr(config)):
        assert "hunter2" not in text
        assert "open" not in text
    assert {one.key: one.value for one in found.settings}[key] == written
    assert written in changes


def test_a_long_line_is_quoted_in_time() -> None:
    """What is searched for secrets takes time that is linear in the text."""
    for text in ("x = '" + "@ ://" * 200_000 + "'", "x = '" + "\\\"'=#@" * 200_000, "x" + " = '''\"\"\"" * 100_000,
                 'a:b"c" ' * 100_000 + "@", 'proxy = x"c" ' * 50_000, ":-}" * 200_000 + "@", "k:" * 300_000, "${:-" * 200_000 + "@"):  # fmt: skip
        assert len(shown(text)) < 2_000


def test_a_file_of_many_lines(tmp_path: Path) -> None:
    """A secret on one line hides nothing of the others."""
    path = tmp_path / "mounts.toml"
    path.write_text("[defaults]\ntls.key_password = 'x'\npool_maxsize = 'no'")
    assert "   3 | pool_maxsize = 'no'\n" in shown(path.read_text())
