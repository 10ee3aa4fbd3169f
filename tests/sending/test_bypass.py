"""What `no_proxy` leaves direct: requests' own reading of NO_PROXY is the oracle."""

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from requests.utils import should_bypass_proxies

from loopback import Server
from proxies import HttpProxy
from requests_mounts import (
    ConfigError,
    MountAdapter,
    MountedSession,
    MountsError,
    parse_config,
)
from requests_mounts._sending.bypass import is_bypassed

SessionOf = Callable[[str], MountedSession]

WHOLE_LABELS = not should_bypass_proxies("http://xh/", no_proxy="h")
"""Whether the installed requests takes no ending of a label for a domain."""

HOSTS = st.sampled_from([
    "localhost", "h.corp.example", "corp.example", "xcorp.example", "H.Corp.Example", "127.0.0.1",
    "10.1.2.3", "10.1.2.30", "192.168.0.1", "[::1]", "[fd00::7]", "example.com.",
])  # fmt: skip
ENTRIES = st.lists(
    st.sampled_from([
        "localhost", ".corp.example", "corp.example", "CORP.example", "*", "10.0.0.0/8", "10.1.2.3",
        "127.0.0.1:8080", "corp.example:8080", "::1", "fd00::/8", "192.168.0.1/32", "example.com",
    ]),
    min_size=1,
    max_size=3,
)  # fmt: skip


@given(HOSTS, st.sampled_from(["", ":80", ":8080"]), st.sampled_from(["", "/", "/x?y"]), ENTRIES)
def test_it_is_read_as_requests_reads_no_proxy(
    host: str, port: str, path: str, entries: list[str]
) -> None:
    """A URL is left direct exactly if the variable with the same entries would leave it."""
    assume(WHOLE_LABELS or host != "xcorp.example")
    url = f"http://{host}{port}{path}"
    expected = should_bypass_proxies(url, no_proxy=",".join(entries))
    assert is_bypassed(url, tuple(entries)) is expected


def test_a_url_without_a_host() -> None:
    """It is none of them."""
    assert not is_bypassed("http:///x", ("127.0.0.1", "corp.example"))


def test_hosts_of_no_proxy_are_contacted_directly(session_of: SessionOf) -> None:
    """The proxy of the defaults sees the requests to all hosts but those."""
    with HttpProxy() as proxy, Server() as near, Server("127.0.0.2") as far:
        session = session_of(
            f"[defaults]\nproxy = '{proxy.url}'\nno_proxy = ['127.0.0.1/32', '.corp.example']"
        )
        assert session.get(f"{near.url}/x").ok
        assert proxy.asked == []
        assert session.get(f"{far.url}/x").ok
        assert proxy.asked == [f"GET {far.url}/x"]


def test_a_callers_proxy_wins_over_no_proxy(session_of: SessionOf) -> None:
    """What is passed with a request is used, whatever the file leaves direct."""
    with HttpProxy() as files, HttpProxy() as callers, Server() as server:
        session = session_of(f"[defaults]\nproxy = '{files.url}'\nno_proxy = ['*']")
        assert session.get(f"{server.url}/x", proxies={"http": callers.url}).ok
        assert (len(files.asked), len(callers.asked)) == (0, 1)


def test_explain_shows_no_proxy_beside_a_proxy_alone() -> None:
    """Without the URL of a proxy beside it, it has no effect."""
    for proxy, told in (("http://p:1", True), ("direct", False), ("env", False)):
        session = MountedSession(parse_config(f"[defaults]\nproxy = '{proxy}'\nno_proxy = ['h']"))
        assert ("no_proxy" in str(session.explain("https://h/"))) is told


@pytest.mark.parametrize("entry", ["a,b", "a b", "http://h", ""])
def test_an_entry_is_one_host_domain_or_network(entry: str) -> None:
    """What NO_PROXY would take for several entries, or for none, is refused."""
    with pytest.raises(ConfigError, match="a host, a domain such as"):
        parse_config(f"[defaults]\nproxy = 'http://p:1'\nno_proxy = ['{entry}']")


def test_an_entry_may_come_from_a_variable() -> None:
    """It is not shown; offline, the request that would need it is refused."""
    text = "[defaults]\nproxy = 'http://127.0.0.1:9'\nno_proxy = ['${NEAR}']"
    with Server() as server:
        session = MountedSession(parse_config(text, environ={"NEAR": "127.0.0.1"}))
        assert session.get(server.url).ok
        assert "${NEAR}" in str(session.explain(server.url))
        with pytest.raises(MountsError, match="NEAR"):
            MountedSession(parse_config(text, offline=True, environ={})).get(server.url)
        assert len(server.requests) == 1


def test_a_flag_in_the_place_of_the_array_is_refused_without_a_guess() -> None:
    """Nobody can tell which hosts were meant."""
    with pytest.raises(ConfigError) as caught:
        parse_config("[defaults]\nproxy = 'http://p:1'\nno_proxy = true")
    assert "write [" not in str(caught.value)


def test_closing_a_session_whose_tools_asked_for_a_proxy(session_of: SessionOf) -> None:
    """The pools of the proxy are closed, and no other ones are made for it."""
    session = session_of("")
    adapter = session.get_adapter("http://h/")
    assert isinstance(adapter, MountAdapter)
    manager = adapter.proxy_manager_for("http://127.0.0.1:9")
    manager.connection_from_url("http://h/")
    assert len(manager.pools) == 1
    session.close()
    assert len(manager.pools) == 0
    assert "poolmanager" not in vars(adapter)
