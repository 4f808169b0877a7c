import math

import pytest
import torch

from pruning.recovery.optimizer import RATE, adam_step, cosine, rate_factor


def test_steps_are_those_of_torchs_adam_on_the_kept_weights() -> None:
    generator = torch.Generator().manual_seed(0)
    mask = torch.rand(7, 5, generator=generator) < 0.5
    ours = torch.randn(7, 5, dtype=torch.float64, generator=generator) * ~mask
    theirs = ours.clone().requires_grad_()
    optimizer = torch.optim.Adam([theirs], betas=(0.9, 0.95), eps=1e-15)
    moments = torch.zeros_like(ours), torch.zeros_like(ours)
    for step in range(1, 20):
        gradient = torch.randn(7, 5, dtype=torch.float64, generator=generator)
        optimizer.param_groups[0]["lr"] = 0.01 * step
        theirs.grad = gradient * ~mask
        optimizer.step()
        adam_step(ours, gradient, moments, mask=mask, rate=0.01 * step, step=step)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-12, atol=1e-12)
    assert not math.isclose(float(ours.abs().sum()), 0)


@pytest.mark.parametrize("size", [1e-9, 1e-8, 1e4])
def test_steps_do_not_depend_on_the_size_of_the_gradients(size: float) -> None:
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(7, 5, generator=generator)
    theirs = ours.double().requires_grad_()
    optimizer = torch.optim.Adam([theirs], lr=0.01, betas=(0.9, 0.95), eps=0)
    moments = torch.zeros_like(ours), torch.zeros_like(ours)
    for step in range(1, 20):
        gradient = torch.randn(7, 5, generator=generator)
        theirs.grad = gradient.double()
        optimizer.step()
        adam_step(ours, size * gradient, moments, mask=None, rate=0.01, step=step)
    torch.testing.assert_close(ours.double(), theirs.detach(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("gradient", [-1.0, 1e300, math.inf, math.nan, -0.0])
def test_a_pruned_weight_stays_positive_zero_whatever_its_gradient(gradient: float) -> None:
    weight, mask = torch.tensor([0.0, 1.0]), torch.tensor([True, False])
    moments = torch.zeros(2), torch.zeros(2)
    adam_step(weight, torch.tensor([gradient, 1.0]), moments, mask=mask, rate=0.1, step=1)
    assert weight[0] == 0
    assert not torch.signbit(weight[0])
    assert weight[1] == pytest.approx(0.9)


def test_the_cosine_rises_for_a_twentieth_and_then_falls() -> None:
    factors = [cosine(step, 100) for step in range(1, 101)]
    assert factors[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert factors[5:] == sorted(factors[5:], reverse=True)
    assert 0 < factors[-1] < 0.001
    # At half of the 96 steps from the highest rate to none, it is half.
    assert factors[5 + 48 - 1] == pytest.approx(0.5)
    assert cosine(1, 1) == 1


@pytest.mark.parametrize(
    ("size", "kept", "rate"),
    [
        (0.2, 1.0, 1e-4),
        (0.2, 0.5, 2e-4),
        (0.02, 0.5, 2e-5),
        (0.02, 0.01, 1e-4),
        (0.0, 0.0, 5e-6),
        (30.0, 1.0, 1.5e-2),
    ],
)
def test_the_rate_is_relative_to_the_weights_and_rises_with_the_zeros(
    size: float, kept: float, rate: float
) -> None:
    assert RATE * rate_factor(size, kept) == pytest.approx(rate)
