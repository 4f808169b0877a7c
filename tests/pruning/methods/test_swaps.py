"""Swaps against a search over all pairs by the errors themselves, and on whole models."""

import copy
from itertools import product
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from pruning.masks.patterns import lowest_of_each_group, lowest_of_each_row
from pruning.methods import swaps as module
from pruning.methods.swaps import CANDIDATES, swap
from pruning.recipe import Recipe
from tests.pruning.pruned import pruned
from tests.pruning.tiny import tiny_llama

ROWS = 6


def problem(
    inputs: int, group: tuple[int, int] | None, seed: int = 0, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, Tensor]:
    """Return weights, a mask by Wanda's scores, and the second moments of correlated inputs."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(ROWS, inputs, generator=generator, dtype=dtype)
    mixed = torch.randn(inputs, inputs, generator=generator, dtype=dtype)
    activations = torch.randn(3 * inputs, inputs, generator=generator, dtype=dtype) @ mixed
    moments = activations.T @ activations
    scores = weight.abs() * moments.diagonal().sqrt()
    mask = lowest_of_each_group(scores, *group) if group else lowest_of_each_row(scores, 0.5)
    return weight, mask, moments


def error_of(row: Tensor, mask: Tensor, moments: Tensor) -> float:
    """Return the squared error of a row's outputs, of its pruned weights."""
    lost = row.double() * mask
    return float(lost @ moments.double() @ lost)


def naive(row: Tensor, mask: Tensor, moments: Tensor, size: int) -> tuple[Tensor, int]:
    """Try every pair of a group of `size` inputs, take the best, until none is better. Count the swaps."""
    mask, swaps = mask.clone(), 0
    while True:
        now, found = error_of(row, mask, moments), {}
        for prune, restore in product(range(len(row)), repeat=2):
            if not mask[prune] and mask[restore] and prune // size == restore // size:
                changed = mask.clone()
                changed[prune], changed[restore] = True, False
                found[prune, restore] = error_of(row, changed, moments)
        if not found or min(found.values()) >= now * (1 - 1e-9):
            return mask, swaps
        prune, restore = min(found, key=lambda pair: found[pair])
        mask[prune], mask[restore] = True, False
        swaps += 1


@pytest.mark.parametrize("group", [None, (2, 4), (4, 8), (1, 3)])
def test_it_equals_a_search_over_all_pairs(
    group: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SWAPPED_WEIGHTS", {"cpu": 4 * 24})  # rows in two parts
    monkeypatch.setattr(module, "_MOMENTS_AT_ONCE", 7)
    weight, mask, moments = problem(24, group)
    found = swap(weight, mask, moments, group=group, most=1000)
    swaps, reductions = [], []
    for number, (row, before) in enumerate(zip(weight, mask, strict=True)):
        expected, count = naive(row, before, moments, group[1] if group else 24)
        assert torch.equal(found.mask[number], expected)
        swaps.append(count)
        reductions.append(1 - error_of(row, expected, moments) / error_of(row, before, moments))
    assert sum(swaps) > ROWS
    assert found.unfinished == 0
    assert found.reduction == pytest.approx(float(torch.tensor(reductions).median()), rel=1e-6)


@pytest.mark.parametrize("group", [None, (2, 4)])
def test_no_row_gets_worse_and_each_ends_where_no_candidate_lowers_its_error(
    group: tuple[int, int] | None,
) -> None:
    weight, mask, moments = problem(160, group, seed=1)
    found = swap(weight, mask, moments, group=group, most=10_000)
    assert torch.equal(found.mask.sum(1), mask.sum(1))
    if group:
        assert (found.mask.view(ROWS, -1, 4).sum(2) == 2).all()
    for row, before, after in zip(weight, mask, found.mask, strict=True):
        error = error_of(row, after, moments)
        assert error < error_of(row, before, moments)
        for prune, restore in candidates(row, after, moments, group):
            changed = after.clone()
            changed[prune], changed[restore] = True, False
            assert error_of(row, changed, moments) > error * (1 - 2e-9)


def candidates(
    row: Tensor, mask: Tensor, moments: Tensor, group: tuple[int, int] | None
) -> list[tuple[int, int]]:
    """Return the swaps among the weights, or groups, that are best by the terms of one weight each."""
    pruning, restoring = {}, {}
    now = error_of(row, mask, moments)
    for place in range(len(row)):
        changed = mask.clone()
        changed[place] = ~mask[place]
        (restoring if mask[place] else pruning)[place] = error_of(row, changed, moments) - now
    if group is None:
        best = [sorted(terms, key=lambda place: terms[place])[:CANDIDATES] for terms in (pruning, restoring)]
        return list(product(*best))
    size = group[1]
    groups = sorted(
        range(len(row) // size),
        key=lambda number: sum(
            min(term for place, term in terms.items() if place // size == number)
            for terms in (pruning, restoring)
        ),
    )
    return [
        pair
        for pair in product(pruning, restoring)
        if pair[0] // size == pair[1] // size and pair[0] // size in groups[:CANDIDATES]
    ]


@pytest.mark.parametrize("group", [None, (2, 4)])
def test_a_round_swaps_more_than_once_by_the_errors_that_each_swap_leaves(
    group: tuple[int, int] | None,
) -> None:
    weight, mask, moments = problem(160, group, seed=2)
    rows = module._Rows.of(weight.double(), mask.clone(), moments)
    swap_in_a_round = module._swap_in_groups(group[1]) if group else module._swap_in_rows
    swaps = swap_in_a_round(rows, -1e-9 * rows.errors(), torch.full((ROWS,), 1000))
    assert int(swaps.min()) > 1
    for row, before, after, found in zip(weight, mask, rows.mask, rows.errors(), strict=True):
        assert float(found) == pytest.approx(error_of(row, after, moments), rel=1e-9)
        assert float(found) < error_of(row, before, moments)


def test_a_planted_mask_is_repaired() -> None:
    """Inputs 0 and 1 are equal and their weights opposite: pruned together they cost nothing, alone much."""
    weight = torch.tensor([[3.0, -3.0, 1.0, 0.5]])
    activations = torch.randn(50, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    activations[:, 1] = activations[:, 0]
    moments = (activations.T @ activations).float()
    mask = torch.tensor([[True, False, False, True]])
    found = swap(weight, mask, moments, group=(2, 4), most=10)
    assert found.mask.tolist() == [[True, True, False, False]]
    assert found.reduction == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("group", [None, (2, 4)])
def test_the_cap_ends_a_row_and_is_counted(group: tuple[int, int] | None) -> None:
    weight, mask, moments = problem(24, group)
    size = group[1] if group else 24
    by_row = [naive(row, before, moments, size)[1] for row, before in zip(weight, mask, strict=True)]
    found = swap(weight, mask, moments, group=group, most=2)
    assert found.unfinished == sum(count >= 2 for count in by_row) > 0
    assert (found.mask != mask).sum(1).tolist() == [2 * min(2, count) for count in by_row]


@pytest.mark.parametrize("pruned", [False, True])
def test_rows_without_a_choice_or_without_inputs_stay(pruned: bool) -> None:
    weight, _, moments = problem(24, None)
    mask = torch.full_like(weight, pruned, dtype=torch.bool)
    for of_inputs in (moments, torch.zeros_like(moments)):
        found = swap(weight, mask, of_inputs, group=None, most=10)
        assert torch.equal(found.mask, mask)
        assert (found.reduction, found.unfinished) == (0, 0)


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("wanda", {}),
        ("ria", {"pattern": "2:4"}),
        ("gblm", {"allocation": "gradient"}),
        ("magnitude", {"order": "layers", "allocation": "owl"}),  # which measures inputs without swaps, too
        ({"name": "wanda", "selection": "cumulative"}, {}),
    ],
)
def test_on_a_model_kept_weights_stay_and_masks_change(
    windows: Tensor, method: str | dict[str, str], more: dict[str, Any]
) -> None:
    dense = tiny_llama(num_hidden_layers=1)
    model = copy.deepcopy(dense)
    plain = pruned(copy.deepcopy(dense), windows, method=method, **more)
    swapped = pruned(model, windows, method=method, swaps=1000, **more)
    assert swapped.sparsity == plain.sparsity
    masks = swapped.masks
    for (name, found), weight in zip(model.named_parameters(), dense.parameters(), strict=True):
        assert torch.equal(found, weight.masked_fill(masks[name], 0) if name in masks else weight)
    first, *_ = swapped.layers
    assert first.swap_reduction is not None
    assert first.swap_reduction > 0
    assert [layer.swap_reduction for layer in plain.layers] == [None] * 7
    assert not torch.equal(*(result.masks[first.name + ".weight"] for result in (plain, swapped)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"method": "admm"}, "admm changes the kept weights"),
        ({"method": "best"}, "admm changes the kept weights"),
        ({"method": "wanda", "refit": True}, "a refit changes the kept weights"),
        ({"method": "wanda", "swaps": 0}, "greater than or equal to 1"),
    ],
)
def test_swaps_are_refused_where_kept_weights_change(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Recipe.model_validate({"model": "org/name", "sparsity": 0.5, "swaps": 10, **fields})


def test_a_recipe_without_swaps_keeps_its_fingerprint() -> None:
    fields = {"model": "org/name", "method": "wanda", "sparsity": 0.5}
    without, with_swaps = (Recipe.model_validate(fields | more) for more in ({}, {"swaps": 1000}))
    assert with_swaps.needs == without.needs | {"second_moments"}
    assert not with_swaps.computes_weights
    assert with_swaps.fingerprint() != without.fingerprint()
