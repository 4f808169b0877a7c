"""Both losses and their gradients against autograd through their written formulas, in float64."""

import pytest
import torch
from torch import Tensor

from pruning.data.training_windows import IGNORE_INDEX
from pruning.recovery import distillation
from pruning.recovery.distillation import LossWeights, distillation_loss


def logits(*shape: int, seed: int) -> Tensor:
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def naive_distillation(pruned: Tensor, dense: Tensor, targets: list[int], share: float) -> Tensor:
    """The mean over positions of KL, and of cross-entropy over those with a target, token by token."""
    divergences, losses = [], []
    for own, other, target in zip(pruned, dense, targets, strict=True):
        p, d = own.softmax(0), other.softmax(0)
        divergences.append(sum(d[v] * (d[v] / p[v]).log() for v in range(len(d))))
        if target != IGNORE_INDEX:
            losses.append(-p[target].log())
    return (1 - share) * sum(divergences) / len(divergences) + share * sum(losses) / len(losses)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_gradient_of_distillation_is_autograds(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(distillation._ELEMENTS_AT_ONCE, "cpu", 3 * 11)  # three of the seven rows at a time
    pruned, dense = logits(7, 11, seed=0).requires_grad_(), logits(7, 11, seed=1)
    targets = [3, 0, IGNORE_INDEX, 10, 4, 4, IGNORE_INDEX]
    expected = naive_distillation(pruned, dense, targets, share)
    (gradient,) = torch.autograd.grad(expected, pruned)
    weights = LossWeights.of_means(share, positions=7, targets=5)
    ours, sums = distillation_loss(pruned.detach(), dense, torch.tensor(targets), weights)
    torch.testing.assert_close(ours, gradient, rtol=0, atol=1e-10)
    loss = (1 - share) * sums[0] / 7 + share * sums[1] / 5
    torch.testing.assert_close(loss, expected.detach(), rtol=0, atol=1e-10)


def test_without_a_dense_model_there_is_only_cross_entropy() -> None:
    pruned, targets = logits(5, 11, seed=0), torch.tensor([1, 2, 3, 4, IGNORE_INDEX])
    weights = LossWeights.of_means(1.0, positions=5, targets=4)
    gradient, sums = distillation_loss(pruned, None, targets, weights)
    leaf = pruned.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(leaf, targets, ignore_index=IGNORE_INDEX)
    (expected,) = torch.autograd.grad(loss, leaf)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-12)
    assert sums[0] == 0
    assert float(sums[1]) / 4 == pytest.approx(float(loss), abs=1e-12)


def test_tokens_that_both_models_rule_out_change_nothing() -> None:
    """Padded and masked vocabularies have logits of -inf; an ignored target must not read one either."""
    pruned, dense = logits(3, 11, seed=0), logits(3, 11, seed=1)
    none, targets = torch.full((3, 1), -torch.inf), torch.tensor([3, IGNORE_INDEX, 10])
    weights = LossWeights.of_means(0.5, positions=3, targets=2)
    expected, expected_sums = distillation_loss(pruned, dense, targets, weights)
    more, sums = distillation_loss(
        torch.cat([none, pruned], 1),
        torch.cat([none, dense], 1),
        torch.where(targets == IGNORE_INDEX, targets, targets + 1),
        weights,
    )
    torch.testing.assert_close(sums, expected_sums, rtol=1e-12, atol=0)
    torch.testing.assert_close(more[:, 1:], expected, rtol=0, atol=1e-12)
    assert not more[:, 0].any()
