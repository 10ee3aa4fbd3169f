"""Why a URL is served as it is, in values and in words."""

from dataclasses import fields
from pathlib import Path

import pytest
from requests.adapters import HTTPAdapter

from requests_mounts import MountedSession, load_config, parse_config
from requests_mounts._command.check import check
from requests_mounts._command.compare import compare
from requests_mounts._command.describe import describe
from requests_mounts._explain import explain_url
from requests_mounts._file.policy import Policy

FILE = """\
[defaults]
pool_maxsize = 20
max_retries = { total = 2, status_forcelist = [502, 503] }

[mounts."https://api.example.com/"]
pool_block = true

[mounts."https://API.example.com/reports"]
max_retries.total = 5

[mounts."https://api.example.com/reports/2026/q4/"]
[mounts."https://api.example.com:8443/"]
[mounts."https://api.example.com:*/"]
[mounts."https://api.example.com/users/"]
[mounts."http://api.example.com/"]
[mounts."https://*.example.com/"]
[mounts."https://*.com/"]
[mounts."https://www.example.com/"]
max_retries = 1
"""


@pytest.fixture
def session() -> MountedSession:
    return MountedSession(parse_config(FILE, source="mounts.toml"))


def test_the_text(session: MountedSession) -> None:
    """It reads well in a terminal."""
    expected = """\
https://api.example.com/reports/2026?page=1
  served by https://api.example.com/reports/  mounts.toml:8
    pool_maxsize                  20          mounts.toml:2  defaults
    max_retries.total             5           mounts.toml:9  mount
    max_retries.status_forcelist  [502, 503]  mounts.toml:3  defaults
  not served by
    https://api.example.com/reports/2026/q4/  its path is longer than the URL's
    https://api.example.com/users/            another path
    https://api.example.com:8443/             another port
    https://api.example.com:*/                an exact port wins over any port
    https://api.example.com/                  a longer path wins
    http://api.example.com/                   another scheme
    https://*.example.com/                    an exact host wins over a wildcard
    https://*.com/                            an exact host wins over a wildcard
    https://                                  an exact host wins over no host"""
    assert str(session.explain("https://api.example.com/reports/2026?page=1")) == expected


def test_a_mount_of_another_file(tmp_path: Path) -> None:
    """Who serves a URL is named by the file that names the mount, as each setting is."""
    (tmp_path / "base.toml").write_text("# 1\n# 2\n[mounts.'https://a.org/']\ndeadline = 5\n")
    (tmp_path / "prod.toml").write_text(
        "extends = 'base.toml'\n[mounts.'https://b.org/']\n[mounts.'https://A.org']\n"
    )
    alone = tmp_path / "alone.toml"
    alone.write_text("extends = 'base.toml'\n")
    for path, named in ((alone, "base.toml"), (tmp_path / "prod.toml", "prod.toml")):
        session = MountedSession(load_config(path))
        found = session.explain("https://a.org/x")
        assert (Path(found.path).name, found.line) == (named, 3)
        assert f"  served by https://a.org/  {tmp_path / named}:3\n" in str(found)
        assert session.explain("https://else.org/").path == str(path)


def test_keys_that_are_not_set(session: MountedSession) -> None:
    """Each has a row, those of tables too, and the headers of no name."""
    keys = [setting.key for setting in session.explain("https://www.example.com/").settings]
    for field in fields(Policy):
        assert any(key == field.name or key.startswith(f"{field.name}.") for key in keys)


def test_the_layers_of_policies() -> None:
    """Each setting names the policy that it comes from, the nearest one first."""
    session = MountedSession(
        parse_config(
            """
            [defaults]
            deadline = 60
            timeout = 9
            [policies.base]
            timeout = { connect = 1, read = 2 }
            [policies.derived]
            policy = "base"
            timeout.read = 3
            [mounts."https://h/"]
            policy = "derived"
            timeout.connect = 4
            """
        )
    )
    settings = {setting.key: setting for setting in session.explain("https://h/").settings}
    found = {
        key: (settings[key].value, settings[key].layer, settings[key].line) for key in settings
    }
    assert found["timeout.connect"] == (4, "mount", 12)
    assert found["timeout.read"] == (3, "policy derived", 9)
    assert found["deadline"] == (60, "defaults", 3)
    assert found["policy"] == ("derived", "mount", 11)


def test_the_values(session: MountedSession) -> None:
    """Each setting has its layer and its line."""
    found = session.explain("https://www.example.com/x")
    assert (found.url, found.prefix, found.line) == (
        "https://www.example.com/x",
        "https://www.example.com/",
        18,
    )
    settings = {setting.key: setting for setting in found.settings}
    retries = settings["max_retries.total"]
    assert (retries.value, retries.layer, retries.line) == (1, "mount", 19)
    assert (settings["pool_maxsize"].layer, settings["pool_maxsize"].line) == ("defaults", 2)
    assert (settings["pool_block"].layer, settings["pool_block"].line) == ("built in", None)


def test_a_number_is_the_origin_of_what_it_stands_for() -> None:
    """Of its table it sets the total alone."""
    session = MountedSession(
        parse_config(
            "[defaults]\nmax_retries = 3\n"
            "[mounts.'https://h/']\nmax_retries = { total = 1, backoff_factor = 1 }"
        )
    )
    settings = {setting.key: setting for setting in session.explain("https://h/").settings}
    assert settings["max_retries.total"].layer == "mount"
    assert settings["max_retries.status"].layer == "built in"


@pytest.mark.parametrize(
    ("url", "winner", "loser", "reason"),
    [
        ("https://a.example.com/", "https://*.example.com/", "https://*.com/", "a longer wildcard wins"),
        ("https://a.example.com/", "https://*.example.com/", "https://", "a wildcard wins over no host"),
        ("https://example.com/", "https://*.com/", "https://*.example.com/", "a wildcard serves what is below its domain"),
        ("https://com/", "https://", "https://*.com/", "a wildcard serves what is below its domain"),
        ("https://api.example.com/re", "https://api.example.com/", "https://api.example.com/reports/", "another path"),
        ("https://api.example.com/", "https://api.example.com/", "https://api.example.com/reports/", "its path is longer than the URL's"),
        ("https://api.example.com:1/", "https://api.example.com:*/", "https://api.example.com/", "another port"),
    ],
)  # fmt: skip
def test_reasons(session: MountedSession, url: str, winner: str, loser: str, reason: str) -> None:
    """Each prefix that lost says by what."""
    found = session.explain(url)
    assert found.prefix == winner
    assert {other.prefix: other.reason for other in found.others}[loser] == reason


def test_what_is_not_matched_is_denied_by_its_line() -> None:
    """And what the defaults say of TLS is not said of http."""
    session = MountedSession(parse_config('unmatched = "deny"\n[defaults]\ntls.verify = true'))
    settings = {setting.key: setting for setting in session.explain("http://h/").settings}
    assert (settings["deny"].value, settings["deny"].layer, settings["deny"].line) == (
        True,
        "unmatched",
        1,
    )
    assert (settings["tls"].value, settings["tls"].layer) == (None, "built in")


def test_prefixes_of_other_hosts_are_not_listed(session: MountedSession) -> None:
    """They have nothing to do with the URL."""
    assert session.explain("https://elsewhere.org/").others == ()


def test_no_adapter(session: MountedSession) -> None:
    """A URL that requests cannot send."""
    assert str(session.explain("mock://h/")) == "mock://h/\n  not served by any prefix"


def test_an_implied_mount(session: MountedSession) -> None:
    """It has the policy of the defaults, and no line of its own."""
    found = session.explain("https://elsewhere.org/")
    assert (found.prefix, found.line) == ("https://", None)
    assert next(s for s in found.settings if s.key == "pool_maxsize").line == 2


def test_an_adapter_mounted_from_code(session: MountedSession) -> None:
    """The file says nothing of it, even where it stands under a prefix of the file."""
    session.mount("https://www.example.com/", HTTPAdapter())
    session.mount("https://WWW.example.com/x", HTTPAdapter())
    session.mount("file://", HTTPAdapter())
    found = session.explain("https://www.example.com/x")
    assert (found.prefix, found.line, found.settings) == ("https://WWW.example.com/x", None, ())
    assert session.explain("https://www.example.com/y").settings == ()
    assert "    an adapter that was mounted from code\n" in str(found)


def test_a_replaced_adapter_of_ours(session: MountedSession) -> None:
    """The file says nothing of a policy that is not its own."""
    other = MountedSession(parse_config(FILE)).adapters["https://www.example.com/"]
    assert session.explain("https://www.example.com/y").settings
    session.mount("https://www.example.com/", other)
    found = session.explain("https://www.example.com/y")
    assert (found.prefix, found.line, found.settings) == ("https://www.example.com/", None, ())


def test_the_same_prefix_under_two_keys(session: MountedSession) -> None:
    """The longer key is asked first, as in requests."""
    session.mount("https://www.example.com:443/", HTTPAdapter())
    found = session.explain("https://www.example.com/y")
    assert found.prefix == "https://www.example.com:443/"
    reasons = {other.prefix: other.reason for other in found.others}
    assert reasons["https://www.example.com/"] == "the same prefix, mounted under another key"


def test_a_key_that_is_compared_as_text(session: MountedSession) -> None:
    """It may win where it only looks like a prefix."""
    session.mount("https://www.example.com/?page=", HTTPAdapter())
    found = session.explain("https://www.example.com/?page=2")
    assert found.prefix == "https://www.example.com/?page="
    reasons = {other.prefix: other.reason for other in found.others}
    assert reasons["https://www.example.com/"] == "a longer key is compared as text"


HELD = {"HOST": "held.example.com", "TOP": "example.com"}
REFERRING = """\
[mounts."https://${HOST}/v1/"]
timeout = 1
[mounts."https://*.${TOP}/"]
deny = true
[[expect]]
url = "https://a.example.com/"
mount = "https://${HOST}/v1/"
"""


def test_what_variables_hold_is_not_shown() -> None:
    """Prefixes are shown as the file writes them, also of mounts that only differ."""
    config = parse_config(REFERRING, environ=HELD)
    session = MountedSession(config)
    others = session.explain("https://held.example.com/").others
    assert {other.prefix for other in others} == {"https://${HOST}/v1/", "https://"}
    assert {mount.prefix for mount in describe(config)} >= {"https://${HOST}/v1/"}
    (change,) = compare(config, parse_config(REFERRING.replace("= 1", "= 2"), environ=HELD))
    assert str(change).startswith("~ https://${HOST}/v1/\n")
    (failed, *_) = (found for found in check(config) if found.severity == "error")
    assert failed.message == ("expected https://${HOST}/v1/ (got https://*.${TOP}/: another host)")


def test_a_prefix_that_lacks_its_variable() -> None:
    """What it may serve is not sent offline; it is told before the rest."""
    text = '[defaults]\ntimeout = 3\n[mounts."https://api.${ENV}.example.com/"]\ndeny = true'
    session = MountedSession(parse_config(text, offline=True, source="m.toml"))
    assert (
        str(session.explain("https://api.test.example.com/v1"))
        == """\
https://api.test.example.com/v1
  not sent, as it may be served by
    https://api.${ENV}.example.com/  the environment variable ENV is not set
  served by https://
    timeout  3  m.toml:2  defaults"""
    )
    assert session.explain("https://api.example.org/").unknown == ()
    denied = parse_config(f'unmatched = "deny"\n{text}', offline=True, source="m.toml")
    found = MountedSession(denied).explain("https://api.test.example.com/v1")
    assert str(found).splitlines()[1] == '  denied by unmatched = "deny"  m.toml:1'


_LACKING = """\
unmatched = "${U}"
[defaults]
timeout = "${T}"
limit = "${L}"
[limits.l]
rate = "${R}"
burst = 5
[policies.p]
deadline = "${D}"
pool_maxsize = "${SIZE}"
breaker = { failures = "${F}", statuses = [500, "${S}"] }
[mounts."https://h/"]
policy = "p"
breaker.open_for = 5
max_retries = { total = "${N}", status_forcelist = [503] }
limit = "l"
deny = "${DENY}"
[mounts."https://other/"]
policy = "${P}"
timeout = { connect = 3, read = "${READ:-9}" }
retry_budget = { tokens = "${B}" }
"""


def test_what_lacks_its_variable_is_explained_by_its_reference() -> None:
    """Nothing that the file says is cut, also of tables that were left out."""
    config = parse_config(_LACKING, offline=True, source="m.toml")
    assert (
        str(explain_url(config, "https://h/"))
        == """\
https://h/
  served by https://h/  m.toml:12
    pool_maxsize                  "${SIZE}"      m.toml:10  policy p
    max_retries.total             "${N}"         m.toml:15  mount
    max_retries.status_forcelist  [503]          m.toml:15  mount
    timeout                       "${T}"         m.toml:3  defaults
    deadline                      "${D}"         m.toml:9  policy p
    deny                          "${DENY}"      m.toml:17  mount
    limit.rate                    "${R}"         m.toml:6  limit l
    limit.burst                   5              m.toml:7  limit l
    breaker.failures              "${F}"         m.toml:11  policy p
    breaker.open_for              5              m.toml:14  mount
    breaker.statuses              [500, "${S}"]  m.toml:11  policy p
    policy                        "p"            m.toml:13  mount
  counted by each process for itself: limit, breaker
  not served by
    https://  an exact host wins over no host"""
    )
    assert str(explain_url(config, "https://other/")).splitlines()[2:8] == [
        "    timeout.connect      3             m.toml:20  mount",
        '    timeout.read         "${READ:-9}"  m.toml:20  mount',
        '    limit                "${L}"        m.toml:4  defaults',
        '    retry_budget.tokens  "${B}"        m.toml:21  mount',
        '    policy               "${P}"        m.toml:19  mount',
        "  counted by each process for itself: limit, retry_budget",
    ]
    assert str(explain_url(config, "http://any/")).splitlines()[2:5] == [
        '    timeout  "${T}"  m.toml:3  defaults',
        '    deny     "${U}"  m.toml:1  unmatched',
        '    limit    "${L}"  m.toml:4  defaults',
    ]


def test_only_what_lacks_a_variable_is_explained_so() -> None:
    """Plain values beside it are told as they are."""
    text = "[mounts.'https://h/']\nmax_retries = 0\nbreaker.failures = 1\ndeadline = '${D}'"
    config = parse_config(text, offline=True)
    told = {one.key: one.value for one in explain_url(config, "https://h/").settings if one.line}
    assert told["max_retries"] == 0
    assert told["breaker.failures"] == 1
    assert told["deadline"] == "${D}"
    allowed = parse_config("unmatched = 'allow'\n[defaults]\ndeadline = '${D}'", offline=True)
    lines = [(one.key, one.line) for one in explain_url(allowed, "http://h/").settings if one.line]
    assert lines == [("deadline", 3)]
