"""Sends a run's output so that an attempt which breaks off there is gone on with: by file, and by part."""

import logging
from contextlib import suppress
from pathlib import Path

from jobs.lifecycle import sent_files
from jobs.storage.errors import StoreError, StoreUnreachable, UploadGone
from jobs.storage.multipart import PendingUpload
from jobs.storage.store import StoredFile
from jobs.tables import SentFile
from pruning.resume.hashed_file import sha256_of
from worker.attempt.attempt import Attempt
from worker.interrupts import Interrupted

log = logging.getLogger(__name__)

_UPLOADS_OF_A_FILE = 3


class SentOutput:
    """What this attempt and those before it have sent of the job's output."""

    def __init__(self, attempt: Attempt, prefix: str) -> None:
        """`prefix`: below which this attempt writes. What others have sent stays where it is."""
        self._attempt = attempt
        self._prefix = prefix
        rows = attempt.transaction(lambda session: sent_files.of_job(session, attempt.claim.job_id))
        self._known = {row.name: row for row in rows}

    def send(self, name: str, path: Path, *, compress: bool) -> StoredFile:
        """Send what the store lacks of a file, and return where it is: maybe under an earlier attempt."""
        row = self._known.get(name)
        stored = None if row is None else self._as_sent(row, path, compress)
        if stored is not None:
            log.info("job %s: %s is in the store already", self._attempt.claim.job_id, name)
            return stored
        stored = self._sent(name, path, compress, None if row is None else self._begun_before(row, path))
        claim = self._attempt.claim
        self._attempt.guarded(lambda session: sent_files.sent(session, claim, name, stored))
        return stored

    def _as_sent(self, row: SentFile, path: Path, compress: bool) -> StoredFile | None:
        """Return the file of a row, if the store has it and it is this one."""
        size, is_compressed = path.stat().st_size, row.stored_size is not None
        if row.sha256 is None or (row.size, is_compressed) != (size, compress):
            return None
        if self._attempt.stored_bytes(row.key) != (row.stored_size if is_compressed else size):
            return None
        if sha256_of(path) != row.sha256:
            return None
        return StoredFile(row.key, size, row.sha256, row.stored_size)

    def _sent(self, name: str, path: Path, compress: bool, upload: PendingUpload | None) -> StoredFile:
        """Send a file, at first by the upload that another attempt has begun."""
        own = f"{self._prefix}/{name}"
        for _ in range(_UPLOADS_OF_A_FILE):
            upload = upload or self._begun(name, own, path.stat().st_size)
            key = own if upload is None else upload.key
            try:
                return self._attempt.upload(key, path, compress=compress, upload=upload)
            except UploadGone:  # or it is there, with a part of another process
                if upload is not None:
                    self._discard(upload, path.stat().st_size)
                upload = None
        raise StoreUnreachable("the store drops each upload before it is complete")

    def _begun_before(self, row: SentFile, path: Path) -> PendingUpload | None:
        """Return the upload that another attempt has begun of this file.

        One of a file of another size is aborted, and its key left alone: that attempt may still complete it.
        """
        if row.upload_id is None:
            return None
        upload = PendingUpload(row.key, row.upload_id)
        if row.size == path.stat().st_size:
            return upload
        self._discard(upload, row.size)
        return None

    def _discard(self, upload: PendingUpload, size: int) -> None:
        """Abort an upload whose row is about to name another, or keep it on record until it is aborted."""
        attempt = self._attempt
        try:
            attempt.store.abort_uploads([upload])
        except StoreError as error:
            log.warning("job %s: an upload in parts was not aborted yet: %s", attempt.claim.job_id, error)
            attempt.guarded(lambda session: sent_files.left(session, attempt.claim, size, upload))

    def _begun(self, name: str, key: str, size: int) -> PendingUpload | None:
        """Begin an upload in parts, and record it before the first part. None: it is sent by one request."""
        attempt = self._attempt
        upload = attempt.begin_upload(key, size)
        if upload is None:
            return None
        try:
            attempt.guarded(lambda session: sent_files.begun(session, attempt.claim, name, size, upload))
        except Interrupted:  # no row names it, and not every store finds it without
            with suppress(StoreError):
                attempt.store.abort_upload(upload)
            raise
        return upload
