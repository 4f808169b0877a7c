"""A job's ledger: its finished blocks are rows in the database, and their shards lie in the store."""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from sqlalchemy.orm import Session, sessionmaker

from jobs import blocks
from jobs.lifecycle import Claim
from jobs.store import NotStored, Store, StoreUnreachable, attempt_prefix
from jobs.tables import JobBlock
from pruning.ledger import Boundary, Conditions
from pruning.recipe import Stage
from worker.patience import DATABASE_AWAY, patiently
from worker.progress import JobProgress
from worker.stopping import LeaseLost

_STORE_PATIENCE_SECONDS = 600.0

Result = TypeVar("Result")


class JobLedger:
    """Implements `pruning.ledger.Ledger` for one attempt: every call may raise a `Stopped`."""

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

    def begin(self, stage: Stage, conditions: Conditions) -> Mapping[int, Path]:
        """Fetch the stage's shards from the store."""
        self._conditions[stage] = dict(conditions)
        rows = self._in_database(lambda session: blocks.finished(session, self._claim.job_id, stage))
        found = ((row.block, self._fetched(stage, row)) for row in rows if row.conditions == dict(conditions))
        return {block: path for block, path in found if path is not None}

    def directory(self, stage: Stage) -> Path:
        """The stage's own, below the attempt's."""
        directory = self._directory / stage
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def keep(self, stage: Stage, block: int, file: Path) -> None:
        """Upload the shard under the attempt's prefix, then write the row that makes it count."""
        key = f"{attempt_prefix(self._claim.job_id, self._claim.attempt)}/blocks/{stage}/{file.name}"
        shard = self._with_store(lambda: self._store.put_file(key, file, on_bytes=self._check))
        conditions = self._conditions[stage]
        if not self._in_database(
            lambda session: blocks.keep(session, self._claim, stage, block, shard, conditions)
        ):
            self._progress.ask()  # the database knows why the job is not running here any more
            raise LeaseLost

    def boundary(self, stage: Stage) -> Boundary:
        """In the stage's directory."""
        return Boundary(self.directory(stage), self._conditions[stage])

    def _fetched(self, stage: Stage, row: JobBlock) -> Path | None:
        """The shard on this machine; None where the store has another than the row names, or none."""
        path = self.directory(stage) / PurePosixPath(row.key).name
        try:
            shard = self._with_store(lambda: self._store.download(row.key, path, on_bytes=self._check))
        except NotStored:
            return None
        return path if shard.sha256 == row.sha256 else None

    def _check(self, _: int) -> None:
        self._progress.check()

    def _in_database(self, action: Callable[[Session], Result]) -> Result:
        def act() -> Result:
            with self._database.begin() as session:
                return action(session)

        return patiently(act, transient=DATABASE_AWAY, check=self._progress.check)

    def _with_store(self, action: Callable[[], Result]) -> Result:
        return patiently(
            action,
            transient=(StoreUnreachable,),
            check=self._progress.check,
            seconds=_STORE_PATIENCE_SECONDS,
        )
