"""Variables in files: what they stand for, where they may stand, and what is never shown."""

import json
import pickle
import subprocess
import sys
from base64 import b64decode
from dataclasses import asdict
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from requests_mounts import Config, ConfigError, MountsError, load_config, parse_config
from requests_mounts._explain import explain_url
from requests_mounts._file.config import Mount
from requests_mounts._file.options import RetryOptions, Tls
from requests_mounts._file.policy import MountPolicy, Policy
from requests_mounts._secret import Secret, reveal


def mount_of(config: Config, text: str = "https://h/") -> Mount:
    return next(mount for mount in config.mounts if mount.text == text)


def policy_of(
    setting: str, environ: dict[str, str] | None = None, *, offline: bool = False, **more: str
) -> Policy:
    """Return the policy of a mount with one setting, loaded in an environment."""
    environ = {**(environ or {}), **more}
    config = parse_config(f"[mounts.'https://h/']\n{setting}", environ=environ, offline=offline)
    return mount_of(config).policy


def problems(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, environ=environ)
    for part in environ.values():
        assert not part or part not in str(caught.value)
    return [f"{one.line}: {one.key}: {one.message}" for one in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("setting", "environ", "value"),
    [
        ("'${A}'", {"A": "7"}, 7),
        ("'${A:-8}'", {}, 8),
        ("'${A:-8}'", {"A": ""}, 8),
        ("'${A:-8}'", {"A": "9"}, 9),
        ("'${A}'", {"A": "1_000"}, 1000),
    ],
)
def test_a_reference_stands_for_a_number(
    setting: str, environ: dict[str, str], value: object
) -> None:
    """If it is all of the string; the default is for a variable that is empty, too."""
    assert policy_of(f"pool_maxsize = {setting}", environ).pool_maxsize == value


def test_numbers_and_booleans_in_tables_and_arrays() -> None:
    """Wherever one is expected; seconds may be inf."""
    policy = policy_of(
        """
        pool_block = "${YES}"
        deadline = "${FOREVER:-inf}"
        timeout = "${SECONDS}"
        max_retries = { total = "${N}", read = "${NO}", status_forcelist = [500, "${STATUS}"] }
        tls = { verify = "${NO}", assert_hostname = "${NO}" }
        """,
        YES="true",
        NO="false",
        SECONDS="2.5",
        N="3",
        STATUS="503",
    )
    assert (policy.pool_block, policy.deadline, policy.timeout) == (True, float("inf"), 2.5)
    assert policy.max_retries == RetryOptions(total=3, read=False, status_forcelist=(500, 503))
    assert policy.tls == Tls(verify=False, assert_hostname=False)


def test_a_number_merges_with_a_table() -> None:
    """As one that is written."""
    config = parse_config(
        "[defaults]\ntimeout = '${T}'\n[mounts.'https://h/']\ntimeout.read = 5",
        environ={"T": "3"},
    )
    timeout = mount_of(config).policy.timeout
    assert (getattr(timeout, "connect", None), getattr(timeout, "read", None)) == (3, 5)


def test_a_text_of_digits_stays_a_text() -> None:
    """Where a number is not expected."""
    tls = policy_of(
        "tls = { server_hostname = '${A}', minimum_version = '${V}' }", A="1", V="1.3"
    ).tls
    assert tls
    assert tls.server_hostname == Secret("1")
    assert tls.minimum_version == "TLSv1.3"


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        ("pool_maxsize = '${A}'", {"A": "ten"}, 'an integer from 1 to 65535 (got "${A}", where the variable A holds something else)'),
        ("pool_maxsize = '${A}'", {"A": "70000"}, 'an integer from 1 to 65535 (got "${A}", where the variable A holds something else)'),
        ("pool_maxsize = '${A}'", {"A": "1.5"}, 'an integer from 1 to 65535 (got "${A}", where the variable A holds something else)'),
        ("pool_maxsize = '${A}'", {"A": "010"}, 'an integer from 1 to 65535 (got "${A}", where the variable A holds something else)'),
        ("pool_maxsize = '${A}0'", {"A": "123"}, 'an integer from 1 to 65535 (got "${A}0" with what the variable A holds)'),
        ("pool_maxsize = '${A}'", {"A": "12 # x"}, 'an integer from 1 to 65535 (got "${A}", where the variable A holds something else)'),
        ("pool_maxsize = '${A}'", {"A": "12\ny = 1"}, 'an integer from 1 to 65535 (got "${A}", where the variable A holds something else)'),
        ("pool_maxsize = '${A}'", {"A": "9" * 1_000_000}, 'an integer from 1 to 65535 (got "${A}", where the variable A holds something else)'),
        ("pool_block = '${A}'", {"A": "yes"}, 'true or false (got "${A}", where the variable A holds something else)'),
        ("pool_block = '${A}'", {"A": "True"}, 'true or false (got "${A}", where the variable A holds something else)'),
        ("source_address = '${A}'", {"A": "nowhere"}, 'an IP address (got "${A}", where the variable A holds something else)'),
        ("max_retries = { total = 1, allowed_methods = ['${A}'] }", {"A": "A B"}, 'an HTTP method (got "${A}", where the variable A holds something else)'),
        ("tls.minimum_version = '${A}'", {"A": "9.9"}, 'TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3 (got "${A}", where the variable A holds something else)'),
        ("tls.verify = '${A}'", {"A": "no/such/file"}, 'CA certificates (got "${A}": No such file or directory)'),
        ("tls.server_hostname = '${A}'", {"A": ""}, 'a string that is not empty (got "${A}", where the variable A holds something else)'),
        ("proxy = '${A}'", {"A": "user:hunter2@proxy"}, '"env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "${A}", where the variable A holds something else)'),
        ("proxy = 'http://u:${A}@proxy/x'", {"A": "hunter2"}, '"env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://u:${A}@proxy/x" with what the variable A holds)'),
        ("pool_maxsize = '${A:-ten}'", {"A": ""}, 'an integer from 1 to 65535 (got "${A:-ten}" with its default)'),
        ("pool_maxsize = '${A:-0}'", {}, 'an integer from 1 to 65535 (got "${A:-0}" with its default)'),
        ("pool_maxsize = '${A:-0}'", {"A": "70000"}, 'an integer from 1 to 65535 (got "${A:-0}", where the variable A holds something else)'),
        ("pool_maxsize = '${A:-10}'", {"A": "many"}, 'an integer from 1 to 65535 (got "${A:-10}", where the variable A holds something else)'),
        ("no_proxy = ['http://${A}:${B}']", {"A": "x y", "B": "zz"}, 'a host, a domain such as .example.com, or a network such as 10.0.0.0/8 (got "http://${A}:${B}" with what the variables A and B hold)'),
    ],
)  # fmt: skip
def test_what_a_variable_holds_is_validated(
    setting: str, environ: dict[str, str], expected: str
) -> None:
    """The diagnostic has the reference and the expectation, never the content."""
    (problem,) = problems(f"[mounts.'https://h/']\n{setting}", **environ)
    assert problem.startswith("2: ")
    assert problem.endswith(f": expected {expected}")


def test_a_default_is_no_secret() -> None:
    """It is what the file says, and shown as that."""
    assert policy_of("source_address = '${A:-127.0.0.1}'").source_address == "127.0.0.1"
    address = policy_of("source_address = '${A:-127.0.0.1}'", A="127.0.0.2").source_address
    assert address == Secret("127.0.0.2")
    assert str(address) == "${A:-127.0.0.1}"


def test_missing_variables_are_missed_where_a_mount_uses_them() -> None:
    """Not in a policy that no mount has, nor in a layer that another overrides."""
    text = """
    [defaults]
    source_address = "${A}"
    [policies.unused]
    proxy = "${B}"
    pool_maxsize = "${C}"
    [policies.used]
    proxy = "${D}"
    [mounts."https://h/"]
    policy = "used"
    proxy = "direct"
    source_address = "127.0.0.1"
    """
    assert problems(text) == ["3: defaults.source_address: the environment variable A is not set"]
    both = "[mounts.'https://']\nsource_address = '::1'\n[mounts.'http://']\nsource_address = '::1'"
    config = parse_config(f"{text}\n{both}", environ={})
    assert mount_of(config).policy.proxy == "direct"


def test_every_missing_variable_is_reported_once() -> None:
    """However many mounts inherit the setting."""
    mounts = "".join(f"[mounts.'https://h{n}/']\n" for n in range(100))
    assert problems(f"[defaults]\nproxy = 'http://${{A}}:${{B}}@${{C}}'\n{mounts}") == [
        f"2: defaults.proxy: the environment variable {name} is not set" for name in "ABC"
    ]


def test_a_missing_password_is_not_a_wrong_password_too(locked_key: Path) -> None:
    """What follows from a problem is not a problem of its own."""
    path = locked_key / "mounts.toml"
    path.write_text(
        "[defaults.tls]\ncert_file = 'client.pem'\nkey_file = 'locked.key'\nkey_password = '${PW}'"
    )
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={})
    (found,) = caught.value.diagnostics
    assert found.message == "the environment variable PW is not set"
    with pytest.raises(ConfigError, match="expected the password of"):
        load_config(path, environ={"PW": "x"})
    assert len(load_config(path, environ={"PW": "hunter2"}).mounts) == 2


@pytest.mark.parametrize(
    "password", ["p@ss/w#rd", "123/x", "a:b", "%41", "?", "ü", "\\", "[", "\n"]
)
def test_a_password_cannot_redirect(password: str) -> None:
    """It is text, and encoded; the host stays the one that is written."""
    proxy = policy_of("proxy = 'http://u:${PW}@proxy:3128'", PW=password).proxy
    parts = urlsplit(reveal(proxy))
    assert (parts.hostname, parts.port, parts.username) == ("proxy", 3128, "u")
    assert unquote(parts.password or "") == password
    assert str(proxy) == "http://u:${PW}@proxy:3128"


@given(*[st.text(st.characters(max_codepoint=255), max_size=20)] * 2)
def test_no_user_and_password_redirect(user: str, password: str) -> None:
    """Whatever they are, a colon in the user name too."""
    environ = {"U": user or "x", "PW": password or "x"}
    proxy = policy_of("proxy = 'https://${U}:${PW}@proxy.example:3128/'", environ).proxy
    parts = urlsplit(reveal(proxy))
    assert (parts.scheme, parts.hostname, parts.port, parts.path) == ("https", "proxy.example", 3128, "/")  # fmt: skip
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == tuple(environ.values())


def test_a_whole_proxy_of_a_variable() -> None:
    """It is taken as it is, and may be one of the words."""
    proxy = policy_of("proxy = '${P}'", P="http://u:p%40@proxy").proxy
    assert (reveal(proxy), str(proxy)) == ("http://u:p%40@proxy", "${P}")
    assert policy_of("proxy = '${P}'", P="direct").proxy == "direct"
    assert policy_of("proxy = 'http://u:${P:-a@b}@proxy'").proxy == Secret("http://u:a%40b@proxy")


@pytest.mark.parametrize(
    "proxy",
    ["http://h/x", "http://h?x", "http://h#x", "http://h\\@i", "http://u:p@ss/w@h", "http://h/;x"],
)
def test_a_proxy_is_no_more_than_an_origin(proxy: str) -> None:
    """A path, a query or a fragment is a sign of a password that was not encoded."""
    (problem,) = problems(f"[defaults]\nproxy = '{proxy}'")
    assert 'expected "env", "direct", or a URL of http' in problem


def test_variables_in_prefixes() -> None:
    """They are a part of the prefix, which is then as any other."""
    config = parse_config(
        """
        [mounts."https://api.${ENV}.example.com/"]
        [mounts."${BASE:-https://base.org}/v1"]
        [mounts."https://h:${PORT}/$${x}"]
        """,
        environ={"ENV": "Test", "PORT": "443"},
    )
    texts = [mount.text for mount in config.mounts]
    assert texts[:3] == [
        "https://api.test.example.com/",
        "https://base.org/v1/",
        "https://h/$%7Bx%7D/",
    ]
    assert mount_of(config, texts[0]).key == "https://api.${ENV}.example.com/"


@pytest.mark.parametrize(
    ("key", "environ", "expected"),
    [
        ("https://${A}/", {}, "the environment variable A is not set"),
        ("https://${A}/", {"A": "hunter 2"}, 'expected a prefix once the variables are filled in (got "https://${A}/")'),
        ("https://${A}/", {"A": "u:hunter2@h"}, 'expected a prefix once the variables are filled in (got "https://${A}/")'),
        ("https://${A}/", {"A": "x" * 1_000_000}, 'expected a prefix once the variables are filled in (got "https://${A}/")'),
        ("https://${A}/", {"A": "https://a.org"}, 'expected a prefix once the variables are filled in (got "https://${A}/"; the variable A has a scheme of its own, so write none before it)'),
        ("https://$${A}.${A}/", {"A": "https://a.org"}, 'expected a prefix once the variables are filled in (got "https://$${A}.${A}/")'),
        ("https://${A}/", {"A": ""}, 'expected a prefix once the variables are filled in (got "https://${A}/"; the variable A is empty)'),
        ("https://${B}${A}", {"A": "", "B": ""}, 'expected a prefix once the variables are filled in (got "https://${B}${A}"; the variable B is empty)'),
        ("https://${A:-}", {}, 'expected a prefix once the variables are filled in (got "https://${A:-}"; the variable A is empty)'),
        ("https://a.${B:-b}.${A}.org/", {"A": ""}, 'expected a prefix once the variables are filled in (got "https://a.${B:-b}.${A}.org/"; the variable A is empty)'),
        ("https://${A/", {}, "expected the name of an environment variable in ${…}, or $$ for a dollar"),
    ],
)  # fmt: skip
def test_variables_that_make_no_prefix(key: str, environ: dict[str, str], expected: str) -> None:
    """Reported at the key, without a word of what they hold."""
    assert problems(f"[mounts.'{key}']", **environ) == [f'1: mounts."{key}": {expected}']


def test_an_empty_variable_where_a_prefix_needs_nothing() -> None:
    """A port or the rest of a path; and a variable may hold the prefix of every host."""
    config = parse_config(
        "[mounts.'https://h:${A}/${B}']\n[mounts.'${C}']",
        environ={"A": "", "B": "", "C": "http://"},
    )
    assert [mount.text for mount in config.mounts] == ["https://h/", "https://", "http://"]


def test_prefixes_that_become_the_same() -> None:
    """As any two that mean the same."""
    text = "[mounts.'https://${A}/']\n[mounts.'https://h/']"
    (problem,) = problems(text, A="H")
    assert problem == '2: mounts."https://h/": the same prefix as mounts."https://${A}/" on line 1'


def test_expectations_have_variables_too() -> None:
    """In the URL, in the prefix, and in settings."""
    config = parse_config(
        """
        [mounts."https://${A}/"]
        pool_maxsize = 3
        [[expect]]
        url = "https://${A}/"
        mount = "https://${A}/"
        pool_maxsize = "${N}"
        """,
        environ={"A": "h", "N": "3"},
    )
    (claim,) = config.expect
    assert (claim.url, claim.mount) == ("https://h/", "https://h/")
    assert claim.settings == ((("pool_maxsize",), 3),)


def test_what_a_number_holds_is_not_shown() -> None:
    """An explanation has the reference in its place, as of any setting."""
    config = parse_config(
        "[mounts.'https://h/']\npool_maxsize = '${A}'\ndeny = '${NO}'",
        environ={"A": "4711", "NO": "false"},
    )
    found = explain_url(config, "https://h/")
    assert "4711" not in json.dumps(asdict(found)) + str(found) + repr(found)
    assert '"${A}"' in str(found)
    assert not found.denied


def test_environ_takes_the_place_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that it lacks are missing, whatever the process has."""
    monkeypatch.setenv("A", "127.0.0.1")
    text = "[defaults]\nsource_address = '${A}'"
    assert len(parse_config(text).mounts) == 2
    assert problems(text) == ["2: defaults.source_address: the environment variable A is not set"]


def test_variables_show_no_environment() -> None:
    """Whoever prints what a configuration was loaded in sees none of what it holds."""
    config = parse_config("", environ={"A": "hunter2"})
    assert repr(config.variables) == "Variables(offline=False)"


def test_what_is_not_utf_8_in_the_environment() -> None:
    """A proxy is sent the bytes that a password is made of."""
    proxy = policy_of(
        "proxy = 'http://u:${PW}@proxy'", PW=b"p\xe9".decode("utf-8", "surrogateescape")
    )
    assert reveal(proxy.proxy) == "http://u:p%C3%A9@proxy"
    sent = HTTPAdapter().proxy_headers(reveal(proxy.proxy))["Proxy-Authorization"]
    assert b64decode(sent.removeprefix("Basic ")) == b"u:p\xe9"


@pytest.mark.parametrize("proxy", ["http://u:${PW}@h", "http://${PW}@h", "https://u:%E2%82%AC@h"])
def test_a_password_that_cannot_be_sent(proxy: str) -> None:
    """It is refused at load, as requests would raise at each request, with the password."""
    with pytest.raises(UnicodeEncodeError):
        HTTPAdapter().proxy_headers("http://u:%E2%82%AC@h")
    text = f"[defaults]\nproxy = '{proxy}'"
    (found,) = problems(text, PW="€hunter2")
    assert found == (
        "2: defaults.proxy: expected a user name and password of UTF-8 text that latin-1 has"
        " characters for"
    )
    of_socks = parse_config(
        text.replace("https:", "http:").replace("http:", "socks5:"), environ={"PW": "€hunter2"}
    )
    assert len(of_socks.mounts) == 2


HOSTILE = {
    "NUL": "a\0hunter2",
    "lines": "hunter2\n[defaults]\npool_maxsize = 1",
    "quotes": 'hunter2"\'"""',
    "TOML": "hunter2' }\npool_maxsize = 1",
    "long": "hunter2" * 150_000,
    "not UTF-8": "hunter2\udce9",
    "reference": "${HOME}hunter2",
    "controls": "hunter2\u202e\x1b[0m",
}


@pytest.mark.parametrize(
    "setting", ["auth.bearer_file = '${V}'", "proxy = '${V}'", "connect_to = ['${V}']"]
)
def test_what_lacks_a_variable_is_not_tried_out(setting: str) -> None:
    """The variable is what is missing; nothing else is said of the file or host that it names."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[mounts.'https://h/']\n{setting}", environ={})
    (found,) = caught.value.diagnostics
    assert found.message == "the environment variable V is not set"


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "setting",
    [
        "proxy = '${V}'", "proxy = 'http://u:${V}@p:1'", "proxy = 'http://${V}'", "tls.verify = '${V}'",
        "tls.cert_file = '${V}'", "tls.ciphers = '${V}'", "tls.server_hostname = '${V}'",
        "tls.assert_fingerprint = '${V}'", "tls.minimum_version = '${V}'", "source_address = '${V}'",
        "pool_maxsize = '${V}'", "timeout = '${V}'", "max_retries = '${V}'", "deny = '${V}'",
        "max_retries.total = '${V}'", "headers.X = '${V}'",
        "auth.bearer = '${V}'", "auth = { username = '${V}', password = '${V}' }",
        "auth.bearer_file = '${V}'", "connect_to = ['${V}']", "addresses = ['${V}']",
        "no_proxy = ['${V}']", "limit = '${V}'", "limit.rate = '${V}'", "ignore = ['${V}']", "policy = '${V}'",
    ],
)  # fmt: skip
def test_hostile_variables(setting: str, content: str) -> None:
    """Each is a policy or a diagnostic, and neither shows what the variable holds."""
    for prefix in ("https://h/", "https://${V}/"):
        try:
            config = parse_config(f"[mounts.'{prefix}']\n{setting}", environ={"V": content})
        except ConfigError as error:
            shown = f"{error} {error!r}"
        else:
            shown = repr([mount.policy for mount in config.mounts])
        assert "hunter2" not in shown
        assert len(shown) < 6_000


# --- offline ------------------------------------------------------------------------------------

OFFLINE = """
[defaults]
proxy = "http://u:${PROXY_PASS}@proxy:3128"
pool_maxsize = "${POOL}"
max_retries = { total = "${RETRIES}", backoff_factor = 1 }
tls = { verify = "${CA}/ca.pem", cert_file = "no.pem", minimum_version = "${TLS}" }
[mounts."https://${HOST}/"]
pool_block = true
[mounts."https://known.example/"]
pool_maxsize = "${SIZE:-5}"
[[expect]]
url = "https://${HOST}/"
mount = "https://${HOST}/"
[[expect]]
url = "https://known.example/"
mount = "https://known.example/"
pool_maxsize = "${POOL}"
pool_block = false
"""


def test_offline_nothing_outside_the_file_is_consulted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables stay references, and files are not opened."""
    monkeypatch.setenv("POOL", "3")
    config = parse_config(OFFLINE, offline=True)
    assert [mount.text for mount in config.mounts] == [
        "https://known.example/",
        "https://",
        "http://",
    ]
    mount = mount_of(config, "https://known.example/")
    assert (mount.policy.pool_maxsize, mount.policy.max_retries) == (5, 0)
    assert mount.lacking == ("RETRIES", "TLS")
    assert str(mount.policy.proxy) == "http://u:${PROXY_PASS}@proxy:3128"
    assert mount.policy.tls
    assert str(mount.policy.tls.verify) == "${CA}/ca.pem"
    (claim,) = config.expect
    assert claim.settings == ((("pool_block",), False),)
    shown = {setting.key: setting.value for setting in explain_url(config, "https://x/").settings}
    assert shown["proxy"] == "http://u:${PROXY_PASS}@proxy:3128"


def test_offline_uses_the_environment_that_it_is_given() -> None:
    """Only what that lacks stays a reference."""
    config = parse_config(
        OFFLINE, offline=True, environ={"HOST": "h", "RETRIES": "1", "TLS": "1.3"}
    )
    mount = mount_of(config, "https://h/")
    assert mount.policy.max_retries == RetryOptions(total=1, backoff_factor=1)
    assert mount.lacking == ("POOL",)
    assert mount_of(config, "https://known.example/").lacking == ()
    assert len(config.expect) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[mounts.'https://${A}/']\npool_maxsise = 1", "unknown key, did you mean pool_maxsize?"),
        ("[mounts.'https://${A}/']\npool_maxsize = 0", "expected an integer from 1 to 65535 (got 0)"),
        ("[mounts.'https://${A/']", "expected the name of an environment variable in ${…}, or $$ for a dollar"),
        ("policies = '${A}'", 'expected a table (got "${A}")'),
        ("[policies.p]\nproxy = '${'", "expected the name of an environment variable in ${…}, or $$ for a dollar"),
        ("[mounts.'http://h/']\ntls.verify = '${A}'", "expected an https:// prefix for it (got http://h/)"),
        ("[defaults]\ntls.key_file = '${A}'", "expected a cert_file beside it (got none)"),
    ],
)  # fmt: skip
def test_offline_finds_what_the_file_itself_has_wrong(text: str, expected: str) -> None:
    """A mount whose prefix lacks a variable is validated too."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, offline=True)
    assert [one.message for one in caught.value.diagnostics] == [expected]


def test_a_secret_without_its_variable_cannot_be_revealed() -> None:
    """The error names the variable."""
    proxy = policy_of("proxy = 'http://u:${PW}@proxy'", offline=True).proxy
    with pytest.raises(MountsError, match="needs the environment variable PW"):
        reveal(proxy)
    assert proxy == policy_of("proxy = 'http://u:${PW}@proxy'", offline=True).proxy
    assert proxy != policy_of("proxy = 'http://v:${PW}@proxy'", offline=True).proxy


# --- pickles ------------------------------------------------------------------------------------


def test_a_pickle_holds_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what variables held; another process fills in its own."""
    monkeypatch.setenv("PW", "hunter2")
    monkeypatch.setenv("DIR", "elsewhere")
    path = tmp_path / "mounts.toml"
    path.write_text("[defaults]\nproxy = 'http://u:${PW}@proxy'\ntls.cert_file = '${DIR}/x.pem'")
    config = load_config(path, offline=True, environ={"PW": "hunter2", "DIR": "elsewhere"})
    pickled = pickle.dumps(config)
    assert b"hunter2" not in pickled
    assert b"elsewhere" not in pickled
    assert pickle.loads(pickled).mounts == config.mounts
    monkeypatch.setenv("PW", "an@ther")
    monkeypatch.delenv("DIR")
    policy = pickle.loads(pickled).mounts[0].policy
    assert reveal(policy.proxy) == "http://u:an%40ther@proxy"
    with pytest.raises(MountsError, match="the environment variable DIR"):
        reveal(policy.tls.cert_file)


def test_a_pickle_is_filled_in_where_it_is_loaded(tmp_path: Path) -> None:
    """By the environment of that process."""
    config = parse_config("[defaults]\nsource_address = '${A:-::1}'", environ={"A": "127.0.0.2"})
    path = tmp_path / "pickle"
    path.write_bytes(pickle.dumps(config.mounts[0].policy))
    code = (
        "import pickle, sys, requests_mounts._secret as s;"
        f"print(s.reveal(pickle.loads(open({str(path)!r}, 'rb').read()).source_address))"
    )
    for environ, expected in (({"A": "127.0.0.3"}, "127.0.0.3"), ({}, "::1")):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{expected}\n"


def test_a_policy_is_unchanged_by_variables_of_its_defaults() -> None:
    """The two kinds of policies are validated alike."""
    config = parse_config(
        "[defaults]\ndeadline = '${A}'\n[mounts.'https://h/']", environ={"A": "3"}
    )
    policies = [mount.policy for mount in config.mounts]
    assert [policy.deadline for policy in policies] == [3, 3, 3]
    assert isinstance(policies[0], MountPolicy)


@pytest.mark.parametrize(("key", "written"), [("unmatched", "'${A}'"), ("ignore", "['${A}']")])
def test_a_missing_variable_at_the_top_of_a_file(key: str, written: str) -> None:
    """It is named where it is written, and left out offline."""
    text = f"{key} = {written}"
    column = text.index("'") + 1
    with pytest.raises(ConfigError) as caught:
        parse_config(text, environ={})
    (found,) = caught.value.diagnostics
    assert (found.column, found.message) == (column, "the environment variable A is not set")
    config = parse_config(text, offline=True)
    assert (config.unmatched, config.ignore) == ("allow", ())
    assert {mount.lacking for mount in config.mounts} == {("A",) if key == "unmatched" else ()}


def test_what_a_prefix_holds_is_not_shown() -> None:
    """A conflict with it names the reference."""
    with pytest.raises(ConfigError) as caught:
        parse_config("[mounts.'http://${HOST}/']\ntls.verify = true", environ={"HOST": "held"})
    assert "(got http://${HOST}/)" in str(caught.value)
    assert "held" not in str(caught.value)


_TIERS = """
[defaults]
limit = "${L}"
[limits]
slow.rate = 1
fast.rate = 9
[policies]
gold.pool_maxsize = 50
iron.pool_maxsize = 5
any = { policy = "${TIER}", deadline = 5 }
[mounts."https://h/"]
policy = "${TIER}"
[mounts."https://other/"]
policy = "any"
"""


def test_variables_in_the_names_of_policies_and_limits() -> None:
    """They are filled in before tables are laid over each other."""
    text = f"{_TIERS}[[expect]]\nurl = 'https://h/'\nmount = 'https://h/'\nlimit = '${{L}}'"
    config = parse_config(text, environ={"TIER": "gold", "L": "fast"})
    for name in ("https://h/", "https://other/"):
        policy = mount_of(config, name).policy
        assert policy.pool_maxsize == 50
        assert policy.limit
        assert policy.limit.rate == 9
    shown = str(explain_url(config, "https://h/"))
    assert [line.split() for line in shown.splitlines()[2:4]] == [
        ["pool_maxsize", "50", "<string>:8", "policy", "gold"],
        ["limit.rate", "9", "<string>:6", "limit", "fast"],
    ]
    assert 'policy        "${TIER}"' in shown
    assert config.limit_table(mount_of(config)) == ("limits", "fast")


def test_names_that_lack_a_variable() -> None:
    """A problem where a mount uses it, at the line that does; offline, the mount lacks it."""
    assert problems(_TIERS) == [
        "3: defaults.limit: the environment variable L is not set",
        "10: policies.any.policy: the environment variable TIER is not set",
        '12: mounts."https://h/".policy: the environment variable TIER is not set',
    ]
    config = parse_config(_TIERS, offline=True)
    assert mount_of(config).lacking == ("L", "TIER")
    assert mount_of(config, "https://other/").lacking == ("L", "TIER")
    assert mount_of(config, "https://").lacking == ("L",)
    unused = "[policies.a]\npolicy = '${A}'\nlimit = '${A}'\n"
    parse_config(f"{unused}[policies.b]\n[mounts.'https://h/']\npolicy='b'", environ={})


@pytest.mark.parametrize(("key", "kind"), [("policy", "policies"), ("limit", "limits")])
@pytest.mark.parametrize("content", ["golf", "${HOME}", "${-"])
def test_a_name_of_a_variable_that_does_not_exist(key: str, kind: str, content: str) -> None:
    """What the variable holds is neither shown, nor corrected, nor filled in again."""
    text = f"[policies.gold]\n[limits.gold]\nrate=1\n[mounts.'https://h/']\n{key} = 'x${{TIER}}'"
    expected = (
        f'the name of a table in [{kind}] once the variables are filled in (got "x${{TIER}}")'
    )
    assert problems(text, TIER=content) == [f'5: mounts."https://h/".{key}: expected {expected}']


@pytest.mark.parametrize("key", ["policy", "limit"])
def test_a_name_with_a_broken_reference(key: str) -> None:
    """It is not unknown too."""
    expected = "expected the name of an environment variable in ${…}, or $$ for a dollar"
    assert problems(f"[policies.p]\n{key} = 'x${{'") == [f"2: policies.p.{key}: {expected}"]


def test_a_name_of_a_variable_in_a_layer_below(tmp_path: Path) -> None:
    """A variable is not missed where another file names the policy."""
    tmp_path.joinpath("base.toml").write_text("[mounts.'https://h/']\npolicy = '${TIER}'")
    above = "extends = 'base.toml'\n[policies.p]\ndeadline = 5\n[mounts.'https://h']\npolicy = 'p'"
    path = tmp_path / "mounts.toml"
    path.write_text(above)
    assert mount_of(load_config(path, environ={})).policy.deadline == 5


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("pool_maxsize = 'x${X}'", 'an integer from 1 to 65535 (got "x${X}")'),
        ("timeout = '${A}${B}'", 'seconds above 0, inf for no limit, or a table with connect and read (got "${A}${B}")'),
        ("deny = 'no${D}'", 'true or false (got "no${D}")'),
        ("max_retries = { total = 1, status_forcelist = ['5${X}'] }", 'an HTTP status, an integer from 100 to 599 (got "5${X}")'),
        ("retry_budget = '${X}'", 'a table (got "${X}")'),
        ("breaker = { failures = '1${X}' }", 'an integer of 1 or more (got "1${X}")'),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "table", ["[mounts.'https://h/']", "[policies.p]", "[mounts.'https://${H}']"]
)
def test_offline_finds_what_no_variable_makes_right(
    table: str, setting: str, expected: str
) -> None:
    """Only a reference and nothing else stands for a number or a boolean."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f"{table}\n{setting}", offline=True)
    (found,) = caught.value.diagnostics
    assert found.message.startswith(f"expected {expected}")


def test_offline_an_unknown_key_is_unknown_whatever_its_value() -> None:
    """Also if that is a reference."""
    with pytest.raises(ConfigError, match="unknown key, did you mean pool_maxsize"):
        policy_of("pool_maxsise = '${X}'", offline=True)
