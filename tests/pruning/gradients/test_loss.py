import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pruning.gradients import loss
from pruning.gradients.loss import NOTHING_TO_PREDICT, loss_gradient, loss_scale

GENERATOR = torch.Generator().manual_seed(3)
TARGETS = torch.randint(0, 50, (120,), generator=GENERATOR)
TARGETS[[7, 119]] = NOTHING_TO_PREDICT
LOGITS = 3 * torch.randn(120, 50, dtype=torch.float64, generator=GENERATOR)


def by_autograd(logits: Tensor, targets: Tensor) -> Tensor:
    at = logits.clone().requires_grad_()
    F.cross_entropy(at, targets, reduction="sum", ignore_index=NOTHING_TO_PREDICT).backward()
    assert at.grad is not None
    return at.grad


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_it_is_the_gradient_of_autograd(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(loss._ELEMENTS_AT_ONCE, "cpu", rows * 50)
    found = loss_gradient(LOGITS, TARGETS, 1)
    assert torch.allclose(found, by_autograd(LOGITS, TARGETS), rtol=1e-12, atol=1e-15)
    assert not found[[7, 119]].any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_of_narrow_logits_it_is_formed_in_float32(dtype: torch.dtype) -> None:
    logits = LOGITS.to(dtype)
    found = loss_gradient(logits, TARGETS, 1)
    expected = by_autograd(logits.float(), TARGETS)
    assert found.dtype == dtype
    assert torch.allclose(found.float(), expected, rtol=torch.finfo(dtype).eps, atol=1e-7)


def test_the_logits_stay_as_they_are() -> None:
    logits = LOGITS.clone()
    loss_gradient(logits, TARGETS, 1)
    assert torch.equal(logits, LOGITS)


def test_in_float32_the_mean_has_the_bits_of_autograd() -> None:
    logits, targets = LOGITS[:100].float().requires_grad_(), TARGETS[:100].clamp(min=0)
    F.cross_entropy(logits, targets).backward()
    assert logits.grad is not None
    assert torch.equal(loss_gradient(logits.detach(), targets, 1 / 100), logits.grad)


def test_only_float16_needs_a_larger_loss_than_the_mean() -> None:
    dtypes = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    assert [loss_scale(dtype, 512) for dtype in dtypes] == [511, 1, 1, 1]
