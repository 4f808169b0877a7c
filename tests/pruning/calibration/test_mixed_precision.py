"""Gradient passes in a narrow dtype, with the first tokens of each window in float32."""

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from pruning.calibration import mixed_precision
from pruning.calibration.gradient_pass import gradient_norms
from pruning.calibration.mixed_precision import HiddenStates, float32_tokens
from pruning.models.blocks import find_stack
from pruning.models.replay import Replay
from pruning.models.upcast import BlockInFloat32
from tests.pruning import naive
from tests.pruning.families import EACH_FAMILY, FAMILIES, five_windows, make

NARROW = [torch.bfloat16, torch.float16]


def test_only_narrow_dtypes_have_float32_tokens() -> None:
    assert float32_tokens(torch.float32, 512) == float32_tokens(torch.float64, 512) == 0
    assert float32_tokens(torch.bfloat16, 512) == float32_tokens(torch.float16, 512) > 1
    assert float32_tokens(torch.bfloat16, 3) == 2  # at least one token stays narrow


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("first", [0, 1, 5])
def test_packing_keeps_all_bits(first: int, dtype: torch.dtype) -> None:
    states = HiddenStates(torch.randn(2, 7, 6).to(dtype), torch.randn(2, first, 6) if first else None)
    packed = states.pack()
    assert packed.dtype == dtype
    assert packed.shape == (2, 7 + 2 * first, 6)
    found = HiddenStates.unpack(packed, first)
    assert torch.equal(found.rest, states.rest)
    if states.first is None:
        assert found.first is None
    else:
        assert found.first is not None
        assert torch.equal(found.first, states.first)


def output_and_gradient(run: Callable[[Tensor], Tensor], hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Return the block's output, and the gradient of a function of it with respect to the block's input."""
    start = hidden.clone().requires_grad_()
    output = run(start)
    upstream = torch.linspace(-1, 1, output.numel()).view_as(output)
    return output.detach(), torch.autograd.grad(output, start, upstream)[0]


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_a_block_in_float32_matches_the_model_cast_to_float32(family: str) -> None:
    model = make(family, torch.bfloat16).requires_grad_(False).eval()
    stacks = [find_stack(model), find_stack(copy.deepcopy(model).float())]
    windows = torch.randint(2, 384, (2, 8), generator=torch.Generator().manual_seed(5))
    ours, theirs = (Replay(stack, windows) for stack in stacks)
    hidden, calls = ours.embed(windows, float32=True)
    expected, expected_calls = theirs.embed(windows)
    assert hidden.dtype == torch.float32
    # Gemma scales embeddings in the dtype of their table.
    assert torch.allclose(hidden, expected, rtol=2**-7 if family.startswith("gemma") else 1e-5, atol=1e-6)
    for block, call, like, its_call in zip(
        stacks[0].blocks, calls, stacks[1].blocks, expected_calls, strict=True
    ):
        plain = dict(block.module.named_parameters())
        in_float32 = BlockInFloat32(block)
        found = output_and_gradient(partial(call, in_float32), hidden)
        in_float32.release()
        assert all(map(torch.equal, output_and_gradient(partial(call, in_float32), hidden), found))
        reference = output_and_gradient(partial(its_call, like.module), hidden)
        for one, other in zip(found, reference, strict=True):
            assert one.dtype == torch.float32
            assert (one - other).norm() <= 1e-5 * other.norm()
        hidden = found[0]
        assert all(parameter is plain[name] for name, parameter in block.module.named_parameters())
        assert not any("forward" in vars(module) for module in block.module.modules())


def worst_error(family: str, windows: Tensor, expected: dict[str, Tensor]) -> float:
    """Return the largest relative error of a layer's norms in bfloat16."""
    model = make(family, torch.bfloat16)
    found = gradient_norms(model, windows, norms=["l2"], step=lambda done, total: None)["l2"]
    return max(float((norm - expected[name]).norm() / expected[name].norm()) for name, norm in found.items())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_contributions_of_both_passes_add_up_to_one_gradient(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all tokens but the last in float32, only the gradient of the loss is rounded."""
    wide = make(family, torch.bfloat16).float()
    expected = naive.gradient_norms(wide, five_windows(), "l2")
    monkeypatch.setattr(mixed_precision, "FLOAT32_TOKENS", 0)
    rounded = worst_error(family, five_windows(), expected)
    monkeypatch.setattr(mixed_precision, "FLOAT32_TOKENS", five_windows().shape[1])
    assert worst_error(family, five_windows(), expected) < min(0.01, 0.6 * rounded)
