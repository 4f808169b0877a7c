"""Shorten: take whole blocks out of the dense model, and load the smaller model that is left."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pruning.output.smaller import write_shorter
from pruning.pipeline.recorder import Step
from pruning.pipeline.smaller import CutModel, empty_directory
from pruning.recipe import Recipe, Stage
from pruning.recipe.structure import MAX_BLOCK_SELECTION_WINDOWS
from pruning.report import DepthFacts, DroppedBlock
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.sandbox.reading import UntrustedReader
from pruning.structure.check import logits_of_blocks, smaller_logits
from pruning.structure.depth import DepthPlan
from pruning.structure.drop import Drop, choose_blocks
from pruning.structure.ranges import ranges
from pruning.structure.results import StoredDrops


@dataclass(frozen=True)
class ShortenStage:
    """Chooses the blocks that an earlier attempt has not; then writes, checks and loads the model.

    Each removed block is one step, and is kept for a later attempt.
    """

    name: ClassVar[Stage] = Stage.CUT

    dense: CutModel
    recipe: Recipe
    plan: DepthPlan
    windows: Tensor
    resume_store: ResumeStore
    reading: UntrustedReader

    def prepare(self) -> int:
        """Return the number of blocks that go."""
        return self.plan.dense - self.plan.kept

    def run(self, step: Step) -> tuple[CutModel, DepthFacts]:
        """Choose the blocks, write the shorter model, and compare it with the dense one. Return it, loaded.

        Raises NumericalFailure where predictions are not finite, and InvalidInput for a model whose config
        cannot say which blocks are left (field 'structure.blocks'), or that computes something else without
        the others (field 'structure').
        """
        loaded = self.dense.loaded
        gone = StoredDrops(self.resume_store, self._numerics_key, blocks=self.plan.dense)
        try:
            kept = choose_blocks(
                loaded.stack,
                self.windows,
                self.plan.kept,
                placement=loaded.placement,
                earlier=tuple(gone.drops),
                found=lambda drop: self._keep(gone, drop, step),
            )
        finally:
            loaded.placement.end_stage()
        self.plan.refuse_unbuildable(kept)
        directory = empty_directory(self.resume_store, "shorter")
        write_shorter(self.dense.resolved.checkpoint, self.plan.config(kept), kept, directory)
        shorter = self.dense.load_smaller(directory, self.recipe, self.reading)
        self._check(kept, shorter)
        dropped = tuple(DroppedBlock(block=drop.block, kl=drop.divergence) for drop in gone.drops)
        return shorter, DepthFacts(dense=self.plan.dense, kept=ranges(kept), dropped=dropped)

    def _keep(self, gone: StoredDrops, drop: Drop, step: Step) -> None:
        gone.put(drop)
        step(len(gone.drops), self.prepare())

    def _check(self, kept: list[int], shorter: CutModel) -> None:
        """Raise InvalidInput(field='structure') where the shorter model is not the dense one's blocks."""
        dense, found = self.dense.exactly(), shorter.exactly()
        try:
            expected = logits_of_blocks(self.dense.loaded.stack, kept, self.windows, dense)
            shorter.refuse_difference(smaller_logits(self.windows, found), expected, "blocks left out")
        finally:
            dense.end_stage()
            found.end_stage()

    @property
    def _numerics_key(self) -> NumericsKey:
        windows = self.windows[:MAX_BLOCK_SELECTION_WINDOWS]
        return {**self.dense.loaded.numerics_key(None), "windows that judge blocks": len(windows)}
