"""Redirects from mount to mount, seen from real servers."""

from pathlib import Path

import pytest
import requests
import trustme

from loopback import Answer, Handler, Server
from proxies import HttpProxy
from requests_mounts import (
    MountedSession,
    parse_config,
)
from servers import Knowing, SessionOf, environment


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_nothing_of_one_mount_reaches_another(authority: trustme.CA, client: Path) -> None:
    """A client certificate and verify = false end with their hop."""
    with (
        Knowing(authority, "127.0.0.2") as b,
        Knowing(authority, answer=lambda _: Answer(302, {"Location": b.url})) as a,
    ):
        for rest in ("verify = 'authority.pem'", "verify = true"):
            config = parse_config(
                f"[mounts.'{a.url}']\ntls = {{ verify = false, cert_file = 'both.pem' }}\n"
                f"[mounts.'{b.url}']\ntls = {{ {rest} }}",
                source=str(client / "mounts.toml"),
            )
            with MountedSession(config) as session:
                if "true" in rest:
                    with pytest.raises(requests.exceptions.SSLError):
                        session.get(a.url)
                else:
                    assert session.get(a.url).ok
        assert a.clients == [True, True]
        assert b.clients == [False]


def test_each_hop_has_its_own_proxy_and_timeout(
    session_of: SessionOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxy of one hop, with its password, is not that of the next."""
    seen: list[str | None] = []

    def note(handler: Handler) -> Answer:
        seen.append(handler.headers["Proxy-Authorization"])
        return Answer()

    with (
        HttpProxy() as proxy,
        Server("127.0.0.2", answer=note) as b,
        Server(answer=lambda _: Answer(302, {"Location": b.url})) as a,
    ):
        with_password = proxy.url.replace("://", "://user:hunter2@")
        environment(monkeypatch, with_password)
        session = session_of('[mounts."http://127.0.0.2:*/"]\nproxy = "direct"\ntimeout = 7')
        assert session.get(a.url).ok
        assert proxy.asked == [f"GET {a.url}/"]
        assert "Proxy-Authorization: Basic" in proxy.headers[0]
        assert seen == [None]
        monkeypatch.setattr(
            MountedSession,
            "rebuild_proxies",
            lambda _, request, proxies: (
                request.headers.update({"Proxy-Authorization": "mine"}) or proxies
            ),
        )
        assert session.get(a.url).ok
        assert seen == [None, "mine"]
