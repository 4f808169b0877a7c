"""The states of a job and the moves between them."""

from enum import StrEnum


class JobState(StrEnum):
    """The state of a job. Each state has a column `<state>_at` with the time when it was last entered."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
HELD = frozenset({JobState.RUNNING, JobState.CANCELLING})
"""States in which a worker holds the job's lease."""
OPEN = frozenset({JobState.QUEUED}) | HELD
"""States of a job that has not ended."""
RETRIABLE = (JobState.FAILED, JobState.CANCELLED)
"""States from which a job can be queued again."""

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLING, JobState.QUEUED}),
    # Never to SUCCEEDED: a client that cancelled a job must not be given its result.
    JobState.CANCELLING: frozenset({JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}


class SweepState(StrEnum):
    """The state of a sweep: running as long as one of its jobs has not ended, or another will follow."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"
    LOST = "lost"
    WORKER_FAULT = "worker_fault"
    UNREACHABLE = "unreachable"


class Cause(StrEnum):
    """What a job's error is of: its request, something outside of the service's workers, or the worker."""

    REQUEST = "request"
    OUTSIDE = "outside"
    WORKER = "worker"


class LostAttempt(StrEnum):
    """Why an attempt was lost: the `type` of the error of a job that lost too many attempts in a row."""

    OUT_OF_MEMORY = "out_of_memory"
    KILLED = "killed"
    STALLED = "stalled"
    LOST_WORKER = "lost_worker"
    DATABASE = "database"
