"""Scores of units, elimination in rounds and repair, against straightforward calculations."""

import pytest
import torch
from torch import Tensor

from pruning.calibration.linalg import LinAlgError, damped, shrunken
from pruning.structure.scores import (
    combined,
    gate_scores,
    inverse_of,
    kept_by_rounds,
    repaired,
    second_order_scores,
)

OUTPUTS, UNITS, WIDTH = 5, 6, 2
INPUTS = UNITS * WIDTH


@pytest.fixture(name="generator")
def fresh_generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def random(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def moments(generator: torch.Generator, features: int) -> Tensor:
    inputs = random(generator, 40, features)
    return inputs.T @ inputs / 4


def least_squares(weight: Tensor, hessian: Tensor, kept: list[int]) -> Tensor:
    """The weights on `kept` alone with the least error tr((W' - W)·H·(W' - W)ᵀ), one output row at a time."""
    root = torch.linalg.cholesky(hessian)  # H = R·Rᵀ, so the error of a row is ‖Rᵀ·(w' - w)‖²
    solved = torch.linalg.lstsq(root.T[:, kept], root.T @ weight.T).solution
    result = torch.zeros_like(weight)
    result[:, kept] = solved.T
    return result


def error(weight: Tensor, dense: Tensor, hessian: Tensor) -> float:
    difference = weight - dense
    return float(torch.trace(difference @ hessian @ difference.T))


def test_gate_scores_add_up_the_inputs_of_a_unit_before_they_are_squared() -> None:
    gates = torch.tensor([[1.0, -1.0, 2.0, 0.0], [3.0, 1.0, -1.0, -1.0]])
    assert gate_scores(gates, 2).tolist() == [0.0 + 16.0, 4.0 + 4.0]
    assert gate_scores(gates, 1).tolist() == [10.0, 2.0, 5.0, 1.0]


@pytest.mark.parametrize("width", [1, WIDTH])
def test_a_second_order_score_is_the_error_that_the_best_other_weights_leave(
    width: int, generator: torch.Generator
) -> None:
    weight, hessian = random(generator, OUTPUTS, INPUTS), moments(generator, INPUTS)
    scores = second_order_scores(weight, inverse_of(hessian), width)
    for unit in range(INPUTS // width):
        gone = range(unit * width, (unit + 1) * width)
        kept = [index for index in range(INPUTS) if index not in gone]
        best = least_squares(weight, hessian, kept)
        assert scores[unit].item() == pytest.approx(error(best, weight, hessian), rel=1e-8)


@pytest.mark.parametrize("width", [1, WIDTH])
@pytest.mark.parametrize("rounds", [1, 2, 100])
def test_each_round_takes_the_units_out_that_cost_least_now(
    width: int, rounds: int, generator: torch.Generator
) -> None:
    weight, hessian = random(generator, OUTPUTS, INPUTS), moments(generator, INPUTS)
    units, keep = INPUTS // width, INPUTS // width - 4
    left = list(range(units))
    now = weight
    per_round = 4 // min(rounds, 4)
    while len(left) > keep:
        costs = {}
        for unit in left:
            kept = [index for index in range(INPUTS) if index // width in left and index // width != unit]
            costs[unit] = error(least_squares(weight, hessian, kept), weight, hessian) - error(
                now, weight, hessian
            )
        gone = sorted(left, key=lambda unit: costs[unit])[:per_round]
        left = [unit for unit in left if unit not in gone]
        now = least_squares(weight, hessian, [index for index in range(INPUTS) if index // width in left])
    found = kept_by_rounds(weight, inverse_of(hessian), {}, width=width, keep=keep, rounds=rounds)
    assert found.tolist() == left


@pytest.mark.parametrize("width", [1, WIDTH])
@pytest.mark.parametrize("broken", [0.0, -1.0, float("nan"), float("inf"), 1e-320])
def test_an_inverse_that_gives_no_scores_asks_for_more_damping(
    broken: float, width: int, generator: torch.Generator
) -> None:
    weight, inverse = 1e3 * random(generator, OUTPUTS, INPUTS), inverse_of(moments(generator, INPUTS))
    inverse[5], inverse[:, 5] = 0, 0
    inverse[5, 5] = broken
    if broken == float("inf"):
        weight[0, 5] = broken
    with pytest.raises(LinAlgError):
        kept_by_rounds(weight, inverse, {}, width=width, keep=3, rounds=2)


def test_other_scores_have_a_say_in_each_round(generator: torch.Generator) -> None:
    weight, hessian = random(generator, OUTPUTS, INPUTS), moments(generator, INPUTS)
    dear = torch.zeros(INPUTS)
    dear[[2, 5, 7]] = 1e9
    found = kept_by_rounds(weight, inverse_of(hessian), {"gate": dear}, width=1, keep=3, rounds=4)
    assert found.tolist() == [2, 5, 7]


def test_a_sum_divides_each_score_by_its_mean_over_the_units_that_are_left() -> None:
    scores = {"gate": torch.tensor([2.0, 100.0, 4.0]), "magnitude": torch.tensor([1.0, 50.0, 7.0])}
    left = torch.tensor([0, 2])
    assert combined(scores, left).tolist() == pytest.approx([2 / 3 + 1 / 4, 4 / 3 + 7 / 4])
    assert combined({"gate": torch.zeros(3)}, left).tolist() == [0.0, 0.0]


def test_a_repair_is_the_least_squares_solution(generator: torch.Generator) -> None:
    weight, second = random(generator, OUTPUTS, INPUTS), moments(generator, INPUTS)
    kept = torch.tensor([0, 3, 4, 9])
    with damped(second, 0.05) as hessian:
        expected = least_squares(weight, hessian, kept.tolist())[:, kept]
        torch.testing.assert_close(repaired(weight, hessian, kept), expected, rtol=1e-9, atol=1e-9)


def shrunken_repair(weight: Tensor, second: Tensor, share: float, kept: Tensor) -> Tensor:
    with shrunken(second, share) as hessian:
        return repaired(weight, hessian, kept)


def test_a_shrunken_repair_is_the_same_whatever_the_scales_of_the_inputs(generator: torch.Generator) -> None:
    weight, second = random(generator, OUTPUTS, INPUTS), moments(generator, INPUTS)
    kept, scales = torch.tensor([0, 3, 4, 9]), 10 ** random(generator, INPUTS)
    found = shrunken_repair(weight, second, 0.3, kept)
    # X·diag(s) with W·diag(1/s) gives the same outputs.
    scaled = shrunken_repair(weight / scales, second * scales * scales[:, None], 0.3, kept)
    torch.testing.assert_close(scaled * scales[kept], found, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(shrunken_repair(weight, second, 1e9, kept), weight[:, kept])


def test_an_input_that_is_always_zero_keeps_its_weights(generator: torch.Generator) -> None:
    weight, second = random(generator, OUTPUTS, INPUTS), moments(generator, INPUTS)
    second[4], second[:, 4] = 0, 0
    kept = torch.tensor([0, 3, 4, 9])
    found = shrunken_repair(weight, second, 0.3, kept)
    torch.testing.assert_close(found[:, 2], weight[:, 4])
    others = torch.tensor([0, 3, 9])
    alone = shrunken_repair(weight, second, 0.3, others)
    torch.testing.assert_close(found[:, [0, 1, 3]], alone)
