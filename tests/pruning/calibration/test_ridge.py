"""A ridge, by inputs per token, against the formula, with tokens that are counted apart."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.masks.patterns import LayerTarget, lowest_of_matrix
from pruning.methods import LayerStats
from pruning.methods.admm import AdmmMethod, admm_support
from pruning.models.blocks import Stack, find_stack
from pruning.models.replay import Replay
from pruning.recipe.methods import Admm
from tests.pruning.families import five_windows, make

EXPERTS_PER_TOKEN = 2


def measured(stack: Stack, windows: Tensor) -> dict[str, LayerStats]:
    """Of the layers of the first block, by name."""
    layers = stack.blocks[0].layers
    statistics = InputStatistics(layers, {"second_moments"})
    BlockwiseForward(Replay(stack, windows), windows.split(2)).measure(0, statistics)
    return {layer.name: LayerStats(layer, statistics, {}) for layer in layers}


@torch.no_grad()
@pytest.mark.parametrize("of_refit", [False, True], ids=["the dense weights", "the target of a refit"])
def test_admm_searches_with_a_share_of_each_number_on_the_diagonal_for(of_refit: bool) -> None:
    stats = measured(find_stack(make("llama", torch.float64)), five_windows())["model.layers.0.mlp.down_proj"]
    target = stats.weight.flip(0) if of_refit else stats.weight
    stats = replace(stats, refit_target=target if of_refit else None)
    moments, zeros = stats.second_moments, stats.weight.numel() // 2
    diagonal = moments.diagonal()
    added = 0.01 * diagonal.mean() + 3 * len(moments) / five_windows().numel() * diagonal
    mask, weight = admm_support(target, moments + added.diag(), lambda sizes: lowest_of_matrix(sizes, zeros))
    found = AdmmMethod(Admm(ridge=3)).prune(stats, LayerTarget("unstructured", 0.5))
    assert torch.equal(found.mask, mask)
    assert found.weight is not None
    torch.testing.assert_close(found.weight, weight)


@pytest.mark.parametrize("projection", ["gate_proj", "up_proj", "down_proj"])
def test_an_experts_tokens_are_those_that_are_routed_to_it(projection: str) -> None:
    found = measured(find_stack(make("mixtral", torch.float64)), five_windows())
    experts = [stats for name, stats in found.items() if name.endswith(projection)]
    tokens = [stats.layer.inputs / stats.inputs_per_token for stats in experts if stats.inputs_per_token]
    assert sum(tokens) == pytest.approx(EXPERTS_PER_TOKEN * five_windows().numel())
    query = found["model.layers.0.self_attn.q_proj"]
    assert query.inputs_per_token == pytest.approx(query.layer.inputs / five_windows().numel())
