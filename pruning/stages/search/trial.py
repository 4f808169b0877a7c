"""Trial: prune the dense model a first time, by the targets that the search starts from."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from torch import Tensor

from pruning.blockwise.prune import prune_blocks
from pruning.blockwise.results import Pruned
from pruning.blockwise.shards import StoredBlocks
from pruning.gradients.window_norms import GradientNorms
from pruning.recipe import Recipe, Stage
from pruning.stages.models import LoadedModel
from pruning.stages.recorder import Step


@dataclass(frozen=True)
class TrialStage:
    """Prunes the blocks that an earlier attempt has not finished."""

    name: ClassVar[Stage] = Stage.TRIAL

    model: LoadedModel  # of no use afterwards: it may be pruned in place
    recipe: Recipe
    windows: Tensor
    norms: GradientNorms
    finished_blocks: StoredBlocks  # the others are added to it

    def prepare(self) -> int:
        """Return the number of blocks: each is one step."""
        return len(self.model.stack.blocks)

    def run(self, step: Step) -> Pruned:
        """Prune block by block. Nothing is trained: the search is of what pruning alone costs.

        Raises NumericalFailure with the name of the layer.
        """
        placement, stack = self.model.placement, self.model.stack
        try:
            with placement.in_turns(stack.modules):
                return prune_blocks(
                    stack,
                    self._untrained,
                    self.windows,
                    self.norms,
                    placement=placement,
                    blocks=self.finished_blocks,
                    step=step,
                )
        finally:
            placement.end_stage()

    @cached_property
    def _untrained(self) -> Recipe:
        return self.recipe.model_copy(update={"recovery": None})
