"""Prune: every block of the dense model, then the pruned checkpoint on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from pruning.blockwise.prune import prune_blocks
from pruning.blockwise.results import Pruned
from pruning.blockwise.shards import StoredBlocks
from pruning.blockwise.steps import PruneSteps
from pruning.gradients.window_norms import GradientNorms
from pruning.output.writer import write_model
from pruning.recipe import Recipe, Stage
from pruning.recovery.blocks import TrainingSetting
from pruning.runtime.determinism import refuse_variable_workspace
from pruning.stages.models import LoadedModel
from pruning.stages.recorder import Step


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
    deterministic: bool  # where blocks are trained
    held_out: Tensor | None  # by which trained blocks are judged

    def prepare(self) -> int | None:
        """Return the number of steps, see `PruneSteps`. None for a recipe that masks nothing.

        Raises InvalidInput where the environment does not allow a deterministic training of blocks.
        """
        if self.deterministic and self.recipe.block_recovery is not None:
            refuse_variable_workspace(self.model.placement.device)
        if self.recipe.method is None:
            return None
        device = self.model.placement.device
        options = self.recipe.block_recovery
        return PruneSteps.of(options, self.model.stack, self.windows, self._training, device).total

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
            with placement.in_turns(stack.modules):
                pruned = prune_blocks(
                    stack,
                    self.recipe,
                    self.windows,
                    self.norms,
                    placement=placement,
                    blocks=self.finished_blocks,
                    step=step,
                    training=self._training,
                )
        finally:
            placement.end_stage()
        write_model(self.model.checkpoint, pruned, self.directory, save_masks=self.save_masks)
        return pruned

    @property
    def _training(self) -> TrainingSetting:
        return TrainingSetting(
            stored=self.model.checkpoint.narrowest_dtype,
            deterministic=self.deterministic,
            held_out=self.held_out,
        )
