"""The states of a job and the moves between them."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands. Each state has a column `<state>_at` with the time it was last entered."""

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
"""States that lead to an end by themselves."""
RETRIABLE = (JobState.FAILED, JobState.CANCELLED)
"""States from which a job can be queued again."""

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLING, JobState.QUEUED}),
    # Never to SUCCEEDED: whoever asked for the end of a job must not be given its result.
    JobState.CANCELLING: frozenset({JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}


class SweepState(StrEnum):
    """Where a sweep stands: running as long as one of its jobs may still be run, or asked for."""

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


class Loss(StrEnum):
    """What a worker lost its job to; the `type` of the error of a job that is lost too often."""

    OUT_OF_MEMORY = "out_of_memory"
    KILLED = "killed"
    STALLED = "stalled"
    LOST_WORKER = "lost_worker"
