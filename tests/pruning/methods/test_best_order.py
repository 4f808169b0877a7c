"""Orders of channels against naive sums, a search through all orders, and planted scores."""

from itertools import combinations

import pytest
import torch
from torch import Tensor

import pruning.methods.best_order as module
from pruning.methods.best_order import best_order, kept_sum

PATTERNS = [(2, 4), (1, 4), (1, 2), (3, 4), (4, 8)]


def scores_of(rows: int, channels: int, seed: int = 0) -> Tensor:
    """Return scores with rows of different sizes, and channels that matter to the same rows."""
    generator = torch.Generator().manual_seed(seed)
    shared = torch.rand(rows, 3, generator=generator) @ torch.rand(3, channels, generator=generator) ** 4
    return shared * torch.rand(rows, channels, generator=generator) ** 2


def naive_sum(scores: Tensor, order: Tensor, kept: int, size: int) -> float:
    """Return what the pattern keeps, row by row and group by group."""
    total = 0.0
    for row in scores.double()[:, order].tolist():
        for start in range(0, len(row), size):
            total += sum(sorted(row[start : start + size], reverse=True)[:kept])
    return total


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("seed", range(3))
def test_the_order_keeps_more_and_the_sums_are_what_the_pattern_keeps(
    pattern: tuple[int, int], seed: int
) -> None:
    scores = scores_of(9, 48, seed)
    found = best_order(scores, *pattern)
    there = torch.arange(48)
    assert torch.equal(found.order.sort().values, there)
    assert found.before == pytest.approx(naive_sum(scores, there, *pattern), rel=1e-6)
    assert found.after == pytest.approx(naive_sum(scores, found.order, *pattern), rel=1e-6)
    assert found.after > found.before


@pytest.mark.parametrize("seed", range(5))
def test_it_is_nearly_as_good_as_the_best_of_all_orders(seed: int) -> None:
    scores = scores_of(6, 8, seed)
    possible = []
    for one in combinations(range(1, 8), 3):
        other = [number for number in range(1, 8) if number not in one]
        possible.append(naive_sum(scores, torch.tensor([0, *one, *other]), 2, 4))
    found = best_order(scores, 2, 4)
    assert len(possible) == 35
    assert 0.99 * max(possible) <= found.after <= max(possible) * (1 + 1e-6)


def test_large_channels_that_stand_together_are_all_kept() -> None:
    scores = torch.rand(5, 64, generator=torch.Generator().manual_seed(0))
    scores[:, 8:24] += 100  # four groups of large ones
    found = best_order(scores, 2, 4)
    kept = scores[:, found.order].unflatten(1, (-1, 4)).topk(2, dim=2).values
    assert int((kept > 50).sum()) == 5 * 16
    assert (found.order.view(-1, 4)[:, :, None] == torch.arange(8, 24)).any(2).sum(1).max() == 1


def test_rows_that_want_different_channels_are_served() -> None:
    """Dealing channels out by their sums sees no rows: the exchanges must part those of one row."""
    scores = torch.full((16, 64), 0.01)
    for row in range(16):
        scores[row, 4 * row : 4 * row + 4] = 1.0
    found = best_order(scores, 2, 4)
    kept = scores[:, found.order].unflatten(1, (-1, 4)).topk(2, dim=2).values
    assert int((kept == 1).sum()) == 64


def test_what_is_best_already_stays() -> None:
    scores = torch.zeros(4, 16)
    scores[:, ::2] = 1
    found = best_order(scores, 2, 4)
    assert torch.equal(found.order, torch.arange(16))
    assert found.after == found.before == 32
    nothing = best_order(torch.zeros(4, 16), 2, 4)
    assert torch.equal(nothing.order, torch.arange(16))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_exchange_at_a_place_loses_anything(pattern: tuple[int, int]) -> None:
    scores, (kept, size) = scores_of(9, 48), pattern
    order = torch.randperm(48, generator=torch.Generator().manual_seed(1))
    first = kept_sum(scores[:, order], kept, size)
    for place in range(size):
        sums = [kept_sum(scores[:, order], kept, size)]
        order = module._exchanged(scores, order, place, kept, size)
        sums.append(kept_sum(scores[:, order], kept, size))
        assert sums[1] >= sums[0] * (1 - 1e-6)
        assert sums[1] > first
        # Nor is there an exchange of two left that gains anything.
        for one, other in combinations(range(48 // size), 2):
            changed = order.clone()
            changed[[one * size + place, other * size + place]] = order[
                [other * size + place, one * size + place]
            ]
            assert kept_sum(scores[:, changed], kept, size) <= sums[1] * (1 + 1e-5)
