"""The pictures of a finished job, each at an address of its own."""

import gzip
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response

from api.page.base.owners import Owner
from api.page.pictures.pictures import Name, pictures
from api.problems.problems import NotFound
from api.resources import Database
from jobs.queries import queries

router = APIRouter(include_in_schema=False)

# An SVG carries its own style, and nothing that runs or loads.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    # A report never changes once it is there; after an update of the service its picture may.
    "Cache-Control": "private, max-age=3600",
    "Vary": "Cookie, Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser asks a picture for."""

    narrow: bool = False
    accept_encoding: Annotated[str, Header()] = ""

    def svg(self, content: bytes) -> Response:
        """The answer that carries a picture, packed where it may be: a map of layers shrinks to a tenth."""
        if "gzip" not in self.accept_encoding:
            return Response(content, media_type="image/svg+xml", headers=_HEADERS)
        packed = gzip.compress(content, mtime=0)
        return Response(packed, media_type="image/svg+xml", headers=_HEADERS | {"Content-Encoding": "gzip"})


ClientHints = Annotated[Browser, Depends()]


@router.get("/jobs/{job_id}/plots/{name}.svg")
def show(job_id: UUID, name: Name, owner: Owner, database: Database, browser: ClientHints) -> Response:
    """One picture of one of the owner's jobs."""
    with database.begin() as session:
        job = queries.get(session, owner, job_id)
        report = job.report if job else None
    return picture_of(report, name, browser)


def picture_of(report: dict[str, Any] | None, name: Name, browser: Browser) -> Response:
    """One picture of a report. Raises NotFound where there is none."""
    for picture in pictures(report) if report else ():
        if picture.name == name:
            return browser.svg(picture.draw("narrow" if browser.narrow else "wide"))
    raise NotFound("There is no such picture for this sign-in.")
