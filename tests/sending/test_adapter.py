"""What adapters of every kind have in common, seen from real servers."""

import copy
import pickle
import ssl
from typing import Any

import pytest
import requests

from loopback import Server
from requests_mounts import (
    MountAdapter,
)
from servers import SessionOf

KINDS = [
    "",
    "timeout = 1\nproxy = 'direct'",
    "pool_block = true\npool_timeout = 1\ndeadline = 20",
    "keepalive_expiry = 5\nmax_connection_age = 50\nmax_body_size = 1000",
    "tls = { verify = false }\ntcp_keepalive = {}",
]


@pytest.mark.parametrize("settings", KINDS)
def test_an_adapter_passes_on_what_it_is_given(
    sent: list[dict[str, Any]], session_of: SessionOf, settings: str
) -> None:
    """stream, timeout, verify, cert and proxies reach the send of requests."""
    session = session_of(f"[mounts.'https://']\n{settings}")
    given = {
        "stream": True,
        "timeout": 3,
        "verify": "/a",
        "cert": "/b",
        "proxies": {"https": "http://p"},
    }
    session.get_adapter("https://h/").send(requests.Request("GET", "https://h/").prepare(), **given)  # type: ignore[arg-type]
    assert sent == [given]


@pytest.mark.parametrize("settings", KINDS)
def test_copies_of_an_adapter(
    server_tls: ssl.SSLContext, session_of: SessionOf, settings: str
) -> None:
    """It works as before when it was copied or pickled, and closes its sockets."""
    session = session_of(f"[mounts.'https://']\n{settings}")
    adapter = session.adapters["https://"]
    with Server(tls=server_tls) as server:
        for again in (
            adapter,
            copy.copy(adapter),
            copy.deepcopy(adapter),
            pickle.loads(pickle.dumps(adapter)),
        ):
            assert isinstance(again, MountAdapter)
            session.mount("https://", again)
            assert session.get(server.url).ok
            (key,) = again.poolmanager.pools.keys()
            queue = again.poolmanager.pools[key].pool
            assert queue
            connection = queue.queue[-1]
            assert connection.sock
            again.close()
            assert connection.sock is None
