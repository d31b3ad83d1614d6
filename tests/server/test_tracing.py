"""Spans: a request each, under the client's where it named one, and nothing of what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.gate import app_of, ask, echo, operation
from skypact.node.tracing import Spans
from skypact.server.app import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


def spans_of(*requests: tuple[str, str, dict[str, dict[str, str]]]) -> list[ReadableSpan]:
    """The spans that come of these requests."""
    exporter = InMemorySpanExporter()
    spans = Spans("http://127.0.0.1:9/v1/traces", party="uss1", exporter=exporter)
    app = app_of(
        [operation(echo, method="GET", path="/f/{x}", body=None, name="getThing")], Settings(tracer=spans)
    )
    ask(app, *requests)
    spans.close()
    return list(exporter.get_finished_spans())


def test_a_span_has_the_operation_and_the_correlation_id_and_nothing_else() -> None:
    """No path, no token, no party of the asker."""
    (span,) = spans_of(("GET", "/f/secret", {"headers": {"x-request-id": "abc"}}))
    assert span.name == "getThing"
    assert dict(span.attributes or {}) == {"skypact.correlation": "abc"}
    assert span.resource.attributes["service.instance.id"] == "uss1"
    assert "secret" not in span.to_json()
    assert "alpha" not in span.to_json()


def test_a_span_is_under_the_clients() -> None:
    """Where ``traceparent`` names one; nonsense there is as if it were not there."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    under, alone = spans_of(
        ("GET", "/f/a", {"headers": {"traceparent": parent}}),
        ("GET", "/f/a", {"headers": {"traceparent": "nonsense"}}),
    )
    assert under.parent is not None
    assert f"{under.parent.span_id:016x}" == "b7ad6b7169203331"
    assert alone.parent is None
