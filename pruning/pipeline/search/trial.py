"""Trial: prune the dense model a first time, by the targets that the search starts from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pruning.calibration.window_norms import GradientNorms
from pruning.methods.prune_blocks import prune_blocks
from pruning.methods.results import Pruned
from pruning.methods.shards import StoredBlocks
from pruning.pipeline.models import LoadedModel
from pruning.pipeline.recorder import Step
from pruning.recipe import Recipe, Stage


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
        model = self.load()
        try:
            with model.placement.in_round_robin(model.stack.modules):
                pruned = prune_blocks(
                    model.stack,
                    self.recipe,
                    self.windows,
                    self.norms,
                    placement=model.placement,
                    blocks=self.finished_blocks,
                    step=step,
                )
        finally:
            model.placement.end_stage()
        self.finished_blocks.activation_checkpoint.drop()
        return pruned


@dataclass(frozen=True)
class FinishedTrial:
    """The trial of a search that an earlier attempt has finished: its blocks are of no use any more."""

    name: ClassVar[Stage] = Stage.TRIAL

    count: int  # of the model's blocks

    def prepare(self) -> int:
        """Return the number of blocks."""
        return self.count

    def run(self, step: Step) -> None:
        """Report all steps."""
        step(self.count, self.count)
