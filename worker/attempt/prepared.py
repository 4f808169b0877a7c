"""What a job, and lanes of another worker's job, need before they run: a fit worker, inputs, and services."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pruning.allowed_roots import Roots
from pruning.run import Services
from worker.attempt.attempt import Attempt
from worker.attempt.inputs import fetch_uploads
from worker.attempt.kernels import kernels_of
from worker.sandbox import sandbox
from worker.self_test import check_device, check_work_directory


@contextmanager
def prepared(attempt: Attempt) -> Iterator[tuple[Path, Services]]:
    """Check the worker, and fetch what the job names.

    Yields the scratch directory, and what any run of the job uses: what it may read, by which token, and how.
    """
    settings = attempt.settings
    check_work_directory(settings)
    check_device(settings.device)
    attempt.check()
    with attempt.scratch() as directory, kernels_of(attempt.claim.owner):
        inputs = directory / "uploads"
        fetch_uploads(attempt, inputs)
        yield (
            directory,
            Services(
                progress=attempt.progress,
                roots=Roots(settings.model_roots, (*settings.data_roots, inputs), settings.task_roots),
                hub_token=attempt.hub_token,
                reading=sandbox(settings, directory),
            ),
        )
