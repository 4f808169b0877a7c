"""Prunes a model in memory, as a run does: gradients where the recipe needs them, then block by block."""

from torch import Tensor
from transformers import PreTrainedModel

from pruning.blockwise.prune import Pruned, prune
from pruning.gradients.gradient_pass import gradient_norms
from pruning.recipe import Recipe


def ignore_steps(done: int, total: int) -> None:
    """A `step` callback for tests that do not look at progress."""


def pruned(model: PreTrainedModel, windows: Tensor, **fields: object) -> Pruned:
    """Prune `model` in place to half of its weights by the recipe's other `fields`."""
    recipe = Recipe.model_validate({"model": "/any", "sparsity": 0.5, **fields})
    norms = gradient_norms(model, windows, norms=recipe.gradient_norms, step=ignore_steps)
    return prune(model, recipe, windows, norms, step=ignore_steps)
