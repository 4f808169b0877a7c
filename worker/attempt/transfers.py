"""Fetches what a job names to the worker's disk, and uploads the run's output."""

import logging
from pathlib import Path
from typing import Any

import torch
from sqlalchemy.orm import Session

from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle import attempt_files
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.storage import uploads
from jobs.storage.errors import NotStored, StoreDenied, StoreError
from jobs.storage.store import StoredFile
from jobs.storage.streams import is_compressible
from jobs.tables import SentFile
from pruning.errors import InvalidInput
from pruning.pipeline.recorder import StageRecorder
from pruning.pipeline.resources import DiskTooSmall
from pruning.recipe import Stage
from pruning.report import FILE_NAME as REPORT
from pruning.resume.hashed_file import sha256_of
from worker.attempt.attempt import Attempt
from worker.capacity import scratch_room

log = logging.getLogger(__name__)


def fetch_uploads(attempt: Attempt, directory: Path) -> None:
    """Download each file that the job names into `directory`, under the name that the library looks for.

    The name holds the content's digest, which the library verifies when it reads the file. Raises
    InvalidInput with the field of a file that has been deleted since the job was submitted, DiskTooSmall for
    one that is larger than what a job may fill, and StoreDenied for one that only the store lacks.
    """
    directory.mkdir(exist_ok=True)

    def look_up(session: Session) -> list[uploads.ReferencedFile]:
        return list(uploads.referenced_files(session, attempt.claim.owner, attempt.spec))

    for file in attempt.transaction(look_up):
        if file.own_name:
            attempt.upload_names[file.name] = file.own_name
        of_a_text = file.field != "gradients"
        if file.key is None:
            gone = "the uploaded text was deleted; upload it again and retry"
            raise InvalidInput(
                gone if of_a_text else "the gradient norms were deleted; submit the job again with others",
                field=file.field,
            )
        room = scratch_room(attempt.settings)
        if file.size > room:  # no fault of the worker, as any job could cause it
            raise DiskTooSmall("the uploaded files", directory, needed=file.size, free=room)
        try:
            attempt.download(file.key, directory / file.name, size=file.size)
        except NotStored as error:
            # It has a row, and a job that has not ended keeps it from being deleted: the store has lost it.
            what = "the uploaded text" if of_a_text else "the gradient norms"
            raise StoreDenied(f"the store lacks {what}", "the operator must restore it") from error


def upload_artifacts(
    attempt: Attempt, output: Path, report: dict[str, Any] | None, *, keeps_model: bool = True
) -> list[FinishedArtifact]:
    """Upload every file of `output`, or only the report if the job does not keep its model.

    What earlier attempts have sent is not sent again. None of it is an artifact before the job has succeeded.
    What shrinks is kept compressed; but not gradient norms, which workers read as they are.
    """
    pattern = "*" if keeps_model else REPORT
    files = sorted(path for path in output.rglob(pattern) if path.is_file() and not path.is_symlink())
    artifacts = []
    sent = _SentOutput(attempt, _output_prefix(attempt))
    with StageRecorder(attempt.progress, torch.device("cpu")).stage(Stage.UPLOAD, len(files)) as step:
        for done, path in enumerate(files, start=1):
            name = path.relative_to(output).as_posix()
            stored = sent.send(name, path, compress=report is not None and is_compressible(path))
            artifacts.append(
                FinishedArtifact(name, stored.key, stored.size, stored.sha256, stored.stored_size)
            )
            step(done, len(files))
    return artifacts


def discard_unpublished(attempt: Attempt) -> None:
    """Delete what the attempt has uploaded, except the job's result and what another attempt continues with.

    The database decides, not what this process remembers: a COMMIT may have succeeded although its answer was
    lost. If this fails, the orphaned files are left for the scheduler's retention rounds.
    """
    claim = attempt.claim
    try:
        with attempt.database.begin() as session:
            named = attempt_files.named_keys(session, claim.job_id)
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


class _SentOutput:
    """What this attempt and those before it have sent of the job's output."""

    def __init__(self, attempt: Attempt, prefix: str) -> None:
        """`prefix`: below which this attempt writes. What others have sent stays where it is."""
        self._attempt = attempt
        self._prefix = prefix
        rows = attempt.transaction(lambda session: attempt_files.sent_files(session, attempt.claim.job_id))
        self._known = {row.name: row for row in rows}

    def send(self, name: str, path: Path, *, compress: bool) -> StoredFile:
        """Send a file that the store lacks, and return where it is: maybe under an earlier attempt."""
        attempt, row = self._attempt, self._known.get(name)
        stored = None if row is None else self._as_sent(row, path, compress)
        if stored is not None:
            log.info("job %s: %s is in the store already", attempt.claim.job_id, name)
            return stored
        stored = attempt.upload(f"{self._prefix}/{name}", path, compress=compress)
        attempt.guarded(lambda session: attempt_files.record_sent_file(session, attempt.claim, name, stored))
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
