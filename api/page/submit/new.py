"""A new job by a form. It submits what the REST API would, checked by the same types."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse

from api.actions import checks, estimates, jobs, sweeps
from api.http.parameters import Idempotency
from api.page.base.inputs import Owner
from api.page.base.render import page
from api.page.submit.form import (
    ADVANCED,
    ADVANCED_GROUPS,
    AMOUNT,
    GOALS,
    MODEL,
    TEXT,
    as_form_error,
    form_values,
    parse_form,
)
from api.page.submit.resubmit import failed_by_request, request_body
from api.problems.base import FieldError, Problem
from api.problems.handlers import as_problem
from api.resources import AppResources, Resources
from api.schemas.files import UploadItem
from api.schemas.job_requests import request_metadata
from api.schemas.sweeps import SweepRequest
from api.security.auth import Writer
from jobs.access.api_keys import Principal
from jobs.lifecycle.idempotency import KeyReused
from jobs.lifecycle.owner_moves import QueueFull
from jobs.queries import models_containing
from jobs.spec.job import JobSpec
from jobs.storage import uploads
from jobs.storage.owned_files import UnknownReference
from jobs.tables import Job
from pruning.recipe import DATASETS
from pruning.recipe.exports import EXPORT_NAMES

_MAX_DEPTH = 2
_MAX_ENTRIES = 500
"""The most entries that are read of all directories: a root may hold anything."""


def local_models(roots: Sequence[Path], *, most: int) -> list[str]:
    """Return up to `most` directories with a config.json, at most two levels below a root or a root itself.

    Links are left out, because a job may not follow them. What cannot be read counts as empty: an API need
    not see what its workers see.
    """
    budget = iter(range(_MAX_ENTRIES))
    found = {str(root) for root in roots if _is_model(root)}
    found.update(model for root in roots for model in _models_below(root, _MAX_DEPTH, budget))
    return sorted(found)[:most]


def _models_below(directory: Path, levels: int, budget: Iterator[int]) -> Iterator[str]:
    try:
        with os.scandir(directory) as entries:
            # `zip` ends with the budget.
            inner = [
                entry.name
                for entry, _ in zip(entries, budget, strict=False)
                if entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return
    for name in inner:
        path = directory / name
        if _is_model(path):
            yield str(path)
        elif levels > 1:
            yield from _models_below(path, levels - 1, budget)


def _is_model(directory: Path) -> bool:
    try:
        return (directory / "config.json").is_file()
    except OSError:
        return False


router = APIRouter(include_in_schema=False)

_MAX_FIELDS = 40
_MAX_SUGGESTIONS = 20  # models that the owner has pruned before, models in the roots, and uploads
_DISK_SECONDS = 0.5  # for models in the roots, which are only suggestions
_REFUSALS = (Problem, RequestValidationError, QueueFull, KeyReused, UnknownReference)


async def _typed(request: Request) -> dict[str, str]:
    """Return the fields of the form, from the query string of a GET or the body of a POST."""
    if request.method == "GET":
        return dict(request.query_params)
    form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
    return {name: value for name, value in form.items() if isinstance(value, str)}


FormValues = Annotated[dict[str, str], Depends(_typed)]


@router.get("/jobs/new")
def form(
    typed: FormValues,
    principal: Writer,
    owner: Owner,
    resources: Resources,
    like: Annotated[UUID | None, Query(description="A job whose request fills the form.")] = None,
) -> Response:
    """Show the form: empty, filled from another job, or filled from the query string.

    Of a job that its request made fail, the error is shown at its field.
    """
    if like is None:
        return _form(resources, principal, typed)
    with resources.database.begin() as session:
        job = jobs.find(session, owner, like)
    # Without its labels: this job would become the baseline of `track=main`, or count as that of a commit.
    metadata = {name: value for name, value in request_metadata(job).items() if name != "labels"}
    typed = form_values(request_body(JobSpec.model_validate(job.spec), metadata))
    return _form(resources, principal, typed, _failure(job, typed), status.HTTP_200_OK)


@router.post("/jobs/new")
def submit(typed: FormValues, principal: Writer, resources: Resources) -> Response:
    """Submit the job and show it; or show the form again, with what is wrong next to each field."""
    try:
        request = parse_form(typed)
        # The form carries a random key, so sending it twice submits once; a changed form is another job.
        body = json.dumps(typed, sort_keys=True).encode()
        once = Idempotency(f"page {hashlib.sha256(body).hexdigest()}", body)
        if isinstance(request, SweepRequest):
            sweep, _ = sweeps.submit(resources, principal, request, once)
            return RedirectResponse(f"/sweeps/{sweep.id}", status.HTTP_303_SEE_OTHER)
        job, _ = jobs.submit(resources, principal, request, once)
    except _REFUSALS as error:
        problem = as_problem(error)
        found = [as_form_error(each, typed) for each in problem.errors or ()]
        return _form(
            resources,
            principal,
            typed,
            _with_model_errors(found, typed, resources),
            problem.status_code,
            detail=None if found else problem.detail,
        )
    return RedirectResponse(f"/jobs/{job.id}", status.HTTP_303_SEE_OTHER)


@router.post("/jobs/new/estimate")
async def estimate(typed: FormValues, principal: Writer, resources: Resources) -> Response:
    """Show a fragment with the estimate for the form as it is, or with the reason why there is none."""
    if not typed.get(MODEL.path, "").strip():
        return page("submit/estimate.html", problem="Name a model, and see here what the job will take.")
    try:
        request = parse_form(typed)
        job, most = sweeps.first_job(request) if isinstance(request, SweepRequest) else (request, 1)
        found = await estimates.estimate(resources, principal.owner, job)
    except _REFUSALS as error:
        problem = as_problem(error)
        reason = problem.detail
        if problem.errors:
            first = as_form_error(problem.errors[0], typed)
            reason = f"{_TITLES.get(first.field, first.field)}: {_sentence(first.reason)}"
        return page("submit/estimate.html", problem=reason)
    return page("submit/estimate.html", problem=None, estimate=found, most=most)


_TITLES = {field.path: field.title for field in (MODEL, AMOUNT, TEXT, *ADVANCED)} | {"goal": "Goal"}


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def _failure(job: Job, typed: Mapping[str, str]) -> list[FieldError]:
    """Return the error of a job that failed by its request, at the field of the form."""
    error: dict[str, Any] = job.error or {}
    if not failed_by_request(job) or not error.get("field"):
        return []
    return [as_form_error(FieldError(field=error["field"], message=error["message"]), typed)]


def _with_model_errors(
    errors: list[FieldError], typed: Mapping[str, str], resources: AppResources
) -> list[FieldError]:
    """Add the error of a model outside the allowed roots, which is checked only after the types."""
    if not errors or any(error.field == MODEL.path for error in errors):
        return errors
    outside = checks.model_errors(typed.get(MODEL.path, "").strip(), resources.settings)
    return [*(as_form_error(error, typed) for error in outside), *errors]


def _form(
    resources: AppResources,
    principal: Principal,
    typed: Mapping[str, str],
    errors: Sequence[FieldError] = (),
    status_code: int = status.HTTP_200_OK,
    *,
    detail: str | None = None,
) -> Response:
    with resources.database.begin() as session:
        models = models_containing(session, principal.owner, "", limit=_MAX_SUGGESTIONS)
        uploaded = uploads.newest(session, principal.owner, before=None, limit=_MAX_SUGGESTIONS)
        offered = [UploadItem.of(upload) for upload in uploaded]
    there = partial(local_models, resources.settings.model_roots, most=_MAX_SUGGESTIONS)
    found = checks.read_in_time(resources, principal.owner, there, _DISK_SECONDS)
    messages = {error.field: _sentence(error.message) for error in errors}
    return page(
        "submit/new.html",
        status=status_code,
        model=MODEL,
        amount=AMOUNT,
        text=TEXT,
        goals=GOALS,
        advanced=ADVANCED_GROUPS,
        is_open=any(typed.get(field.path) or field.path in messages for field in ADVANCED),
        titles=_TITLES,
        typed=typed,
        messages=messages,
        detail=detail,
        once=typed.get("once") or uuid4(),
        models=dict.fromkeys([*models, *(found or ())]),
        datasets=tuple(DATASETS),
        exports=EXPORT_NAMES,
        uploads=offered,
        principal=principal,
    )
