"""Prune: mask the dense model block by block, and write the result; a first time as a trial, for a search."""

from collections.abc import Callable
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
        return None if self.recipe.method is None else len(self.model.stack.blocks)

    def run(self, step: Step) -> Pruned:
        """Prune block by block, then write the pruned model.

        Raises NumericalFailure with the name of the layer.
        """
        if self.recipe.method is None:
            unmasked = Pruned(self.finished_blocks, 0)
            write_model(self.model.checkpoint, unmasked, self.directory, save_masks=False)
            return unmasked
        pruned = _pruned(self.model, self.recipe, self.windows, self.norms, self.finished_blocks, step)
        write_model(self.model.checkpoint, pruned, self.directory, save_masks=self.save_masks)
        return pruned


@dataclass(frozen=True)
class TrialStage:
    """Prunes the blocks that an earlier attempt has not finished, in a model of its own."""

    name: ClassVar[Stage] = Stage.TRIAL

    load: Callable[[], LoadedModel]  # the dense model: it may be pruned in place, and is released afterwards
    recipe: Recipe
    windows: Tensor
    norms: GradientNorms
    finished_blocks: StoredBlocks  # the others are added to it
    count: int  # of the model's blocks

    def prepare(self) -> int:
        """Return the number of blocks: each is one step."""
        return self.count

    def run(self, step: Step) -> Pruned:
        """Prune block by block.

        Raises NumericalFailure with the name of the layer.
        """
        pruned = _pruned(self.load(), self.recipe, self.windows, self.norms, self.finished_blocks, step)
        self.finished_blocks.activation_checkpoint.drop()
        return pruned


@dataclass(frozen=True)
class FinishedTrial:
    """The trial of a search that an earlier attempt has finished: its blocks are no longer needed."""

    name: ClassVar[Stage] = Stage.TRIAL

    count: int  # of the model's blocks

    def prepare(self) -> int:
        """Return the number of blocks."""
        return self.count

    def run(self, step: Step) -> None:
        """Report all steps."""
        step(self.count, self.count)


def _pruned(
    model: LoadedModel,
    recipe: Recipe,
    windows: Tensor | None,
    norms: GradientNorms,
    blocks: StoredBlocks,
    step: Step,
) -> Pruned:
    """Prune the blocks of a model that are not in `blocks`, and release the devices."""
    try:
        with model.placement.in_round_robin(model.stack.modules):
            return prune_blocks(
                model.stack,
                recipe,
                windows,
                norms,
                placement=model.placement,
                blocks=blocks,
                step=step,
                retry=retry_block,
            )
    finally:
        model.placement.end_stage()
