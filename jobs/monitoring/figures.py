"""Figures for Prometheus: a process counts what happens in it, and `jobs.monitoring.port` serves the counts.

`jobs.monitoring.catalogue` names every figure. Recording one does nothing before `record_into` has said where
to: into this process's own counts, or on to a parent process that serves those of its children.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import product

from prometheus_client import Counter, Gauge, Histogram


class Part(StrEnum):
    """The processes that serve figures, each its own."""

    API = "api"
    SCHEDULER = "scheduler"
    WORKER = "worker"


class Kind(StrEnum):
    """What a figure is, as Prometheus has it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


Sink = Callable[[str, float, Mapping[str, str]], None]
"""Takes the name of a figure, a value and the labels."""

_sink: Sink | None = None

Labels = Mapping[str, Sequence[str]]


class Figure:
    """A figure, recorded where something happens: a counter adds, a histogram observes, a gauge is set.

    `labels`: by name the values that a label may have. All their combinations are served from the start, or
    the first increase of each could not be seen. A label with no values listed has those that come, which
    must be few.
    """

    def __init__(
        self,
        name: str,
        meaning: str,
        parts: Iterable[Part],
        *,
        kind: Kind = Kind.COUNTER,
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
        self.metric = self._new_metric()

    def record(self, value: float = 1.0, **labels: str) -> None:
        """Record a value, if this process records figures at all."""
        if _sink is not None:
            _sink(self.name, value, labels)

    def begin(self) -> None:
        """Serve zero for each known combination of labels."""
        if not self.labels:
            return
        known = self._combinations
        if known is None and all(self.labels.values()):
            known = list(product(*self.labels.values()))
        for values in known or ():
            self.metric.labels(*values)

    def has(self, labels: Mapping[str, str]) -> bool:
        """Whether these are its labels, each with a value that it may have."""
        if labels.keys() != self.labels.keys():
            return False
        values = tuple(labels[name] for name in self.labels)
        if self._combinations is not None:
            return values in self._combinations
        return all(
            value in known or not known for value, known in zip(values, self.labels.values(), strict=True)
        )

    def take(self, value: float, labels: Mapping[str, str]) -> None:
        """Count a value in this process. Raises ValueError for labels that the figure lacks."""
        of = self.metric.labels(**labels) if labels or self.labels else self.metric
        match of:
            case Counter():
                of.inc(value)
            case Histogram():
                of.observe(value)
            case Gauge():
                of.set(value)

    def _new_metric(self) -> Counter | Gauge | Histogram:
        names = tuple(self.labels)
        match self.kind:
            case Kind.COUNTER:
                return Counter(self.name, self.meaning, names, registry=None)
            case Kind.GAUGE:
                return Gauge(self.name, self.meaning, names, registry=None)
            case Kind.HISTOGRAM:
                return Histogram(self.name, self.meaning, names, buckets=self._buckets, registry=None)


def record_into(sink: Sink | None) -> None:
    """Let `Figure.record` hand its values to `sink`; None: drop them."""
    global _sink  # noqa: PLW0603 - what the whole process records into
    _sink = sink


def recorded() -> bool:
    """Whether this process records figures: what costs something to find out need not be found out."""
    return _sink is not None
