"""OpenTelemetry spans, a request each; off unless ``telemetry.otlp_endpoint`` says where they go.

Law: a span has the operation's name, the correlation id and nothing of what was said. A collector that is
slow or gone costs spans, never an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from skypact import __version__

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.sdk.trace.export import SpanExporter


class Spans:
    """What the gate calls for each request.

    Parameters
    ----------
    endpoint
        Where spans are sent (OTLP over HTTP): the whole URL, ``…/v1/traces``.
    party
        Of the node, on each span.
    exporter
        Tests give their own.
    """

    def __init__(self, endpoint: str, *, party: str, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create(
            {"service.name": "skypact", "service.version": __version__, "service.instance.id": party}
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=endpoint, timeout=5))
        )
        self._tracer = self._provider.get_tracer("skypact.server", __version__)
        self._context = TraceContextTextMapPropagator()

    def span(self, operation: str, correlation: str, traceparent: str) -> AbstractContextManager[Any]:
        """A span that lasts as long as the block, under the client's where it named one."""
        parent = self._context.extract({"traceparent": traceparent}) if traceparent else None
        return self._tracer.start_as_current_span(
            operation, parent, SpanKind.SERVER, attributes={"skypact.correlation": correlation}
        )

    def close(self) -> None:
        """Send what is left and stop; waits some seconds at most."""
        self._provider.shutdown()
