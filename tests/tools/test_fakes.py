"""What answers in the place of a server: each must see the requests of a session of ours."""

from collections.abc import Callable

import pytest
import requests
import requests_mock
import responses
from pytest_httpserver import HTTPServer
from responses.matchers import header_matcher
from responses.registries import OrderedRegistry

from requests_mounts import DeniedURL, MountedSession

SessionOf = Callable[[str], MountedSession]
NOWHERE = "https://nowhere.invalid/articles"
RETRY = "[defaults]\nmax_retries = { total = 2, status_forcelist = [503] }"
NO_AGENT = "[defaults]\nheaders = { User-Agent = false, Accept-Encoding = false }\n[mounts]"
DENY = '[mounts."https://nowhere.invalid/"]\ndeny = true'


@responses.activate(registry=OrderedRegistry)
def test_responses_answers_and_follows_the_policy_of_retries(session_of: SessionOf) -> None:
    """It replaces `HTTPAdapter.send`, and takes the retries from the adapter."""
    responses.get(NOWHERE, status=503)
    responses.get(NOWHERE, json={"articles": 3})
    assert session_of(RETRY).get(NOWHERE).json() == {"articles": 3}
    assert len(responses.calls) == 2


@responses.activate
def test_deny_acts_under_responses(session_of: SessionOf) -> None:
    """What the file denies is refused before it is answered."""
    responses.get(NOWHERE)
    with pytest.raises(DeniedURL):
        session_of(DENY).get(NOWHERE)
    assert not responses.calls


@responses.activate
def test_responses_sees_no_header_that_is_taken_away(session_of: SessionOf) -> None:
    """Nor a mark of urllib3's in its place, which its matchers would compare."""
    sent = {"Accept": "*/*", "Connection": "keep-alive"}
    responses.get(NOWHERE, match=[header_matcher(sent, strict_match=True)])
    response = session_of(NO_AGENT).get(NOWHERE)
    assert responses.calls[0].request.headers == response.request.headers == sent


@pytest.mark.parametrize("text", ["", DENY])
def test_requests_mock_replaces_the_adapter_and_its_policy(
    session_of: SessionOf, text: str
) -> None:
    """It takes the place of `Session.get_adapter`, so even a denied URL is answered."""
    with requests_mock.Mocker() as mocker:
        mocker.get(NOWHERE, text="mocked")
        assert session_of(text).get(NOWHERE).text == "mocked"
    assert mocker.call_count == 1


def test_requests_mock_as_an_adapter_of_a_scheme_of_its_own(session_of: SessionOf) -> None:
    """A scheme that no prefix can have is mounted as on any session."""
    session = session_of("")
    adapter = requests_mock.Adapter()
    session.mount("mock://", adapter)
    adapter.register_uri("GET", "mock://anything/x", text="mocked")
    assert session.get("mock://anything/x").text == "mocked"
    with pytest.raises(requests.exceptions.InvalidSchema):
        session.get("other://anything/x")


def test_pytest_httpserver_serves(httpserver: HTTPServer, session_of: SessionOf) -> None:
    """A server of the test's own is reached through its mount."""
    httpserver.expect_oneshot_request("/x", headers={"X-Mount": "yes"}).respond_with_data("served")
    session = session_of(f'[mounts."{httpserver.url_for("/")}"]\ntimeout = 5')
    assert session.get(httpserver.url_for("/x"), headers={"X-Mount": "yes"}).text == "served"
    httpserver.check()
