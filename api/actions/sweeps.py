"""Sweeps: submit, list, look up, cancel."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from sqlalchemy.orm import Session, sessionmaker

from api.actions import checks
from api.actions.checks import parse_job
from api.actions.estimates import shape_of
from api.actions.jobs import WaitingReasons
from api.http.parameters import Idempotency
from api.problems.base import FieldError
from api.problems.catalogue import InvalidRequest, NotFound, ServiceUnavailable
from api.resources import AppResources
from api.schemas.base import PageQuery
from api.schemas.job_requests import JobRequest
from api.schemas.sweeps import (
    MAX_COMBINATIONS,
    MAX_JOBS,
    Combination,
    SweepDetail,
    SweepItem,
    SweepPage,
    SweepRequest,
    Vary,
)
from jobs.access.api_keys import Principal
from jobs.lifecycle.idempotency import create_once, created_before
from jobs.sweeps import files, sweeps
from jobs.sweeps.bisection import Search
from jobs.sweeps.target import Target
from jobs.tables import Job, Sweep
from pruning.estimate import ModelShape
from pruning.estimate.shape import smaller_shape
from pruning.recipe import UNIT_KINDS, Recipe, implies_sparsity
from pruning.recipe.exports import GGUF_TYPES

_DECIDED = frozenset({"parameters", *UNIT_KINDS})
"""What a search over structure decides of it."""

TOO_MANY_WRITES = "Too many sweeps are being submitted or cancelled. Send it again once others have been."
NO_SUCH_SWEEP = "There is no such sweep, or it belongs to another owner."


def submit(
    resources: AppResources,
    principal: Principal,
    request: SweepRequest,
    idempotency: Idempotency | None = None,
) -> tuple[SweepDetail, bool]:
    """Queue all jobs of a sweep, or none; of a search, queue the first job.

    Returns the sweep, and whether this call created it: a repeated request returns the first one. Raises
    RequestValidationError and InvalidRequest for a job that is refused, `idempotency.KeyReused`,
    `owner_moves.QueueFull`, and ServiceUnavailable if too many are being written.
    """
    owner, reasons = principal.owner, WaitingReasons.visible_to(principal, resources)
    if (earlier := _made_before(resources, owner, reasons, idempotency)) is not None:
        return earlier, False
    compared = list[JobRequest]()
    if request.target is not None and request.target.max_bytes is not None:  # before it counts: it may wait
        compared = _compared(resources, owner, request, request.target.max_bytes)
    with _counted(resources, owner):
        insert = _prepared(resources, owner, request, compared)
        with resources.database.begin() as session:
            if idempotency is None:
                return _detail(session, insert(session), reasons), True
            make = partial(insert, session)
            sweep, created = create_once(session, owner, idempotency.key, idempotency.body, Sweep, make)
            return _detail(session, sweep, reasons), created


@contextmanager
def _counted(resources: AppResources, owner: str) -> Iterator[None]:
    """Count a write of many rows while it lasts. Raises ServiceUnavailable for one too many.

    Others of its owner may wait for its locks, each with a connection to the database.
    """
    if not resources.sweep_writes.enter(owner):
        raise ServiceUnavailable(TOO_MANY_WRITES)
    try:
        yield
    finally:
        resources.sweep_writes.leave(owner)


def _made_before(
    resources: AppResources, owner: str, reasons: WaitingReasons, idempotency: Idempotency | None
) -> SweepDetail | None:
    """Return the sweep that an earlier request with this key has made."""
    if idempotency is None:
        return None
    with resources.database.begin() as session:
        sweep = created_before(session, owner, idempotency.key, idempotency.body, Sweep)
        return _detail(session, sweep, reasons) if sweep else None


def first_job(request: SweepRequest) -> tuple[JobRequest, int]:
    """Return the first job of a sweep, and how many it has at most. Raises what `submit` raises for jobs."""
    if request.target is not None:
        if request.target.max_bytes is not None:
            return _files_job(request, tuple(GGUF_TYPES)[: files.MOST_TYPES]), 2
        return _probe(request, request.target.lowest), Search().most_jobs_left(request.target)
    assert request.vary is not None  # noqa: S101 - a request without a target has it, see `SweepRequest`
    combinations = _combinations(request.vary, request.job)
    return _parse(combinations[0], request), len(combinations)


def list_page(database: sessionmaker[Session], owner: str, query: PageQuery) -> SweepPage:
    """Return a page of the owner's sweeps."""
    with database.begin() as session:
        rows = sweeps.newest(session, owner, before=query.cursor, limit=query.rows)
    return SweepPage.of(rows, query, SweepItem.model_validate)


def detail(resources: AppResources, principal: Principal, sweep_id: UUID) -> SweepDetail:
    """Return one of the principal's sweeps. Raises NotFound."""
    reasons = WaitingReasons.visible_to(principal, resources)
    with resources.database.begin() as session:
        return _detail(session, sweeps.get(session, principal.owner, sweep_id), reasons)


def cancel(resources: AppResources, principal: Principal, owner: str, sweep_id: UUID) -> SweepDetail:
    """Cancel the jobs of a sweep that have not ended. Raises NotFound, and ServiceUnavailable as `submit`."""
    reasons = WaitingReasons.visible_to(principal, resources)
    with _counted(resources, principal.owner), resources.database.begin() as session:
        return _detail(session, sweeps.cancel(session, owner, sweep_id), reasons)


def _prepared(
    resources: AppResources,
    owner: str,
    request: SweepRequest,
    compared: list[JobRequest],
) -> Callable[[Session], Sweep]:
    """Return what inserts the sweep. Its jobs are parsed and checked before a transaction begins."""
    target, search = request.target, None
    if compared:
        jobs, search = compared, Search()
    elif target is None:
        assert request.vary is not None  # noqa: S101 - a request without a target has it, see `SweepRequest`
        jobs = [_parse(combination, request) for combination in _combinations(request.vary, request.job)]
    else:
        jobs = [_first_of_search(request, target)]
    allowed = resources.settings.max_queued_jobs
    if len(jobs) > allowed:  # however long the client waits
        message = f"makes {len(jobs)} jobs, and you may have {allowed} queued: submit fewer"
        raise InvalidRequest(FieldError(field="vary" if target is None else "target", message=message))
    specs = [job.spec() for job in jobs]
    for spec in specs:
        checks.check_paths(spec, resources.settings)
    asked, first = request.model_dump(mode="json", exclude_none=True), jobs[0]
    limits = {"priority": first.priority, "max_queued": allowed}

    def insert(session: Session) -> Sweep:
        if target is None or compared:
            return sweeps.create(session, owner, asked, specs, first.labels, search=search, **limits)
        return sweeps.start_search(session, owner, asked, specs[0], target, first.labels, **limits)

    return insert


def _combinations(vary: Vary, job: dict[str, Any]) -> list[Combination]:
    if (number := vary.number) > MAX_COMBINATIONS:
        raise InvalidRequest(
            FieldError(
                field="vary",
                message=f"makes {number} combinations of values; at most {MAX_COMBINATIONS} are tried",
            )
        )
    # One more than allowed is enough to refuse.
    found = list(islice(vary.combinations(job), MAX_JOBS + 1))
    if not 2 <= len(found) <= MAX_JOBS:
        made = {0: "no job at all", 1: "only one job"}.get(len(found), f"more than {MAX_JOBS} jobs")
        raise InvalidRequest(
            FieldError(field="vary", message=f"makes {made}; a sweep has 2 to {MAX_JOBS} different ones")
        )
    return found


def _parse(combination: Combination, request: SweepRequest) -> JobRequest:
    try:
        return parse_job(combination.fields, "job")
    except RequestValidationError as error:
        found = [{**item, "loc": _blamed(item["loc"], combination)} for item in error.errors()]
        raise RequestValidationError(found, body=request.model_dump()) from error


def _blamed(location: tuple[int | str, ...], combination: Combination) -> tuple[int | str, ...]:
    """Return `("body", "job", "method", …)` as `("body", "vary", "method", 1, …)` if `vary` has the value."""
    match location:
        case (place, _, str(name), *rest) if name in combination.indices:
            return (place, "vary", name, combination.indices[name], *rest)
        case _:
            return location


def _first_of_search(request: SweepRequest, target: Target) -> JobRequest:
    if target.over == "sparsity" and implies_sparsity(request.job.get("pattern")):
        raise InvalidRequest(
            FieldError.of(
                "job.pattern", "fixes the sparsity; search with 'unstructured'", request.job.get("pattern")
            )
        )
    return _probe(request, target.lowest)


def _probe(request: SweepRequest, tried: float) -> JobRequest:
    """Return a job of a search within a bound on perplexity, with what it tries."""
    assert request.target is not None  # noqa: S101 - only searches come here
    if request.target.over == "sparsity":
        decided: dict[str, Any] = {"sparsity": tried}
    else:
        decided = {"structure": _structure(request) | {"parameters": tried}}
    return parse_job(request.job | decided | {"gate": request.target.gate.model_dump(mode="json")}, "job")


def _structure(request: SweepRequest) -> dict[str, Any]:
    """Return the options of `structure` that the job of a search gives, without the targets."""
    given = request.job.get("structure") or {}
    if not isinstance(given, dict):
        raise InvalidRequest(FieldError.of("job.structure", "must be an object", given))
    if decided := sorted(given.keys() & _DECIDED):
        raise InvalidRequest(
            FieldError.of(
                f"job.structure.{decided[0]}", "is decided by the search; leave it out", given[decided[0]]
            )
        )
    return dict(given)


def _compared(resources: AppResources, owner: str, request: SweepRequest, max_bytes: int) -> list[JobRequest]:
    """Return the jobs whose files a search compares.

    Raises what `shape_of` raises, and InvalidRequest where no file may be that small.
    """
    spec = _files_job(request, ()).spec()
    checks.check_paths(spec, resources.settings)

    def compared() -> list[JobRequest]:
        dense = shape_of(spec.recipe.model, owner, resources.settings)
        return _file_jobs(request, max_bytes, spec.recipe, dense)

    # In a thread of the pool: the Hub may be slow.
    return resources.hub.start(owner, compared).result()


def _file_jobs(request: SweepRequest, max_bytes: int, recipe: Recipe, dense: ModelShape) -> list[JobRequest]:
    """Return a job for the dense model, and one for the model that the request prunes, if it does."""
    smaller = dense if recipe.structure is None else smaller_shape(dense, recipe.structure)
    prunes = recipe.structure is not None or recipe.sparsity > 0
    jobs = []
    for shape, is_dense in ((dense, True), (smaller, False)) if prunes else ((dense, False),):
        if types := files.types_near(max_bytes, shape):
            jobs.append(_files_job(request, types, dense=is_dense))
    if not jobs:
        message = f"no type of a GGUF file has this model in {max_bytes} bytes; allow more"
        raise InvalidRequest(FieldError.of("target.max_bytes", message, max_bytes))
    return jobs


def _files_job(request: SweepRequest, types: Iterable[str], *, dense: bool = False) -> JobRequest:
    """Return a job of a search for a file, with these types; `dense`: without what prunes."""
    job = {name: value for name, value in request.job.items() if not dense or name not in _OF_PRUNING}
    if not {"method", "structure", "pattern"} & job.keys():
        job["method"] = "none"
    return parse_job(job | {"exports": [{"format": "gguf", "type": name} for name in types]}, "job")


_OF_PRUNING = frozenset(Recipe.model_fields) - {"model", "calibration", "dtype"}


def _detail(session: Session, sweep: Sweep | None, reasons: WaitingReasons) -> SweepDetail:
    if sweep is None:
        raise NotFound(NO_SUCH_SWEEP)
    jobs: Sequence[Job] = sweeps.jobs_of(session, sweep)
    return SweepDetail.with_jobs(sweep, jobs, reasons.of(session, jobs))
