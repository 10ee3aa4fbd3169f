"""The numbers as OpenTelemetry metrics, read by the SDK itself."""

import gc
from typing import Any

import pytest

from loopback import Server
from proxies import SocksProxy
from requests_mounts import MountedSession, ThreadSessions, parse_config
from servers import Serve, SessionOf

pytest.importorskip("opentelemetry.sdk.metrics")

from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from requests_mounts.otel import instrument


def collected(reader: Any) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    """Return the points of each metric."""
    data = reader.get_metrics_data()
    return {
        metric.name: [
            (dict(point.attributes), getattr(point, "value", None))
            for point in metric.data.data_points
        ]
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


@pytest.fixture
def reader() -> Any:
    return InMemoryMetricReader()


def test_metrics(server: Server, reader: Any) -> None:
    """Connections have the names of the semantic conventions, and all metrics the prefix."""
    with MountedSession(parse_config("[mounts.'http://127.0.0.1:*/']")) as session:
        instrument(session, MeterProvider([reader]))
        session.get(server.url)
        with session.get(server.url, stream=True):
            found = collected(reader)
        prefix = {"requests_mounts.prefix": "http://127.0.0.1:*/"}
        place = prefix | {
            "server.address": "127.0.0.1",
            "server.port": server.server_port,
            "url.scheme": "http",
        }
        assert found["http.client.open_connections"] == [
            (place | {"http.connection.state": "idle"}, 0),
            (place | {"http.connection.state": "active"}, 1),
        ]
        assert found["http.client.active_requests"] == [(place, 1)]
        assert (prefix, 2) in found["requests_mounts.requests"]
        assert (prefix, 1) in found["requests_mounts.connections"]
        assert (prefix, 1) in found["requests_mounts.peak"]
        assert len(found["requests_mounts.refused"]) == len(session.adapters)


def test_the_pools_of_a_server_are_added_up(server: Server, reader: Any) -> None:
    """One is direct, the other by way of a proxy, which the conventions do not tell apart."""
    with SocksProxy() as proxy, MountedSession(parse_config("")) as session:
        instrument(session, MeterProvider([reader]))
        ways: list[dict[str, str]] = [{}, {"http": proxy.url}]
        streams = [session.get(server.url, proxies=way, stream=True) for way in ways]
        found = collected(reader)
        assert [number for _, number in found["http.client.open_connections"]] == [0, 2]
        assert [number for _, number in found["http.client.active_requests"]] == [2]
        assert [stream.text for stream in streams] == ["ok", "ok"]
        found = collected(reader)
        assert [number for _, number in found["http.client.open_connections"]] == [2, 0]


def test_the_port_of_a_scheme(serve: Serve, session_of: SessionOf, reader: Any) -> None:
    """It is named though the URL leaves it out."""
    server = serve()
    scheme = server.url.partition(":")[0]
    session = session_of(
        f"[mounts.'{scheme}://localhost/']\nconnect_to = ['127.0.0.1:{server.server_port}']"
    )
    instrument(session, MeterProvider([reader]))
    assert session.get(f"{scheme}://localhost/").text == "ok"
    ((place, _),) = collected(reader)["http.client.active_requests"]
    assert place["server.port"] == {"http": 80, "https": 443}[scheme]


def test_a_session_is_held_weakly(reader: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The metrics of one that is gone are gone."""
    sessions = ThreadSessions(parse_config(""))
    instrument(sessions, MeterProvider([reader]))
    assert "requests_mounts.requests" in collected(reader)
    del sessions
    gc.collect()
    assert not any(collected(reader).values())
    assert not caplog.records


def test_beside_the_instrumentation_of_requests(server: Server, reader: Any) -> None:
    """Both count the same requests, the one spans and durations, ours connections."""
    spans = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    provider = MeterProvider([reader])
    RequestsInstrumentor().instrument(tracer_provider=tracers, meter_provider=provider)
    try:
        with MountedSession(parse_config("[defaults]\ndeadline = 30")) as session:
            instrument(session, provider)
            for _ in range(3):
                assert session.get(server.url).text == "ok"
            found = collected(reader)
    finally:
        RequestsInstrumentor().uninstrument()
    assert len(spans.get_finished_spans()) == 3
    assert ({"requests_mounts.prefix": "http://"}, 3) in found["requests_mounts.requests"]
    assert {name for name in found if "duration" in name}


def test_the_global_provider_is_the_default(monkeypatch: pytest.MonkeyPatch, reader: Any) -> None:
    """As for every instrumentation."""
    provider = MeterProvider([reader])
    monkeypatch.setattr("requests_mounts.otel.get_meter_provider", lambda: provider)
    with MountedSession(parse_config("")) as session:
        instrument(session)
        assert "requests_mounts.requests" in collected(reader)
