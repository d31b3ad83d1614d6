"""What is counted, for Prometheus.

Law: a label has few values, and none comes from outside: an operation's name, a status, a reason that we
wrote. A count is of this process alone; the collector adds them up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper edges of the classes of latency."""
BATCHES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Upper edges of the classes of the size of a batch of writes."""

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
"""Of the text that :meth:`Metrics.text` gives."""


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "skypact_requests", "Requests answered.", ("operation", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "skypact_request_seconds",
            "Seconds from the request's head to its answer.",
            ("operation",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._unauthenticated = Counter(
            "skypact_unauthenticated",
            "Requests whose token was not accepted.",
            ("cause",),
            registry=self.registry,
        )
        self._batch: Histogram | None = None
        self._counted: dict[tuple[str, int], Counter] = {}
        self._timed: dict[str, Histogram] = {}
        self._gauges: dict[str, Gauge] = {}

    def request(self, operation: str, status: int, took_s: float) -> None:
        """One request was answered."""
        counter = self._counted.get((operation, status))
        if counter is None:
            counter = self._counted[operation, status] = self._requests.labels(operation, str(status))
        counter.inc()
        timed = self._timed.get(operation)
        if timed is None:
            timed = self._timed[operation] = self._seconds.labels(operation)
        timed.observe(took_s)

    def unauthenticated(self, cause: str) -> None:
        """A token was not accepted; the cause is a sentence of ``auth``, never text of the token."""
        self._unauthenticated.labels(cause).inc()

    def batch(self, writes: int) -> None:
        """So many writes shared one commit."""
        if self._batch is None:  # a figure that nobody tells is not shown as nought
            self._batch = Histogram(
                "skypact_store_batch_writes",
                "Writes that shared one durable commit.",
                buckets=BATCHES,
                registry=self.registry,
            )
        self._batch.observe(writes)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A number that is asked for whenever the metrics are: ``skypact_outbox_depth``, for instance.

        Named again, it is read from the new source.
        """
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, text, registry=self.registry)
        self._gauges[name].set_function(read)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
