"""Serves a process's metrics at `/metrics`, on a port of its own and never on that of the public API.

A worker's parent serves those of its children as well. A child computes for hours, is killed and is replaced;
its parent lives as long as the worker. So a child keeps no counts: it sends each value in a datagram to a
socket in a directory that only its user can enter, and the parent adds it up. What cannot be sent in a moment
is dropped, because no job may wait for a metric.
"""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jobs.monitoring.catalogue import METRICS, GaugeFamily
from jobs.monitoring.metrics import Component, record_into
from jobs.secret_files import WrongSettings

Values = Iterable[tuple[tuple[str, ...], float]]
"""The values of a gauge, each with its labels in their order."""

log = logging.getLogger(__name__)

_SEND_TIMEOUT_SECONDS = 0.2
_BACKOFF_SECONDS = 10.0
_MAX_MESSAGE_BYTES = 4096


class GaugeSource(Protocol):
    """Knows the values of gauges at any moment, and must not block to get them."""

    def gauges(self) -> Iterable[tuple[GaugeFamily, Values]]:
        """Return the gauges with their values."""


class _SourceCollector(Collector):
    def __init__(self, source: GaugeSource) -> None:
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


def serve(part: Component, address: str | None, *sources: GaugeSource) -> bool:
    """Record the metrics of a part from now on, and serve them; without an address do nothing, return False.

    `address`: such as `127.0.0.1:9101`. Raises `WrongSettings` if the port cannot be bound.
    """
    if address is None:
        return False
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for metric in METRICS.values():
        if part in metric.parts:
            metric.initialize()
            registry.register(metric.collector)
    for source in sources:
        registry.register(_SourceCollector(source))
    host, _, port = address.rpartition(":")
    try:
        start_http_server(int(port), addr=host.strip("[]"), registry=registry)
    except OSError as error:
        raise WrongSettings(
            f"PRUNESERVE_METRICS_ADDRESS: cannot listen on {address}: {error.strerror or error}"
        ) from error
    record_into(add_sample)
    return True


def add_sample(name: str, value: float, labels: Mapping[str, str]) -> None:
    """Count a recorded value in this process. Raises KeyError and ValueError for what no metric is."""
    METRICS[name].add(value, labels)


class ChildMetrics:
    """Takes in, in a thread, what the children of this process send."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`. Raises OSError if that cannot be."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._receive, name="metrics", daemon=True)
        self._stopped = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Listen no more, and remove the socket. Where the disk fails, it stays."""
        self._stopped = True
        with suppress(OSError):
            self._path.unlink()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)  # wakes the thread
        self._thread.join(timeout=1)
        self._socket.close()

    def _receive(self) -> None:
        while True:
            try:
                message = self._socket.recv(_MAX_MESSAGE_BYTES)
            except OSError:
                return
            if self._stopped:
                return
            if message:
                self._take(message)

    def _take(self, message: bytes) -> None:
        """Count what a child has sent. A message that is cut off, or of another version, is dropped."""
        try:
            add_sample(*json.loads(message))
        except Exception as error:  # whatever a message makes a parser do, the thread continues
            log.warning("a child sent what is not a metric: %r", error)


def send_to_parent(path: Path) -> None:
    """Send what this process records to its parent from now on."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.settimeout(_SEND_TIMEOUT_SECONDS)
    give_up_until = 0.0

    def send(name: str, value: float, labels: Mapping[str, str]) -> None:
        nonlocal give_up_until
        if time.monotonic() < give_up_until:
            return
        try:
            sender.sendto(json.dumps([name, value, dict(labels)]).encode(), str(path))
        except TimeoutError:  # the parent hangs: do not wait for it with each metric
            give_up_until = time.monotonic() + _BACKOFF_SECONDS
        except OSError:
            pass

    record_into(send)
