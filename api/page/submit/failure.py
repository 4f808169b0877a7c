"""Whether a job failed by what its request says."""

from jobs.states import Cause, JobState
from jobs.tables import Job


def failed_by_request(job: Job) -> bool:
    """Whether the same request would fail again: it has to be changed."""
    if job.state != JobState.FAILED or not job.error:
        return False
    cause = job.error.get("cause")
    return cause == Cause.REQUEST or (cause is None and bool(job.error.get("field")))
