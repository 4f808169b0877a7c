"""Zeros go where the mask says, and nothing else changes by a bit."""

import pytest
import torch

from pruning.masks.packed import set_to_zero


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("transposed", [False, True])
def test_masked_weights_are_zero_and_others_keep_their_bits(dtype: torch.dtype, transposed: bool) -> None:
    stored = torch.randn(40, 24).to(dtype)
    stored[0, :6] = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0, 0.0, -1.0])
    stored[1] = stored[0]
    stored[0, 6:] = 1
    weights = stored.T if transposed else stored
    mask = torch.rand(weights.shape) < 0.5
    (mask.T if transposed else mask)[:2] = torch.tensor([[True], [False]])
    before = weights.clone()
    expected = weights.clone().masked_fill_(mask, 0)
    set_to_zero(weights, mask)
    integers = {2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize]
    assert torch.equal(weights.contiguous().view(integers), expected.contiguous().view(integers))
    assert torch.equal(before[~mask].view(integers), weights[~mask].view(integers))
    assert not torch.signbit(weights[mask]).any()
