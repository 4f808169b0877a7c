"""Every metric that the service has for Prometheus, by the part of it that serves the metric.

A metric's labels have few values, so that a service has hundreds of series and not millions: no job, no model
and no key is ever a label, and an owner is one of the length of a queue alone.
"""

from dataclasses import dataclass

from jobs.monitoring.metrics import Component, Metric, MetricKind
from jobs.states import TRANSITIONS, LostAttempt

_EVERYWHERE = tuple(Component)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_LONG = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 86_400.0, 3 * 86_400.0)

# --- transitions of jobs, counted by the process that makes them

MOVES = Metric(
    "pruneserve_job_moves_total",
    "Moves of jobs to a state, from the one before.",
    _EVERYWHERE,
    labels={"before": (), "state": ()},
    combinations=[(before, state) for before, states in TRANSITIONS.items() for state in sorted(states)],
)
QUEUE_WAIT = Metric(
    "pruneserve_queue_wait_seconds",
    "Seconds that a job was queued before a worker claimed it, since its submission or its return.",
    [Component.WORKER],
    kind=MetricKind.HISTOGRAM,
    labels={"queue": ()},
    buckets=_LONG,
)
LOST_ATTEMPTS = Metric(
    "pruneserve_lost_attempts_total",
    "Attempts that were taken back from a worker, by why it was lost.",
    [Component.SCHEDULER, Component.WORKER],
    labels={"kind": tuple(LostAttempt)},
)

# --- what a worker computes

STAGE_SECONDS = Metric(
    "pruneserve_stage_seconds",
    "Seconds that a finished stage took, by stage and device.",
    [Component.WORKER],
    kind=MetricKind.HISTOGRAM,
    labels={"stage": (), "device": ()},
    buckets=_LONG,
)
TOKENS = Metric(
    "pruneserve_tokens_total",
    "Tokens of calibration windows that the stages `gradients` and `prune` have computed with.",
    [Component.WORKER],
    labels={"stage": (), "device": ()},
)
COMPUTING_SECONDS = Metric(
    "pruneserve_computing_seconds_total",
    "Seconds that these tokens took; the ratio of both rates is tokens per second.",
    [Component.WORKER],
    labels={"stage": (), "device": ()},
)
DEVICE_MEMORY = Metric(
    "pruneserve_device_memory_bytes",
    "Memory of a GPU as its driver counts it, `used` by any process and `total`, while a job runs.",
    [Component.WORKER],
    kind=MetricKind.GAUGE,
    labels={"device": (), "what": ()},
)
CACHE_REQUESTS = Metric(
    "pruneserve_cache_requests_total",
    "Lookups of jobs in the caches of gradient norms and dense measurements, by result.",
    [Component.WORKER],
    labels={"cache": ("gradients", "perplexities"), "result": ("hit", "miss")},
)

# --- the store, from every process that uses it

STORE_SECONDS = Metric(
    "pruneserve_store_seconds",
    "Seconds that an operation on the store took. `open` is the time to the first byte.",
    _EVERYWHERE,
    kind=MetricKind.HISTOGRAM,
    labels={"operation": ("write", "open", "download", "head", "delete")},
    buckets=_SECONDS,
)
STORE_BYTES = Metric(
    "pruneserve_store_bytes_total",
    "Bytes that were written to the store and read from it.",
    _EVERYWHERE,
    labels={"direction": ("written", "read")},
)
STORE_FAILURES = Metric(
    "pruneserve_store_failures_total",
    "Operations on the store that failed, retried ones included, by what the store did.",
    _EVERYWHERE,
    labels={"kind": ("unreachable", "refused", "full")},
)

# --- the API

REQUEST_SECONDS = Metric(
    "pruneserve_request_seconds",
    "Seconds until a request's answer began, by method and class of status.",
    [Component.API],
    kind=MetricKind.HISTOGRAM,
    labels={"method": ("GET", "POST", "DELETE", "other"), "status": ("2xx", "3xx", "4xx", "5xx")},
    buckets=_SECONDS,
)

# --- the scheduler

ROUND_SECONDS = Metric(
    "pruneserve_scheduler_round_seconds",
    "Seconds of a scheduler's round, whole ones only.",
    [Component.SCHEDULER],
    kind=MetricKind.HISTOGRAM,
    buckets=_SECONDS,
)
LAST_ROUND = Metric(
    "pruneserve_scheduler_last_round_timestamp_seconds",
    "When the scheduler last finished a round: the database and the broker have answered.",
    [Component.SCHEDULER],
    kind=MetricKind.GAUGE,
)
WEBHOOK_ATTEMPTS = Metric(
    "pruneserve_webhook_attempts_total",
    "Attempts to send a webhook.",
    [Component.SCHEDULER],
    labels={"outcome": ("delivered", "failed")},
)


@dataclass(frozen=True, slots=True)
class GaugeFamily:
    """A gauge that is read when Prometheus asks, or that another thread has read a moment before."""

    name: str
    meaning: str
    part: Component
    labels: tuple[str, ...] = ()


# --- what the scheduler reads in the database for all

JOBS = GaugeFamily(
    "pruneserve_jobs",
    "Jobs that have not ended, by state and queue; queued ones that fit no live worker, or are not sized, "
    "are at `none`.",
    Component.SCHEDULER,
    ("state", "queue"),
)
QUEUED_JOBS = GaugeFamily(
    "pruneserve_queued_jobs",
    "Queued jobs by queue and owner.",
    Component.SCHEDULER,
    ("queue", "owner"),
)
OLDEST_QUEUED = GaugeFamily(
    "pruneserve_oldest_queued_seconds",
    "The longest time that any owner's next job has been queued, counting only jobs that wait for nothing "
    "but their turn.",
    Component.SCHEDULER,
    ("queue",),
)
WORKERS = GaugeFamily(
    "pruneserve_workers",
    "Registered workers by queue and state; a cordoned one that runs a job is `cordoned`.",
    Component.SCHEDULER,
    ("queue", "state"),
)
WEBHOOK_DELIVERIES_DUE = GaugeFamily(
    "pruneserve_webhook_deliveries_due",
    "Webhook deliveries that are due, at most 10,000.",
    Component.SCHEDULER,
)
OLDEST_WEBHOOK_DELIVERY = GaugeFamily(
    "pruneserve_oldest_webhook_delivery_seconds",
    "How long the oldest of them has been due.",
    Component.SCHEDULER,
)
READ_AT = GaugeFamily(
    "pruneserve_database_read_timestamp_seconds",
    "When the scheduler last read these six metrics in the database.",
    Component.SCHEDULER,
)

# --- what a worker's parent sees of its processes

JOB_MEMORY = GaugeFamily(
    "pruneserve_job_memory_bytes",
    "Memory of the host that the processes of a worker's job hold, without mapped files.",
    Component.WORKER,
)
JOB_MEMORY_LIMIT = GaugeFamily(
    "pruneserve_job_memory_limit_bytes",
    "The memory limit of a job; one that exceeds it fails.",
    Component.WORKER,
)
HOST_MEMORY = GaugeFamily(
    "pruneserve_host_memory_bytes",
    "Memory of the machine, or of its container, `available` and `total`.",
    Component.WORKER,
    ("what",),
)

METRICS: dict[str, Metric] = {found.name: found for found in globals().values() if isinstance(found, Metric)}
GAUGES: dict[str, GaugeFamily] = {
    found.name: found for found in globals().values() if isinstance(found, GaugeFamily)
}
