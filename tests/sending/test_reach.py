"""What is dialled: instead of a host, of its addresses, and what is refused before any packet."""

import gc
import ipaddress
import json
import pickle
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, Self

import pytest
import requests
import responses
import vcr
from urllib3.connection import HTTPConnection
from urllib3.exceptions import LocationParseError

from loopback import Answer, Handler, Server
from proxies import HttpProxy, SocksProxy
from requests_mounts import (
    ConfigError,
    DeniedAddress,
    DeniedURL,
    MountAdapter,
    MountedSession,
    MountsError,
    load_config,
    mount,
    parse_config,
)
from requests_mounts._sending.reach import AddressDenied
from servers import Serve, SessionOf, adapter_of, environment

Names = Callable[..., list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Give names addresses of their own, each time the next of some, and note what is looked up."""
    look_up, looked_up = socket.getaddrinfo, []
    answers: dict[str, Iterator[list[str]]] = {}

    def look(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in answers:
            return look_up(host, port, *args, **kwargs)
        looked_up.append(host)
        found = []
        for address in next(answers[host]):
            version = ipaddress.ip_address(address.partition("%")[0]).version
            family = {4: socket.AF_INET, 6: socket.AF_INET6}[version]
            place = (address, port) if version == 4 else (address, port, 0, 0)
            found.append((family, socket.SOCK_STREAM, 6, "", place))
        return found

    def name(host: str, *times: str) -> list[str]:
        answers[host] = iter([time.split() for time in times])
        return looked_up

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return name


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every address that a socket is to connect to."""
    found: list[str] = []
    connect = socket.socket.connect

    def note(self: socket.socket, address: Any) -> None:
        found.append(address if isinstance(address, str) else address[0])
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", note)
    return found


class UnixHandler(Handler):
    """Answer over a socket that has no options of TCP."""

    disable_nagle_algorithm = False


class UnixServer(ThreadingMixIn, UnixStreamServer):
    """An HTTP server at a path."""

    daemon_threads = True

    def __init__(self, path: Path, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(str(path), UnixHandler)
        self.tls = tls
        self.requests: list[str] = []
        self.hosts: list[str | None] = []

    def answer(self, handler: Handler) -> Answer:
        self.hosts.append(handler.headers["Host"])
        return Answer()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        else:
            super().finish_request(request, client_address)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def test_connect_to_changes_what_is_dialled_alone(serve: Serve, session_of: SessionOf) -> None:
    """Host, the name in the certificate, the pool and the URL stay those of the host."""
    hosts: list[str | None] = []

    def note(handler: Handler) -> Answer:
        hosts.append(handler.headers["Host"])
        return Answer(302, {"Location": "/there"}) if handler.path == "/" else Answer()

    server = serve("127.0.0.2", answer=note)
    scheme, _, port = server.url.split(":")
    url = f"{scheme}://localhost:{port}"
    session = session_of(f'[mounts."{url}"]\nconnect_to = ["127.0.0.2"]')
    assert session.get(url).url == f"{url}/there"
    assert hosts == [f"localhost:{port}"] * 2
    assert server.connections == 1
    adapter = session.get_adapter(url)
    assert isinstance(adapter, MountAdapter)
    (key,) = adapter.poolmanager.pools.keys()
    assert key.key_host == "localhost"


def test_a_proxy_beside_connect_to_is_refused_by_its_line(session_of: SessionOf) -> None:
    """The error names the mount, and the line of the targets that a proxy would not dial."""
    url = "http://name.example/"
    session = session_of(f'[mounts."{url}"]\nproxy = "direct"\nconnect_to = ["127.0.0.1:1"]')
    with pytest.raises(DeniedAddress, match=r"mounts\.toml:3"):
        session.get(url, proxies={"http": "http://127.0.0.1:1"})


def test_the_name_is_that_of_the_host(knowing: Any, session_of: SessionOf) -> None:
    """The server is asked for the host's name (SNI), and its certificate is held against it."""
    port = port_of(knowing)
    session = session_of(
        f'[mounts."https://name.example"]\nconnect_to = ["127.0.0.1:{port}"]\n'
        f'[mounts."https://other.example"]\nconnect_to = ["127.0.0.1:{port}"]'
    )
    assert session.get("https://name.example/").url == "https://name.example/"
    with pytest.raises(requests.exceptions.SSLError):
        session.get("https://other.example/")
    assert knowing.names == ["name.example", "other.example"]


def test_the_next_target_after_an_error_of_connecting(
    serve: Serve, session_of: SessionOf, dialled: list[str]
) -> None:
    """A dead address is passed over, and its own port wins over that of the URL."""
    server = serve("127.0.0.2")
    scheme, port = server.url.split(":")[0], port_of(server)
    with Server("127.0.0.3") as dead:
        pass
    session = session_of(
        f'[mounts."{scheme}://localhost"]\n'
        f'connect_to = ["127.0.0.3:{port_of(dead)}", "[::1]:1", "127.0.0.2:{port}"]'
    )
    if scheme == "https":
        session.verify = False
        with pytest.warns(match="Unverified"):
            assert session.get(f"{scheme}://localhost/").ok
    else:
        assert session.get(f"{scheme}://localhost/").ok
    assert dialled == ["127.0.0.3", "::1", "127.0.0.2"]


def test_errors_are_those_of_urllib3(session_of: SessionOf) -> None:
    """Whoever catches errors of connecting catches these."""
    with Server() as dead:
        pass
    session = session_of(
        f'[mounts."{dead.url}"]\nconnect_to = ["127.0.0.1", "127.0.0.2"]\n'
        '[mounts."http://nowhere.invalid"]\naddresses = ["public"]\n'
        '[mounts."http://*.invalid"]\naddresses = ["public"]'
    )
    with pytest.raises(requests.ConnectionError, match="Failed to establish a new connection"):
        session.get(dead.url)
    with pytest.raises(requests.ConnectionError, match=r"Failed to resolve 'nowhere\.invalid'"):
        session.get("http://nowhere.invalid")
    label = "a" * 64
    for one in (session, requests.Session()):
        with pytest.raises(LocationParseError, match="label empty or too long"):
            one.get(f"http://{label}.invalid/")


def test_a_target_that_does_not_answer_takes_the_connect_timeout(session_of: SessionOf) -> None:
    """Each target has the whole timeout, as each address of a host has in urllib3."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = full.getsockname()
        waiting = [socket.create_connection(place) for _ in range(1)]
        session = session_of(f'[mounts."http://h.example"]\nconnect_to = ["127.0.0.1:{place[1]}"]')
        with pytest.raises(requests.exceptions.ConnectTimeout):
            session.get("http://h.example/", timeout=(0.1, 5))
        session = session_of(
            f'[mounts."http://h.example"]\nconnect_to = ["127.0.0.1:{place[1]}"]\ndeadline = 0.2'
        )
        with pytest.raises(requests.exceptions.Timeout, match="deadline"):
            session.get("http://h.example/", timeout=60)
        for one in waiting:
            one.close()


@pytest.mark.parametrize("tls", [False, True])
def test_a_unix_socket(
    tmp_path: Path,
    server_tls: ssl.SSLContext,
    authority_file: str,
    tls: bool,  # noqa: FBT001
) -> None:
    """Its path is relative to the file; options of TCP do not concern it."""
    scheme = "https" if tls else "http"
    text = (
        f'[mounts."{scheme}://localhost/"]\nconnect_to = ["unix:gone.sock", "unix:run.sock"]\n'
        'tcp_keepalive = { idle = 5 }\nsource_address = "127.0.0.1"\ndeadline = 60'
    )
    config = parse_config(text, source=str(tmp_path / "mounts.toml"))
    with UnixServer(tmp_path / "run.sock", server_tls if tls else None) as server:
        for session in (MountedSession(config), mount(requests.Session(), config)):
            with session:
                session.verify = authority_file
                assert [session.get(f"{scheme}://localhost/x").ok for _ in range(2)] == [True] * 2
        assert server.requests == ["GET /x"] * 4
        assert set(server.hosts) == {"localhost"}


def test_variables_name_targets_and_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they hold is used and not shown."""
    for name, value in (("SOCKET", "run.sock"), ("IP", "127.0.0.1"), ("NET", "127.0.0.0/24")):
        monkeypatch.setenv(name, value)
    with Server() as server, UnixServer(tmp_path / "run.sock"):
        text = (
            '[mounts."http://a.example"]\nconnect_to = ["unix:${SOCKET}"]\n'
            f'[mounts."http://b.example"]\nconnect_to = ["${{IP}}:{port_of(server)}"]\n'
            'addresses = ["${NET}"]\nsource_address = "127.0.0.5"\ntcp_keepalive = { idle = 9 }'
        )
        with MountedSession(parse_config(text, source=str(tmp_path / "mounts.toml"))) as session:
            assert session.get("http://a.example/").ok
            assert session.get("http://b.example/").ok
            shown = f"{session.explain('http://a.example/')}{session.explain('http://b.example/')}"
            shown += repr([mount.policy for mount in session.config.mounts])
    assert "${SOCKET}" in shown
    assert "${NET}" in shown
    assert "run.sock" not in shown
    assert "127.0.0.0/24" not in shown


def test_a_socket_belongs_to_the_folder_of_its_file(tmp_path: Path) -> None:
    """A base in another folder names paths of its own; addresses are no paths."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base/mounts.toml").write_text(
        '[mounts."http://a.example"]\nconnect_to = ["unix:a.sock", "${IP}"]\n'
        '[mounts."http://b.example"]\nconnect_to = ["10.0.0.7"]'
    )
    path = tmp_path / "mounts.toml"
    path.write_text('extends = "base/mounts.toml"\n[mounts."http://a.example"]\ntimeout = 1')
    config = load_config(path, environ={"IP": "10.0.0.8"})
    first, second, *_ = (mount.policy.connect_to for mount in config.mounts)
    assert first[0] == f"unix:{tmp_path}/base/a.sock"
    assert second == ("10.0.0.7",)
    (tmp_path / "base/mounts.toml").write_text(
        '[mounts."http://a.example"]\nconnect_to = [1, "unix:a.sock"]'
    )
    with pytest.raises(ConfigError, match=r"connect_to\[0\]: expected an IP address"):
        load_config(path)


def test_offline_nothing_is_judged() -> None:
    """What a request would need a missing variable for is refused before anything is sent."""
    with Server() as server:
        text = f'[mounts."{server.url}"]\naddresses = ["${{NET}}"]\nproxy = "direct"'
        missing = pytest.raises(MountsError, match="needs the environment variable NET")
        with MountedSession(parse_config(text, offline=True)) as session, missing:
            session.get(server.url)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("family", "expected"),
    [("any", ["::1", "127.0.0.1"]), ("ipv4", ["127.0.0.1"]), ("ipv6", ["::1"])],
)
def test_address_family(
    session_of: SessionOf, dialled: list[str], family: str, expected: list[str]
) -> None:
    """It is asked of the resolver, and holds for targets too."""
    with Server() as dead:
        pass
    port = port_of(dead)
    session = session_of(
        f'[mounts."http://h.example"]\naddress_family = "{family}"\n'
        f'connect_to = ["[::1]:{port}", "127.0.0.1:{port}"]\n'
        f'[mounts."http://localhost:{port}"]\naddress_family = "{family}"'
    )
    with pytest.raises(requests.ConnectionError):
        session.get("http://h.example/")
    assert dialled == expected
    del dialled[:]
    with pytest.raises(requests.ConnectionError):
        session.get(f"http://localhost:{port}/")
    assert set(dialled) <= set(expected)


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
def test_a_family_does_not_keep_proxies_away(
    session_of: SessionOf, kind: Callable[[], HttpProxy | SocksProxy]
) -> None:
    """It holds for the address of a proxy as far as urllib3 dials it."""
    with Server() as server, kind() as proxy:
        session = session_of(
            f'[mounts."http://localhost:*"]\naddress_family = "ipv4"\nproxy = "{proxy.url}"'
        )
        assert session.get(f"http://localhost:{port_of(server)}/").ok
        assert len(proxy.asked) == 1


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_an_address_gets_by(
    session_of: SessionOf, dialled: list[str], host: str
) -> None:
    """What is judged is the number that would be dialled."""
    session = session_of('[mounts."http://"]\naddresses = ["public"]')
    with Server() as server, pytest.raises((DeniedAddress, requests.ConnectionError)) as found:
        session.get(f"http://{host}:{port_of(server)}/")
    if not isinstance(found.value, DeniedAddress):
        assert "Failed to resolve" in str(found.value)  # Not every system reads every spelling.
    assert dialled == []
    assert server.connections == 0


def test_each_hop_of_a_redirect_is_judged(session_of: SessionOf, dialled: list[str]) -> None:
    """A server may point to where its client must not go."""
    with (
        Server("127.0.0.2") as inside,
        Server(answer=lambda _: Answer(302, {"Location": inside.url})) as outside,
    ):
        session = session_of('[defaults]\naddresses = ["any", "!127.0.0.2"]\n[mounts]')
        with pytest.raises(DeniedAddress) as found:
            session.get(outside.url)
        assert dialled == ["127.0.0.1"]
        assert inside.connections == 0
        assert found.value.url == inside.url


def test_a_name_is_looked_up_once(session_of: SessionOf, names: Names, dialled: list[str]) -> None:
    """A resolver that answers otherwise the second time does not get there (DNS rebinding)."""
    with Server() as server:
        port = port_of(server)
        looked_up = names("evil.example", "127.0.0.1", "127.0.0.9", "127.0.0.9")
        session = session_of(
            '[mounts."http://evil.example:*"]\naddresses = ["loopback", "!127.0.0.9"]'
        )
        assert session.get(f"http://evil.example:{port}/").ok
        assert looked_up == ["evil.example"]
        session.close()
        with pytest.raises(DeniedAddress):
            session.get(f"http://evil.example:{port}/")
    assert dialled == ["127.0.0.1"]


def test_what_is_refused_is_dropped_and_the_rest_is_dialled_in_order(
    session_of: SessionOf, names: Names, dialled: list[str]
) -> None:
    """As the resolver orders it."""
    names("h.example", "10.0.0.1 127.0.0.3 ::1 127.0.0.2 127.0.0.1", "10.0.0.1 10.0.0.1 fe80::1%1")
    with Server() as server:
        session = session_of(
            '[mounts."http://h.example:*"]\naddresses = ["loopback", "!127.0.0.2", "!::1"]'
        )
        assert session.get(f"http://h.example:{port_of(server)}/").ok
        assert dialled == ["127.0.0.3", "127.0.0.1"]
        with pytest.raises(DeniedAddress, match=r"\(10\.0\.0\.1, fe80::1%1\)"):
            session.get("http://h.example:1/")
    assert dialled == ["127.0.0.3", "127.0.0.1"]


def test_without_ipv6(session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such addresses are asked for, as urllib3 has it."""
    asked: list[Any] = []
    look_up = socket.getaddrinfo

    def note(host: Any, port: Any, family: Any = 0, *args: Any, **kwargs: Any) -> Any:
        asked.append(family)
        return look_up(host, port, family, *args, **kwargs)

    monkeypatch.setattr("urllib3.util.connection.HAS_IPV6", False)
    monkeypatch.setattr(socket, "getaddrinfo", note)
    with Server() as server:
        session = session_of('[defaults]\naddresses = ["loopback"]')
        assert session.get(server.url).ok
    assert asked == [socket.AF_INET]


def test_a_final_dot_is_looked_up(session_of: SessionOf, names: Names) -> None:
    """It says that no domain of the machine's own is to be tried."""
    looked_up = names("h.example.", "127.0.0.1")
    with Server() as server:
        session = session_of('[defaults]\naddresses = ["loopback"]')
        assert session.get(f"http://h.example.:{port_of(server)}/").ok
    assert looked_up == ["h.example."]


def test_a_lookup_that_takes_all_of_the_deadline(
    session_of: SessionOf, dialled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is dialled any more."""
    look_up = socket.getaddrinfo

    def look_up_slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.3)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_slowly)
    session = session_of('[defaults]\naddresses = ["loopback"]\ndeadline = 0.2')
    with pytest.raises(requests.Timeout, match="deadline"):
        session.get("http://127.0.0.1:1/")
    assert dialled == []


def test_each_target_has_what_is_left_of_the_deadline(
    session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one has less than the one before."""
    given: list[float] = []
    connect = socket.socket.connect

    def note(self: socket.socket, address: Any) -> None:
        given.append(self.gettimeout() or 0)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", note)
    with Server() as server:
        session = session_of(
            f'[defaults]\nconnect_to = ["127.0.0.9", "127.0.0.1:{port_of(server)}"]\ndeadline = 20'
        )
        assert session.get("http://h.example:1/").ok
    assert 20 > given[0] > given[1] > 0


def test_it_holds_for_targets_too(session_of: SessionOf, dialled: list[str]) -> None:
    """connect_to cannot go where addresses forbids."""
    session = session_of(
        '[mounts."http://h.example"]\nconnect_to = ["127.0.0.1"]\naddresses = ["public"]'
    )
    with pytest.raises(DeniedAddress):
        session.get("http://h.example/")
    assert dialled == []


def test_a_target_from_a_variable_that_is_refused_is_not_shown() -> None:
    """The error has the reference, and the rest as the file writes it."""
    text = (
        '[mounts."http://h.example"]\nconnect_to = ["${IP}", "10.0.0.7:80"]\naddresses = ["public"]'
    )
    with (
        MountedSession(parse_config(text, environ={"IP": "127.0.0.1"})) as session,
        pytest.raises(DeniedAddress, match=r"dialled \(\$\{IP\}, 10\.0\.0\.7:80\)$"),
    ):
        session.get("http://h.example/")


def test_nothing_is_retried_and_its_place_is_free_again(
    session_of: SessionOf, names: Names
) -> None:
    """A refusal is final; a pool that blocks loses nothing by it."""
    looked_up = names("h.example", *["10.0.0.1"] * 9)
    session = session_of(
        '[mounts."http://h.example"]\naddresses = ["public"]\nmax_retries = 5\n'
        "pool_block = true\npool_maxsize = 1\npool_timeout = 0.5"
    )
    for number in (1, 2, 3):
        with pytest.raises(DeniedAddress):
            session.get("http://h.example/")
        assert len(looked_up) == number


@pytest.mark.parametrize("key", ['addresses = ["loopback"]', 'connect_to = ["127.0.0.1"]'])
@pytest.mark.parametrize("own", [True, False])
def test_what_a_proxy_would_dial_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    own: bool,  # noqa: FBT001
) -> None:
    """Nobody can check it, whoever names the proxy."""
    with Server() as server, HttpProxy() as proxy:
        config = parse_config(f'[mounts."{server.url}"]\n{key}')
        session = MountedSession(config) if own else mount(requests.Session(), config)
        with session:
            with pytest.raises(DeniedAddress, match="a proxy would dial it"):
                session.get(server.url, proxies={"http": proxy.url})
            assert session.get(server.url).ok
            environment(monkeypatch, proxy.url)
            with pytest.raises(DeniedAddress):
                session.get(server.url)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            assert session.get(server.url).ok
        assert proxy.connections == 0


def test_any_restricts_nothing(session_of: SessionOf) -> None:
    """A mount undoes a default by it, and proxies are welcome."""
    with Server() as server, HttpProxy() as proxy:
        session = session_of(
            f'[defaults]\naddresses = ["public"]\n'
            f'[mounts."{server.url}"]\naddresses = ["any"]\nproxy = "{proxy.url}"'
        )
        assert session.get(server.url).ok
        assert len(proxy.asked) == 1


def test_the_error(tmp_path: Path) -> None:
    """It is a DeniedURL, names the line and what was found, and survives pickling."""
    path = tmp_path / "mounts.toml"
    text = '[policies.out]\naddresses = ["public"]\n[mounts."http://127.0.0.1/"]\npolicy = "out"'
    config = parse_config(text, source=str(path))
    with MountedSession(config) as session, pytest.raises(DeniedAddress) as found:
        session.get("http://u:hunter2@127.0.0.1/x")
    assert [one.refused for one in session.stats()] == [1, 0, 0]
    error = pickle.loads(pickle.dumps(found.value))
    assert isinstance(found.value, DeniedURL)
    assert found.value.request
    assert str(error) == (
        f"http://**********@127.0.0.1/x is denied by http://127.0.0.1/ ({path}:2): "
        "none of its addresses may be dialled (127.0.0.1)"
    )
    gc.collect()


class Elsewhere(HTTPConnection):
    """A connection that opens its socket in a way of its own."""

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port or 80))


class Turning(HTTPConnection):
    """A connection that opens its first socket as ever, and the next ones in a way of its own."""

    turned = False

    def connect(self) -> None:
        if self.turned:
            self.sock = socket.create_connection((self.host, self.port or 80))
        else:
            super().connect()
        self.turned = True


def test_a_connection_is_checked_each_time_it_connects(
    session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it dialled as it should once says nothing of the next time."""
    monkeypatch.setattr("urllib3.connectionpool.HTTPConnectionPool.ConnectionCls", Turning)
    with Server() as server:
        session = session_of(f'[mounts."{server.url}"]\naddresses = ["loopback"]')
        assert session.get(server.url, headers={"Connection": "close"}).ok
        with pytest.raises(DeniedAddress, match="cannot be checked"):
            session.get(server.url)


def test_a_way_of_connecting_that_cannot_be_checked_is_refused(
    session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent over it."""
    with Server() as server:
        session = session_of(f'[mounts."{server.url}"]\naddresses = ["loopback"]')
        assert session.get(server.url).ok
        session.close()
        monkeypatch.setattr("urllib3.connectionpool.HTTPConnectionPool.ConnectionCls", Elsewhere)
        with pytest.raises(DeniedAddress, match="cannot be checked"):
            session.get(server.url)
        assert len(server.requests) == 1
        connection = adapter_of(session, server.url).poolmanager.connection_from_url(server.url)
        refused: Any = connection._get_conn()
        with pytest.raises(AddressDenied):
            refused.connect()
        assert refused.is_closed


@pytest.mark.parametrize(
    "key", ['addresses = ["loopback"]', 'connect_to = ["127.0.0.1"]', 'address_family = "ipv4"']
)
def test_recorders_go_on_working(session_of: SessionOf, tmp_path: Path, key: str) -> None:
    """vcrpy replaces the connections and responses the adapters' send; what passes is checked."""
    cassette = str(tmp_path / "cassette.yaml")
    with Server() as server:
        text = f'[mounts."http://localhost:*"]\n{key}\n[mounts."http://127.0.0.2:*"]\naddresses = ["public"]'
        url = f"http://localhost:{port_of(server)}/"
        with vcr.use_cassette(cassette):
            assert session_of(text).get(url).text == "ok"
            with pytest.raises(DeniedAddress):
                session_of(text).get("http://127.0.0.2:1/")
        with vcr.use_cassette(cassette, record_mode="none") as played:
            assert session_of(text).get(url).text == "ok"
        assert (played.play_count, len(server.requests)) == (1, 1)
        with responses.RequestsMock() as mocked:
            mocked.add_passthru("http://")
            assert session_of(text).get(url).text == "ok"
            with pytest.raises(DeniedAddress):
                session_of(text).get("http://127.0.0.2:1/")


def test_in_threads(session_of: SessionOf, names: Names) -> None:
    """32 threads that ask for good and bad hosts get what each is due."""
    names("bad.example", *["10.0.0.1"] * 200)
    with Server() as server:
        session = session_of('[defaults]\naddresses = ["loopback"]\n[mounts]')
        found: list[str] = []

        def work() -> None:
            for _ in range(5):
                found.append(session.get(server.url).text)
                try:
                    session.get("http://bad.example/")
                except DeniedAddress:
                    found.append("denied")

        threads = [threading.Thread(target=work) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == ["denied"] * 160 + ["ok"] * 160


def test_explain(session_of: SessionOf) -> None:
    """Each key has its line, and may be read as JSON."""
    session = session_of(
        '[mounts."http://h.example/"]\nconnect_to = ["10.0.0.7"]\naddresses = ["private", "!10.0.0.8"]'
    )
    found = {one.key: one for one in session.explain("http://h.example/").settings}
    assert (found["connect_to"].value, found["connect_to"].line) == (("10.0.0.7",), 2)
    assert (found["addresses"].value, found["addresses"].line) == (("private", "!10.0.0.8"), 3)
    assert found["address_family"].value == "any"
    assert json.dumps(found["addresses"].value) == '["private", "!10.0.0.8"]'


def test_a_system_without_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a path is a problem of the file."""
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ConfigError, match="this system has no Unix sockets"):
        parse_config('[mounts."http://h.example/"]\nconnect_to = ["unix:/run/x"]')
