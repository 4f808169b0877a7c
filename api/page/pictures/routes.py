"""The picture of a job's report."""

import gzip
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from starlette.concurrency import run_in_threadpool

from api.actions import jobs
from api.page.base.owners import Owner
from api.page.pictures.pictures import Width, picture
from api.problems.problems import NotFound
from api.resources import AppResources, Resources
from api.security.auth import Reader
from jobs.access.api_keys import Principal
from jobs.tables import Job
from pruning.version import pruneserve_version

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

    def svg(self, packed: bytes) -> Response:
        """Answer with a compressed picture, as it is if the browser accepts that."""
        if "gzip" not in self.accept_encoding:
            return Response(gzip.decompress(packed), media_type="image/svg+xml", headers=_HEADERS)
        return Response(packed, media_type="image/svg+xml", headers=_HEADERS | {"Content-Encoding": "gzip"})


Hints = Annotated[ClientHints, Depends()]


@router.get("/jobs/{job_id}/picture.svg")
async def show(job_id: UUID, owner: Owner, principal: Reader, resources: Resources, hints: Hints) -> Response:
    """Show the picture of a job."""
    job = await run_in_threadpool(_job, resources, owner, job_id)
    return await picture_of(job, principal, resources, hints)


async def picture_of(job: Job, principal: Principal, resources: AppResources, hints: ClientHints) -> Response:
    """Show the picture of a job's report, drawn once. Raises NotFound for a job without a report.

    Raises ServiceUnavailable while too many pictures wait to be drawn.
    """
    width: Width = "narrow" if hints.narrow else "wide"
    # The report of a job that has succeeded does not change; another version may draw it differently.
    key = (job.id, width, pruneserve_version())
    draw = partial(_drawn, job.report, width)
    return hints.svg(await resources.pictures.get(key, principal.owner, draw))


def _job(resources: AppResources, owner: str, job_id: UUID) -> Job:
    with resources.database.begin() as session:
        return jobs.find(session, owner, job_id)


def _drawn(report: dict[str, Any] | None, width: Width) -> bytes:
    """Draw a picture and compress it with gzip: a heat map shrinks to a tenth."""
    if not report:
        raise NotFound("This job has no report.")
    return gzip.compress(picture(report).draw(width), mtime=0)
