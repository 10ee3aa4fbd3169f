"""The warnings of `check`: each once, where it can be mended."""

from pathlib import Path

import pytest

from requests_mounts import load_config, parse_config
from requests_mounts._command.check import check

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param(
            "[defaults]\ntls.verify = false\n[mounts.'https://a/']\n[mounts.'https://b/']\npool_maxsize = 1",
            [
                "2 no-verify anyone may answer in the server's place; name the file of its CA instead (3 mounts)"
            ],
            id="from the defaults: the two mounts and https://",
        ),
        pytest.param(
            "[policies.p]\ntls.verify = false\n[mounts.'https://a/']\npolicy = 'p'\n[mounts.'https://b/']\npolicy = 'p'\n"
            "[mounts.'https://c/']\ntls.verify = false",
            [
                "2 no-verify anyone may answer in the server's place; name the file of its CA instead (2 mounts)",
                "8 no-verify anyone may answer in the server's place; name the file of its CA instead",
            ],
            id="from a policy, and from a mount",
        ),
        pytest.param(
            "[policies.p]\ntls.verify = false\n[policies.q]\npolicy = 'p'\n[mounts.'https://a/']\npolicy = 'q'\n"
            "tls.verify = true\n[mounts.'https://b/']\npolicy = 'q'",
            [
                "2 no-verify anyone may answer in the server's place; name the file of its CA instead (1 mount)"
            ],
            id="overridden in a mount",
        ),
        pytest.param(
            "[mounts.'https://a/']\ntls = { verify = false, assert_fingerprint = '00112233445566778899aabbccddeeff' }",
            [],
            id="a fingerprint asserts the server",
        ),
        pytest.param(
            "[policies.p]\nmax_retries = 1\n[mounts.'https://a/']\npolicy = 'p'\n[mounts.'https://b/']\n"
            "policy = 'p'\ntimeout = 400",
            [
                "2 long-retry-after a Retry-After header may make a request wait for 6 h 0 min; set max_retries.retry_after_max, or a deadline (2 mounts)",
                "2 long-request a request may take 26 min 40 s until its answer begins, with all its retries; set a deadline (1 mount)",
            ],
            id="the number of mounts is that of each warning",
        ),
        pytest.param(
            "[policies.p]\nmax_retries = { total = 1, retry_after_max = 1 }\n[mounts.'https://a/']\npolicy = 'p'\n"
            "timeout = 400\n[mounts.'https://b/']\npolicy = 'p'\ntimeout = 500",
            [
                "2 long-request a request may take 33 min 21 s until its answer begins, with all its retries; set a deadline (2 mounts)"
            ],
            id="the worst of several is told",
        ),
        pytest.param(
            "[defaults]\ntimeout = 3\nmax_retries = 3\n[mounts.'https://a/']\n"
            "max_retries = { status_forcelist = [503], backoff_factor = 1 }\n"
            "[mounts.'https://b/']\nmax_retries.total = 2\n[mounts.'https://c/']\nmax_retries = 4",
            [
                "3 long-retry-after a Retry-After header may make a request wait for 6 h 0 min; set max_retries.retry_after_max, or a deadline (5 mounts)",
            ],
            id="a number and the tables laid over it, where one line mends all of them",
        ),
        pytest.param(
            "[defaults]\ntimeout = 3\nmax_retries = 0\n[mounts.'https://a/']\nmax_retries = 1",
            [
                "5 long-retry-after a Retry-After header may make a request wait for 6 h 0 min; set max_retries.retry_after_max, or a deadline",
            ],
            id="no retries are no cause",
        ),
        pytest.param(
            "[defaults]\ntimeout = 3\nmax_retries = { total = 1, retry_after_max = 7200 }\n"
            "[mounts.'https://a/']\nmax_retries.retry_after_max = 3600",
            [
                "3 long-retry-after a Retry-After header may make a request wait for 2 h 0 min; set max_retries.retry_after_max, or a deadline (2 mounts)",
                "5 long-retry-after a Retry-After header may make a request wait for 1 h 0 min; set max_retries.retry_after_max, or a deadline",
            ],
            id="two waits that are written are two causes",
        ),
    ],
)
def test_a_cause_is_told_once(text: str, warnings: list[str]) -> None:
    """At the line that wrote it, with the number of mounts that have it."""
    assert told(f"{text}", "no-timeout", "http-twin", "redundant-mount") == warnings


_RAISES = (
    "forcelist-without-retries no retry is left for status_forcelist, so a 503 raises RetryError;"
    " set max_retries.raise_on_status = false to have the response, or max_retries.status_forcelist = []"
)


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param("max_retries = 0", [f"5 {_RAISES}"], id="a number laid over the table"),
        pytest.param("max_retries.total = false", [f"5 {_RAISES}"], id="a total of false"),
        pytest.param("max_retries.status = 0", [f"5 {_RAISES}"], id="none after a status"),
        pytest.param("max_retries.status = 1", [], id="one after a status"),
        pytest.param("max_retries = 1", [], id="another number"),
        pytest.param("max_retries = { total = 0, raise_on_status = false }", [], id="a response"),
        pytest.param("max_retries = { total = 0, status_forcelist = [] }", [], id="no statuses"),
        pytest.param("max_retries = 0\ndeny = true", [], id="nothing is sent"),
    ],
)
def test_statuses_of_which_none_is_retried(text: str, warnings: list[str]) -> None:
    """They come from a weaker layer, and the first of them would raise."""
    retries = "total = 1, backoff_factor = 1, retry_after_max = 9, status_forcelist = [503]"
    weaker = f"[defaults]\ntimeout = 3\nmax_retries = {{ {retries} }}"
    text = f"{weaker}\n[mounts.'https://a/']\n{text}"
    assert told(text, "http-twin", "redundant-mount") == warnings


_UNUSED = 'unused-no-proxy without effect, as proxy is not a URL beside it; for "env", set the variable NO_PROXY'


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param("[mounts.'https://a/']", [f"2 {_UNUSED} (3 mounts)"], id="the environment"),
        pytest.param("proxy = 'direct'", [f"2 {_UNUSED} (2 mounts)"], id="none"),
        pytest.param("proxy = 'http://p:1'", [], id="a URL"),
        pytest.param("proxy = '${P:-direct}'", [], id="another environment may have a URL"),
        pytest.param("[mounts.'https://a/']\nproxy = 'http://p:1'", [], id="a URL in one mount"),
        pytest.param(
            "[mounts.'https://a/']\nproxy = 'http://p:1'\n[mounts.'https://b/']\nno_proxy = ['x']",
            [f"6 {_UNUSED}"],
            id="a list of its own",
        ),
    ],
)
def test_no_proxy_beside_no_proxy(text: str, warnings: list[str]) -> None:
    """It is told only if no mount that has it may have the URL of a proxy."""
    text = f"[defaults]\nno_proxy = ['h']\n{text}"
    ignored = ("no-timeout", "http-twin", "redundant-mount")
    assert told(text, *ignored) == warnings


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param("", [], id="a file that says nothing"),
        pytest.param(
            "[mounts.'https://a/']\n[mounts.'https://long.example.com/']",
            ["1 no-timeout a request may wait for ever; set timeout in [defaults] (2 mounts)"],
            id="without defaults, at the first mount",
        ),
        pytest.param(
            "[mounts.'https://a/']\n[defaults]",
            ["2 no-timeout a request may wait for ever; set timeout (3 mounts)"],
            id="at the defaults, if there are any",
        ),
        pytest.param(
            "[defaults]\ntimeout.connect = 3\n[mounts.'https://a/']\ntimeout.connect = 5",
            ["2 no-timeout a request may wait for ever; set timeout.read (3 mounts)"],
            id="the weakest table that lacks it",
        ),
        pytest.param(
            "[defaults]\ntimeout = 3\n[mounts.'https://a/']\ntimeout = inf",
            ["4 no-timeout a request may wait for ever; set timeout"],
            id="the mount that undoes it",
        ),
        pytest.param(
            "[defaults]\ntimeout = 3\n[mounts.'https://a/']\ntimeout = { connect = inf, read = 3 }",
            ["4 no-timeout a request may wait for ever; set timeout.connect"],
            id="the half that is infinite",
        ),
        pytest.param(
            "[mounts.'https://a/']\n[mounts.'https://b/']\ntimeout = 3",
            ["1 no-timeout a request may wait for ever; set timeout"],
            id="a mount alone",
        ),
    ],
)
def test_a_timeout_that_is_missing(text: str, warnings: list[str]) -> None:
    """It is told once, where one line gives it to all."""
    assert told(text, "http-twin", "redundant-mount") == warnings


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param(
            "[mounts.'https://a/']\n[mounts.'https://*.example.com/']\n[mounts.'https://']",
            [
                '1 http-twin the URLs of 2 mounts are served without TLS too, by http://; add [mounts."http://"] and deny = true'
            ],
            id="once, at the first",
        ),
        pytest.param(
            "[mounts.'https://a/']\n[mounts.'http://']\npool_maxsize = 5",
            [
                "2 http-twin the URLs of 1 mount are served without TLS too, by http://; write deny = true here"
            ],
            id="http:// is there",
        ),
        pytest.param("[mounts.'https://a/']\n[mounts.'http://']\ndeny = true", [], id="as it says"),
        pytest.param(
            "[mounts.'https://a/']\n[mounts.'http://']\nignore = ['http-twin']",
            [],
            id="ignored there",
        ),
        pytest.param("unmatched = 'deny'\n[mounts.'https://a/']", [], id="unmatched is denied"),
        pytest.param("[mounts.'https://a/']\ndeny = true", [], id="what is denied has no twin"),
        pytest.param("[mounts.'https://a/']\n[mounts.'http://a/']", [], id="a twin of its own"),
    ],
)
def test_urls_without_tls(text: str, warnings: list[str]) -> None:
    """One warning for a file, with the lines that mend it."""
    assert told(text, "no-timeout", "redundant-mount") == warnings


@pytest.mark.parametrize(
    ("prefix", "warning"),
    [
        (
            "https://api.example.com/v1/*",
            "literal-star a * in a path is that character; write https://api.example.com/v1/, which serves all that is below it",
        ),
        (
            "https://api.example.com/**/*/",
            "literal-star a * in a path is that character; write https://api.example.com/, which serves all that is below it",
        ),
        (
            "https://api.example.com/v1/*/users",
            "literal-star a * in a path is that character; write the segments before it, which serve all that is below them",
        ),
        (
            "https://api.example.com/v1*",
            "literal-star a * in a path is that character; write the segments before it, which serve all that is below them",
        ),
        (
            "https://10.0.0.0/8",
            'network-prefix "/8" is a path, and a network cannot be a prefix; write a mount for each address',
        ),
        (
            "https://[2001:db8::]:*/32/",
            'network-prefix "/32" is a path, and a network cannot be a prefix; write a mount for each address',
        ),
        ("https://*.example.com:*/", None),
        ("https://api.example.com/8", None),
        ("https://10.0.0.1/8", None),
        ("https://10.0.0.0/33", None),
        ("https://10.0.0.0/v1", None),
        ("https://10.0.0.0/8/users", None),
        ("https://10.0.0.0/\u00b2", None),
    ],
)
def test_prefixes_that_hardly_match(prefix: str, warning: str | None) -> None:
    """Also of a mount that denies, unless it says that it is meant."""
    ignored = ("no-timeout", "http-twin", "redundant-mount")
    expected = [f"1 {warning}"] if warning else []
    for key in ("timeout = 3", "deny = true"):
        assert told(f"[mounts.'{prefix}']\n{key}", *ignored) == expected
    meant = f"[mounts.'{prefix}']\nignore = ['literal-star', 'network-prefix']"
    assert told(meant, *ignored) == []


def test_the_table_of_a_pyproject_is_named(tmp_path: Path) -> None:
    """The lines that mend a file can be copied there too."""
    path = tmp_path / "pyproject.toml"
    path.write_text(
        "[tool.requests-mounts]\nmounts.'https://a/' = { timeout = 3, pool_maxsize = 1 }"
    )
    (found,) = check(load_config(path))
    assert 'add [tool.requests-mounts.mounts."http://"] and deny = true' in found.message


def told(text: str, *ignored: str) -> list[str]:
    """Check a text without some warnings; return lines, codes and messages."""
    config = parse_config(f"ignore = {list(ignored)}\n{text}")
    return [f"{found.line - 1} {found.code} {found.message}" for found in check(config)]


@pytest.mark.parametrize("name", ["service.toml", "quickstart.toml"])
def test_the_examples(name: str) -> None:
    """They give no warning, and their expectations hold."""
    assert check(load_config(ROOT / "examples" / name)) == ()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('timeout = "${NO_SUCH}"', []),
        ('timeout = 3\nmax_retries = "${NO_SUCH}"', []),
        ('deadline = "${NO_SUCH:-inf}"', []),
        ("timeout = inf", ["no-timeout"]),
        ('tls.verify = "${NO_SUCH:-false}"\ntimeout = 3', ["no-verify"]),
        ('tls.verify = false\ntimeout = "${NO_SUCH}"', ["no-verify"]),
        ('timeout = 3\nproxy = "${NO_SUCH}"\nno_proxy = ["h"]', []),
        (
            'timeout = 3\nmax_retries = { total = 0, raise_on_status = "${NO_SUCH}", status_forcelist = [503] }',
            [],
        ),
    ],
)
def test_offline(text: str, codes: list[str]) -> None:
    """Nothing is said of what variables decide that are not looked at."""
    config = parse_config(f"[defaults]\n{text}", offline=True)
    assert [found.code for found in check(config)] == codes


def test_a_mount_without_its_variable() -> None:
    """It serves nothing, so there is nothing to warn of."""
    text = '[mounts."https://${NO_SUCH}/"]\ntls.verify = false\npool_connections = 5'
    assert check(parse_config(text, offline=True)) == ()


def test_ignoring_adds_up() -> None:
    """What a policy ignores, a mount that extends it ignores too."""
    text = """
        [policies.lax]
        ignore = ["no-verify"]
        tls.verify = false
        [mounts."https://a/"]
        policy = "lax"
        ignore = ["no-timeout"]
        [mounts."https://b/"]
        policy = "lax"
    """
    assert told(text, "http-twin", "redundant-mount") == [
        "8 no-timeout a request may wait for ever; set timeout"
    ]


@pytest.mark.parametrize(
    ("prefix", "warning"),
    [
        (
            "https://${HOST}/v1/*",
            "literal-star: a * in a path is that character; write the segments before it, which serve all that is below them",
        ),
        (
            "https://10.0.0.0/${LENGTH}",
            "network-prefix: what follows the address is a path, and a network cannot be a prefix; write a mount for each address",
        ),
    ],
)
def test_a_prefix_of_variables_that_hardly_matches(prefix: str, warning: str) -> None:
    """It is not written again, as it would show what the variables hold."""
    environ = {"HOST": "hidden.example", "LENGTH": "24"}
    config = parse_config(f"[mounts.'{prefix}']\ntimeout = 3", environ=environ)
    (found,) = (one for one in check(config) if one.code in {"literal-star", "network-prefix"})
    assert f"{found.code}: {found.message}" == warning
    assert "hidden" not in str(found)


def test_no_caution_shows_what_a_variable_of_a_prefix_holds() -> None:
    """The prefix stands there as the file writes it."""
    text = """
        [mounts."https://${A}/"]
        timeout = 3
        [mounts."https://${A}/x/"]
        timeout = 3
        [mounts."http://${A}/"]
        auth = { bearer = "${T}" }
        limit = { rate = 1 }
        [mounts."http://${A}/y/"]
        limit = { rate = 1 }
        [mounts."https://*.${A}/"]
        auth = { bearer = "${T}" }
    """
    found = check(parse_config(text, environ={"A": "secret.example", "T": "t"}))
    said = "".join(map(str, found))
    codes = {"redundant-mount", "plain-secret", "wide-secret", "two-limits"}
    assert codes <= {one.code for one in found}
    assert "secret.example" not in said
    assert "without this mount, https://${A}/ would do the same" in said


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ('proxy = "http://u:hunter2@p:1"', "proxy"),
        ('proxy = "http://u:${P:-hunter2}@p:1"', "proxy"),
        ('proxy = "http://u:${P}@p:1"', ""),
        ('proxy = "http://u@p:1"', ""),
        ('proxy = "http://${P:-p}:1"', ""),
        ('proxy = "direct"', ""),
        ('tls.key_password = "hunter2"', "tls.key_password"),
        ('tls.key_password = "$${hunter2}"', "tls.key_password"),
        ('tls = { key_password = "${P}", verify = false, assert_fingerprint = "${F}" }', ""),
        ('auth.bearer = "${TOKEN:-sk_live_1}"', "auth.bearer"),
        ('auth.bearer = "${TOKEN:-}${P}"', ""),
        ('auth = { username = "hunter", password = "${P}" }', ""),
        ('headers.Authorization = "Bearer ${P}"', ""),
        ('headers.X-Api-Key = "hunter2"', "headers.X-Api-Key"),
    ],
)
def test_a_secret_in_the_file_itself(setting: str, key: str) -> None:
    """Wherever one may stand, and if only as a default; it is not shown."""
    text = f"[defaults]\ntimeout = 5\n[mounts.'https://h/']\n{setting}\n"
    environ = {"P": "x", "F": "00" * 16}
    found = [
        one for one in check(parse_config(text, environ=environ)) if one.code == "literal-secret"
    ]
    assert [one.key for one in found] == ([f'mounts."https://h/".{key}'] if key else [])
    assert not any("hunter2" in str(one) or "sk_live" in str(one) for one in found)
