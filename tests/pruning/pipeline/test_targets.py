"""Targets that are moved by what each layer adds to the loss."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from pruning.errors import NumericalFailure
from pruning.methods.results import PrunedLayer
from pruning.pipeline.targets import logarithms_of_costs, moved

TYPES, BLOCKS = {"q_proj": 1000, "o_proj": 1000, "up_proj": 3000}, 8


def layers(zeros: float = 0.5) -> list[PrunedLayer]:
    return [
        PrunedLayer(f"model.layers.{block}.{name}", block, (1, size), int(zeros * size))
        for block in range(BLOCKS)
        for name, size in TYPES.items()
    ]


def shares(costs: list[float], noise: float = 0.0) -> Tensor:
    """What 16 windows say of layers whose zeros cost so much, each by about `noise` of its share."""
    sizes = torch.tensor([layer.weights for layer in layers()], dtype=torch.float64)
    draw = torch.randn(len(costs), 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    draw -= draw.mean(dim=1, keepdim=True)
    return (torch.tensor(costs, dtype=torch.float64) * sizes)[:, None] * (1 + noise * draw)


def uneven() -> list[float]:
    """Costs by type and depth, and of each layer a little by itself."""
    by_type = {"q_proj": 2e-6, "o_proj": 1e-6, "up_proj": 3e-6}
    generator = np.random.default_rng(1)
    return [
        by_type[layer.name.rpartition(".")[2]] * math.exp(0.1 * layer.block + 0.3 * generator.normal())
        for layer in layers()
    ]


def test_zeros_move_to_where_one_more_costs_least_and_stay_as_many() -> None:
    costs = uneven()
    found = moved(layers(), shares(costs))
    assert sum(found) == sum(layer.zeros for layer in layers())
    after = [
        math.log(cost) + 7 * (count - layer.zeros) / layer.weights
        for cost, count, layer in zip(costs, found, layers(), strict=True)
    ]
    # All costs are drawn a little towards the fit, by 0.1² of the variance between layers.
    assert np.std(after) < 0.2 * np.std(np.log(costs))


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_no_layer_moves_by_more_than_a_fifth(factor: float) -> None:
    costs = uneven()
    for number in range(3, len(costs), 4):
        costs[number] *= factor
    found = moved(layers(), shares(costs))
    pairs = zip(found, layers(), strict=True)
    moves = [(count - layer.zeros) / layer.weights for count, layer in pairs]
    assert sum(found) == sum(layer.zeros for layer in layers())
    assert 0.1 < max(map(abs, moves)) <= 0.2 + 1e-3


@pytest.mark.parametrize("noise", [0.4, 4.0])
def test_a_noisy_cost_is_drawn_towards_the_fit_by_type_and_depth(noise: float) -> None:
    costs = uneven()
    of_size = torch.tensor([layer.weights for layer in layers()], dtype=torch.float64)
    found = logarithms_of_costs(layers(), shares(costs, noise) / of_size[:, None]).numpy()

    # The same by numpy, with every layer's error known: equal ones, so that the fit is an ordinary one.
    names = [layer.name.rpartition(".")[2] for layer in layers()]
    depths = np.array([layer.block / (BLOCKS - 1) - 0.5 for layer in layers()])
    terms = np.column_stack(
        [*([name == each for name in names] for each in TYPES), depths, depths**2]
    ).astype(float)
    log = np.log(costs)
    spread = shares(costs, noise).std(dim=1) / 4 / shares(costs, noise).mean(dim=1)
    error = np.clip(spread.numpy(), 0.1, 1.0)
    weighted = terms / error[:, None]
    fit = terms @ np.linalg.solve(weighted.T @ weighted, weighted.T @ (log / error))
    variance = max(np.var(log - fit) - np.sort(error)[(len(error) - 1) // 2] ** 2, 0.01)
    assert found == pytest.approx(fit + (log - fit) * variance / (variance + error**2), rel=1e-6)


def test_a_share_below_zero_is_taken_as_a_tenth_of_the_usual_cost() -> None:
    costs = uneven()
    costs[3] = -1.0
    lowest = sorted(costs)[(len(costs) - 1) // 2] / 10  # the lower of the two in the middle
    below, at = moved(layers(), shares(costs)), moved(layers(), shares([*costs[:3], lowest, *costs[4:]]))
    assert below == at


def test_experts_without_tokens_are_expected_to_be_as_others_of_their_type() -> None:
    costs = uneven()
    unreached = [0.0 if number % 9 == 0 else cost for number, cost in enumerate(costs)]
    found, before = (moved(layers(), shares(of_layers)) for of_layers in (unreached, costs))
    for number, layer in enumerate(layers()):
        if number % 9 == 0:
            assert (
                found[number] - layer.zeros
            ) / layer.weights < 0.1  # and not 0.2, as of a cost known to be least
    assert sum(found) == sum(before)


def test_types_of_layer_whose_names_differ_by_digits_within_a_word_are_two() -> None:
    names = ("dense_h_to_4h", "dense_4h_to_h")
    both = [
        PrunedLayer(f"gpt_neox.layers.{block}.mlp.{name}", block, (1, 100), 50)
        for block in range(4)
        for name in names
    ]
    costs = torch.tensor([1.0, 10.0] * 4, dtype=torch.float64)[:, None] * torch.tensor([0.9, 1.0, 1.1])
    fit = logarithms_of_costs(both, costs)
    assert fit.numpy() == pytest.approx(np.log([1.0, 10.0] * 4), abs=1e-6)


def test_no_layer_loses_more_than_three_quarters_of_its_kept_weights() -> None:
    almost, costs = layers(0.95), uneven()
    costs[0] = 1e-12
    found = moved(almost, shares(costs))
    assert sum(found) == sum(layer.zeros for layer in almost)
    assert max(count / layer.weights for count, layer in zip(found, almost, strict=True)) <= 0.9875 + 1e-3


def test_a_single_layer_keeps_its_zeros() -> None:
    alone = [PrunedLayer("model.layers.0.mlp.up_proj", 0, (1, 100), 50)]
    assert moved(alone, torch.tensor([[0.1, 0.2]])) == [50]


@pytest.mark.parametrize("cost", [-1e-6, 0.0])
def test_a_loss_that_says_nothing_is_no_reason_to_move_zeros(cost: float) -> None:
    said = (
        "^most layers add nothing to the loss of the first pruned model, so it does not say where zeros are "
    )
    with pytest.raises(NumericalFailure, match=said + "better; use allocation 'gradient'$"):
        moved(layers(), shares([cost] * len(layers())))


def test_a_type_of_one_block_and_a_model_of_one_block_have_a_fit() -> None:
    alone = [
        PrunedLayer("model.layers.0.mlp.up_proj", 0, (1, 100), 50),
        PrunedLayer("h.0.c", 0, (1, 100), 50),
    ]
    assert sum(moved(alone, torch.tensor([[0.1, 0.2], [0.2, 0.3]]))) == 100
