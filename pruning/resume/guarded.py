"""A resume store that takes no block of a run whose input files have changed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pruning.files.frozen_file import FrozenFile
from pruning.recipe.stages import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import ActivationCheckpoint, NumericsKey, ResumeStore


class GuardedResumeStore:
    """Another store, with the run's files checked before each commit.

    Otherwise a later attempt, which finds the files as they were, would go on from blocks that were computed
    from other weights.
    """

    def __init__(self, store: ResumeStore, files: Sequence[FrozenFile]) -> None:
        self._store = store
        self._files = files

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, HashedFile]:
        return self._store.begin(stage, numerics_key)

    def directory(self, stage: Stage) -> Path:
        return self._store.directory(stage)

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        """Raise InvalidInput with the field of a file that has changed; otherwise commit."""
        for frozen in self._files:
            frozen.check()
        self._store.commit(stage, block, file)

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return self._store.activation_checkpoint(stage)
