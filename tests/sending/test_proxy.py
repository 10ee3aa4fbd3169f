"""Proxies, seen from real servers."""

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from loopback import Server
from proxies import HttpProxy
from requests_mounts import (
    MountAdapter,
    MountedSession,
    mount,
    parse_config,
)
from requests_mounts._file.policy import Policy
from servers import Knowing, Serve, SessionOf, adapter_of, environment


def test_a_proxy_of_the_file(serve: Serve, session_of: SessionOf, proxy: HttpProxy) -> None:
    """Requests go through it, with the settings of direct ones."""
    server = serve()
    session = session_of(
        f'[mounts."{server.url}"]\nproxy = "{proxy.url}"\npool_maxsize = 3\npool_block = true\n'
        'keepalive_expiry = 1\ntcp_keepalive.idle = 33\nsource_address = "127.0.0.1"'
    )
    assert session.get(f"{server.url}/a").ok
    assert session.get(f"{server.url}/b").ok
    assert proxy.connections == server.connections == 1
    time.sleep(1.1)
    assert session.get(f"{server.url}/c").ok
    assert proxy.connections == 2
    (manager,) = adapter_of(session, server.url).proxy_manager.values()
    assert manager.connection_pool_kw["maxsize"] == 3
    assert manager.connection_pool_kw["block"] is True
    assert (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 33) in manager.connection_pool_kw[
        "socket_options"
    ]


def test_a_client_certificate_goes_through_a_proxy(
    knowing: Knowing, client: Path, proxy: HttpProxy
) -> None:
    """To the server at its end."""
    config = parse_config(
        f"[mounts.'{knowing.url}']\nproxy = '{proxy.url}'\ntls = {{ verify = 'authority.pem', cert_file = 'both.pem' }}",
        source=str(client / "mounts.toml"),
    )
    with MountedSession(config) as session:
        assert session.get(knowing.url).ok
    assert knowing.clients == [True]
    assert len(proxy.asked) == 1


def test_a_proxy_behind_tls(serve: Serve, server_tls: ssl.SSLContext, authority_file: str) -> None:
    """The proxy is verified by the authorities of the file."""
    server = serve()
    with HttpProxy(server_tls) as proxy:
        config = parse_config(
            f"[mounts.'https://']\nproxy = '{proxy.url}'\ntls = {{ verify = '{authority_file}' }}\n"
            f"[mounts.'http://']\nproxy = '{proxy.url}'\n"
        )
        with MountedSession(config) as session:
            if server.url.startswith("https"):
                assert session.get(server.url).ok
                assert proxy.asked == [f"CONNECT {server.url[8:]}"]
            else:
                with pytest.raises(requests.exceptions.ProxyError):
                    session.get(server.url)


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_a_proxy_behind_tls_is_not_verified_by_the_system(
    server: Server,
    server_tls: ssl.SSLContext,
    authority_file: str,
    monkeypatch: pytest.MonkeyPatch,
    spell: Callable[[str], str],
) -> None:
    """Nor if the scheme of the proxy is in capital letters: requests' certificates decide."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    with HttpProxy(server_tls) as proxy, MountedSession(parse_config("")) as session:
        manager = adapter_of(session, server.url).proxy_manager_for(spell(proxy.url))
        with pytest.raises(urllib3.exceptions.MaxRetryError, match="CERTIFICATE_VERIFY_FAILED"):
            manager.request("GET", f"{server.url}/", retries=0)


def test_what_code_sets_for_pools_wins_over_the_file(server: Server) -> None:
    """For direct ones, and for those of a proxy."""
    config = parse_config('[defaults]\nsource_address = "127.0.0.2"\ntcp_keepalive.idle = 33')
    with HttpProxy() as proxy, MountedSession(config) as session:
        adapter = adapter_of(session, server.url)
        adapter.init_poolmanager(1, 1, source_address=("127.0.0.3", 0))
        for manager in (adapter.poolmanager, adapter.proxy_manager_for(proxy.url)):
            assert manager.connection_pool_kw["source_address"] == ("127.0.0.3", 0)
            assert manager.connection_pool_kw["socket_options"]


def test_the_file_wins_over_the_proxy_of_the_environment(
    serve: Serve, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """direct is direct, a URL is that proxy, and env is the environment's; the caller wins over all."""
    server = serve()
    with HttpProxy() as of_environment, HttpProxy() as of_file, HttpProxy() as of_caller:
        environment(monkeypatch, of_environment.url)
        monkeypatch.setenv("no_proxy", "elsewhere.org")
        callers = {"http": of_caller.url, "https": of_caller.url}
        prepared = requests.Request("GET", server.url).prepare()

        def used(
            proxy: str, *, of_session: Any = None, prepare: bool = False, **given: Any
        ) -> list[int]:
            before = [p.connections for p in (of_environment, of_file, of_caller)]
            session = session_of(f'[mounts."{server.url}"]\nproxy = "{proxy}"')
            session.proxies = of_session or {}
            if prepare:
                assert session.send(prepared, verify=session.verify).ok
            else:
                assert session.get(server.url, **given).ok
            after = [p.connections for p in (of_environment, of_file, of_caller)]
            return [new - old for new, old in zip(after, before, strict=True)]

        assert used("env") == [1, 0, 0]
        assert used("direct") == [0, 0, 0]
        assert used(of_file.url) == [0, 1, 0]
        for proxy in ("env", "direct", of_file.url):
            assert used(proxy, proxies=callers) == [0, 0, 1]
            assert used(proxy, of_session=callers, prepare=True) == [0, 0, 1]
        assert used("direct", of_session=callers) == [0, 0, 1]
        assert used(of_file.url, of_session=callers) == [0, 0, 1]
        assert used(of_file.url, proxies={"http": "", "https": ""}) == [0, 0, 0]
        assert used(of_file.url, prepare=True) == [0, 1, 0]


def test_a_plain_session_hears_the_file_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the environment was merged in before, it is put out again."""
    with HttpProxy() as proxy:
        environment(monkeypatch, proxy.url)
        session = mount(requests.Session(), parse_config('[mounts."http://"]\nproxy = "direct"'))
        assert session.get(server.url).ok
        prepared = requests.Request("GET", server.url).prepare()
        assert MountedSession(parse_config("")).send(prepared).ok
        assert proxy.asked == [f"GET {server.url}/"]


def test_a_dropped_proxy_manager_is_closed(server: Server) -> None:
    """With the connections that it kept."""
    with HttpProxy() as proxy, MountedSession(parse_config("")) as session:
        adapter = adapter_of(session, server.url)
        assert session.get(server.url, proxies={"http": proxy.url}).ok
        manager = adapter.proxy_manager_for(proxy.url)
        (key,) = manager.pools.keys()
        connection = manager.pools[key].pool.queue[-1]
        assert connection.sock
        for port in range(1, 33):
            adapter.proxy_manager_for(f"http://127.0.0.1:{port}")
        assert connection.sock is None


def test_close_closes_what_a_proxy_was_used_for_alone(server: Server) -> None:
    """A tool may take the pools of a proxy, and never those of direct connections."""
    with HttpProxy() as proxy, MountedSession(parse_config("")) as session:
        adapter = adapter_of(session, server.url)
        manager = adapter.proxy_manager_for(proxy.url)
        assert manager.request("GET", f"{server.url}/").data == b"ok"
        (key,) = manager.pools.keys()
        connection = manager.pools[key].pool.queue[-1]
        assert connection.sock
        session.close()
        assert connection.sock is None
        assert "poolmanager" not in vars(adapter)


def test_the_number_of_proxy_managers_is_bounded() -> None:
    """The one used least recently goes."""
    adapter = MountAdapter(Policy())
    first = adapter.proxy_manager_for("http://127.0.0.1:1")
    second = adapter.proxy_manager_for("http://127.0.0.1:2")
    for port in range(3, 33):
        adapter.proxy_manager_for(f"http://127.0.0.1:{port}")
    assert adapter.proxy_manager_for("http://127.0.0.1:1") is first
    adapter.proxy_manager_for("http://127.0.0.1:99")
    assert len(adapter.proxy_manager) == 32
    assert adapter.proxy_manager_for("http://127.0.0.1:1") is first
    assert adapter.proxy_manager_for("http://127.0.0.1:2") is not second
