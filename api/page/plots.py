"""The pictures of a finished job, each at an address of its own."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.errors import NotFound
from api.page.owners import Owner
from api.page.pictures import Name, pictures
from api.service import Database
from jobs import queries

router = APIRouter(include_in_schema=False)

# An SVG carries its own style, and nothing that runs or loads.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    # A report never changes once it is there; after an update of the service its picture may.
    "Cache-Control": "private, max-age=3600",
    "Vary": "Cookie",
}


@router.get("/jobs/{job_id}/plots/{name}.svg")
def show(job_id: UUID, name: Name, owner: Owner, database: Database, narrow: bool = False) -> Response:
    """One picture of one of the owner's jobs."""
    with database.begin() as session:
        job = queries.get(session, owner, job_id)
        report = job.report if job else None
    for picture in pictures(report) if report else ():
        if picture.name == name:
            return svg(picture.draw("narrow" if narrow else "wide"))
    raise NotFound("There is no such picture under this sign-in.")


def svg(content: bytes) -> Response:
    """The answer that carries a picture."""
    return Response(content, media_type="image/svg+xml", headers=_HEADERS)
