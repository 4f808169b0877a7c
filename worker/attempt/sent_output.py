"""Sends a run's output so that an attempt which breaks off there is resumed file by file."""

import logging
from pathlib import Path

from jobs.lifecycle import sent_files
from jobs.storage.store import StoredFile
from jobs.tables import SentFile
from pruning.resume.hashed_file import sha256_of
from worker.attempt.attempt import Attempt

log = logging.getLogger(__name__)


class SentOutput:
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
