"""A new job by a form. It says the same as a request to the REST API, and is judged by the same types."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.actions import allowed_paths
from api.page.base.owners import Owner
from api.page.base.render import page
from api.page.submit.commands import request_body as as_request
from api.page.submit.fields import request_body, typed_as
from api.page.submit.form import every_field, sections
from api.problems.handlers import as_problem
from api.problems.problems import FieldError, InvalidRequest, NotFound, Problem
from api.resources import Database, Parts
from api.routes import estimates
from api.schemas.jobs import JobRequest
from api.security.auth import Writer
from jobs.access.api_keys import Principal
from jobs.lifecycle import idempotency
from jobs.queries import queries
from jobs.queries.models import models_containing
from jobs.spec.job import JobSpec
from pruning.recipe import DATASETS

router = APIRouter(include_in_schema=False)

_MOST_FIELDS = 100
_MODELS_OFFERED = 20


async def _typed(request: Request) -> dict[str, str]:
    """What the form holds, whether it was sent or stands in the address."""
    if request.method == "GET":
        return dict(request.query_params)
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    return {name: value for name, value in form.items() if isinstance(value, str)}


Typed = Annotated[dict[str, str], Depends(_typed)]


@router.get("/jobs/new")
def form(
    typed: Typed,
    who: Writer,
    owner: Owner,
    database: Database,
    like: Annotated[UUID | None, Query(description="A job to begin from.")] = None,
) -> Response:
    """The form: empty, as another job was asked for, or as the address says."""
    if like is not None:
        with database.begin() as session:
            job = queries.get(session, owner, like)
        if job is None:
            raise NotFound("There is no such job under this sign-in.")
        body = as_request(JobSpec.model_validate(job.spec), job.labels)
        # Twice: the method decides which fields there are.
        named = typed_as(every_field({}), body)
        typed = typed_as(every_field(named), body)
    return _form(database, who, typed, [])


@router.post("/jobs/new")
def submit(typed: Typed, who: Writer, parts: Parts) -> Response:
    """Make the job and show it; or show the form again, with what is wrong beside each field."""
    try:
        wanted = read(typed)
        spec = wanted.spec()
        allowed_paths.check(spec, parts.settings)
    except InvalidRequest as problem:
        return _form(parts.database, who, typed, problem.errors or [])
    # The form carries a key: sending the same twice makes one job, and something else another.
    sent = wanted.model_dump_json().encode()
    key = f"page {typed.get('once', '')[:64]} {hashlib.sha256(sent).hexdigest()}"
    with parts.database.begin() as session:
        job, _ = idempotency.create_once(
            session,
            who.owner,
            key,
            sent,
            spec,
            wanted.labels,
            max_queued=parts.settings.max_queued_jobs,
        )
    return RedirectResponse(f"/jobs/{job.id}", status.HTTP_303_SEE_OTHER)


@router.post("/jobs/new/estimate")
def estimate(typed: Typed, who: Writer, parts: Parts) -> Response:
    """What the job would take as the form stands, as a part of its page; or why that cannot be said yet."""
    try:
        return page("estimate.html", problem=None, estimate=estimates.estimate(read(typed), who, parts))
    except Problem as problem:
        first = problem.errors[0] if problem.errors else None
        said = f"{first.field} {first.message}." if first else problem.detail
        return page("estimate.html", problem=said)


def read(typed: Mapping[str, str]) -> JobRequest:
    """The request that the form stands for. Raises `InvalidRequest` with the fields at fault."""
    body = request_body(every_field(typed), {"method.name": "gblm", **typed})
    try:
        return JobRequest.model_validate(body)
    except ValidationError as error:
        found: list[Any] = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise as_problem(RequestValidationError(found, body=body)) from error


def _form(database: Database, who: Principal, typed: Mapping[str, str], errors: list[FieldError]) -> Response:
    with database.begin() as session:
        models = models_containing(session, who.owner, "", limit=_MODELS_OFFERED)
    shown = {field.name for field in every_field(typed)}
    beside = {_nearest(error.field, shown): error.message for error in errors}
    return page(
        "new.html",
        status=status.HTTP_422_UNPROCESSABLE_CONTENT if errors else status.HTTP_200_OK,
        sections=sections(typed),
        typed=typed,
        beside=beside,
        elsewhere=[error for error in errors if _nearest(error.field, shown) not in shown],
        once=typed.get("once") or uuid4(),
        models=models,
        datasets=tuple(DATASETS),
        who=who,
    )


def _nearest(field: str, shown: set[str]) -> str:
    """The form's field that an error belongs to: `evaluation.tasks` for `evaluation.tasks.3`."""
    parts = field.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for candidate in (name, f"{name}.id", f"{name}.name"):
            if candidate in shown:
                return candidate
    return field
