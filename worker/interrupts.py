"""Why a running attempt must stop. These exceptions pass through a run, between two of its steps."""

from uuid import UUID


class Interrupted(Exception):
    """The attempt must stop."""


class CancelRequested(Interrupted):
    """The job's owner has cancelled it."""


class LeaseLost(Interrupted):
    """This worker no longer holds the job: nothing that it does may count."""


class ShutdownRequested(Interrupted):
    """The worker is shutting down; another one takes over the job."""


class BlockedOnJob(Interrupted):
    """Another job is computing the gradients that this one needs, so this one is returned to the queue."""

    def __init__(self, cache_key: str, job_id: UUID) -> None:
        """`cache_key`: of the gradients; `job_id`: the job that computes them."""
        super().__init__(f"blocked on job {job_id}")
        self.cache_key = cache_key
        self.job_id = job_id


class DoesNotFit(Interrupted):
    """The job needs more than this worker has, as is known now that it has the model."""

    def __init__(self, reason: str = "the worker has less than the job needs") -> None:
        """`reason`: for the job's owner."""
        super().__init__(reason)
