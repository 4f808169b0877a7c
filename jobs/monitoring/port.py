"""Serves a process's figures at `/metrics`, on a port of its own and never on that of the public API."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jobs.monitoring.catalogue import FIGURES, Gauges
from jobs.monitoring.figures import Part, record_into
from jobs.secret_files import WrongSettings

Values = Iterable[tuple[tuple[str, ...], float]]
"""The values of a gauge, each with its labels in their order."""


class Source(Protocol):
    """Knows the values of gauges at any moment, and must not block to get them."""

    def gauges(self) -> Iterable[tuple[Gauges, Values]]:
        """Return the gauges with their values."""


class _FromSource(Collector):
    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the source's gauges as Prometheus takes them."""
        for gauges, values in self._source.gauges():
            family = GaugeMetricFamily(gauges.name, gauges.meaning, labels=gauges.labels)
            for labels, value in values:
                family.add_metric(labels, value)
            yield family

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return nothing: what a source has is known when it is asked."""
        return ()


def serve(part: Part, address: str | None, *sources: Source) -> bool:
    """Record the figures of a part from now on, and serve them; without an address do nothing, return False.

    `address`: such as `127.0.0.1:9101`. Raises `WrongSettings` if the port cannot be bound.
    """
    if address is None:
        return False
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for figure in FIGURES.values():
        if part in figure.parts:
            figure.begin()
            registry.register(figure.metric)
    for source in sources:
        registry.register(_FromSource(source))
    host, _, port = address.rpartition(":")
    try:
        start_http_server(int(port), addr=host.strip("[]"), registry=registry)
    except OSError as error:
        raise WrongSettings(
            f"PRUNESERVE_METRICS: cannot listen on {address}: {error.strerror or error}"
        ) from error
    record_into(take)
    return True


def take(name: str, value: float, labels: Mapping[str, str]) -> None:
    """Count a recorded value in this process. Raises KeyError and ValueError for what no figure is."""
    FIGURES[name].take(value, labels)
