"""What the anchor process shows to Prometheus, on a loopback port of its own if it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from anchor.status import Status

HOST: Final = "127.0.0.1"


class StatusCollector(Collector):
    """Turns a status into gauges whenever it is asked."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges of now."""
        status = self._status()
        lag = GaugeMetricFamily("gongfen_anchor_lag_entries", "Committed and not anchored.", labels=["ledger"])
        for ledger in status.ledgers:
            if ledger.lag is not None:
                lag.add_metric([ledger.origin], ledger.lag)
        yield lag
        batches = GaugeMetricFamily("gongfen_anchor_batches", "Batches by state.", labels=["chain", "state"])
        up = GaugeMetricFamily("gongfen_anchor_chain_up", "Whether the last round came through.", labels=["chain"])
        for chain in status.chains:
            for state, count in chain.batches.items():
                batches.add_metric([str(chain.chain_id), state], count)
            up.add_metric([str(chain.chain_id)], 0 if chain.error else 1)
        yield batches
        yield up
        left = GaugeMetricFamily("gongfen_anchor_ledgers_left_out", "Ledgers that are not anchored for a fault.")
        left.add_metric([], len(status.left_out))
        yield left

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is read when the collector is registered."""
        return iter(())


def expose(port: int, status: Callable[[], Status]) -> Callable[[], None]:
    """Serve the gauges on loopback; answers what stops serving them."""
    registry = CollectorRegistry()
    registry.register(StatusCollector(status))
    server, thread = start_http_server(port, addr=HOST, registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
