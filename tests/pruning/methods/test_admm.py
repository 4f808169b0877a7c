"""ADMM is compared with the same steps by a linear solve each, and supports by sorting."""

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pruning.masks.patterns import lowest_of_each_group, lowest_of_matrix
from pruning.methods import admm
from pruning.methods.admm import admm_support
from pruning.recipe.methods import Admm

ROWS, INPUTS = 5, 16


@pytest.fixture
def moments() -> Tensor:
    mixed = torch.randn(80, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    mixed = mixed @ torch.randn(
        INPUTS, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(2)
    )
    return mixed.T @ mixed


def plain_steps(weight: Tensor, moments: Tensor, zeros: int, steps: int) -> tuple[Tensor, Tensor]:
    scale = moments.diagonal().sqrt()
    hessian = moments / torch.outer(scale, scale)
    sparse, dual, penalty = weight * scale, torch.zeros_like(weight), 0.1
    settled = without_lowest(sparse, zeros)[1]
    for step in range(1, steps + 1):
        right = (weight * scale) @ hessian - dual + penalty * sparse
        dense = torch.linalg.solve(hessian + penalty * torch.eye(INPUTS), right.T).T
        sparse, mask = without_lowest(dense + dual / penalty, zeros)
        dual = dual + penalty * (dense - sparse)
        if step % 3 == 0:
            changed = int((mask != settled).sum()) / int((~mask).sum())
            if changed == 0:
                break
            penalty *= 1.625 if changed > 0.1 else 1.5 if changed > 0.005 else 1.375
            settled = mask
    return mask, sparse / scale


def without_lowest(values: Tensor, zeros: int) -> tuple[Tensor, Tensor]:
    lowest = sorted(range(values.numel()), key=lambda i: abs(float(values.flatten()[i])))[:zeros]
    mask = torch.zeros(values.numel(), dtype=torch.bool)
    mask[lowest] = True
    mask = mask.view_as(values)
    return torch.where(mask, 0, values), mask


@pytest.mark.parametrize("steps", [1, 3, 4, 100])
def test_the_steps_are_those_of_plain_admm(
    weight: Tensor, moments: Tensor, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admm, "_MAX_ITERATIONS", steps)
    mask, kept = admm_support(weight, moments, lambda sizes: lowest_of_matrix(sizes, 40))
    expected_mask, expected = plain_steps(weight, moments, 40, steps)
    assert torch.equal(mask, expected_mask)
    torch.testing.assert_close(kept, expected)


def test_the_operations_that_are_estimated_are_those_of_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, inputs, factored = 8, 96, list[int]()
    cholesky = torch.linalg.cholesky

    def counted(matrix: Tensor) -> Tensor:
        factored.append(len(matrix))
        return cholesky(matrix)

    monkeypatch.setattr(torch.linalg, "cholesky", counted)
    monkeypatch.setattr(admm, "_MAX_ITERATIONS", 21)
    generator = torch.Generator().manual_seed(3)
    weight, given = (torch.randn(rows, inputs, generator=generator) for rows in (outputs, 200))
    moments = given.T @ given
    with FlopCounterMode(display=False) as products:
        admm_support(weight, moments, lambda sizes: lowest_of_matrix(sizes, weight.numel() // 2))
    # LAPACK takes n³/3 operations for a Cholesky factor, and 2n³/3 for the inverse from it.
    done = products.get_total_flops() + sum(size**3 for size in factored)
    assert Admm().operations(outputs, inputs) == pytest.approx(done, rel=0.15)


def test_a_group_pattern_holds(weight: Tensor, moments: Tensor) -> None:
    mask, _ = admm_support(weight, moments, lambda sizes: lowest_of_each_group(sizes, 2, 4))
    assert (mask.unflatten(1, (-1, 4)).sum(-1) == 2).all()
