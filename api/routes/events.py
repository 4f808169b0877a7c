"""What happened to a job: as a stream to follow, or as a list."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response, status
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool

from api.actions.jobs import NO_SUCH_JOB
from api.http.parameters import JobId
from api.problems.base import Responses, documented
from api.problems.catalogue import InvalidRequest, NotFound
from api.resources import Resources
from api.schemas.jobs import EventList
from api.security.auth import Reader
from api.streams import KEEPALIVE, STREAM_HEADERS, Batch, ResumeAfter

router = APIRouter(prefix="/v1/jobs", tags=["events"])

_RESPONSES: Responses = {
    200: {
        "description": "A stream of events, or a list if you accept `application/json` only. Each message of "
        "the stream has the event's `id`, its `kind` as `event`, and an `Event` as JSON in `data`.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'id: 1\nevent: state\ndata: {"id": 1, "at": …, "data": {"kind": "state", …}}\n\n',
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/EventList"}},
        },
    },
    204: {"description": "The job has ended and no event follows: stop resuming."},
}


@router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_model=None,
    responses={**_RESPONSES, **documented(NotFound, InvalidRequest)},
)
async def get_job_events(
    request: Request, job_id: JobId, principal: Reader, resources: Resources, resume: ResumeAfter
) -> Response:
    """Stream the events of a job, in order and without gaps, from the first or after a given one.

    The stream ends after the event with which the job ends. A client that resumes after that is answered 204,
    with which a browser's EventSource does not reconnect. When a key is revoked, its streams end within half
    a minute.
    """
    streams, after = resources.streams, resume.event_id
    found = await run_in_threadpool(streams.read, principal.owner, job_id, after)
    if found is None:
        raise NotFound(NO_SUCH_JOB)
    if _wants_json(request):
        next_after = found.batch[-1].id if found.batch else after
        listed = EventList(items=list(found.batch), next_after=next_after)
        return JSONResponse(listed.model_dump(mode="json"))
    if resume.last_event_id is not None and found.ended and not found.batch:
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    return EventSourceResponse(_as_stream(streams.follow(job_id, after, principal)), headers=STREAM_HEADERS)


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/event-stream" not in accepted


async def _as_stream(batches: AsyncIterator[Batch]) -> AsyncIterator[bytes]:
    async for batch in batches:
        if not batch:
            yield KEEPALIVE
        for event in batch:
            yield format_sse_event(id=str(event.id), event=event.kind, data_str=event.model_dump_json())
