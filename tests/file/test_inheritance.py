"""What a mount inherits, and where it says each of its settings comes from."""

import pytest

from requests_mounts import ConfigError, parse_config
from requests_mounts._file.config import Config, Mount
from requests_mounts._file.equality import same
from requests_mounts._file.options import RetryOptions, Timeout
from requests_mounts._file.policy import Policy


def mount_of(config: Config, text: str) -> Mount:
    return next(mount for mount in config.mounts if mount.text == text)


def policy_of(text: str) -> Policy:
    return mount_of(parse_config(text), "https://h/").policy


@pytest.mark.parametrize(
    ("defaults", "mount", "timeout"),
    [
        ("10", "{ read = 120 }", Timeout(connect=10, read=120)),
        ("{ connect = 3, read = 30 }", "7", Timeout(connect=7, read=7)),
        ("inf", "{ connect = 1 }", Timeout(connect=1, read=float("inf"))),
        ("10", "20", 20),
        ("{ connect = 3 }", "{ read = 4 }", Timeout(connect=3, read=4)),
    ],
)
def test_a_timeout_merges_with_a_table(defaults: str, mount: str, timeout: object) -> None:
    """As if the number were written as its table."""
    text = f"[defaults]\ntimeout = {defaults}\n[mounts.'https://h/']\ntimeout = {mount}"
    assert policy_of(text).timeout == timeout


@pytest.mark.parametrize(
    ("defaults", "mount", "retries"),
    [
        ("3", "{ status_forcelist = [503] }", RetryOptions(total=3, status_forcelist=(503,))),
        ("{ total = 3, read = 1 }", "5", RetryOptions(total=5, read=1)),
        ("3", "5", 5),
        ("3", "{ total = 1, read = false }", RetryOptions(total=1, read=False)),
    ],
)
def test_a_number_of_retries_merges_with_a_table(
    defaults: str, mount: str, retries: object
) -> None:
    """As if the number were its total."""
    text = f"[defaults]\nmax_retries = {defaults}\n[mounts.'https://h/']\nmax_retries = {mount}"
    assert policy_of(text).max_retries == retries


def test_a_boolean_is_no_number_to_merge() -> None:
    """It is the mistake that it always was, and reported where it is written."""
    with pytest.raises(ConfigError) as caught:
        parse_config("[defaults]\ntimeout = true\n[mounts.'https://h/']\ntimeout.read = 1")
    (found,) = caught.value.diagnostics
    assert (found.line, found.key) == (2, "defaults.timeout")


def test_a_wrong_number_is_reported_where_it_is_written() -> None:
    """Also where it is a part of a table."""
    with pytest.raises(ConfigError) as caught:
        parse_config("[defaults]\ntimeout = -1\n[mounts.'https://h/']\ntimeout.read = 1")
    assert {(one.line, one.key) for one in caught.value.diagnostics} == {(2, "defaults.timeout")}


def test_ignored_warnings_add_up() -> None:
    """Each layer may add some, and takes none away."""
    policy = policy_of(
        """
        [policies.p]
        ignore = ["no-timeout", "no-verify"]
        [mounts."https://h/"]
        policy = "p"
        ignore = ["no-backoff", "no-verify"]
        """
    )
    assert getattr(policy, "ignore") == ("no-timeout", "no-verify", "no-backoff")  # noqa: B009


def test_the_origin_of_a_setting() -> None:
    """The layer that sets it, with its line; a number is the origin of what it stands for."""
    config = parse_config(
        """\
unmatched = "deny"
[defaults]
timeout = 10
tls.verify = true
[policies.p]
max_retries.total = 2
[mounts."https://H"]
policy = "p"
timeout.read = 5
[mounts."http://h"]
""",
        source="mounts.toml",
    )
    mount = mount_of(config, "https://h/")

    def origin(*path: str, of: Mount = mount) -> tuple[str, str | None, int | None]:
        found = config.origin(of, path)
        return found.layer, found.file, found.line

    assert origin("timeout", "connect") == ("defaults", "mounts.toml", 3)
    assert origin("timeout", "read") == ("mount", "mounts.toml", 9)
    assert origin("max_retries", "total") == ("policy p", "mounts.toml", 6)
    assert origin("max_retries", "read") == ("built in", None, None)
    assert origin("tls", "verify") == ("defaults", "mounts.toml", 4)
    assert origin("pool_maxsize") == ("built in", None, None)
    assert origin("tls", "verify", of=mount_of(config, "http://h/")) == ("built in", None, None)
    assert origin("deny", of=mount_of(config, "https://")) == ("unmatched", "mounts.toml", 1)
    assert str(config.place(mount)) == "mounts.toml:7"
    assert str(config.place(mount_of(config, "http://"))) == "mounts.toml:1"
    assert config.line(mount) == 7


def test_the_origin_of_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be shown of a setting is the reference, not what the variable holds."""
    monkeypatch.setenv("HUNTER", "get")
    config = parse_config(
        """
        [mounts."https://h/"]
        max_retries = { total = 1, allowed_methods = ["PUT", "${HUNTER}"] }
        pool_maxsize = 3
        """
    )
    mount = mount_of(config, "https://h/")
    path = ("max_retries", "allowed_methods")
    assert isinstance(mount.policy.max_retries, RetryOptions)
    assert mount.policy.max_retries.allowed_methods == ("PUT", "GET")
    assert config.shown(mount, path, ("PUT", "GET")) == ("PUT", "${HUNTER}")
    assert config.shown(mount, ("pool_maxsize",), 3) == 3
    assert config.shown(mount, ("deadline",), None) is None


def test_mounts_that_say_the_same_have_one_policy() -> None:
    """So thousands of mounts take the time and the memory of what differs."""
    config = parse_config(
        """
        [policies.slow]
        timeout = 60
        [mounts."https://a/"]
        policy = "slow"
        headers.X-A = "${A}"
        [mounts."https://b/"]
        policy = "slow"
        headers.X-A = "${A}"
        [mounts."https://c/"]
        policy = "slow"
        [mounts."https://d/"]
        policy = "slow"
        [mounts."https://e/"]
        """,
        environ={"A": "1"},
    )
    a, b, c, d, e = (mount_of(config, f"https://{host}/").policy for host in "abcde")
    assert a == b
    assert c is d
    assert c not in {a, e}


@pytest.mark.parametrize(
    ("one", "other"),
    [("read = false", "read = 0"), ("read = 0", "read = false"), ("read = 1", "read = 2")],
)
def test_what_python_takes_for_the_same_is_not(one: str, other: str) -> None:
    """False raises the error that 0 wraps."""
    text = f"[mounts.'https://h/']\nmax_retries = {{ total = 1, {one} }}\n"
    other_text = f"[mounts.'https://i/']\nmax_retries = {{ total = 1, {other} }}\n"
    options = [
        mount_of(parse_config(text + other_text), f"https://{host}/").policy.max_retries
        for host in "hi"
    ]
    assert not same(*options)


def test_the_defaults_of_tls_are_not_for_plain_http() -> None:
    """Even for a mount that says the same as one of https."""
    config = parse_config(
        """
        [defaults.tls]
        verify = false
        [mounts."http://h/"]
        deny = false
        [mounts."https://h/"]
        deny = false
        """
    )
    assert mount_of(config, "http://h/").policy.tls is None
    assert mount_of(config, "https://h/").policy.tls is not None


def test_each_mount_has_the_problem_of_all() -> None:
    """One that is written in several mounts is reported in each, and what inherits it once."""
    with pytest.raises(ConfigError) as caught:
        parse_config(
            """
            [policies.p]
            timeout = -1
            [mounts."https://a/"]
            pool_maxsize = true
            [mounts."https://b/"]
            pool_maxsize = true
            [mounts."https://c/"]
            pool_maxsize = 1979-05-27
            [mounts."https://d/"]
            pool_maxsize = 1
            policy = "p"
            """
        )
    assert [found.line for found in caught.value.diagnostics] == [3, 5, 7, 9]


def test_each_mount_has_the_tls_that_cannot_be_used() -> None:
    """It is tried out once."""
    tls = "tls.key_file = 'key.pem'"
    with pytest.raises(ConfigError) as caught:
        parse_config(
            f"[mounts.'https://a/']\n{tls}\n[mounts.'https://b/']\n{tls}\n"
            f"[mounts.'http://c/']\n{tls}\n[mounts.'http://d/']\n{tls}\n"
        )
    assert [
        (found.line, found.message.partition(" ")[2]) for found in caught.value.diagnostics
    ] == [
        (2, "a cert_file beside it (got none)"),
        (4, "a cert_file beside it (got none)"),
        (6, "an https:// prefix for it (got http://c/)"),
        (8, "an https:// prefix for it (got http://d/)"),
    ]
