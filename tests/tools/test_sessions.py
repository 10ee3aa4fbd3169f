"""Other sessions and adapters around ours."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from pyrate_limiter import Limiter
from requests.adapters import HTTPAdapter
from requests_futures.sessions import FuturesSession
from requests_oauthlib import OAuth2Session
from requests_ratelimiter import LimiterMixin
from requests_toolbelt.sessions import BaseUrlSession
from requests_toolbelt.threaded import pool

from loopback import Answer, Handler, Server
from requests_mounts import DeniedURL, MountAdapter, MountedSession, mount, parse_config

SessionOf = Callable[[str], MountedSession]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(answer=lambda handler: Answer(body=header(handler).encode())) as server:
        yield server


def header(handler: Handler) -> str:
    return str(handler.headers["Authorization"])


class LimitedSession(LimiterMixin, MountedSession):
    """A session of ours with the limiter of requests-ratelimiter."""


class LimitedAdapter(LimiterMixin, MountAdapter):  # type: ignore[misc]
    """An adapter of ours with it."""


def test_oauth2_session(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is sent over the mounts."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    session = mount(
        OAuth2Session(token={"access_token": "t0ken", "token_type": "Bearer"}),
        parse_config(f'[mounts."{server.url}/no"]\ndeny = true'),
    )
    assert session.get(f"{server.url}/yes").text == "Bearer t0ken"
    with pytest.raises(DeniedURL):
        session.get(f"{server.url}/no")


def test_base_url_session(server: Server) -> None:
    """The mount is that of the whole URL."""
    session = mount(
        BaseUrlSession(server.url), parse_config(f'[mounts."{server.url}/no"]\ndeny = true')
    )
    assert session.get("/yes").ok
    with pytest.raises(DeniedURL):
        session.get("/no")


def test_threads_of_the_toolbelt(server: Server) -> None:
    """Its pool of threads takes a session of ours for each."""
    made = []

    def new() -> MountedSession:
        made.append(MountedSession(parse_config("")))
        return made[-1]

    threads = pool.Pool.from_urls([server.url] * 8, num_processes=2, session=new)
    threads.join_all()
    assert [response.status_code for response in threads.responses()] == [200] * 8
    assert len(made) == 2


def test_futures_session(server: Server, session_of: SessionOf) -> None:
    """Its threads send over the session of ours that it is given."""
    ours = session_of("[defaults]\npool_block = true\npool_maxsize = 2")
    with FuturesSession(session=ours, max_workers=8) as session:
        futures = [session.get(server.url) for _ in range(16)]
        assert [future.result().status_code for future in futures] == [200] * 16
    assert server.connections <= 2


def ratelimited_session() -> requests.Session:
    return LimitedSession(config=parse_config(""), per_second=1000, burst=1000)


def ratelimited_adapter() -> requests.Session:
    session = MountedSession(parse_config(""))
    ours = session.get_adapter("http://h/")
    assert isinstance(ours, MountAdapter)
    session.mount("http://", LimitedAdapter(policy=ours.policy, per_second=1000, burst=1000))
    return session


@pytest.mark.parametrize("make", [ratelimited_session, ratelimited_adapter])
def test_ratelimiter(
    server: Server, make: Callable[[], requests.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mixed into a session or an adapter, its limiter is asked and ours sends."""
    asked: list[object] = []
    acquire = Limiter.try_acquire

    def noted(self: Limiter, *args: Any, **kwargs: Any) -> Any:
        asked.append(args)
        return acquire(self, *args, **kwargs)

    monkeypatch.setattr(Limiter, "try_acquire", noted)
    with make() as session:
        for _ in range(3):
            assert session.get(server.url).ok
    assert len(asked) == len(server.requests) == 3


def test_an_adapter_of_requests_beside_ours(server: Server, session_of: SessionOf) -> None:
    """What code mounts serves its prefix."""
    session = session_of("")
    session.mount(f"{server.url}/theirs", HTTPAdapter())
    assert isinstance(session.get_adapter(f"{server.url}/ours"), MountAdapter)
    assert not isinstance(session.get_adapter(f"{server.url}/theirs/x"), MountAdapter)
    assert session.get(f"{server.url}/theirs/x").ok
