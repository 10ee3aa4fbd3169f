"""What a host is told of us: the headers and the authentication of its mount, and of no other."""

import logging
import os
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth
from requests.structures import CaseInsensitiveDict

from loopback import Answer, Handler, Server
from requests_mounts import (
    ConfigError,
    MountedSession,
    MountsError,
    load_config,
    mount,
    parse_config,
)
from requests_mounts._file.bearer import BearerFile, bearer_file
from requests_mounts._file.options import Auth
from servers import adapter_of

BASIC = "Basic dTpw"  # u:p


class Noting(Server):
    """A server that notes the headers of each request."""

    def __init__(self, host: str = "127.0.0.1", *, answer: Any = lambda _: Answer()) -> None:
        self.seen: list[dict[str, str]] = []
        self.bodies: list[bytes] = []

        def note(handler: Handler) -> Answer:
            self.seen.append(dict(handler.headers.items()))
            self.bodies.append(handler.content)
            found: Answer = answer(handler)
            return found

        super().__init__(host, answer=note)

    def authorizations(self) -> list[str | None]:
        return [headers.get("Authorization") for headers in self.seen]


@pytest.fixture
def a() -> Iterator[Noting]:
    with Noting() as server:
        yield server


@pytest.fixture
def netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("default login netrc password secret\n")
    monkeypatch.setenv("NETRC", str(path))


def sessions(text: str) -> Iterator[requests.Session]:
    """Make one of our own, and a plain one."""
    config = parse_config(text)
    with MountedSession(config) as session:
        yield session
    with mount(requests.Session(), config) as session:
        yield session


def test_headers_fill_what_the_caller_leaves_open(a: Noting) -> None:
    """The caller's header wins, and requests' own default does not."""
    text = (
        f'[mounts."{a.url}"]\n'
        'headers = { User-Agent = "billing/3", X-Version = "ä", accept = "text/plain", X-Empty = "" }'
    )
    for session in sessions(text):
        response = session.get(a.url)
        assert a.seen[-1]["User-Agent"] == response.request.headers["User-Agent"] == "billing/3"
        assert a.seen[-1]["X-Version"].encode("latin-1").decode("latin-1") == "ä"
        assert (a.seen[-1]["accept"], a.seen[-1]["X-Empty"]) == ("text/plain", "")
        session.get(a.url, headers={"user-agent": "mine", "x-version": "1", "ACCEPT": "*/*"})
        assert (a.seen[-1]["user-agent"], a.seen[-1]["x-version"]) == ("mine", "1")
        assert a.seen[-1]["accept"] == "text/plain"  # As requests' own default, nobody said it.
        session.headers["User-Agent"] = "session's"
        session.get(a.url)
        assert a.seen[-1]["User-Agent"] == "session's"


def test_false_takes_a_header_away(a: Noting) -> None:
    """Also those that urllib3 fills in by itself; the caller's stays."""
    text = (
        f'[mounts."{a.url}"]\n'
        "headers = { User-Agent = false, Accept-Encoding = false, Accept = false, X-None = false }"
    )
    for session in sessions(text):
        response = session.get(a.url)
        assert set(a.seen[-1]) == {"Host", "Connection"}
        assert set(response.request.headers) == {"Connection"}
        session.get(a.url, headers={"User-Agent": "mine", "Accept-Encoding": "br"})
        assert (a.seen[-1]["User-Agent"], a.seen[-1]["Accept-Encoding"]) == ("mine", "br")
        session.get(a.url, headers={"user-agent": "mine", "accept-encoding": "br"})
        assert (a.seen[-1]["user-agent"], a.seen[-1]["accept-encoding"]) == ("mine", "br")
        with pytest.raises(requests.ConnectionError) as found:
            session.get(
                a.url.replace("127.0.0.1", "127.0.0.1"), proxies={"http": "http://127.0.0.1:1"}
            )
        assert found.value.request
        assert "SKIP" not in str(found.value.request.headers)


def test_what_the_file_does_not_take_away_is_filled_in(a: Noting) -> None:
    """As urllib3 does it for a caller who takes the default of requests away."""
    for session in sessions(f'[mounts."{a.url}"]\nheaders = {{ User-Agent = false }}'):
        del session.headers["Accept-Encoding"]
        session.get(a.url)
        assert set(a.seen[-1]) == {"Host", "Connection", "Accept", "Accept-Encoding"}


def test_headers_merge_over_layers_whatever_their_case(a: Noting) -> None:
    """A stronger layer wins, and false takes away what is inherited."""
    text = (
        '[defaults]\nheaders = { X-A = "defaults", X-B = "defaults", X-C = "defaults" }\n'
        '[policies.p]\nheaders = { x-b = "policy", X-D = "policy" }\n'
        f'[mounts."{a.url}"]\npolicy = "p"\nheaders = {{ x-c = false, X-d = "mount" }}\n'
        f'[[expect]]\nurl = "{a.url}"\nmount = "{a.url}"\nheaders.x-B = "policy"\nheaders.X-A = "defaults"'
    )
    for session in sessions(text):
        session.get(a.url)
        sent = {name: value for name, value in a.seen[-1].items() if name.lower()[:2] == "x-"}
        assert sent == {"X-A": "defaults", "x-b": "policy", "X-d": "mount"}
    config = parse_config(text)
    with MountedSession(config) as session:
        found = {one.key: (one.value, one.line) for one in session.explain(a.url).settings}
    assert found["headers.x-b"] == ("policy", 4)
    assert found["headers.x-c"] == (False, 7)


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ('{ bearer = "t0ken" }', "Bearer t0ken"),
        ('{ username = "u", password = "p" }', BASIC),
        ('{ username = "u", password = "" }', "Basic dTo="),
        ("false", None),
    ],
)
def test_auth(a: Noting, auth: str, expected: str | None) -> None:
    """It is the Authorization of a request, which the caller's request does not show."""
    text = f'[policies.p]\nauth = {{ bearer = "below" }}\n[mounts."{a.url}"]\npolicy = "p"\nauth = {auth}'
    for session in sessions(text):
        prepared = session.prepare_request(requests.Request("GET", a.url))
        response = session.send(prepared)
        assert a.authorizations()[-1] == expected
        assert response.request.headers.get("Authorization") == expected
        assert "Authorization" not in prepared.headers


def test_a_table_of_auth_replaces_another_as_a_whole(a: Noting) -> None:
    """Name and password below are no part of it."""
    text = (
        '[policies.p]\nauth = { username = "u", password = "p" }\n'
        f'[mounts."{a.url}"]\npolicy = "p"\nauth = {{ bearer = "t" }}'
    )
    for session in sessions(text):
        session.get(a.url)
    assert a.authorizations() == ["Bearer t"] * 2


@pytest.mark.usefixtures("netrc")
def test_the_caller_wins_and_netrc_does_not(a: Noting, monkeypatch: pytest.MonkeyPatch) -> None:
    """On our sessions .netrc is not even read; on others nobody can tell who put it there."""
    text = f'[mounts."{a.url}"]\nauth = {{ bearer = "t" }}'
    own, plain = sessions(text)
    for session in (own, plain):
        session.get(a.url, auth=("u", "p"))
        session.get(a.url, auth=HTTPBasicAuth("u", "p"))
        session.get(a.url, headers={"Authorization": BASIC}, auth=lambda request: request)
        session.auth = ("u", "p")
        session.get(a.url)
        session.auth = None
    assert a.authorizations() == [BASIC] * 8
    del a.seen[:]
    own.get(a.url, auth=lambda request: request)  # It may have its reasons.
    assert a.authorizations() == [None]
    del a.seen[:]
    own.get(a.url.replace("://", "://u:p@"))
    own.headers["Authorization"] = BASIC
    own.trust_env = False
    own.get(a.url)
    own.trust_env = True
    del own.headers["Authorization"]
    assert a.authorizations() == [BASIC] * 2
    del a.seen[:]
    plain.get(a.url)
    with pytest.raises(requests.exceptions.MissingSchema):
        own.get("nowhere")
    monkeypatch.setattr("requests.sessions.get_netrc_auth", pytest.fail)
    own.get(a.url)
    own.get(f" {a.url}")  # requests takes the space away.
    assert a.authorizations() == ["Basic bmV0cmM6c2VjcmV0", "Bearer t", "Bearer t"]


def digest(handler: Handler) -> Answer:
    if "Digest" in handler.headers.get("Authorization", ""):
        return Answer()
    challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'
    return Answer(401, {"WWW-Authenticate": challenge})


def test_no_token_goes_along_with_digest() -> None:
    """Neither with the first attempt nor with the second."""
    with Noting(answer=digest) as server:
        text = f'[mounts."{server.url}"]\nauth = {{ bearer = "t" }}\nheaders = {{ X-A = "1" }}'
        for session in sessions(text):
            assert session.get(server.url, auth=HTTPDigestAuth("u", "p")).ok
        first, second = server.authorizations()[::2], server.authorizations()[1::2]
        assert first == [None, None]
        assert all("Digest" in str(one) for one in second)
        assert [headers["X-A"] for headers in server.seen] == ["1"] * 4


@pytest.mark.parametrize("status", [302, 307])
def test_each_hop_has_its_own_mounts_and_nothing_travels(status: int) -> None:
    """From A to B and back, between two mounts of one host, and with a body."""
    targets: dict[str, str] = {}

    def answer(handler: Handler) -> Answer:
        if target := targets.get(f"{handler.server.url}{handler.path}"):
            return Answer(status, {"Location": target})
        return Answer()

    with Noting(answer=answer) as a, Noting("127.0.0.2", answer=answer) as b:
        targets |= {
            f"{a.url}/": f"{b.url}/b", f"{b.url}/b": f"{a.url}/v2/x", f"{a.url}/v2/x": f"{a.url}/v3",
        }  # fmt: skip
        text = (
            f'[mounts."{a.url}"]\nauth = {{ bearer = "a" }}\nheaders = {{ X-A = "1", Accept = "a/a" }}\n'
            f'[mounts."{a.url}/v2"]\nauth = {{ bearer = "v2" }}\n'
            f'[mounts."{b.url}"]\nheaders = {{ X-B = "1", User-Agent = false }}'
        )
        for session in sessions(text):
            assert session.post(a.url, data=b"body").ok
            assert a.authorizations() == ["Bearer a", "Bearer v2", "Bearer a"]
            assert b.authorizations() == [None]
            assert [headers.get("X-A") for headers in (*a.seen, *b.seen)] == ["1", None, "1", None]
            assert "User-Agent" not in b.seen[0]
            assert "User-Agent" in a.seen[1]
            assert b.seen[0]["Accept"] == a.seen[1]["Accept"] == "*/*"
            expected = b"body" if status == 307 else b""
            assert [*a.bodies[1:], *b.bodies] == [expected] * 3
            for server in (a, b):
                del server.seen[:], server.bodies[:]


def test_from_https_to_http_nothing_travels(serve_tls: Any, a: Noting, authority_file: str) -> None:
    """The token of the https:// mount of a host is not for its http:// mount."""
    with serve_tls(lambda _: Answer(302, {"Location": a.url})) as secure:
        text = f'[mounts."{secure.url}"]\nauth = {{ bearer = "t" }}\nheaders = {{ X-A = "1" }}'
        for session in sessions(text):
            session.verify = authority_file
            assert session.get(secure.url).ok
    assert a.authorizations() == [None] * 2
    assert all("X-A" not in headers for headers in a.seen)


@pytest.fixture
def serve_tls(server_tls: Any) -> Any:
    return lambda answer: Server(answer=answer, tls=server_tls)


@pytest.mark.usefixtures("netrc")
def test_redirects_authenticate_as_the_mount_of_the_hop_says() -> None:
    """.netrc and the caller's authentication of the first host end where another mount begins."""
    with (
        Noting("127.0.0.2") as b,
        Noting(answer=lambda h: Answer(302, {"Location": f"{b.url}{h.path}"})) as a,
    ):
        text = f'[mounts."{b.url}/t"]\nauth = {{ bearer = "b" }}'
        with MountedSession(parse_config(text)) as session:
            session.get(f"{a.url}/t")
            session.get(f"{a.url}/t", auth=("u", "p"))
            session.get(f"{a.url}/t", auth=HTTPDigestAuth("u", "p"))
            assert a.authorizations() == ["Basic bmV0cmM6c2VjcmV0", BASIC, None]
            assert b.authorizations() == ["Bearer b"] * 3
            session.get(f"{a.url}/other")
            assert b.authorizations()[-1] == "Basic bmV0cmM6c2VjcmV0"


@pytest.mark.usefixtures("netrc")
@pytest.mark.parametrize(
    ("key", "sent"),
    [('auth.bearer = "t"', "Bearer t"), ("headers.Authorization = false", None)],
)
def test_redirects_on_one_host(key: str, sent: str | None) -> None:
    """The caller's goes along as in requests; that of .netrc yields to the file."""
    location = {"/netrc": "/t", "/other": "/netrc"}

    def answer(handler: Handler) -> Answer:
        target = location.get(handler.path)
        return Answer(302, {"Location": target}) if target else Answer()

    with Noting(answer=answer) as server:
        config = parse_config(f'[mounts."{server.url}/t"]\n{key}')
        with MountedSession(config) as session:
            session.get(f"{server.url}/other")
            session.get(f"{server.url}/netrc", auth=("u", "p"))
    netrc = "Basic bmV0cmM6c2VjcmV0"
    assert server.authorizations() == [netrc, netrc, sent, BASIC, BASIC]


def test_an_authorization_goes_along_over_several_hops() -> None:
    """It is still the caller's at the last one, behind a mount that says nothing of it."""
    location = {"/first": "/other", "/other": "/t"}

    def answer(handler: Handler) -> Answer:
        target = location.get(handler.path)
        return Answer(302, {"Location": target}) if target else Answer()

    with Noting(answer=answer) as server:
        config = parse_config(f'[mounts."{server.url}/t"]\nauth.bearer = "t"')
        with MountedSession(config) as session:
            session.get(f"{server.url}/first", headers={"Authorization": BASIC})
    assert server.authorizations() == [BASIC, BASIC, BASIC]


def test_an_authorization_among_the_headers(a: Noting) -> None:
    """It is filled as auth is, also for a caller whose authentication comes later."""
    text = f'[mounts."{a.url}"]\nheaders = {{ Authorization = "Token x" }}'
    for session in sessions(text):
        session.get(a.url)
        session.get(a.url, auth=HTTPDigestAuth("u", "p"))
        session.get(a.url, auth=("u", "p"))
    assert a.authorizations() == ["Token x", None, BASIC] * 2
    del a.seen[:]
    for session in sessions(text.replace('"Token x"', "false")):
        session.get(a.url)
    assert a.authorizations() == [None] * 2


def test_variables_and_what_is_secret_are_not_shown(
    a: Noting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are sent, and neither explained nor represented."""
    monkeypatch.setenv("TOKEN", "hunter2")
    text = (
        f'[mounts."{a.url}"]\nauth = {{ bearer = "${{TOKEN}}" }}\n'
        'headers = { Cookie = "c=hunter3", X-Api-Key = "hunter4", X-Plain = "${TOKEN}" }'
    )
    for session in sessions(text):
        session.get(a.url)
        assert a.authorizations()[-1] == "Bearer hunter2"
        assert a.seen[-1]["Cookie"] == "c=hunter3"
    with MountedSession(parse_config(text)) as session:
        explained = session.explain(a.url)
        shown = f"{explained!r}{explained}{session.get_adapter(a.url)!r}{session.config!r}"
        again = pickle.loads(pickle.dumps(session))
    assert "hunter" not in shown
    assert "${TOKEN}" in shown
    with again:
        again.get(a.url)
    assert a.authorizations()[-1] == "Bearer hunter2"


def test_the_file_of_a_token(
    a: Noting, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A final line break is cut; what cannot be read later is told once, and the last token sent."""
    monkeypatch.setattr("requests_mounts._file.bearer._EVERY", 0.0)
    file, path = tmp_path / "token", tmp_path / "mounts.toml"
    path.write_text(f'[mounts."{a.url}"]\nauth = {{ bearer_file = "token" }}')
    file.write_bytes(b"one\r\n")
    with MountedSession(load_config(path)) as session, caplog.at_level(logging.WARNING):
        session.get(a.url)
        file.write_bytes(b"two\n")
        session.get(a.url)
        for broken in (b"", b"a b", b"x" * 2**17, None):
            file.unlink() if broken is None else file.write_bytes(broken)
            session.get(a.url)
        assert len(caplog.records) == 1
        file.write_bytes(b"three")
        session.get(a.url)
        file.unlink()
        session.get(a.url)
        assert len(caplog.records) == 2
    expected = ["one", "two", "two", "two", "two", "two", "three", "three"]
    assert a.authorizations() == [f"Bearer {token}" for token in expected]
    assert "three" not in caplog.text


def test_a_file_of_many_mounts_is_read_once_at_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each load reads it anew, and tells all of the mounts that are concerned."""
    path, opened, open_file = tmp_path / "token", [], Path.open
    mounts = (
        '[mounts."http://127.0.0.1:{0}"]\nauth = {{ bearer_file = "token" }}\npool_maxsize = {0}\n'
    )
    text = "".join(map(mounts.format, range(1, 51)))

    def note(self: Path, *args: Any, **kwargs: Any) -> Any:
        opened.append(self.name)
        return open_file(self, *args, **kwargs)

    path.write_text("one")
    monkeypatch.setattr(Path, "open", note)
    for times in (1, 2):
        parse_config(text, source=str(tmp_path / "mounts.toml"))
        assert opened == ["token"] * times
    path.unlink()
    with pytest.raises(ConfigError) as found:
        parse_config(text, source=str(tmp_path / "mounts.toml"))
    assert len(found.value.diagnostics) == 50


@pytest.mark.parametrize("content", [None, b"", b"\n", b"a b", b"a\n\n", "ä".encode()])
def test_a_file_without_a_token_is_a_problem_at_load(tmp_path: Path, content: bytes | None) -> None:
    """Not if it is loaded offline; then the first request that needs it is refused."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    text = '[mounts."http://127.0.0.1:1"]\nauth = { bearer_file = "token" }'
    source = str(tmp_path / "mounts.toml")
    with pytest.raises(ConfigError, match="expected the file of a token"):
        parse_config(text, source=source)
    never = pytest.raises(MountsError, match="it was never readable")
    with MountedSession(parse_config(text, source=source, offline=True)) as session, never:
        session.get("http://127.0.0.1:1")


def test_rotation_under_threads_sends_whole_tokens(a: Noting, tmp_path: Path) -> None:
    """A file that is replaced by renaming, while 8 threads send, is looked at once a second."""
    file, path = tmp_path / "token", tmp_path / "mounts.toml"
    tokens = [letter * 4096 for letter in "abcdef"]
    file.write_text(tokens[0])
    path.write_text(f'[mounts."{a.url}"]\nauth = {{ bearer_file = "token" }}')
    done = threading.Event()
    errors: list[Exception] = []

    def work(session: MountedSession) -> None:
        while not done.is_set():
            try:
                session.get(a.url)
            except Exception as error:  # noqa: BLE001 - to be seen by the test
                errors.append(error)

    config = load_config(path)
    threads = [threading.Thread(target=work, args=(MountedSession(config),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for token in tokens[1:]:
        (tmp_path / "next").write_text(token)
        (tmp_path / "next").replace(file)
        time.sleep(0.25)
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(a.authorizations()) <= {f"Bearer {token}" for token in tokens}


def test_a_path_from_a_variable_is_not_shown(
    a: Noting, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the log nor in an error, which name the reference."""
    path = tmp_path / "token"
    path.write_text("one")
    text = f'[mounts."{a.url}"]\nauth = {{ bearer_file = "${{TOKEN_FILE}}" }}'
    session = MountedSession(parse_config(text, environ={"TOKEN_FILE": str(path)}))
    session.get(a.url)
    path.unlink()
    setting = adapter_of(session, a.url).policy.auth
    assert isinstance(setting, Auth)
    assert setting.bearer_file
    file = bearer_file(setting.bearer_file)
    file._next = 0
    session.get(a.url)
    assert "${TOKEN_FILE}: No such file" in caplog.text
    file._token, file._next = "", 0
    with pytest.raises(MountsError, match=r"^\$\{TOKEN_FILE\}: expected a token"):
        session.get(a.url)
    assert str(path) not in caplog.text
    assert a.authorizations() == ["Bearer one"] * 2


def test_a_file_is_looked_at_once_a_second(tmp_path: Path) -> None:
    """And a child that was forked meanwhile has a lock of its own."""
    path = tmp_path / "token"
    path.write_text("one")
    file = BearerFile(str(path))
    assert file.token() == "one"
    path.write_text("two")
    assert file.token() == "one"
    file._next = 0
    with file._one_at_a_time:
        assert file.token() == "one"  # Another thread looks.
        file._process = os.getpid() + 1
        assert file.token() == "two"


def test_threads_that_wait_for_the_first_token_do_not_look_again(tmp_path: Path) -> None:
    """They take what the first of them found."""
    file = BearerFile(str(tmp_path / "none"))
    found: list[str] = []
    with file._one_at_a_time:
        thread = threading.Thread(target=lambda: found.append(file.token()))
        thread.start()
        time.sleep(0.1)
        file._token, file._next = "one", float("inf")
    thread.join()
    assert found == ["one"]


def test_headers_of_another_class_are_copied_as_they_say(a: Noting) -> None:
    """Those of the request stay as the caller made them."""

    class Headers(CaseInsensitiveDict[Any]):
        def copy(self) -> CaseInsensitiveDict[Any]:
            return CaseInsensitiveDict({**self, "X-Copied": "yes"})

    with MountedSession(parse_config(f"[mounts.'{a.url}']\nheaders.X-Ours = 'o'")) as session:
        prepared = session.prepare_request(requests.Request("GET", a.url))
        prepared.headers = Headers(prepared.headers)
        session.send(prepared)
    assert (a.seen[0]["X-Copied"], a.seen[0]["X-Ours"]) == ("yes", "o")
    assert not {"X-Copied", "X-Ours"} & {*prepared.headers}
