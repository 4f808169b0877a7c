"""A job's resume store: its finished blocks are rows in the database, and their shards lie in the store."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import finished_blocks
from jobs.lifecycle.lifecycle import Claim
from jobs.storage.store import Store, attempt_prefix
from jobs.tables import JobBlock
from pruning.recipe import Stage
from pruning.resume.store import ActivationCheckpoint, NumericsKey
from worker.attempt.progress import JobProgress
from worker.attempt.transfers import fetch, in_database, put_file
from worker.interrupts import LeaseLost


class JobResumeStore:
    """Implements `pruning.resume.store.ResumeStore` for one attempt: every call may raise a `Stopped`."""

    def __init__(
        self,
        database: sessionmaker[Session],
        store: Store,
        claim: Claim,
        directory: Path,
        progress: JobProgress,
    ) -> None:
        """`directory`: the attempt's own, on this machine."""
        self._database = database
        self._store = store
        self._claim = claim
        self._directory = directory
        self._progress = progress
        self._conditions: dict[Stage, dict[str, Any]] = {}

    def begin(self, stage: Stage, conditions: NumericsKey) -> Mapping[int, Path]:
        """Fetch the stage's shards from the store."""
        self._conditions[stage] = dict(conditions)
        rows = in_database(
            self._database,
            self._progress,
            lambda session: finished_blocks.finished(session, self._claim.job_id, stage),
        )
        found = ((row.block, self._fetched(stage, row)) for row in rows if row.conditions == dict(conditions))
        return {block: path for block, path in found if path is not None}

    def directory(self, stage: Stage) -> Path:
        """The stage's own, below the attempt's."""
        directory = self._directory / stage
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def commit(self, stage: Stage, block: int, file: Path) -> None:
        """Upload the shard under the attempt's prefix, then write the row that makes it count."""
        key = f"{attempt_prefix(self._claim.job_id, self._claim.attempt)}/blocks/{stage}/{file.name}"
        shard = put_file(self._store, key, file, self._progress)
        conditions = self._conditions[stage]
        if not in_database(
            self._database,
            self._progress,
            lambda session: finished_blocks.keep(session, self._claim, stage, block, shard, conditions),
        ):
            self._progress.ask()  # the database knows why the job is not running here any more
            raise LeaseLost

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        """In the stage's directory."""
        return ActivationCheckpoint(self.directory(stage), self._conditions[stage])

    def _fetched(self, stage: Stage, row: JobBlock) -> Path | None:
        path = self.directory(stage) / PurePosixPath(row.key).name
        return fetch(self._store, row.key, path, row.sha256, self._progress)
