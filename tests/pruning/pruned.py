"""Prunes or cuts a model in memory, as a run does: gradients where the recipe needs them, then the blocks."""

from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.gradient_pass import GradientPass, gradient_norms
from pruning.calibration.window_norms import GradientNorms
from pruning.methods.prune_blocks import Pruned, prune
from pruning.models.blocks import find_stack, stack_of_layers
from pruning.models.placement import Placement
from pruning.recipe import Recipe
from pruning.resume.store import ActivationCheckpoint
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutBlock
from pruning.structure.units import consumers


class CutInMemory(dict[int, CutBlock]):
    """Blocks in memory, of a run that cannot be resumed."""

    def __init__(self) -> None:
        super().__init__()
        self.activation_checkpoint = ActivationCheckpoint(None, {})

    def put(self, block: int, cut: CutBlock) -> None:
        self[block] = cut


def ignore_steps(done: int, total: int) -> None:
    """A `step` callback for tests that do not look at progress."""


def pruned(model: PreTrainedModel, windows: Tensor, **fields: object) -> Pruned:
    """Prune `model` in place to half of its weights by the recipe's other `fields`."""
    return pruned_by(Recipe.model_validate({"model": "/any", "sparsity": 0.5, **fields}), model, windows)


def pruned_by(recipe: Recipe, model: PreTrainedModel, windows: Tensor) -> Pruned:
    """Prune `model` in place by a recipe."""
    norms = recipe.gradient_norms
    gradients = gradient_norms(model, windows, norms=norms, step=ignore_steps) if norms else {}
    return prune(model, recipe, windows if recipe.needs else None, gradients, step=ignore_steps)


def gates_of(model: PreTrainedModel, windows: Tensor) -> GradientNorms:
    """Return the gates of the layers that read units."""
    stack = stack_of_layers(model, frozenset(layer.name for layer in consumers(model)))
    judged = GradientPass(
        Placement(model), windows, norms=frozenset({"gates"}), stack=stack, schedule="whole"
    )
    return judged.run(ignore_steps)


def cut_in_memory(
    model: PreTrainedModel, plan: CutPlan, windows: Tensor, gates: GradientNorms | None = None
) -> CutInMemory:
    """Cut the blocks of `model` in place, and return them. `gates`: computed where they are not given."""
    blocks, stack = CutInMemory(), find_stack(model)
    cut_blocks(
        stack,
        plan.on(stack),
        windows,
        gates_of(model, windows) if gates is None else gates,
        placement=Placement(model),
        blocks=blocks,
        step=ignore_steps,
    )
    return blocks
