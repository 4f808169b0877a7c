"""Prune: every block of the dense model, then the pruned checkpoint on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from pruning.calibration.window_norms import GradientNorms
from pruning.methods.prune_blocks import prune_blocks
from pruning.methods.results import Pruned
from pruning.methods.shards import StoredBlocks
from pruning.output.writer import write_model
from pruning.pipeline.models import LoadedModel
from pruning.pipeline.recorder import Step
from pruning.recipe import Recipe, Stage


@dataclass(frozen=True)
class PruneStage:
    """Prunes the blocks that an earlier attempt has not finished, and writes the pruned model."""

    name: ClassVar[Stage] = Stage.PRUNE

    model: LoadedModel
    recipe: Recipe
    windows: Tensor | None  # None for a recipe that measures no inputs
    norms: GradientNorms
    finished_blocks: StoredBlocks  # the others are added to it
    directory: Path
    save_masks: bool

    def prepare(self) -> int | None:
        """Return the number of blocks. None for a recipe that masks nothing."""
        return None if self.recipe.method is None else len(self.model.stack.blocks)

    def run(self, step: Step) -> Pruned:
        """Prune block by block, then write the pruned model.

        Raises NumericalFailure with the name of the layer.
        """
        if self.recipe.method is None:
            unmasked = Pruned(self.finished_blocks, 0)
            write_model(self.model.checkpoint, unmasked, self.directory, save_masks=False)
            return unmasked
        placement, stack = self.model.placement, self.model.stack
        try:
            with placement.in_round_robin(stack.modules):
                pruned = prune_blocks(
                    stack,
                    self.recipe,
                    self.windows,
                    self.norms,
                    placement=placement,
                    blocks=self.finished_blocks,
                    step=step,
                )
        finally:
            placement.end_stage()
        write_model(self.model.checkpoint, pruned, self.directory, save_masks=self.save_masks)
        return pruned
