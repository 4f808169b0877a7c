"""From the scratch directory to the store."""

from pathlib import Path

import torch

from jobs.lifecycle.lifecycle import Claim, FinishedArtifact
from jobs.storage.store import Store, attempt_prefix
from pruning.recipe import Stage
from pruning.stages.recorder import Stages
from worker.attempt.progress import JobProgress
from worker.attempt.transfers import put_file


def output_prefix(claim: Claim) -> str:
    """Where this attempt's artifacts lie, whether or not they will ever count."""
    return f"{attempt_prefix(claim.job_id, claim.attempt)}/output"


def upload(
    store: Store, claim: Claim, directory: Path, progress: JobProgress, *, only: str | None = None
) -> list[FinishedArtifact]:
    """Put every file of the directory, or `only` one, under the attempt's prefix.

    None of them is anyone's artifact before the job succeeds. A store that is away is waited for. Raises
    `StoreError` where that does not help, and a `Stopped` even in the middle of a file.
    """
    files = sorted(path for path in directory.rglob(only or "*") if path.is_file())
    artifacts = []
    with Stages(progress, torch.device("cpu")).stage(Stage.UPLOAD, len(files)) as step:
        for done, path in enumerate(files, start=1):
            name = path.relative_to(directory).as_posix()
            stored = put_file(store, f"{output_prefix(claim)}/{name}", path, progress)
            artifacts.append(FinishedArtifact(name, stored.key, stored.size, stored.sha256))
            step(done, len(files))
    return artifacts
