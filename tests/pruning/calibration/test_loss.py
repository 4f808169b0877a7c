"""The chunked gradient of the cross-entropy, against autograd on all logits at once."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pruning.calibration import lm_head
from pruning.calibration.lm_head import IGNORE_INDEX, loss_gradient, loss_scale

GENERATOR = torch.Generator().manual_seed(3)
TARGETS = torch.randint(0, 50, (120,), generator=GENERATOR)
TARGETS[[7, 119]] = IGNORE_INDEX
LOGITS = 3 * torch.randn(120, 50, dtype=torch.float64, generator=GENERATOR)


def by_autograd(logits: Tensor, targets: Tensor) -> Tensor:
    leaf = logits.clone().requires_grad_()
    F.cross_entropy(leaf, targets, reduction="sum", ignore_index=IGNORE_INDEX).backward()
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_the_gradient_is_autograds_whatever_the_chunks(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lm_head.WIDE_LOGITS, "cpu", rows * 50)
    found = loss_gradient(LOGITS, TARGETS, 1)
    assert torch.allclose(found, by_autograd(LOGITS, TARGETS), rtol=1e-12, atol=1e-15)
    assert not found[[7, 119]].any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_logits_are_computed_in_float32(dtype: torch.dtype) -> None:
    logits = LOGITS.to(dtype)
    found = loss_gradient(logits, TARGETS, 1)
    expected = by_autograd(logits.float(), TARGETS)
    assert found.dtype == dtype
    assert torch.allclose(found.float(), expected, rtol=torch.finfo(dtype).eps, atol=1e-7)


def test_the_logits_are_not_changed() -> None:
    logits = LOGITS.clone()
    loss_gradient(logits, TARGETS, 1)
    assert torch.equal(logits, LOGITS)


def test_the_gradient_of_a_float32_mean_is_autograds_to_the_bit() -> None:
    logits, targets = LOGITS[:100].float().requires_grad_(), TARGETS[:100].clamp(min=0)
    F.cross_entropy(logits, targets).backward()
    assert logits.grad is not None
    assert torch.equal(loss_gradient(logits.detach(), targets, 1 / 100), logits.grad)


def test_only_float16_scales_the_loss() -> None:
    dtypes = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    assert [loss_scale(dtype, 512) for dtype in dtypes] == [511, 1, 1, 1]
