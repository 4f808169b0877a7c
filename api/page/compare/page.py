"""The page that compares jobs."""

import gzip
from collections.abc import Sequence
from functools import partial
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from api.actions import jobs
from api.page.base.owners import Owner
from api.page.base.render import page
from api.page.compare.comparison import Comparison, compare
from api.page.pictures.routes import ClientHints, Hints
from api.problems.problems import NotFound
from api.resources import AppResources, Database, Resources
from api.security.auth import Reader
from jobs.access.api_keys import Principal
from jobs.queries import cuts, queries
from pruning.version import pruneserve_version

router = APIRouter(include_in_schema=False)

_MAX_JOBS = 100
PIXELS, NARROW = (980, 380), (340, 320)

Selected = Annotated[list[UUID], Query(alias="job", max_length=_MAX_JOBS)]


@router.get("/compare")
def show(principal: Reader, owner: Owner, database: Database, selected: Selected = []) -> Response:  # noqa: B006 - FastAPI copies it
    """Compare jobs: perplexity against sparsity or size."""
    query = [("job", str(job_id)) for job_id in dict.fromkeys(selected)]
    query += [("owner", owner)] if owner != principal.owner else []
    return page(
        "compare/compare.html",
        comparison=_comparison(database, owner, selected),
        query=urlencode(query),
        pixels=PIXELS,
        narrow=NARROW,
        principal=principal,
    )


@router.get("/compare/front.svg")
async def picture(
    owner: Owner,
    principal: Reader,
    resources: Resources,
    selected: Selected = [],  # noqa: B006 - FastAPI copies it
    *,
    hints: Hints,
) -> Response:
    """Show perplexity against sparsity, drawn once for the same results."""
    comparison = await run_in_threadpool(_comparison, resources.database, owner, selected)
    if not comparison.measured:
        raise NotFound("None of these jobs has a result yet.")
    return await front_of(comparison, principal, resources, hints)


async def front_of(
    comparison: Comparison,
    principal: Principal,
    resources: AppResources,
    hints: ClientHints,
    bound: float | None = None,
) -> Response:
    """Show a comparison as a picture, with the perplexity that a search must not exceed, if there is one."""
    points = tuple((compared.job.id, compared.perplexity) for compared in comparison.jobs)
    draw = partial(_drawn, comparison, bound, narrow=hints.narrow)
    key = ("front", points, bound, hints.narrow, pruneserve_version())
    return hints.svg(await resources.pictures.get(key, principal.owner, draw))


def _drawn(comparison: Comparison, bound: float | None, *, narrow: bool) -> bytes:
    """Draw a comparison and compress it with gzip."""
    from api.page.compare.front import front

    return gzip.compress(front(comparison, pixels=NARROW if narrow else PIXELS, bound=bound), mtime=0)


def _comparison(database: Database, owner: str, selected: Sequence[UUID]) -> Comparison:
    with database.begin() as session:
        found = [jobs.find(session, owner, job_id) for job_id in dict.fromkeys(selected)]
        ids = [job.id for job in found]
        return compare(found, queries.seconds_on_workers(session, ids), cuts.of_jobs(session, ids))
