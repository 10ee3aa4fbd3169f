"""Sessions of files that were loaded offline: mocked as any other, and refused for real."""

import pickle
from pathlib import Path

import pytest
import requests
import responses

from requests_mounts import (
    DeniedURL,
    MountedSession,
    MountsError,
    load_config,
    load_session,
    mount,
    parse_config,
)
from requests_mounts._command.check import check
from servers import Knowing

LACKING = [
    ("pool_maxsize = '${LACKS}'", "LACKS"),
    ("timeout.read = '${LACKS}'", "LACKS"),
    ("deny = '${LACKS}'", "LACKS"),
    ("tls.minimum_version = '${LACKS}'", "LACKS"),
    ("limit = { rate = '${LACKS}' }", "LACKS"),
    ("proxy = 'http://u:${LACKS}@127.0.0.1:1'", "LACKS"),
    ("proxy = 'http://127.0.0.1:1'\nno_proxy = ['${LACKS}']", "LACKS"),
    ("source_address = '${LACKS}'", "LACKS"),
    ("connect_to = ['${LACKS}']", "LACKS"),
    ("headers.X-Tenant = '${LACKS}'", "LACKS"),
    ("auth.bearer = '${LACKS}'", "LACKS"),
    ("auth.bearer_file = 'no.token'", "no.token"),
    ("tls.server_hostname = '${LACKS}'", "LACKS"),
    ("tls.verify = '${LACKS}/ca.pem'", "LACKS"),
    ("tls.verify = 'no.pem'", r"^https://\S+ cannot use its tls\.verify: .*no\.pem"),
    ("tls = { cert_file = 'no.pem', key_file = 'no.key' }", "no.pem"),
    ("tls = { cert_file = 'client.pem', key_file = 'locked.key', key_password = '${LACKS}' }", "LACKS"),
]  # fmt: skip


def write(folder: Path, url: str, setting: str) -> Path:
    path = folder / "mounts.toml"
    path.write_text(f"[mounts.'{url}']\n{setting}\n")
    return path


@pytest.mark.parametrize(("setting", "name"), LACKING)
def test_what_is_mocked_needs_nothing(tmp_path: Path, setting: str, name: str) -> None:
    """Neither a variable nor a file, also after the session was pickled."""
    del name
    with load_session(write(tmp_path, "https://h/", setting), offline=True) as session:
        for each in (session, pickle.loads(pickle.dumps(session))):
            with responses.RequestsMock() as mock:
                mock.get("https://h/x", body="mocked")
                assert each.get("https://h/x").text == "mocked"


@pytest.mark.parametrize(("setting", "name"), LACKING)
def test_what_is_sent_is_refused_before_a_socket_is_opened(
    knowing: Knowing, tmp_path: Path, setting: str, name: str
) -> None:
    """The error names the variable or the file."""
    with load_session(write(tmp_path, knowing.url, setting), offline=True) as session:
        for each in (session, pickle.loads(pickle.dumps(session))):
            with pytest.raises(MountsError, match=name):
                each.get(knowing.url)
    assert knowing.connections == 0


def test_a_file_that_is_there_is_used(
    knowing: Knowing, tmp_path: Path, authority_file: str
) -> None:
    """What loading did not look at, the request does."""
    setting = f"tls.verify = '{authority_file}'"
    with load_session(write(tmp_path, knowing.url, setting), offline=True) as session:
        assert session.get(knowing.url).ok


def test_the_caller_makes_up_for_what_is_lacking(
    knowing: Knowing, tmp_path: Path, authority_file: str
) -> None:
    """As its word wins over the file's anyway."""
    setting = "tls.verify = '${LACKS}'"
    with load_session(write(tmp_path, knowing.url, setting), offline=True) as session:
        assert session.get(knowing.url, verify=authority_file).ok


def test_other_mounts_of_the_file_send(knowing: Knowing, tmp_path: Path) -> None:
    """A refusal is of one request, and nothing of it stays behind."""
    path = write(tmp_path, "https://h/", "proxy = 'http://${LACKS}'")
    path.write_text(f"{path.read_text()}[mounts.'{knowing.url}']\ntls.verify = false\n")
    with load_session(path, offline=True) as session:
        for _ in range(2):
            with pytest.raises(MountsError, match="LACKS"):
                session.get("https://h/")
            with pytest.warns(match="Unverified HTTPS request"):
                assert session.get(knowing.url).ok


def test_what_a_prefix_without_its_variable_may_serve(knowing: Knowing, tmp_path: Path) -> None:
    """It is refused, as that mount may deny it; on every session, and after a reload too."""
    path = write(tmp_path, "https://${HOST}/v1/", "deny = true")
    path.write_text(f"{path.read_text()}[mounts.'{knowing.url}']\ntls.verify = false\n")
    plain = mount(requests.Session(), load_config(path, offline=True))
    with load_session(path, offline=True) as session, plain:
        for each in (session, plain, pickle.loads(pickle.dumps(session))):
            with pytest.raises(MountsError) as caught:
                each.get(f"{knowing.url}/v1/x")
            assert str(caught.value) == (
                "https://${HOST}/v1/ may serve this URL, and needs the environment variable HOST"
            )
        assert knowing.connections == 0
        with pytest.warns(match="Unverified HTTPS request"):
            assert session.get(f"{knowing.url}/v2").ok
        path.write_text(path.read_text().replace("/v1/", "/v2/"))
        assert knowing.url in session.reload().kept[0]
        with pytest.raises(MountsError, match="HOST"):
            session.get(f"{knowing.url}/v2")


def test_what_is_denied_anyway() -> None:
    """By a mount that is known; another that may serve the URL changes nothing then."""
    text = '[mounts."https://${HOST}/"]\n[mounts."https://h/"]\ndeny = true'
    with pytest.raises(DeniedURL):
        MountedSession(parse_config(text, offline=True)).get("https://h/x")


def test_what_is_mocked_may_be_served_by_any_prefix() -> None:
    """A mock needs no variable."""
    session = MountedSession(parse_config('[mounts."https://${HOST}/"]', offline=True))
    with responses.RequestsMock() as mock:
        mock.get("https://h/x", body="mocked")
        assert session.get("https://h/x").text == "mocked"


def test_an_expectation_that_a_variable_decides() -> None:
    """Nothing is said of it offline."""
    text = """
        [mounts."https://api.${ENV}.example.com/"]
        [[expect]]
        url = "https://api.prod.example.com/x"
        mount = "https://api.prod.example.com/"
        [[expect]]
        url = "https://www.example.com/"
        mount = "http://"
    """
    failed = [one for one in check(parse_config(text, offline=True)) if one.severity == "error"]
    assert [one.key for one in failed] == ["expect[1].mount"]
