import pytest
import torch
from torch import Tensor

from pruning.masks.row_totals import lowest_of_row_totals


def by_loops(scores: Tensor, sparsity: float) -> Tensor:
    """The reference's bisection, row by row."""

    def masked(part: float) -> Tensor:
        mask = torch.zeros(scores.shape, dtype=torch.bool)
        for i, row in enumerate(scores.tolist()):
            total, last = 0.0, None
            for value in sorted(row):
                total += value
                if total > sum(row) * part:
                    break
                last = value
            if last is not None:
                mask[i] = torch.tensor([value <= last for value in row])
        return mask

    part, low, high = 0.4, 0.0, 0.8
    mask = masked(part)
    while abs(mask.double().mean().item() - sparsity) > 0.001 and high - low >= 0.001:
        if mask.double().mean().item() > sparsity:
            part, high = (part + low) / 2, part
        else:
            part, low = (part + high) / 2, part
        mask = masked(part)
    return mask


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.7])
def test_rows_lose_an_equal_part_of_their_total(sparsity: float) -> None:
    scores = torch.rand(9, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) ** 3
    assert torch.equal(lowest_of_row_totals(scores, sparsity), by_loops(scores, sparsity))


def test_a_row_whose_lowest_score_is_more_than_its_part_loses_nothing() -> None:
    scores = torch.tensor([[1.0, 1.0], [0.1, 5.0]])
    mask = lowest_of_row_totals(scores, 0.25)
    assert mask.tolist() == [[False, False], [True, False]]


def test_the_search_ends_for_a_matrix_of_zeros() -> None:
    assert lowest_of_row_totals(torch.zeros(2, 4), 0.5).all()
