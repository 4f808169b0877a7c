"""Leases, and when an attempt or its job ends."""

from typing import Self

from pydantic import BaseModel, Field, model_validator


class Attempts(BaseModel):
    """Leases, and when an attempt or its job ends."""

    heartbeat_seconds: float = Field(
        5.0,
        gt=0,
        description="Seconds between two heartbeats of a worker, at most half of `PRUNESERVE_LEASE_SECONDS`. "
        "The same in all processes.",
    )
    lease_seconds: float = Field(
        30.0,
        gt=0,
        description="Seconds without a heartbeat after which a worker loses its job. The same in all "
        "processes.",
    )
    max_lost_attempts: int = Field(
        3,
        ge=1,
        description="Attempts lost in a row, without a newly finished block, after which a job fails. Those "
        "whose whole worker was gone count for `PRUNESERVE_MAX_WORKER_FAULTS` instead.",
    )
    max_worker_faults: int = Field(
        6,
        ge=1,
        description="Attempts that failed through a fault of their worker, since the submission or the last "
        "retry, after which a job fails; or that were lost since its last finished block, if the last of "
        "them was lost because the whole worker was gone.",
    )
    hub_patience_seconds: float = Field(
        6 * 3600.0,
        ge=0,
        description="Seconds for which a job waits in the queue for a Hub that does not answer, tried again "
        "at longer and longer intervals, before it fails. A newly finished block starts them again.",
    )
    max_run_seconds: float = Field(
        7 * 86_400.0,
        gt=0,
        description="Seconds on workers, in all attempts since the last retry, after which a job fails.",
    )
    stall_seconds: float = Field(
        7200.0,
        gt=0,
        description="Seconds without progress after which a job's process is killed and the attempt is lost.",
    )
    cancel_grace_seconds: float = Field(
        7.0, gt=0, description="Seconds that a cancelled job has to stop before its process is killed."
    )
    shutdown_seconds: float = Field(
        20.0,
        gt=0,
        description="Seconds that a job has to finish its block when its worker shuts down, before its "
        "process is killed. It is handed back in both cases.",
    )

    @model_validator(mode="after")
    def _heartbeats_keep_a_lease(self) -> Self:
        """Refuse heartbeats so rare that one which is late loses a job."""
        if self.heartbeat_seconds > self.lease_seconds / 2:
            raise ValueError(
                f"PRUNESERVE_HEARTBEAT_SECONDS: {self.heartbeat_seconds:g} is more than half of "
                f"PRUNESERVE_LEASE_SECONDS, which is {self.lease_seconds:g}: one late heartbeat would lose a "
                "worker its job; lower the first or raise the second"
            )
        return self
