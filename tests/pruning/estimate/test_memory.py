"""The memory that is estimated, against the tensors that are alive at the peak.

The first two models are those by which the formulas were found, and the last two are not.
"""

from dataclasses import replace

import pytest
import torch

from pruning.estimate import memory
from pruning.estimate.work import Windows
from pruning.methods.prune_blocks import prune_blocks
from pruning.methods.results import InMemory, PrunedBlock
from pruning.models.blocks import Stack, prunable_stack
from pruning.models.memory import shape_of
from pruning.models.placement import Placement
from pruning.recipe import Recipe
from tests.pruning.families import make
from tests.pruning.live_memory import LiveMemory
from tests.pruning.pruned import ignore_steps

VOCABULARY = 64
WINDOWS = Windows(4, 32)
MODELS = {
    "an MLP of 8 to 3": ("llama", {"hidden_size": 96, "intermediate_size": 256, "num_key_value_heads": 4}),
    "a square MLP": ("llama", {"hidden_size": 128, "intermediate_size": 128, "num_key_value_heads": 4}),
    "shared keys, an MLP of 6 to 1": (
        "llama",
        {"hidden_size": 64, "intermediate_size": 384, "num_attention_heads": 8, "num_key_value_heads": 2},
    ),
    "a mixture of 8": ("mixtral", {"hidden_size": 64, "intermediate_size": 160, "num_local_experts": 8}),
}
RECIPES: dict[str, dict[str, object]] = {
    "magnitude": {"method": "magnitude"},
    "wanda": {"method": "wanda"},
    "ria": {"method": "ria"},
    "sparsegpt": {"method": {"name": "sparsegpt", "columns": 16}},
    "sparsegpt, by layers": {"method": {"name": "sparsegpt", "columns": 16}, "order": "layers"},
    "admm": {"method": "admm"},
    "best": {"method": "admm", "refit": {"toward": 0.5, "iterations": 3}, "order": "layers"},
    "wanda, refit": {"method": "wanda", "refit": {"iterations": 3}},
    "wanda, swaps": {"method": "wanda", "swaps": 3},
}


class Forgotten(InMemory):
    """Blocks whose weights are elsewhere, as those of a job are in files."""

    def put(self, block: int, pruned: PrunedBlock) -> None:
        super().put(block, replace(pruned, weights={}))


def stack_of(model: str, recipe: Recipe) -> Stack:
    """Return the blocks of a model that is stored in bfloat16, so that what computes in float32 is a copy."""
    family, sizes = MODELS[model]
    made = make(family, torch.bfloat16, vocab_size=VOCABULARY, num_hidden_layers=2, **sizes)
    return prunable_stack(made, recipe)


def tokens() -> torch.Tensor:
    random = torch.Generator().manual_seed(2)
    return torch.randint(2, VOCABULARY, (WINDOWS.count, WINDOWS.length), generator=random)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", RECIPES)
def test_the_memory_of_a_pruning_is_what_is_alive(name: str, model: str) -> None:
    recipe = Recipe.model_validate({"model": "/any", "sparsity": 0.5, **RECIPES[name]})
    stack = stack_of(model, recipe)
    shape = shape_of(stack, stored_dtype="bfloat16")
    placement = Placement(stack.model, dtype=torch.float32)
    with LiveMemory() as live:
        prune_blocks(stack, recipe, tokens(), {}, placement=placement, blocks=Forgotten(), step=ignore_steps)
    estimated = memory.pruning(shape, WINDOWS, "float32", "cpu", recipe)
    assert 0.95 <= estimated / live.peak <= 1.2, (estimated, live.peak)
