"""The pictures of a job's report, each at an address of its own."""

import gzip
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response

from api.actions import jobs
from api.page.base.owners import Owner
from api.page.pictures.pictures import Name, pictures
from api.problems.problems import NotFound
from api.resources import Database

router = APIRouter(include_in_schema=False)

# An SVG has its own style, and nothing that runs or loads.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    # A report does not change, but an update of the service may draw it differently.
    "Cache-Control": "private, max-age=3600",
    "Vary": "Cookie, Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class ClientHints:
    """Which form of a picture the browser can show."""

    narrow: bool = False
    accept_encoding: Annotated[str, Header()] = ""

    def svg(self, content: bytes) -> Response:
        """Answer with a picture, compressed if the browser accepts that: a heat map shrinks to a tenth."""
        if "gzip" not in self.accept_encoding:
            return Response(content, media_type="image/svg+xml", headers=_HEADERS)
        packed = gzip.compress(content, mtime=0)
        return Response(packed, media_type="image/svg+xml", headers=_HEADERS | {"Content-Encoding": "gzip"})


Hints = Annotated[ClientHints, Depends()]


@router.get("/jobs/{job_id}/plots/{name}.svg")
def show(job_id: UUID, name: Name, owner: Owner, database: Database, hints: Hints) -> Response:
    """Draw a picture of a job."""
    with database.begin() as session:
        report = jobs.find(session, owner, job_id).report
    return picture_of(report, name, hints)


def picture_of(report: dict[str, Any] | None, name: Name, hints: ClientHints) -> Response:
    """Draw a picture of a report. Raises NotFound if the report has no such picture."""
    for picture in pictures(report) if report else ():
        if picture.name == name:
            return hints.svg(picture.draw("narrow" if hints.narrow else "wide"))
    raise NotFound("There is no such picture of this job.")
