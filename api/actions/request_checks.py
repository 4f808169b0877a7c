"""Checks of a request by itself: its paths lie under an allowed root, and its text suffices."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath

from api.problems.problem import FieldError
from api.problems.problems import InvalidRequest
from jobs.settings import Settings
from jobs.spec.cuts import Fault
from jobs.spec.job import JobSpec
from jobs.spec.texts import training_text_faults
from pruning.recipe import is_local

# The reader of this message may be the operator, or a user who has to ask the operator.
_MODEL_ROOTS = "`pruneserve up --root DIRECTORY`; on servers, PRUNESERVE_MODEL_ROOTS, which its operator sets"
_DATA_ROOTS = "`pruneserve up --root DIRECTORY`; on servers, PRUNESERVE_DATA_ROOTS, which its operator sets"


def check(spec: JobSpec, settings: Settings) -> None:
    """Raise InvalidRequest for a path outside the allowed roots, and for what is certain to fail on a worker.

    The disk is not read, so the answer does not reveal what exists outside of the roots. What lies below them
    is looked at afterwards (`api.actions.preflight`), and the worker checks the real path of every file.
    """
    errors = [*_outside(spec, settings), *map(field_error, training_text_faults(spec.recipe))]
    if errors:
        raise InvalidRequest(*errors)


def of_model(model: str, settings: Settings) -> Iterator[FieldError]:
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


def _outside(spec: JobSpec, settings: Settings) -> Iterator[FieldError]:
    yield from of_model(spec.recipe.model.id, settings)
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
    return any(_normalised(root) in path.parents for root in roots)


def _normalised(path: str | Path) -> PurePosixPath:
    return PurePosixPath("/", normpath(path).lstrip("/"))
