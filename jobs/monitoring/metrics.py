"""Metrics for Prometheus: a process counts what happens in it, `jobs.monitoring.serving` serves the counts.

`jobs.monitoring.catalogue` names every metric. Recording one does nothing before `record_into` has named the
sink: this process's own counts, or on to a parent process that serves those of its children.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import product

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import event
from sqlalchemy.orm import Session

Sink = Callable[[str, float, Mapping[str, str]], None]
"""Takes the name of a metric, a value and the labels."""

_sink: Sink | None = None

Labels = Mapping[str, Sequence[str]]

_PENDING = "metrics"


class Component(StrEnum):
    """The processes that serve metrics, each its own."""

    API = "api"
    SCHEDULER = "scheduler"
    WORKER = "worker"


class MetricKind(StrEnum):
    """What a metric is, as Prometheus has it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric:
    """A metric, recorded where something happens: a counter adds, a histogram observes, a gauge is set.

    `labels`: by name the values that a label may have. All their combinations are served from the start, or
    the first increase of each could not be seen. A label with no values listed has those that come, which
    must be few.
    """

    def __init__(
        self,
        name: str,
        meaning: str,
        parts: Iterable[Component],
        *,
        kind: MetricKind = MetricKind.COUNTER,
        labels: Labels | None = None,
        combinations: Sequence[Sequence[str]] | None = None,
        buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS,
    ) -> None:
        """`combinations` of the labels' values, where not all of them can be."""
        self.name, self.meaning, self.kind = name, meaning, kind
        self.parts = frozenset(parts)
        self.labels = dict(labels or {})
        self._combinations = None if combinations is None else [tuple(known) for known in combinations]
        self._buckets = buckets
        self.collector = self._new_collector()

    def record(self, value: float = 1.0, **labels: str) -> None:
        """Record a value, if this process records metrics at all."""
        if _sink is not None:
            _sink(self.name, value, labels)

    def initialize(self) -> None:
        """Serve zero for each known combination of labels."""
        if not self.labels:
            return
        known = self._combinations
        if known is None and all(self.labels.values()):
            known = list(product(*self.labels.values()))
        for values in known or ():
            self.collector.labels(*values)

    def add(self, value: float, labels: Mapping[str, str]) -> None:
        """Count a value in this process. Raises ValueError for labels that the metric lacks."""
        of = self.collector.labels(**labels) if labels or self.labels else self.collector
        match of:
            case Counter():
                of.inc(value)
            case Histogram():
                of.observe(value)
            case Gauge():
                of.set(value)

    def _new_collector(self) -> Counter | Gauge | Histogram:
        names = tuple(self.labels)
        match self.kind:
            case MetricKind.COUNTER:
                return Counter(self.name, self.meaning, names, registry=None)
            case MetricKind.GAUGE:
                return Gauge(self.name, self.meaning, names, registry=None)
            case MetricKind.HISTOGRAM:
                return Histogram(self.name, self.meaning, names, buckets=self._buckets, registry=None)


def record_into(sink: Sink | None) -> None:
    """Let `Metric.record` hand its values to `sink`; None: drop them."""
    global _sink  # noqa: PLW0603 - what the whole process records into
    _sink = sink


def is_recording() -> bool:
    """Whether this process records metrics: what costs something to find out need not be found out."""
    return _sink is not None


def record_on_commit(session: Session, metric: Metric, value: float = 1.0, **labels: str) -> None:
    """Record a value when the session's transaction is committed. It outlives the rollback of a savepoint."""
    if is_recording():
        session.info.setdefault(_PENDING, []).append((metric, value, labels))


# Both are called for savepoints as well.
@event.listens_for(Session, "after_commit")
def _record_pending(session: Session) -> None:
    if not session.in_nested_transaction():
        for metric, value, labels in session.info.pop(_PENDING, ()):
            metric.record(value, **labels)


@event.listens_for(Session, "after_rollback")
def _discard_pending(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_PENDING, None)
