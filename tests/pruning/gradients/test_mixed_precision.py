"""A window's first tokens are float32 beside a pass in a narrow dtype."""

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from pruning.gradients import hidden_states
from pruning.gradients.gradient_pass import gradient_norms
from pruning.gradients.hidden_states import HiddenStates, float32_tokens
from pruning.model.blocks import find_stack
from pruning.model.replay import Replay
from pruning.model.upcast import BlockInFloat32
from tests.pruning import naive
from tests.pruning.families import ALL_FAMILIES, FAMILIES, make

NARROW = [torch.bfloat16, torch.float16]


def test_only_a_narrow_dtype_has_some() -> None:
    assert float32_tokens(torch.float32, 512) == float32_tokens(torch.float64, 512) == 0
    assert float32_tokens(torch.bfloat16, 512) == float32_tokens(torch.float16, 512) > 1
    assert float32_tokens(torch.bfloat16, 3) == 2  # one is left for the narrow pass


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("first", [0, 1, 5])
def test_states_are_packed_bit_for_bit(first: int, dtype: torch.dtype) -> None:
    states = HiddenStates(torch.randn(2, 7, 6).to(dtype), torch.randn(2, first, 6) if first else None)
    packed = states.packed()
    assert packed.dtype == dtype
    assert packed.shape == (2, 7 + 2 * first, 6)
    found = HiddenStates.unpacked(packed, first)
    assert torch.equal(found.others, states.others)
    if states.first is None:
        assert found.first is None
    else:
        assert found.first is not None
        assert torch.equal(found.first, states.first)


def run_and_return(run: Callable[[Tensor], Tensor], hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The block's output, and the gradient of a function of it by the block's input."""
    start = hidden.clone().requires_grad_()
    output = run(start)
    upstream = torch.linspace(-1, 1, output.numel()).view_as(output)
    return output.detach(), torch.autograd.grad(output, start, upstream)[0]


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_a_block_in_float32_is_that_of_the_widened_model(family: str) -> None:
    model = make(family, torch.bfloat16).requires_grad_(False).eval()
    stacks = [find_stack(model), find_stack(copy.deepcopy(model).float())]
    windows = torch.randint(2, 384, (2, 8), generator=torch.Generator().manual_seed(5))
    ours, theirs = (Replay(stack, windows) for stack in stacks)
    hidden, calls = ours.enter(windows, float32=True)
    expected, expected_calls = theirs.enter(windows)
    assert hidden.dtype == torch.float32
    # Gemma scales embeddings in the dtype of their table.
    assert torch.allclose(hidden, expected, rtol=2**-7 if family.startswith("gemma") else 1e-5, atol=1e-6)
    for block, call, like, its_call in zip(
        stacks[0].blocks, calls, stacks[1].blocks, expected_calls, strict=True
    ):
        plain = dict(block.module.named_parameters())
        in_float32 = BlockInFloat32(block)
        found = run_and_return(partial(call, in_float32), hidden)
        in_float32.release()
        assert all(map(torch.equal, run_and_return(partial(call, in_float32), hidden), found))
        wanted = run_and_return(partial(its_call, like.module), hidden)
        for one, other in zip(found, wanted, strict=True):
            assert one.dtype == torch.float32
            assert (one - other).norm() <= 1e-5 * other.norm()
        hidden = found[0]
        assert all(parameter is plain[name] for name, parameter in block.module.named_parameters())
        assert not any("forward" in vars(module) for module in block.module.modules())


def error(family: str, windows: Tensor, expected: dict[str, Tensor]) -> float:
    """Of the layer whose norm in bfloat16 is furthest from what is expected."""
    model = make(family, torch.bfloat16)
    found = gradient_norms(model, windows, norms=["l2"], step=lambda done, total: None)["l2"]
    return max(float((norm - expected[name]).norm() / expected[name].norm()) for name, norm in found.items())


@pytest.mark.parametrize("family", FAMILIES)
def test_what_both_passes_form_is_one_gradient(
    family: str, five_windows: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all tokens but the last in float32, nothing but the gradient of the loss is rounded."""
    wide = make(family, torch.bfloat16).float()
    expected = naive.gradient_norms(wide, five_windows, "l2")
    monkeypatch.setattr(hidden_states, "_FIRST_TOKENS", 0)
    rounded = error(family, five_windows, expected)
    monkeypatch.setattr(hidden_states, "_FIRST_TOKENS", five_windows.shape[1])
    assert error(family, five_windows, expected) < min(0.01, 0.6 * rounded)
