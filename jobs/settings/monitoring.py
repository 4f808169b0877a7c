"""Logs, traces and figures."""

from typing import Literal

from pydantic import BaseModel, Field

_ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$"


class Monitoring(BaseModel):
    """Logs, traces and figures."""

    log: Literal["text", "json"] = Field(
        "text",
        description="How the API, the scheduler and workers write their log: as text for people, or as a "
        "line of JSON for each message, with job, attempt, owner and request where they are known.",
    )
    traces: str | None = Field(
        None,
        pattern=r"^(https?|file)://.+$",
        description="Where the processes send spans of OpenTelemetry: a collector that takes OTLP over HTTP, "
        "such as `http://127.0.0.1:4318`, or a file (`file:///path`) to which a line of JSON is added for "
        "each. Needs the extra `otel`. Nothing is traced when unset.",
    )
    api_metrics: str | None = Field(
        None,
        pattern=_ADDRESS,
        description="Address and port, such as `127.0.0.1:9101`, where the API serves its figures to "
        "Prometheus, at `/metrics`, to anybody who reaches it. Nothing listens when unset.",
    )
    scheduler_metrics: str | None = Field(
        None,
        pattern=_ADDRESS,
        description="The same of the scheduler, which also reads those of the database for all.",
    )
    worker_metrics: str | None = Field(
        None,
        pattern=_ADDRESS,
        description="The same of a worker. Each worker of a machine needs its own port.",
    )
