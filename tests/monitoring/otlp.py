"""A collector: takes in the spans that OpenTelemetry's exporter sends by OTLP over HTTP, and decodes them."""

import gzip
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.http_servers import QuietHandler, serving

_PROTOBUF = "application/x-protobuf"


class Collector:
    """What has arrived."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._spans: list[Mapping[str, Any]] = []
        self._lock = threading.Lock()

    def take(self, request: ExportTraceServiceRequest) -> None:
        with self._lock:
            for of_resource in request.resource_spans:
                resource = _attributes(of_resource.resource.attributes)
                for scope in of_resource.scope_spans:
                    self._spans += [_span(span, resource) for span in scope.spans]

    @property
    def spans(self) -> list[Mapping[str, Any]]:
        with self._lock:
            return list(self._spans)


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector that listens while the body runs."""

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            """Take spans in, as https://opentelemetry.io/docs/specs/otlp/#otlphttp has it."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if (self.path, self.headers["Content-Type"]) != ("/v1/traces", _PROTOBUF):
                self.send_error(404)
                return
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            found.take(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Type", _PROTOBUF)
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

    with serving(Handler) as url:
        found = Collector(url)
        yield found


def _span(span: Span, resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "name": span.name,
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex() or None,
        "attributes": _attributes(span.attributes),
        "resource": resource,
        "began": datetime.fromtimestamp(span.start_time_unix_nano / 1e9, UTC),
        "ended": datetime.fromtimestamp(span.end_time_unix_nano / 1e9, UTC),
    }


def _attributes(found: Sequence[KeyValue]) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in found}
