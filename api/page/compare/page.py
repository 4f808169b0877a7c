"""The page that compares jobs."""

import gzip
from collections.abc import Sequence
from functools import partial
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.actions import jobs, sweeps
from api.page.base.owners import Owner
from api.page.base.render import page
from api.page.compare.comparison import Comparison, compare
from api.page.pictures.routes import Hints
from api.problems.problems import NotFound
from api.resources import Database, Resources
from api.security.auth import Reader
from pruning.version import pruneserve_version

router = APIRouter(include_in_schema=False)

_MAX_JOBS = 100
_PIXELS, _NARROW = (980, 380), (340, 320)

Selected = Annotated[list[UUID], Query(alias="job", max_length=_MAX_JOBS)]


@router.get("/compare")
def show(principal: Reader, owner: Owner, database: Database, selected: Selected = []) -> Response:  # noqa: B006 - FastAPI copies it
    """Compare jobs: perplexity against sparsity, and their recipes."""
    query = [("job", str(job_id)) for job_id in dict.fromkeys(selected)]
    query += [("owner", owner)] if owner != principal.owner else []
    return page(
        "compare/compare.html",
        comparison=_comparison(database, owner, selected),
        query=urlencode(query),
        pixels=_PIXELS,
        narrow=_NARROW,
        principal=principal,
    )


@router.get("/compare/front.svg")
async def picture(
    owner: Owner,
    principal: Reader,
    resources: Resources,
    selected: Selected = [],  # noqa: B006 - as above
    *,
    hints: Hints,
) -> Response:
    """Show perplexity against sparsity, drawn once for the same results."""
    comparison = await run_in_threadpool(_comparison, resources.database, owner, selected)
    if not comparison.measured:
        raise NotFound("None of these jobs has a result yet.")
    points = tuple((compared.job.id, compared.perplexity) for compared in comparison.jobs)
    draw = partial(_drawn, comparison, narrow=hints.narrow)
    key = ("front", points, hints.narrow, pruneserve_version())
    return hints.svg(await resources.pictures.get(key, principal.owner, draw))


def _drawn(comparison: Comparison, *, narrow: bool) -> bytes:
    """Draw a comparison and compress it with gzip."""
    from api.page.compare.front import front

    return gzip.compress(front(comparison, pixels=_NARROW if narrow else _PIXELS), mtime=0)


@router.get("/sweeps/{sweep_id}")
def show_sweep(sweep_id: UUID, principal: Reader, owner: Owner, database: Database) -> Response:
    """Compare the jobs of a sweep."""
    sweep = sweeps.detail(database, owner, sweep_id)
    query = [("job", str(job.id)) for job in sweep.jobs] + (
        [("owner", owner)] if owner != principal.owner else []
    )
    return RedirectResponse(f"/compare?{urlencode(query)}", status.HTTP_303_SEE_OTHER)


def _comparison(database: Database, owner: str, selected: Sequence[UUID]) -> Comparison:
    with database.begin() as session:
        return compare([jobs.find(session, owner, job_id) for job_id in dict.fromkeys(selected)])
