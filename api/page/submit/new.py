"""A new job by a form. It submits what the REST API would, checked by the same types."""

import hashlib
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse

from api.actions import estimates, jobs, request_checks, sweeps
from api.actions.jobs import Idempotency
from api.actions.local_models import local_models
from api.actions.parse_job import parse_job
from api.actions.waiting import WaitingReasons
from api.page.base.owners import Owner
from api.page.base.render import page
from api.page.submit.commands import request_body as request_of
from api.page.submit.fields import request_body, typed_as
from api.page.submit.form import DEFAULT_METHOD, NO_METHOD, every_field, sections
from api.page.submit.several import sweep_of
from api.problems.handlers import as_problem
from api.problems.problem import FieldError, Problem
from api.problems.problems import InvalidRequest
from api.resources import AppResources, Resources
from api.schemas.jobs.requests import JobRequest, beside_the_spec
from api.schemas.sweeps import SweepRequest
from api.schemas.uploads import UploadItem
from api.security.auth import Writer
from jobs.access.api_keys import Principal
from jobs.queries.models import models_containing
from jobs.spec.job import JobSpec
from jobs.storage import uploads
from pruning.recipe import DATASETS

router = APIRouter(include_in_schema=False)

_MAX_FIELDS = 100
_OFFERED = 20  # models that the owner has pruned before, models in the roots, and uploads


async def _typed(request: Request) -> dict[str, str]:
    """Return the fields of the form, from the query string of a GET or the body of a POST."""
    if request.method == "GET":
        return dict(request.query_params)
    form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
    return {name: value for name, value in form.items() if isinstance(value, str)}


Typed = Annotated[dict[str, str], Depends(_typed)]


@router.get("/jobs/new")
def form(
    typed: Typed,
    principal: Writer,
    owner: Owner,
    resources: Resources,
    like: Annotated[UUID | None, Query(description="A job whose request fills the form.")] = None,
) -> Response:
    """Show the form: empty, filled from another job, or filled from the query string."""
    if like is not None:
        with resources.database.begin() as session:
            job = jobs.find(session, owner, like)
        body = request_of(JobSpec.model_validate(job.spec), beside_the_spec(job))
        # Twice, because the method decides which fields there are.
        named = typed_as(every_field({}), body)
        if "method" not in body:
            named["method.name"] = NO_METHOD
        typed = {**named, **typed_as(every_field(named), body)}
    return _form(resources, principal, typed, [])


@router.post("/jobs/new")
def submit(typed: Typed, principal: Writer, resources: Resources) -> Response:
    """Submit the job and show it; or show the form again, with what is wrong next to each field."""
    try:
        request = read(typed)
        reasons = WaitingReasons.told_to(principal, resources)
        if isinstance(request, SweepRequest):
            sweep, _ = sweeps.submit(resources, principal, request, reasons)
            return RedirectResponse(f"/sweeps/{sweep.id}", status.HTTP_303_SEE_OTHER)
        # The form carries a random key, so sending it twice submits once; a changed form is another job.
        body = request.model_dump_json().encode()
        key = f"page {typed.get('once', '')[:64]} {hashlib.sha256(body).hexdigest()}"
        job, _ = jobs.submit(resources, principal.owner, request, reasons, Idempotency(key, body))
    except InvalidRequest as problem:
        return _form(resources, principal, typed, _with_the_model(problem.errors or [], typed, resources))
    except RequestValidationError as error:
        return _form(resources, principal, typed, as_problem(error).errors or [])
    return RedirectResponse(f"/jobs/{job.id}", status.HTTP_303_SEE_OTHER)


@router.post("/jobs/new/estimate")
async def estimate(typed: Typed, principal: Writer, resources: Resources) -> Response:
    """Show a fragment with the estimate for the form as it is, or with the reason why there is none."""
    if not typed.get("model.id", "").strip():
        return page("submit/estimate.html", problem="Name a model, and see here what the job will take.")
    try:
        request = read(typed)
        job, most = sweeps.first_job(request) if isinstance(request, SweepRequest) else (request, 1)
        found = await estimates.estimate(resources, principal.owner, job)
    except (Problem, RequestValidationError) as error:
        problem = as_problem(error)
        first = advised(problem.errors[0], typed) if problem.errors else None
        reason = f"{first.field} {first.reason}." if first else problem.detail
        return page("submit/estimate.html", problem=reason)
    return page("submit/estimate.html", problem=None, estimate=found, most=most)


def read(typed: Mapping[str, str]) -> JobRequest | SweepRequest:
    """Return the request that the form describes. Raises InvalidRequest with the fields that are wrong."""
    chosen = {"method.name": DEFAULT_METHOD, **typed}
    body = request_body(every_field(typed), chosen)
    if chosen["method.name"] == NO_METHOD:
        del body["method"]
    try:
        return sweep_of(body) or parse_job(body)
    except RequestValidationError as error:
        problem = as_problem(error)
        if chosen["method.name"] == NO_METHOD and "structure" not in body:
            raise InvalidRequest(*_nothing_is_done(problem.errors or [])) from error
        raise problem from error


def advised(error: FieldError, typed: Mapping[str, str]) -> FieldError:
    """Return an error as the form says it: without `job.`, which a sweep puts first.

    Where a text cannot be read at all, the error says what to write in its place.
    """
    field = error.field.removeprefix("job.")
    of_form = (one for one in every_field(typed) if f"{field}.".startswith(f"{one.name}."))
    refusal = next((one.refusal(typed.get(one.name, "")) for one in of_form), "")
    return FieldError(field=field, message=refusal or error.message, value=None if refusal else error.value)


def _with_the_model(
    errors: list[FieldError], typed: Mapping[str, str], resources: AppResources
) -> list[FieldError]:
    """Return the errors, with the model's if it lies outside its roots: that is looked at after the types."""
    if any(error.field.removeprefix("job.").startswith("model") for error in errors):
        return errors
    return [*request_checks.of_model(typed.get("model.id", "").strip(), resources.settings), *errors]


def _nothing_is_done(errors: list[FieldError]) -> list[FieldError]:
    """Return the errors of a form that neither masks nor cuts: one in place of those that follow from it."""
    others = [error for error in errors if error.field.removeprefix("job.") not in ("method", "sparsity")]
    message = "masks nothing: choose a method, or say under Structure what to take out"
    return [*others, FieldError(field="method", message=message)]


def _form(
    resources: AppResources, principal: Principal, typed: Mapping[str, str], errors: list[FieldError]
) -> Response:
    with resources.database.begin() as session:
        models = models_containing(session, principal.owner, "", limit=_OFFERED)
        uploaded = uploads.newest(session, principal.owner, before=None, limit=_OFFERED)
        offered = [UploadItem.of(upload) for upload in uploaded]
    shown = {field.name for field in every_field(typed)}
    # Within a sweep, the fields of its job are `job.…`.
    errors = [advised(error, typed) for error in errors]
    nearest = {_nearest(error.field, shown): error for error in errors}
    return page(
        "submit/new.html",
        status=status.HTTP_422_UNPROCESSABLE_CONTENT if errors else status.HTTP_200_OK,
        sections=sections(typed),
        typed=typed,
        # The field shows what was typed; the list of them, which may stand far from it, says it.
        messages={name: error.message for name, error in nearest.items()},
        reasons={name: error.reason for name, error in nearest.items()},
        other_errors=[error for error in errors if _nearest(error.field, shown) not in shown],
        once=typed.get("once") or uuid4(),
        models=dict.fromkeys([*models, *local_models(resources.settings.model_roots, most=_OFFERED)]),
        datasets=tuple(DATASETS),
        uploads=offered,
        principal=principal,
    )


def _nearest(field: str, shown: set[str]) -> str:
    """Return the form's field for an error: `evaluation.tasks` for one in `evaluation.tasks.3`."""
    parts = field.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for candidate in (name, f"{name}.id", f"{name}.name"):
            if candidate in shown:
                return candidate
    return field
