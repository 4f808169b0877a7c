"""Traces with OpenTelemetry: one from the request that submits a job to the upload of its files.

The request's place in the trace is kept in the job's row, as a `traceparent` of W3C's Trace Context, and the
worker continues from there. Everything here does nothing, and imports nothing, before `start` has set the
destination; that needs the extra `otel`.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from jobs.monitoring.metrics import Component
from jobs.secret_files import WrongSettings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, Span, Tracer

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 2.0
_NANOSECONDS = 1_000_000_000


class _BoundedCalls:
    """Limits the wait for calls of the library, which has no limit of its own: a collector may hang.

    They run one after another in a thread, which is there before the process ends: then none can be started.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], object], threading.Event]] = SimpleQueue()
        threading.Thread(target=self._run, name="traces", daemon=True).start()

    def call(self, what: Callable[[], object]) -> None:
        done = threading.Event()
        self._calls.put((what, done))
        done.wait(_FLUSH_SECONDS)

    def _run(self) -> None:
        while True:
            what, done = self._calls.get()
            try:
                what()
            except Exception:
                log.exception("spans could not be sent")
            done.set()


_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None
_calls: _BoundedCalls | None = None


def start(part: Component, to: str | None) -> None:
    """Send the spans of this process to a collector by OTLP.

    Raises `WrongSettings` where the extra is not installed.
    """
    global _provider, _tracer, _calls  # noqa: PLW0603 - what the whole process sends to
    if to is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise WrongSettings(
            f"PRUNESERVE_TRACES_ENDPOINT needs the extra otel: pip install '.[otel]' ({error})"
        ) from error
    of_part = Resource.create({"service.name": f"pruneserve-{part}"})
    _provider = TracerProvider(resource=of_part, shutdown_on_exit=False)
    endpoint = f"{to.rstrip('/')}/v1/traces"
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    _tracer = _provider.get_tracer("pruneserve")
    _calls = _BoundedCalls()
    atexit.register(_calls.call, _provider.shutdown)


def flush() -> None:
    """Send ended spans before this process may be replaced. What takes too long is not sent."""
    if _provider is not None and _calls is not None:
        _calls.call(_provider.force_flush)


def traceparent() -> str | None:
    """Return the place in the trace of the span that is current here, to be kept."""
    if _tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(
    name: str, *, parent: str | None = None, link: str | None = None, **attributes: str | int
) -> Iterator["Span | None"]:
    """Let the body be a span, current in it.

    `parent`: a `traceparent` of ours; else whatever is current here. The SDK's sampler follows it. `link`:
    one of another service, to which the span refers and which decides nothing.
    """
    if _tracer is None:
        yield None
        return
    context = None if parent is None else _context(parent)
    links = () if link is None else _links(link)
    with _tracer.start_as_current_span(name, context=context, attributes=attributes, links=links) as started:
        yield started


class OpenSpan:
    """A span that is not the body of a `with`: it begins now, and ends at the call of `end`."""

    def __init__(self, name: str, **attributes: str | int) -> None:
        """A part of the span that is current here."""
        self._attributes = attributes
        self._span = None if _tracer is None else _tracer.start_span(name, attributes=attributes)
        self._began = time.time_ns()
        self._ended: dict[str, int] = {}

    def part(self, name: str, **attributes: str | int) -> None:
        """Record that a part of it has just ended. It began when the last one of that name ended."""
        if _tracer is None or self._span is None:
            return
        from opentelemetry.trace import set_span_in_context

        began, now = self._ended.get(name, self._began), time.time_ns()
        self._ended[name] = now
        within = set_span_in_context(self._span)
        of_both = self._attributes | attributes
        _tracer.start_span(name, context=within, attributes=of_both, start_time=began).end(now)

    def end(self) -> None:
        if self._span is not None:
            self._span.end()


def past_span(name: str, seconds: float, *, parent: str | None) -> None:
    """Record a span that ends now and has taken so many seconds."""
    if _tracer is not None and parent is not None:
        now = time.time_ns()
        began = now - int(seconds * _NANOSECONDS)
        _tracer.start_span(name, context=_context(parent), start_time=began).end(now)


def _context(parent: str) -> "Context":
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})


def _links(place: str) -> "tuple[Link, ...]":
    from opentelemetry.trace import Link, get_current_span

    linked = get_current_span(_context(place)).get_span_context()
    return (Link(linked),) if linked.is_valid else ()


def record_response(started: Any, route: str, status: int) -> None:  # noqa: ANN401 - a span, or None
    """Name a request's span by its route, and say how it was answered."""
    if started is not None:
        started.update_name(route)
        started.set_attribute("http.response.status_code", status)
