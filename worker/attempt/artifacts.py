"""Uploads a run's output, and deletes it again if it does not become the job's result."""

import logging
from pathlib import Path
from typing import Any

import torch

from jobs import retention
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle import sent_files
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.spec.gate import GateState, judge
from jobs.spec.job import JobSpec
from jobs.storage.compression import shrinks
from jobs.storage.errors import StoreError
from jobs.storage.store import StoredFile
from jobs.tables import SentFile
from pruning.pipeline import StageRecorder, sha256_of
from pruning.recipe import Stage
from pruning.report import FILE_NAME as REPORT
from worker.attempt.attempt import Attempt

log = logging.getLogger(__name__)


def upload_artifacts(attempt: Attempt, output: Path, report: dict[str, Any] | None) -> list[FinishedArtifact]:
    """Upload every file of `output`, or only the report if the job does not keep its model.

    What earlier attempts have sent is not sent again. None of it is an artifact before the job has succeeded.
    What shrinks is kept compressed; but not gradient norms, which workers read as they are.
    """
    pattern = "*" if report is None or _keeps_model(attempt.spec, report) else REPORT
    files = sorted(path for path in output.rglob(pattern) if path.is_file())
    artifacts = []
    sent = _SentOutput(attempt, _output_prefix(attempt))
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
    """Delete what the attempt has uploaded, but what its job's result is, or another attempt continues with.

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


def _keeps_model(spec: JobSpec, report: dict[str, Any]) -> bool:
    """Whether to upload the model, and not its report alone."""
    missed = spec.gate is not None and judge(spec.gate, report).state == GateState.FAILED
    return not (spec.stop_when_missed and missed)


def _output_prefix(attempt: Attempt) -> str:
    return f"{attempt.storage_prefix}/output"


class _SentOutput:
    """What this attempt and those before it have sent of the job's output."""

    def __init__(self, attempt: Attempt, prefix: str) -> None:
        """`prefix`: below which this attempt writes. What others have sent stays where it is."""
        self._attempt = attempt
        self._prefix = prefix
        rows = attempt.transaction(lambda session: sent_files.of_job(session, attempt.claim.job_id))
        self._known = {row.name: row for row in rows}

    def send(self, name: str, path: Path, *, compress: bool) -> StoredFile:
        """Send a file that the store lacks, and return where it is: maybe under an earlier attempt."""
        attempt, row = self._attempt, self._known.get(name)
        stored = None if row is None else self._as_sent(row, path, compress)
        if stored is not None:
            log.info("job %s: %s is in the store already", attempt.claim.job_id, name)
            return stored
        stored = attempt.upload(f"{self._prefix}/{name}", path, compress=compress)
        attempt.guarded(lambda session: sent_files.sent(session, attempt.claim, name, stored))
        return stored

    def _as_sent(self, row: SentFile, path: Path, compress: bool) -> StoredFile | None:
        """Return the file of a row, if the store has it and it is this one."""
        size, is_compressed = path.stat().st_size, row.stored_size is not None
        if (row.size, is_compressed) != (size, compress):
            return None
        if self._attempt.stored_bytes(row.key) != (row.stored_size if is_compressed else size):
            return None
        if sha256_of(path) != row.sha256:
            return None
        return StoredFile(row.key, size, row.sha256, row.stored_size)
