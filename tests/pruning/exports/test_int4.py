"""INT4 rounding against loops in NumPy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pruning.exports.int4 import InputFactor, Int4Matrix, int4_scales, with_feedback

GROUP, TOKENS = 8, 200


@pytest.fixture
def weight() -> Tensor:
    return torch.randn(6, 24, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.fixture
def inputs() -> Tensor:
    random = torch.Generator().manual_seed(4)
    found = torch.randn(TOKENS, 24, generator=random, dtype=torch.float64)
    found[:, 1:] += found[:, :-1]  # without correlation there is nothing to make up for
    return found * torch.linspace(0.1, 3, 24, dtype=torch.float64)


@pytest.fixture
def moments(inputs: Tensor) -> Tensor:
    return inputs.T @ inputs / 4


def minmax(weight: Tensor) -> Tensor:
    return weight.unflatten(1, (-1, GROUP)).abs().amax(dim=2) / 7.5


def to_nearest(weight: Tensor, scales: Tensor) -> Int4Matrix:
    codes = (weight / scales.repeat_interleave(GROUP, dim=1)).round().clamp(-8, 7)
    return Int4Matrix(codes.to(torch.int8), scales)


def output_error(matrix: Int4Matrix, weight: Tensor, inputs: Tensor) -> float:
    return float((inputs @ (matrix.dequantized() - weight).T).square().sum())


def test_a_scale_is_the_candidate_with_the_lowest_weighted_error(weight: Tensor, moments: Tensor) -> None:
    importance = moments.diagonal()
    found = int4_scales(weight, importance, group_size=GROUP, dtype=torch.float64)
    for row in range(6):
        for group in range(3):
            own = slice(group * GROUP, (group + 1) * GROUP)
            values, weighs = weight[row, own].numpy(), importance[own].numpy()
            errors = {
                scale: sum(
                    weighs[i] * (values[i] - scale * min(7, max(-8, np.round(values[i] / scale)))) ** 2
                    for i in range(GROUP)
                )
                for scale in np.linspace(0.45, 1.1, 25) * np.abs(values).max() / 7.5
            }
            assert float(found[row, group]) == pytest.approx(min(errors, key=errors.__getitem__))


def test_scales_are_compared_as_they_are_stored(weight: Tensor) -> None:
    found = int4_scales(weight.float(), torch.ones(24), group_size=GROUP, dtype=torch.bfloat16)
    assert found.dtype == torch.bfloat16
    rounded = to_nearest(weight.float(), found).dequantized()
    assert rounded.dtype == torch.bfloat16
    plain = to_nearest(weight.float(), minmax(weight).bfloat16()).dequantized()
    assert (rounded - weight).square().sum() < (plain - weight).square().sum()


def naive_gptq(weight: Tensor, scales: Tensor, moments: Tensor) -> np.ndarray:
    """Round the column of most energy first, and move all that are left by the inverse Hessian itself."""
    values, steps = weight.numpy().copy(), scales.numpy()
    hessian = 2 * (moments + 24 / TOKENS * moments.diag().diag()).numpy()
    hessian += 0.01 * np.diag(hessian).mean() * np.eye(len(hessian))
    left = sorted(range(len(hessian)), key=lambda column: -moments[column, column])
    result = np.zeros_like(values)
    while left:
        column, *others = left
        inverse = np.linalg.inv(hessian[np.ix_(left, left)])
        own = steps[:, column // GROUP]
        result[:, column] = own * np.clip(np.round(values[:, column] / own), -8, 7)
        error = (values[:, column] - result[:, column]) / inverse[0, 0]
        values[:, others] -= np.outer(error, inverse[0, 1:])
        left = others
    return result


def test_feedback_is_gptq(weight: Tensor, moments: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pruning.exports.int4._COLUMNS", 10)  # no divisor of the columns
    scales = int4_scales(weight, moments.diagonal(), group_size=GROUP, dtype=torch.float64)
    found = with_feedback(weight, scales, InputFactor.of(moments, TOKENS))
    np.testing.assert_allclose(found.dequantized().numpy(), naive_gptq(weight, scales, moments), rtol=1e-12)


def test_the_importance_is_what_remains_of_an_error_once_later_columns_make_up_for_it(
    moments: Tensor,
) -> None:
    hessian = 2 * (moments + 24 / TOKENS * moments.diag().diag()).numpy()
    hessian += 0.01 * np.diag(hessian).mean() * np.eye(24)
    left = sorted(range(24), key=lambda column: -moments[column, column])
    found = InputFactor.of(moments, TOKENS).importance
    while left:
        column = left[0]
        error = np.zeros(24)
        error[column] = 1
        others = left[1:]
        if others:
            error[others] = -np.linalg.solve(hessian[np.ix_(others, others)], hessian[others, column])
        assert float(found[column]) == pytest.approx(error @ hessian @ error)
        left = others


def test_each_part_lowers_the_error_of_the_outputs(inputs: Tensor, moments: Tensor) -> None:
    weight = torch.randn(300, 24, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    scales = int4_scales(weight, moments.diagonal(), group_size=GROUP, dtype=torch.float64)
    plain = output_error(to_nearest(weight, minmax(weight)), weight, inputs)
    by_importance = output_error(to_nearest(weight, scales), weight, inputs)
    walked = output_error(
        with_feedback(weight, minmax(weight), InputFactor.of(moments, TOKENS)), weight, inputs
    )
    factor = InputFactor.of(moments, TOKENS)
    scales = int4_scales(weight, factor.importance, group_size=GROUP, dtype=torch.float64)
    both = output_error(with_feedback(weight, scales, factor), weight, inputs)
    assert both < walked < by_importance < plain


def test_zeros_stay_zeros_and_the_others_make_up_for_what_they_would_have_become(
    weight: Tensor, inputs: Tensor, moments: Tensor
) -> None:
    zeros = torch.rand(weight.shape, generator=torch.Generator().manual_seed(5)) < 0.5
    pruned = weight.masked_fill(zeros, 0)
    pruned[0, :GROUP] = 0  # a group of nothing else
    scales = int4_scales(pruned, moments.diagonal(), group_size=GROUP, dtype=torch.bfloat16)
    assert (scales > 0).all()
    for found in (to_nearest(pruned, scales), with_feedback(pruned, scales, InputFactor.of(moments, TOKENS))):
        assert (found.codes[pruned == 0] == 0).all()
        assert (found.dequantized()[pruned == 0] == 0).all()
    assert output_error(found, pruned, inputs) < output_error(to_nearest(pruned, scales), pruned, inputs)


def test_a_dead_input_leaves_the_others_as_they_would_be(weight: Tensor, inputs: Tensor) -> None:
    inputs[:, 5] = 0
    moments = inputs.T @ inputs / 4
    scales = int4_scales(weight, moments.diagonal(), group_size=GROUP, dtype=torch.float64)
    found = with_feedback(weight, scales, InputFactor.of(moments, TOKENS))
    changed = weight.clone()
    changed[:, 5] = -changed[:, 5]
    other = with_feedback(changed, scales, InputFactor.of(moments, TOKENS))
    others = torch.arange(24) != 5
    assert torch.equal(found.codes[:, others], other.codes[:, others])


def test_a_dead_input_has_no_say_in_the_scales_and_the_damping(
    weight: Tensor, inputs: Tensor, moments: Tensor
) -> None:
    """However small the others are: a weight that is multiplied by zero costs nothing."""
    factor = InputFactor.of(1e-6 * moments, TOKENS)
    dead = inputs.clone()
    dead[:, 5] = 0
    found = InputFactor.of(1e-6 * dead.T @ dead / 4, TOKENS)
    assert found.importance[5] == 0
    others = torch.arange(24) > 8  # far enough from the one that is gone
    torch.testing.assert_close(found.importance[others], factor.importance[others], rtol=0.2, atol=0)
    changed = weight.clone()
    changed[:, 5] *= 0.5
    scales = [
        int4_scales(each, found.importance, group_size=GROUP, dtype=torch.float64)[:, 1:]
        for each in (weight, changed)
    ]
    assert torch.equal(*scales)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_scale_of_a_group_of_zeros_is_a_normal_number(dtype: torch.dtype) -> None:
    scales = int4_scales(torch.zeros(6, 24), torch.ones(24), group_size=GROUP, dtype=dtype)
    assert (scales == torch.finfo(dtype).smallest_normal).all()


def test_small_weights_do_not_become_zeros_in_float16() -> None:
    """Whose smallest normal number is 6e-5: their scales are subnormal."""
    weight = 1e-5 * torch.randn(6, 24, generator=torch.Generator().manual_seed(3)).clamp(-2, 2)
    scales = int4_scales(weight, torch.ones(24), group_size=GROUP, dtype=torch.float16)
    matrix = to_nearest(weight, scales.float())
    assert ((matrix.dequantized() - weight).norm() / weight.norm()) < 0.1
    assert (scales > 0).all()
    assert (int4_scales(0 * weight, torch.ones(24), group_size=GROUP, dtype=torch.float16) > 0).all()
