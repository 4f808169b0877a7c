"""The queues."""

from pydantic import BaseModel, Field


class Dispatching(BaseModel):
    """The queues."""

    republish_seconds: float = Field(
        30.0, gt=0, description="Seconds after which a message that no worker has taken is published again."
    )
    queue_backlog: int = Field(
        0,
        ge=0,
        description="Unclaimed messages in each queue beyond the number of idle workers. They spare a worker "
        "the tenth of a second in which a dispatcher hears that it is idle, and are claimed before "
        "whoever comes later.",
    )
    class_patience_seconds: float = Field(
        900.0,
        ge=0,
        description="Seconds for which a job waits for a class without a live worker, or of which none may "
        "take jobs. Then it goes to another class that it fits; without a live worker, it is `unschedulable` "
        "where it fits none.",
    )
    max_queued_jobs: int = Field(
        1000, ge=1, description="Queued jobs that one owner may have; more are refused with 429."
    )
