"""Secrets, seen from real servers."""

import pickle
from pathlib import Path

import pytest
import requests
from urllib3.exceptions import InsecureRequestWarning, MaxRetryError

from requests_mounts import (
    MountedSession,
    MountsError,
    load_session,
    parse_config,
)
from requests_mounts._secret import Secret
from servers import Knowing, adapter_of


def test_secrets_are_not_shown(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a repr, an explanation, nor an error."""
    monkeypatch.setenv("NAME_OF_HOST", "127.0.0.77")
    monkeypatch.setenv("PROXY_PASSWORD", "hunter2")
    config = parse_config(
        """
        [mounts."https://a.org"]
        proxy = "http://user:${PROXY_PASSWORD}@127.0.0.1:1/"
        source_address = "${NAME_OF_HOST}"
        timeout = 1
        [mounts."https://b.org"]
        proxy = "http://user:hunter2@127.0.0.1:1"
        tls = { cert_file = "client.pem", key_file = "locked.key", key_password = "hunter2", server_hostname = "$${x}" }
        """,
        source=str(client / "mounts.toml"),
    )
    session = MountedSession(config)
    shown = [repr(config), repr(config.mounts), repr(config.document)]
    for url in ("https://a.org/", "https://b.org/"):
        found = session.explain(url)
        shown += [
            str(found),
            repr(found),
            repr(session.get_adapter(url)),
            format(found.settings[0].value, ">3"),
        ]
        with pytest.raises(requests.exceptions.ProxyError) as caught:
            session.get(url)
        shown += [str(caught.value), repr(caught.value)]
    for text in shown:
        assert "hunter2" not in text
        assert "127.0.0.77" not in text
    address = adapter_of(session, "https://a.org/").policy.source_address
    assert (str(address), f"{address:>12}") == ("${NAME_OF_HOST}", "${NAME_OF_HOST}")
    assert any('"http://**********@127.0.0.1:1"' in text for text in shown)
    policy = adapter_of(session, "https://b.org/").policy
    assert policy.tls
    assert policy.tls.server_hostname == "${x}"
    assert policy.tls.key_password == Secret("hunter2")
    assert pickle.loads(pickle.dumps(policy)) == policy


@pytest.mark.parametrize("key", ["server_hostname", "assert_hostname", "assert_fingerprint"])
def test_names_of_tls_from_variables_are_not_shown(
    knowing: Knowing,
    client: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    key: str,
) -> None:
    """They are used, and neither errors nor urllib3's logs say what they are."""
    hidden = "ab" * 32 if key == "assert_fingerprint" else "hidden.example"
    monkeypatch.setenv("NAME", hidden.replace("ab", "AB:").strip(":"))
    text = f"[defaults]\ntls = {{ verify = 'authority.pem', {key} = '${{NAME}}' }}"
    with (
        MountedSession(parse_config(text, source=str(client / "mounts.toml"))) as session,
        pytest.raises(requests.exceptions.SSLError) as caught,
    ):
        session.get(knowing.url)
    assert hidden not in f"{caught.value}{caught.value!r}{caplog.text}"
    assert "${NAME}" in str(caught.value)
    assert caught.value.request
    assert knowing.names == ([hidden] if key == "server_hostname" else [])


@pytest.mark.parametrize(
    ("proxy", "hidden", "written"),
    [
        ("http://u:x@${V}:1", "no-such-host.invalid", "http://**********@${V}:1"),
        ("http://${V}:1", "No-Such-Host.invalid", "http://${V}:1"),
        ("http://u:${P}@no-such-${V}:1", "host.invalid", "http://u:${P}@no-such-${V}:1"),
        ("http://[${V}]:1", "::1", "http://[${V}]:1"),
        ("http://${V}:1", "nö-such-host.invalid", "http://${V}:1"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_host_of_a_proxy_from_a_variable_is_not_shown(
    proxy: str, hidden: str, written: str, scheme: str
) -> None:
    """An error names the proxy as the file does."""
    text = f"[defaults]\nproxy = '{proxy}'\ntimeout = 5"
    with (
        MountedSession(parse_config(text, environ={"V": hidden, "P": "hunter2"})) as session,
        pytest.raises(requests.exceptions.ConnectionError) as caught,
    ):
        session.get(f"{scheme}://localhost:1/")
    for part in (hidden.lower(), "xn--"):
        assert part not in f"{caught.value}{caught.value!r}".lower()
    assert written in str(caught.value)
    assert caught.value.request


def test_the_host_of_a_proxy_as_the_file_writes_it() -> None:
    """It is shown, and the error is the one that requests raises, with its cause."""
    text = "[defaults]\nproxy = 'http://${U}@127.0.0.1:1'"
    with (
        MountedSession(parse_config(text, environ={"U": "hunter2"})) as session,
        pytest.raises(requests.exceptions.ProxyError, match=r"127\.0\.0\.1") as caught,
    ):
        session.get("http://localhost:1/")
    assert isinstance(caught.value.args[0], MaxRetryError)


@pytest.mark.parametrize(
    "text",
    [
        "defaults.tls.verify = '${NO_SUCH}'",
        "defaults.tls.minimum_version = '${NO_SUCH}'",
        "defaults.timeout.read = '${NO_SUCH}'",
        "defaults.deny = '${NO_SUCH}'",
        "defaults.headers.X-Tenant = '${NO_SUCH}'",
        "defaults.proxy = '${NO_SUCH}'",
        "defaults.addresses = ['private', '!${NO_SUCH}']",
        "defaults.limit = 'one'\nlimits.one.rate = '${NO_SUCH}'",
        "unmatched = '${NO_SUCH}'",
    ],
)
def test_what_lacks_a_variable_is_missed_before_anything_is_opened(
    knowing: Knowing, text: str
) -> None:
    """The error names the variable, whatever of the policy it is that cannot be known."""
    session = pickle.loads(pickle.dumps(MountedSession(parse_config(text, offline=True))))
    with session, pytest.raises(MountsError, match="needs the environment variable NO_SUCH"):
        session.get(knowing.url)
    assert knowing.connections == 0


def test_a_variable_that_no_mount_needs_any_more(knowing: Knowing, tmp_path: Path) -> None:
    """A reload tells whether it still does, though the policy may look the same."""
    path = tmp_path / "mounts.toml"
    path.write_text(f"[mounts.'{knowing.url}']\ntls.verify = false\ndeny = '${{NO_SUCH}}'\n")
    with load_session(path, offline=True) as session:
        with pytest.raises(MountsError, match="needs the environment variable NO_SUCH"):
            session.get(knowing.url)
        path.write_text(f"[mounts.'{knowing.url}']\ntls.verify = false\n")
        session.reload()
        with pytest.warns(InsecureRequestWarning):
            assert session.get(knowing.url).ok
