"""Why a running job must stop, as exceptions that a run lets through."""

from uuid import UUID


class Stopped(Exception):
    """The run must not go on."""


class CancelRequested(Stopped):
    """Whoever owns the job has asked for its end."""


class LeaseLost(Stopped):
    """The job is not this worker's any more: nothing that it does may count."""


class ShuttingDown(Stopped):
    """The worker must exit; another one is to take the job."""


class Waiting(Stopped):
    """Another job is computing what this one needs: it goes back to the queue until that is there."""

    def __init__(self, fingerprint: str, job_id: UUID) -> None:
        """`fingerprint`: of the gradient artifact; `job_id`: who computes it."""
        super().__init__(f"waits for job {job_id}")
        self.fingerprint = fingerprint
        self.job_id = job_id
