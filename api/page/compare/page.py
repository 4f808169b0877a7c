"""The page that puts chosen jobs beside each other."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import RedirectResponse

from api.page.base.owners import Owner
from api.page.base.render import page
from api.page.compare.comparison import Comparison, compare
from api.page.pictures.routes import ClientHints
from api.problems.problems import NotFound
from api.resources import Database
from api.security.auth import Reader
from jobs.queries import queries
from jobs.sweeps import sweeps

router = APIRouter(include_in_schema=False)

_MOST = 100
_PIXELS, _NARROW = (980, 380), (340, 320)

Chosen = Annotated[list[UUID], Query(alias="job", max_length=_MOST)]


@router.get("/compare")
def show(who: Reader, owner: Owner, database: Database, chosen: Chosen = []) -> Response:  # noqa: B006 - FastAPI copies it
    """Perplexity against sparsity, and the recipes."""
    query = [("job", str(job_id)) for job_id in dict.fromkeys(chosen)]
    query += [("owner", owner)] if owner != who.owner else []
    return page(
        "compare.html",
        comparison=_comparison(database, owner, chosen),
        query=urlencode(query),
        pixels=_PIXELS,
        narrow=_NARROW,
        who=who,
    )


@router.get("/compare/front.svg")
def picture(
    owner: Owner,
    database: Database,
    chosen: Chosen = [],  # noqa: B006 - as above
    *,
    browser: ClientHints,
) -> Response:
    """The picture of it."""
    from api.page.compare.front import front

    comparison = _comparison(database, owner, chosen)
    if not comparison.measured:
        raise NotFound("None of these jobs has been measured yet.")
    return browser.svg(front(comparison, pixels=_NARROW if browser.narrow else _PIXELS))


@router.get("/sweeps/{sweep_id}")
def show_sweep(sweep_id: UUID, who: Reader, owner: Owner, database: Database) -> Response:
    """The jobs of a sweep beside each other."""
    with database.begin() as session:
        sweep = sweeps.get(session, owner, sweep_id)
        if sweep is None:
            raise NotFound("There is no such sweep under this sign-in.")
        jobs = [str(job.id) for job in sweeps.jobs_of(session, sweep)]
    query = [("job", job_id) for job_id in jobs] + ([("owner", owner)] if owner != who.owner else [])
    return RedirectResponse(f"/compare?{urlencode(query)}", status.HTTP_303_SEE_OTHER)


def _comparison(database: Database, owner: str, chosen: Sequence[UUID]) -> Comparison:
    with database.begin() as session:
        found = [queries.get(session, owner, job_id) for job_id in dict.fromkeys(chosen)]
    if None in found:
        raise NotFound("There is no such job under this sign-in.")
    return compare([job for job in found if job is not None])
