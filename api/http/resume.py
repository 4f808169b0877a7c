"""Where a client resumes a stream of events."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query

_LAST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The last event that the client has seen."""

    after: Annotated[
        int, Query(ge=0, le=_LAST_ID, description="Return only events with an id greater than this.")
    ] = 0
    last_event_id: Annotated[
        int | None,
        Header(ge=0, le=_LAST_ID, description="The last id of an interrupted stream; overrides `after`."),
    ] = None

    @property
    def event_id(self) -> int:
        """The id after which events are sent."""
        return self.after if self.last_event_id is None else self.last_event_id


ResumeAfter = Annotated[ResumePoint, Depends()]
