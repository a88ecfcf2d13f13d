"""What the server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ledger.service.ledgers import Ledgers

GROUP_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
COMMIT_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The counters of one application, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._refusals = Counter(
            "gongfen_refusals",
            "Requests and batch lines that were refused, by code.",
            ["code"],
            registry=self._registry,
        )
        self._groups = Histogram(
            "gongfen_group_events", "Events in one commit.", ["ledger"], registry=self._registry, buckets=GROUP_BUCKETS
        )
        self._commits = Histogram(
            "gongfen_commit_seconds",
            "Seconds from taking a group to its answers.",
            ["ledger"],
            registry=self._registry,
            buckets=COMMIT_BUCKETS,
        )

    def watch(self, ledgers: Ledgers) -> None:
        """Show the sizes and queues of running ledgers."""
        self._registry.register(_Sizes(ledgers))

    def observe(self, ledger: str, events: int, seconds: float) -> None:
        """Count a commit."""
        self._groups.labels(ledger).observe(events)
        self._commits.labels(ledger).observe(seconds)

    def refused(self, code: str) -> None:
        """Count a refusal."""
        self._refusals.labels(code).inc()

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Sizes(Collector):
    """Read when asked, so that appending pays nothing for it."""

    def __init__(self, ledgers: Ledgers) -> None:
        self._ledgers = ledgers

    def collect(self) -> Iterator[GaugeMetricFamily]:
        entries = GaugeMetricFamily("gongfen_entries", "Entries appended and durable.", labels=["ledger"])
        queued = GaugeMetricFamily("gongfen_queue_events", "Events that wait to be appended.", labels=["ledger"])
        for sequencer in self._ledgers.all():
            entries.add_metric([sequencer.row.name], sequencer.size)
            queued.add_metric([sequencer.row.name], sequencer.waiting)
        yield entries
        yield queued
