"""Refit is compared with one least-squares problem per row, solved directly on its support."""

import pytest
import torch
from torch import Tensor

from pruning.methods import LayerStats, PrunedMatrix
from pruning.methods.refit import refit, refitted, with_target
from pruning.recipe import RefitOptions

ROWS, INPUTS = 5, 16


@pytest.fixture
def mask() -> Tensor:
    return torch.rand(ROWS, INPUTS, generator=torch.Generator().manual_seed(3)) < 0.5


@pytest.fixture
def inputs() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(80, INPUTS, dtype=torch.float64, generator=generator)
    return inputs @ torch.randn(INPUTS, INPUTS, dtype=torch.float64, generator=generator)


def solved_row_by_row(weight: Tensor, mask: Tensor, hessian: Tensor) -> Tensor:
    solution = torch.zeros_like(weight)
    for row in range(ROWS):
        kept = [j for j in range(INPUTS) if not mask[row, j]]
        wanted = (weight[row] @ hessian)[kept]
        solution[row, kept] = torch.linalg.solve(hessian[kept][:, kept], wanted)
    return solution


def test_each_row_is_the_least_squares_solution_on_its_support(
    weight: Tensor, mask: Tensor, inputs: Tensor
) -> None:
    moments = inputs.T @ inputs
    damped = moments + 0.01 * moments.diagonal().mean() * torch.eye(INPUTS)
    solution = refit(weight, mask, weight.clone(), moments, damping=0.01, iterations=60)
    torch.testing.assert_close(solution, solved_row_by_row(weight, mask, damped))
    held_back = damped + 0.3 * moments.diagonal().diag()
    solution = refit(weight, mask, weight.clone(), moments, damping=0.01, ridge=0.3, iterations=60)
    torch.testing.assert_close(solution, solved_row_by_row(weight, mask, held_back))
    assert (solution[mask] == 0).all()
    assert not torch.signbit(solution[mask]).any()


def test_every_step_reduces_the_output_error(weight: Tensor, mask: Tensor, inputs: Tensor) -> None:
    moments = inputs.T @ inputs

    def distance(iterations: int) -> float:
        solution = refit(weight, mask, weight.clone(), moments, damping=1e-9, iterations=iterations)
        return float((inputs @ (solution - weight).T).square().sum())

    distances = [distance(iterations) for iterations in range(8)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.6 * distances[0]


def test_the_solution_does_not_depend_on_the_start(weight: Tensor, mask: Tensor, inputs: Tensor) -> None:
    moments = inputs.T @ inputs
    one = refit(weight, mask, weight.clone(), moments, damping=0.01, iterations=80)
    other = refit(weight, mask, torch.zeros_like(weight), moments, damping=0.01, iterations=80)
    torch.testing.assert_close(one, other)


def test_rows_that_lost_nothing_or_everything_stay_finite(weight: Tensor, inputs: Tensor) -> None:
    mask = torch.zeros(ROWS, INPUTS, dtype=torch.bool)
    mask[0] = True
    solution = refit(weight, mask, weight.clone(), inputs.T @ inputs, damping=0.01, iterations=20)
    assert (solution[0] == 0).all()
    assert torch.equal(solution[1:], weight[1:])


def test_a_layer_without_inputs_keeps_its_weights(weight: Tensor, mask: Tensor) -> None:
    nothing = torch.zeros(INPUTS, INPUTS, dtype=torch.float64)
    assert torch.equal(
        refit(weight, mask, weight.clone(), nothing, damping=0.01, iterations=20), weight.masked_fill(mask, 0)
    )


def measured(weight: Tensor, moments: Tensor) -> LayerStats:
    """A layer of which so much is known, and an activation error of 0.1 of each output by each input."""
    error = torch.full_like(weight, 0.1)

    class Measured(LayerStats):
        weight = property(lambda self: weight)  # type: ignore[assignment] # as all four: known here
        second_moments = property(lambda self: moments)  # type: ignore[assignment]
        activation_error = property(lambda self: error)  # type: ignore[assignment]
        inputs_per_token = property(lambda self: 0.0)  # type: ignore[assignment]

    return Measured(None, None, {})  # type: ignore[arg-type] # they are not asked


def test_where_the_target_needs_more_damping_the_refit_has_as_much(weight: Tensor, mask: Tensor) -> None:
    moments = torch.diag(torch.tensor([*[1.0] * (INPUTS - 1), -0.02], dtype=torch.float64))
    options = RefitOptions(toward=0.5, iterations=60)
    layer, damping, warnings = with_target(measured(weight, moments), options)
    assert damping == 0.1
    assert warnings == ("solved with damping 0.1 in place of 0.01",)
    hessian = moments + 0.1 * moments.diagonal().mean() * torch.eye(INPUTS)
    target = weight + 0.5 * 0.1 * torch.ones_like(weight) @ hessian.inverse()
    torch.testing.assert_close(layer.target_weight, target)
    result = refitted(layer, PrunedMatrix(mask), options, damping=damping).weight
    assert result is not None
    torch.testing.assert_close(result, solved_row_by_row(target, mask, hessian))


def test_a_layer_without_inputs_has_its_weights_as_target(weight: Tensor) -> None:
    nothing = torch.zeros(INPUTS, INPUTS)
    layer, damping, warnings = with_target(measured(weight, nothing), RefitOptions(toward=0.5))
    assert (layer.refit_target, damping, warnings) == (None, 0.01, ())


def test_the_search_begins_at_the_weights_that_the_method_has_found(
    weight: Tensor, mask: Tensor, inputs: Tensor
) -> None:
    moments = inputs.T @ inputs
    found = solved_row_by_row(weight, mask, moments + 0.01 * moments.diagonal().mean() * torch.eye(INPUTS))
    layer, once = measured(weight, moments), RefitOptions(iterations=1)
    from_found, from_dense = (
        refitted(layer, PrunedMatrix(mask, start), once).weight for start in (found.clone(), None)
    )
    assert from_found is not None
    torch.testing.assert_close(from_found, found)
    assert from_dense is not None
    assert not torch.allclose(from_dense, found)
