"""SparseGPT is compared with optimal brain surgery, with an inverse of the remaining moments per column."""

import pytest
import torch
from torch import Tensor

from pruning.calibration.linalg import LinAlgError, with_rising_damping
from pruning.errors import NumericalFailure
from pruning.masks.patterns import LayerTarget
from pruning.methods.sparsegpt import inverse_factor, sparsegpt

ROWS, INPUTS, COLUMNS = 6, 24, 8


@pytest.fixture
def moments() -> Tensor:
    inputs = torch.randn(60, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    inputs[:, 5] += 2 * inputs[:, 11]
    return inputs.T @ inputs / 3


def surgery(weight: Tensor, moments: Tensor, pattern: str, share: float) -> tuple[Tensor, Tensor]:
    hessian = 2 * moments
    hessian = hessian + 0.01 * sum(hessian[j, j] for j in range(INPUTS)) / INPUTS * torch.eye(INPUTS)
    weight, mask = weight.clone(), torch.zeros(ROWS, INPUTS, dtype=torch.bool)
    inverse_diagonal = [float(torch.linalg.inv(hessian[j:, j:])[0, 0]) for j in range(INPUTS)]
    for column in range(INPUTS):
        if pattern == "unstructured" and column % COLUMNS == 0:
            cells = [(i, j) for i in range(ROWS) for j in range(column, column + COLUMNS)]
            scores = {(i, j): float(weight[i, j]) ** 2 / inverse_diagonal[j] for i, j in cells}
            threshold = sorted(scores.values())[int(len(cells) * share)]
            for i, j in cells:
                mask[i, j] = scores[i, j] <= threshold
        if pattern == "2:4" and column % 4 == 0:
            for i in range(ROWS):
                group = range(column, column + 4)
                ranked = sorted(group, key=lambda j: float(weight[i, j]) ** 2 / inverse_diagonal[j])
                mask[i, ranked[:2]] = True
        inverse = torch.linalg.inv(hessian[column:, column:])
        for i in range(ROWS):
            if mask[i, column]:
                weight[i, column:] -= weight[i, column].clone() / inverse[0, 0] * inverse[0]
                weight[i, column] = 0
    return mask, weight


@pytest.mark.parametrize(("pattern", "share"), [("unstructured", 0.5), ("unstructured", 0.7), ("2:4", 0.5)])
def test_mask_and_weights_are_those_of_surgery(
    weight: Tensor, moments: Tensor, pattern: str, share: float
) -> None:
    factor = inverse_factor(moments, damping=0.01)
    mask, pruned = sparsegpt(weight.clone(), factor, LayerTarget(pattern, share), columns=COLUMNS)
    expected_mask, expected = surgery(weight, moments, pattern, share)
    assert torch.equal(mask, expected_mask)
    torch.testing.assert_close(pruned, expected)
    assert (pruned[mask] == 0).all()


@pytest.mark.parametrize("zeros", [0, 1, 71, 100, ROWS * INPUTS])
def test_a_count_is_met_exactly(weight: Tensor, moments: Tensor, zeros: int) -> None:
    target = LayerTarget("unstructured", zeros / weight.numel(), zeros=zeros)
    mask, _ = sparsegpt(weight, inverse_factor(moments, damping=0.01), target, columns=COLUMNS)
    assert mask.sum() == zeros


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_the_factor_is_the_upper_cholesky_factor_of_the_inverse(
    moments: Tensor, dtype: torch.dtype, bound: float
) -> None:
    factor = inverse_factor(moments.to(dtype), damping=0.01)
    hessian = 2 * moments
    damping = 0.01 * hessian.diagonal().mean() * torch.eye(INPUTS, dtype=torch.float64)
    inverse = torch.linalg.inv(hessian + damping)
    expected = torch.linalg.cholesky(inverse, upper=True)
    assert factor.dtype == dtype
    assert (factor.tril(-1) == 0).all()
    assert (factor - expected).norm() < bound * expected.norm()


def test_an_input_that_is_always_zero_does_not_stop_the_factorisation(moments: Tensor) -> None:
    moments[3], moments[:, 3] = 0, 0
    factor = inverse_factor(moments, damping=0.01)
    assert torch.isfinite(factor).all()
    assert (factor[3, 4:] == 0).all()  # so no later column compensates for its error


def test_a_failed_factorisation_is_retried_with_more_damping_and_a_warning() -> None:
    indefinite = torch.diag(torch.tensor([1.0, 1.0, 1.0, -0.02]))
    _, warnings = with_rising_damping(lambda damping: inverse_factor(indefinite, damping=damping), 0.01)
    assert warnings == ("solved with damping 0.1 in place of 0.01",)


def test_a_factorisation_that_never_succeeds_is_a_failure() -> None:
    def attempt(damping: float) -> Tensor:
        return inverse_factor(torch.full((2, 2), torch.nan), damping=damping)

    with pytest.raises(NumericalFailure, match=r"damping up to 10; use more calibration windows, or"):
        with_rising_damping(attempt, 0.01)
    with pytest.raises(NumericalFailure, match=r"shrinkage up to 300; use more calibration windows"):
        with_rising_damping(attempt, 0.3, "shrinkage")


def test_other_errors_are_not_retried() -> None:
    def broken(damping: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        with_rising_damping(broken, 0.01)
    assert issubclass(LinAlgError, RuntimeError)
