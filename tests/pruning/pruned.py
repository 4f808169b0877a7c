"""Prunes or cuts a model in memory, as a run does: gradients where the recipe needs them, then the blocks."""

from torch import Tensor
from transformers import PreTrainedModel

from pruning.blockwise.prune import Pruned, prune
from pruning.gradients.gradient_pass import gradient_norms
from pruning.gradients.window_norms import GradientNorms
from pruning.model.blocks import find_stack
from pruning.model.placement import Placement
from pruning.recipe import Recipe, StructureOptions
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutInMemory


def ignore_steps(done: int, total: int) -> None:
    """A `step` callback for tests that do not look at progress."""


def pruned(model: PreTrainedModel, windows: Tensor, **fields: object) -> Pruned:
    """Prune `model` in place to half of its weights by the recipe's other `fields`."""
    recipe = Recipe.model_validate({"model": "/any", "sparsity": 0.5, **fields})
    norms = gradient_norms(model, windows, norms=recipe.gradient_norms, step=ignore_steps)
    return prune(model, recipe, windows, norms, step=ignore_steps)


def cut_in_memory(
    model: PreTrainedModel,
    options: StructureOptions,
    plan: CutPlan,
    windows: Tensor | None,
    gates: GradientNorms | None = None,
) -> CutInMemory:
    """Cut the blocks of `model` in place, and return them."""
    blocks, stack = CutInMemory(), find_stack(model)
    cut_blocks(
        stack,
        options,
        plan.on(stack),
        windows,
        gates or {},
        placement=Placement(model),
        blocks=blocks,
        step=ignore_steps,
    )
    return blocks
