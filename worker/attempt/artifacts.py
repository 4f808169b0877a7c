"""Uploads a run's output, and deletes it again if it does not become the job's result."""

import logging
from pathlib import Path
from typing import Any

import torch

from jobs import retention
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.storage.compression import shrinks
from jobs.storage.errors import StoreError
from pruning.recipe import Stage
from pruning.report.schema import FILE_NAME as REPORT
from pruning.stages.recorder import StageRecorder
from worker.attempt.attempt import Attempt
from worker.attempt.early_stop import keeps_model
from worker.attempt.sent_output import SentOutput

log = logging.getLogger(__name__)


def upload_artifacts(attempt: Attempt, output: Path, report: dict[str, Any] | None) -> list[FinishedArtifact]:
    """Upload every file of `output`, or only the report if the job does not keep its model.

    What earlier attempts have sent is not sent again. None of it is an artifact before the job has succeeded.
    What shrinks is kept compressed; but not gradient norms, which workers read as they are.
    """
    pattern = "*" if report is None or keeps_model(attempt.spec, report) else REPORT
    files = sorted(path for path in output.rglob(pattern) if path.is_file())
    artifacts = []
    sent = SentOutput(attempt, _output_prefix(attempt))
    with StageRecorder(attempt.progress, torch.device("cpu")).stage(Stage.UPLOAD, len(files)) as step:
        for done, path in enumerate(files, start=1):
            name = path.relative_to(output).as_posix()
            stored = sent.send(name, path, compress=report is not None and shrinks(path))
            artifacts.append(
                FinishedArtifact(name, stored.key, stored.size, stored.sha256, stored.stored_size)
            )
            step(done, len(files))
    return artifacts


def discard_unpublished(attempt: Attempt) -> None:
    """Delete what the attempt has uploaded, but what its job's result is, or another attempt goes on with.

    The database decides, not what this process remembers: a COMMIT may have succeeded although its answer was
    lost. If this fails, the orphaned files are left for the scheduler's retention rounds.
    """
    claim = attempt.claim
    try:
        with attempt.database.begin() as session:
            named = retention.named_keys(session, claim.job_id)
        for found in attempt.store.list(_output_prefix(attempt)):
            if found.key not in named:
                attempt.store.delete(found.key)
    except (*DATABASE_UNAVAILABLE, StoreError) as error:
        log.warning(
            "job %s: could not delete the output of attempt %d (%s)",
            claim.job_id,
            claim.attempt,
            type(error).__name__,
        )


def _output_prefix(attempt: Attempt) -> str:
    return f"{attempt.storage_prefix}/output"
