"""What happened to a job: a stream to follow, or a list to read."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool

from api.problems.problems import InvalidRequest, NotFound, Responses, documented
from api.resources import Parts
from api.schemas.jobs import EventList
from api.security.auth import Reader
from api.streams.streams import KEEPALIVE, Reading, Streams
from jobs.access.api_keys import Principal

router = APIRouter(prefix="/v1/jobs", tags=["events"])

LAST_ID = 2**31 - 1

_ANSWERS: Responses = {
    200: {
        "description": "Events as they happen, or a list where only `application/json` is accepted.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'id: 1\nevent: state\ndata: {"id": 1, "at": …, "data": {"kind": "state", …}}\n\n',
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/EventList"}},
        },
    },
    204: {"description": "The job has ended and nothing follows: stop resuming."},
}


@router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_model=None,
    responses={**_ANSWERS, **documented(NotFound, InvalidRequest)},
)
async def events(
    request: Request,
    job_id: UUID,
    who: Reader,
    parts: Parts,
    after: Annotated[int, Query(ge=0, le=LAST_ID, description="Only events past this id.")] = 0,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=LAST_ID, description="Where a stream broke off; wins over `after`.")
    ] = None,
) -> Response:
    """Every event of a job past a known one, in order and without gaps.

    The stream ends once the job's end has been delivered. A client that resumes after that is answered 204,
    which tells a browser's EventSource not to come back. The stream of a key that is revoked ends within
    half a minute.
    """
    start = after if last_event_id is None else last_event_id
    known = await run_in_threadpool(parts.streams.look, who.owner, job_id, start)
    if known is None:
        raise NotFound("There is no such job under this API key.")
    if _wants_json(request):
        return JSONResponse(_as_list(known, start).model_dump(mode="json"))
    if last_event_id is not None and known.ended and not known.batch:
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    return EventSourceResponse(
        _as_stream(parts.streams, job_id, start, who),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/event-stream" not in accepted


def _as_list(known: Reading, start: int) -> EventList:
    return EventList(items=list(known.batch), next_after=known.batch[-1].id if known.batch else start)


async def _as_stream(streams: Streams, job_id: UUID, after: int, who: Principal) -> AsyncIterator[bytes]:
    async for batch in streams.follow(job_id, after, who):
        if not batch:
            yield KEEPALIVE
        for event in batch:
            yield format_sse_event(id=str(event.id), event=event.kind, data_str=event.model_dump_json())
