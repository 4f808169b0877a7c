"""Checks of a request before it becomes a job: its fields, its paths, its files."""

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.problems.base import FieldError
from api.problems.catalogue import InvalidRequest, ServiceUnavailable
from api.resources import AppResources
from api.schemas.job_requests import JobRequest
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.spec.preflight import Fault, FileRoots, faults
from pruning.recipe import is_local

Request = TypeVar("Request", bound=BaseModel)
Result = TypeVar("Result")


def parse_request(model: type[Request], fields: Mapping[str, Any], *parents: str) -> Request:
    """Validate the fields of a request, which are under `parents` in the body.

    Raises RequestValidationError, as FastAPI does for the body of the model's route.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        errors = [{**item, "loc": ("body", *parents, *item["loc"])} for item in error.errors()]
        body: Mapping[str, Any] = fields
        for parent in reversed(parents):
            body = {parent: body}
        raise RequestValidationError(errors, body=body) from error


def parse_job(fields: Mapping[str, Any], *parents: str) -> JobRequest:
    """Validate the fields of a job as `parse_request` does."""
    return parse_request(JobRequest, fields, *parents)


# The reader of this message may be the operator, or a user who has to ask the operator.
_MODEL_ROOTS = "`pruneserve up --root DIRECTORY`; on servers, PRUNESERVE_MODEL_ROOTS, which its operator sets"
_DATA_ROOTS = "`pruneserve up --root DIRECTORY`; on servers, PRUNESERVE_DATA_ROOTS, which its operator sets"


def check_paths(spec: JobSpec, settings: Settings) -> None:
    """Raise InvalidRequest for a path outside the allowed roots.

    The disk is not read, so the response does not reveal what exists outside of the roots. Files below them
    are checked afterwards (`check_files`), and the worker checks the real path of every file.
    """
    if errors := [*_path_errors(spec, settings)]:
        raise InvalidRequest(*errors)


def model_errors(model: str, settings: Settings) -> Iterator[FieldError]:
    """Yield what is wrong with a model's id by the path alone: also for a request that has no spec yet."""
    if not _allowed(model, settings.model_roots):
        yield FieldError.of(
            "model.id",
            f"must lie under an allowed root: use a Hub id, or a path in a directory that the service may"
            f" read ({_MODEL_ROOTS})",
            model,
        )


def field_error(fault: Fault) -> FieldError:
    """Return a fault as the error of its field."""
    if fault.value is None:
        return FieldError(field=fault.field, message=fault.message)
    return FieldError.of(fault.field, fault.message, fault.value)


def _path_errors(spec: JobSpec, settings: Settings) -> Iterator[FieldError]:
    yield from model_errors(spec.recipe.model.id, settings)
    gradients = spec.recipe.gradients
    if gradients is not None and not _allowed(gradients, settings.data_roots):
        yield FieldError.of(
            "gradients",
            f"must lie under an allowed root: name a file in a directory that the service may read"
            f" ({_DATA_ROOTS})",
            gradients,
        )
    for field, dataset in spec.texts:
        if not _allowed(dataset, settings.data_roots):
            yield FieldError.of(
                field,
                "must lie under an allowed root: name a built-in dataset, or a file in a directory that the"
                f" service may read ({_DATA_ROOTS})",
                dataset,
            )


def _allowed(reference: str, roots: tuple[Path, ...]) -> bool:
    if not is_local(reference):
        return True
    path = _normalised(reference)
    return any(path.is_relative_to(_normalised(root)) for root in roots)


def _normalised(path: str | Path) -> PurePosixPath:
    return PurePosixPath("/", normpath(path).lstrip("/"))


log = logging.getLogger(__name__)

_FILES_SECONDS = 0.05


def check_files(resources: AppResources, owner: str, spec: JobSpec) -> None:
    """Raise InvalidRequest for what is found wrong with the job's files in time.

    What takes longer, because a disk is slow, is left to the worker, which checks everything.
    """
    places = FileRoots(resources.settings.model_roots, resources.settings.data_roots)
    found = read_in_time(resources, owner, partial(_file_faults, spec, places), _FILES_SECONDS)
    if found:
        raise InvalidRequest(*map(field_error, found))


def read_in_time(
    resources: AppResources, owner: str, read: Callable[[], Result], seconds: float
) -> Result | None:
    """Return what `read` returns, unless its disk hangs. None: it takes longer, or too many others do."""
    try:
        return resources.disk.start(owner, read).result(timeout=seconds)
    except (ServiceUnavailable, TimeoutError):
        return None


def _file_faults(spec: JobSpec, places: FileRoots) -> list[Fault]:
    try:
        return list(faults(spec, places))
    except Exception as error:  # a file may break its reader; the worker reports it
        log.warning("a job's files cannot be checked (%s)", type(error).__name__)
        return []
