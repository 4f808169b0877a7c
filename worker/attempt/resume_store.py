"""A job's resume store: its finished blocks are rows in the database, and their shards are in the store.

Where finished blocks are computed again under other conditions, such as on another device, an event says why.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from jobs.lifecycle import attempt_files
from jobs.lifecycle.events import ChangedCondition, StageRestarted
from jobs.tables import JobBlock
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import (
    COMMON_CONDITIONS,
    ActivationCheckpoint,
    NumericsKey,
    changed_numerics,
    unqualified_name,
)
from worker.attempt.attempt import Attempt


class JobResumeStore:
    """Implements `pruning.resume.store.ResumeStore`. Every call may raise an `Interrupted`."""

    def __init__(self, attempt: Attempt, directory: Path) -> None:
        """`directory`: the attempt's own, for shards and activation checkpoints."""
        self._attempt = attempt
        self._directory = directory
        self._numerics_keys: dict[Stage, dict[str, Any]] = {}
        self._reported: set[str] = set()  # reasons why blocks are computed again
        self._own: dict[tuple[Stage, int], HashedFile] = {}  # of this attempt, and still here

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, HashedFile]:
        """Download the shards of the stage's finished blocks that have this numerics key.

        Those that this attempt has committed or downloaded are on this machine already. Where finished blocks
        of the job are lost under this key, an event says why, once for each reason.
        """
        self._numerics_keys[stage] = dict(numerics_key)
        job_id = self._attempt.claim.job_id
        rows = self._attempt.transaction(lambda session: attempt_files.finished_blocks(session, job_id))
        self._report_restart(stage, rows)
        of_stage = [row for row in rows if row.stage == stage and row.numerics_key == dict(numerics_key)]
        files = ((row.block, self._download(stage, row)) for row in of_stage)
        found = {block: file for block, file in files if file is not None}
        if found:
            self._attempt.progress.resumed(stage)
        return found

    def directory(self, stage: Stage) -> Path:
        """Return the stage's directory, which is made if it does not exist."""
        directory = self._directory / stage
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        """Upload the shard under the attempt's prefix, then write the row that makes it count."""
        claim, numerics_key = self._attempt.claim, self._numerics_keys[stage]
        key = f"{self._attempt.storage_prefix}/blocks/{stage}/{file.path.name}"
        shard = self._attempt.upload(key, file.path, sha256=file.sha256)
        self._attempt.guarded(
            lambda session: attempt_files.record_block(session, claim, stage, block, shard, numerics_key)
        )
        self._own[stage, block] = file
        self._attempt.progress.block_finished(block)

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return ActivationCheckpoint(self.directory(stage), self._numerics_keys[stage])

    def _report_restart(self, stage: Stage, rows: Sequence[JobBlock]) -> None:
        event = restart(self._attempt.claim.attempt, stage, rows, self._numerics_keys[stage])
        if event is not None and event.reason not in self._reported:
            self._reported.add(event.reason)
            self._attempt.record(event)

    def _download(self, stage: Stage, row: JobBlock) -> HashedFile | None:
        own = self._own.get((stage, row.block))
        if own is not None and own.sha256 == row.sha256:
            return own
        path = self.directory(stage) / PurePosixPath(row.key).name
        found = self._attempt.download_verified(row.key, path, row.size, row.sha256)
        if found is not None:
            self._own[stage, row.block] = found
        return found


def restart(attempt: int, stage: Stage, rows: Sequence[JobBlock], now: NumericsKey) -> StageRestarted | None:
    """Return the event of a stage that begins under the key `now`; None where nothing is lost for it.

    `rows`: the finished blocks of the job, of all stages. Only what the latest attempt with one had finished
    can be lost now: what it had lost itself was reported then.
    """
    latest = max((row.attempt for row in rows if row.numerics_key), default=0)
    before: dict[str, Any] = {}
    for row in rows:
        if row.attempt == latest:
            before = _changed(stage, row, now) | before
    if not before:
        return None
    lost = [row for row in rows if _changed(stage, row, now)]
    return StageRestarted(
        attempt=attempt,
        stages=[each for each in Stage if any(row.stage == each for row in lost)],
        blocks=len(lost),
        changes=[
            ChangedCondition(name=unqualified_name(name), before=str(before[name]), now=str(now[name]))
            for name in before
        ],
    )


def _changed(stage: Stage, row: JobBlock, now: NumericsKey) -> dict[str, Any]:
    """Return by name what was otherwise when a block was finished; of other stages, what all have alike."""
    found = changed_numerics(row.numerics_key, now)
    return {name: found[name] for name in found if row.stage == stage or name in COMMON_CONDITIONS}
