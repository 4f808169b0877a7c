"""Logs, traces and figures."""

from typing import Literal

from pydantic import BaseModel, Field

_ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$"


class Monitoring(BaseModel):
    """Logs, traces and figures."""

    log: Literal["text", "json"] = Field(
        "text",
        description="`text`, or `json` for a line of JSON per message.",
    )
    traces: str | None = Field(
        None,
        pattern=r"^(https?|file)://.+$",
        description="Collector of OpenTelemetry spans (OTLP over HTTP), such as `http://127.0.0.1:4318`, "
        "or a file (`file:///path`). Needs the extra `otel`. No traces when unset.",
    )
    metrics: str | None = Field(
        None,
        pattern=_ADDRESS,
        description="Address and port, such as `127.0.0.1:9101`, where the process serves Prometheus "
        "metrics without authentication. Each process of a machine needs its own port; "
        "`pruneserve up` adds 1 for the scheduler and 2 for the worker. Off when unset.",
    )
