"""Which local paths a request may name."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath

from api.problems.problems import FieldError, InvalidRequest
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from pruning.recipe import is_local


def check(spec: JobSpec, settings: Settings) -> None:
    """Refuse a model or text file outside the allowed roots, by its name alone.

    The disk is not asked: the API may run on another machine than the worker, which checks the real path of
    every file that it opens. Nor does the refusal tell what lies on the disk.
    """
    errors = list(_outside(spec, settings))
    if errors:
        raise InvalidRequest(*errors)


def _outside(spec: JobSpec, settings: Settings) -> Iterator[FieldError]:
    if not _allowed(spec.recipe.model.id, settings.model_roots):
        yield FieldError(
            field="model.id",
            message="must lie under an allowed root: use a Hub id, or a path in a directory that the"
            " operator of this service has added to PRUNESERVE_MODEL_ROOTS",
        )
    for field, dataset in spec.texts:
        if not _allowed(dataset, settings.data_roots):
            yield FieldError(
                field=field,
                message="must lie under an allowed root: name a built-in dataset, or a file in a directory"
                " that the operator of this service has added to PRUNESERVE_DATA_ROOTS",
            )


def _allowed(reference: str, roots: tuple[Path, ...]) -> bool:
    if not is_local(reference):
        return True
    path = _normalised(reference)
    return any(_normalised(root) in path.parents for root in roots)


def _normalised(path: str | Path) -> PurePosixPath:
    return PurePosixPath("/", normpath(path).lstrip("/"))
