"""Prune: mask the dense model block by block, and write the result."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from pruning.calibration.window_norms import GradientNorms
from pruning.methods.prune_blocks import prune_blocks
from pruning.methods.results import Pruned, StoredBlocks
from pruning.output.writer import write_model
from pruning.pipeline.models import LoadedModel
from pruning.pipeline.resources import retry_block
from pruning.progress import Step
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
        return len(self.model.stack.blocks) if self.recipe.masks else None

    def run(self, step: Step) -> Pruned:
        """Prune block by block, then write the pruned model.

        Raises NumericalFailure with the name of the layer.
        """
        if not self.recipe.masks:
            unmasked = Pruned(self.finished_blocks, 0)
            write_model(self.model.checkpoint, unmasked, self.directory, save_masks=False)
            return unmasked
        stack, placement = self.model.stack, self.model.placement
        with placement.stage(), placement.in_round_robin(stack.modules):
            pruned = prune_blocks(
                stack,
                self.recipe,
                self.windows,
                self.norms,
                placement=placement,
                blocks=self.finished_blocks,
                step=step,
                retry=retry_block,
            )
        self.finished_blocks.activation_checkpoint.drop()
        write_model(self.model.checkpoint, pruned, self.directory, save_masks=self.save_masks)
        return pruned
