import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pruning import loss
from pruning.loss import summed_token_losses

GENERATOR = torch.Generator().manual_seed(3)
TOKENS = torch.randint(0, 50, (5, 24), generator=GENERATOR)
LOGITS = 3 * torch.randn(5, 24, 50, dtype=torch.float64, generator=GENERATOR)


def plain(logits: Tensor) -> Tensor:
    windows = zip(logits, TOKENS, strict=True)
    return torch.stack([F.cross_entropy(w[:-1], ids[1:], reduction="sum") for w, ids in windows]).sum()


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_loss_and_gradient_are_those_of_autograd(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(loss._ELEMENTS_AT_ONCE, "cpu", rows * 50)
    expected_at, found_at = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    expected, found = plain(expected_at), summed_token_losses(found_at, TOKENS)
    assert torch.isclose(found, expected, rtol=1e-14)
    expected.backward()
    found.backward()
    assert torch.allclose(found_at.grad, expected_at.grad, rtol=1e-12, atol=1e-15)
    assert (found_at.grad[:, -1] == 0).all()


def test_a_scaled_loss_has_a_scaled_gradient() -> None:
    one, three = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    summed_token_losses(one, TOKENS).backward()
    (3 * summed_token_losses(three, TOKENS)).backward()
    assert torch.allclose(three.grad, 3 * one.grad)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_logits_are_summed_in_float32(dtype: torch.dtype) -> None:
    logits = LOGITS.to(dtype).requires_grad_()
    found = summed_token_losses(logits, TOKENS)
    assert found.dtype == torch.float32
    assert torch.isclose(found, plain(logits.detach().float()), rtol=1e-5)
    found.backward()
    assert logits.grad is not None
    assert logits.grad.dtype == dtype


def test_the_logits_stay_as_they_are() -> None:
    logits = LOGITS.clone().requires_grad_()
    summed_token_losses(logits, TOKENS).backward()
    assert torch.equal(logits.detach(), LOGITS)
