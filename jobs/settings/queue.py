"""The queue."""

from pydantic import BaseModel, Field


class Queue(BaseModel):
    """The queue."""

    max_queued_jobs: int = Field(
        1000, ge=1, description="Queued jobs that one owner may have; more are refused with 429."
    )
