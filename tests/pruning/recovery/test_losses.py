"""The loss and its gradient against autograd through its written formula, in float64."""

import pytest
import torch
from torch import Tensor

from pruning.estimate.pieces import WIDE_LOGITS
from pruning.recovery.distillation_loss import distillation_loss


def logits(*shape: int, seed: int) -> Tensor:
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def naive_distillation(pruned: Tensor, dense: Tensor) -> Tensor:
    """The mean over positions of KL, token by token."""
    divergences = []
    for own, other in zip(pruned, dense, strict=True):
        p, d = own.softmax(0), other.softmax(0)
        divergences.append(sum(d[v] * (d[v] / p[v]).log() for v in range(len(d))))
    return torch.stack(divergences).mean()


def test_the_gradient_of_distillation_is_autograds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WIDE_LOGITS, "cpu", 3 * 11)  # three of the seven rows at a time
    pruned, dense = logits(7, 11, seed=0).requires_grad_(), logits(7, 11, seed=1)
    expected = naive_distillation(pruned, dense)
    (gradient,) = torch.autograd.grad(expected, pruned)
    ours, total = distillation_loss(pruned.detach(), dense, 1 / 7)
    torch.testing.assert_close(ours, gradient, rtol=0, atol=1e-10)
    torch.testing.assert_close(total / 7, expected.detach(), rtol=0, atol=1e-10)


def test_tokens_that_both_models_rule_out_change_nothing() -> None:
    """Padded and masked vocabularies have logits of -inf."""
    pruned, dense = logits(3, 11, seed=0), logits(3, 11, seed=1)
    none = torch.full((3, 1), -torch.inf)
    expected, expected_total = distillation_loss(pruned, dense, 1 / 3)
    more, total = distillation_loss(torch.cat([none, pruned], 1), torch.cat([none, dense], 1), 1 / 3)
    torch.testing.assert_close(total, expected_total, rtol=1e-12, atol=0)
    torch.testing.assert_close(more[:, 1:], expected, rtol=0, atol=1e-12)
    assert not more[:, 0].any()
