"""What watches the traffic of a program: each must see the requests of a session of ours."""

from collections.abc import Callable, Iterator

import pytest
import sentry_sdk
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from loopback import Server
from requests_mounts import MountedSession

SessionOf = Callable[[str], MountedSession]
KINDS = ["", "[defaults]\ndeadline = 20\npool_block = true\nkeepalive_expiry = 5"]


@pytest.fixture(params=KINDS)
def session(request: pytest.FixtureRequest, session_of: SessionOf) -> MountedSession:
    return session_of(request.param)


@pytest.fixture
def traced() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider, exporter
    provider.shutdown()


@pytest.mark.parametrize("instrumentor", [RequestsInstrumentor, URLLib3Instrumentor])
def test_opentelemetry(
    session: MountedSession,
    traced: tuple[TracerProvider, InMemorySpanExporter],
    instrumentor: type[RequestsInstrumentor | URLLib3Instrumentor],
) -> None:
    """Each request is one span, whether requests or urllib3 is instrumented."""
    provider, exporter = traced
    instrumentor().instrument(tracer_provider=provider)
    try:
        with Server() as server:
            assert session.get(server.url).ok
    finally:
        instrumentor().uninstrument()
    (span,) = exporter.get_finished_spans()
    assert span.name == "GET"


def test_sentry(session: MountedSession) -> None:
    """A request is a breadcrumb of the event that follows it."""
    events: list[dict[str, object]] = []
    with sentry_sdk.isolation_scope():
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:9/1",
            before_send=lambda event, _: events.append(dict(event)),
        )
        try:
            with Server() as server:
                assert session.get(f"{server.url}/seen").ok
            sentry_sdk.capture_message("done")
        finally:
            sentry_sdk.get_client().close(timeout=0)
            sentry_sdk.get_global_scope().set_client(None)
    assert f"{server.url}/seen" in str(events[0]["breadcrumbs"])
