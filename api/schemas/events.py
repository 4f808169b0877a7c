"""Lists of events. The events themselves are `jobs.lifecycle.events`."""

from pydantic import BaseModel, Field

from jobs.lifecycle.events import Event


class EventList(BaseModel):
    """Events of a job, oldest first."""

    items: list[Event] = Field(description="At most 500 events.")
    next_after: int = Field(description="Send it as `after` to get the events that follow.")
