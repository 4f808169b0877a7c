"""Experts in float32: one at a time, with the bits of a model that is float32 as a whole."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pruning.calibration.window_norms import GradientAccumulator, WindowNorms
from pruning.models.blocks import Block, Stack, find_stack
from pruning.models.hooks import observing
from pruning.models.layers import ExpertLayer
from pruning.models.replay import Replay
from pruning.models.upcast import BlockInFloat32
from tests.pruning.families import make
from tests.pruning.products_by_parts import multiply_by_parts

TOKENS = torch.randint(2, 384, (2, 4), generator=torch.Generator().manual_seed(5))


class LargestUpcast(TorchDispatchMode):
    """Records the largest float32 copy of a narrower tensor."""

    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        is_copy = func is torch.ops.aten._to_copy.default and result.dtype == torch.float32
        if is_copy and args[0].itemsize < result.itemsize:
            self.numel = max(self.numel, result.numel())
        return result


def stack_and_input(family: str, *, in_float32: bool) -> tuple[Stack, Tensor, Any]:
    model = make(family, torch.bfloat16).requires_grad_(False).eval()
    stack = find_stack(copy.deepcopy(model).float() if in_float32 else model)
    replay = Replay(stack, TOKENS)
    hidden, calls = replay.embed(TOKENS, float32=True)
    return stack, hidden, calls[0]


def norms_of(block: Block, module: Any, call: Any, hidden: Tensor) -> dict[str, Tensor]:
    """Return the output, the gradient at the input, and each layer's gradient norms."""
    sums = {layer.name: WindowNorms(layer, ["l1"]) for layer in block.layers}
    accumulator = GradientAccumulator(block.layers, sums)
    leaf = hidden.detach().requires_grad_()
    with torch.enable_grad(), observing(block.layers, TOKENS, accumulator):
        output = call(module, leaf)
        (at_input,) = torch.autograd.grad(output.square().sum(), leaf)
    accumulator.check_complete()
    return {"": output.detach(), "input": at_input} | {
        name: norms.finish("l1", 1) for name, norms in sums.items()
    }


@pytest.mark.parametrize("family", ["mixtral", "qwen2_moe"])
def test_experts_are_upcast_one_at_a_time_with_the_bits_of_a_float32_model(family: str) -> None:
    narrow, hidden, call = stack_and_input(family, in_float32=False)
    wide, wide_hidden, wide_call = stack_and_input(family, in_float32=True)
    assert torch.equal(hidden, wide_hidden)
    block, its_block = narrow.blocks[0], wide.blocks[0]
    with LargestUpcast() as largest:
        found = norms_of(block, BlockInFloat32(block), call, hidden)
    expected = norms_of(its_block, its_block.module, wide_call, wide_hidden)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    experts = [layer.parameter for layer in block.layers if isinstance(layer, ExpertLayer)]
    assert 0 < largest.numel < min(parameter.numel() for parameter in experts)


@pytest.mark.parametrize("family", ["llama", "mixtral"])
def test_a_gpu_upcasts_no_matrix(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, hidden, call = stack_and_input(family, in_float32=False)
    block = stack.blocks[0]
    expected = norms_of(block, BlockInFloat32(block), call, hidden)
    multiply_by_parts(monkeypatch, torch.float64)
    with LargestUpcast() as largest:
        found = norms_of(block, BlockInFloat32(block), call, hidden)
    assert largest.numel < min(layer.matrix.numel() for layer in block.layers)
    for name, tensor in expected.items():
        assert (found[name] - tensor).norm() <= 1e-5 * tensor.norm()


def test_a_block_may_change_a_product_by_parts_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Falcon adds what attention returns to the product of its MLP, which may be no view for that."""
    multiply_by_parts(monkeypatch, torch.float64)
    narrow, hidden, call = stack_and_input("falcon", in_float32=False)
    found = norms_of(narrow.blocks[0], BlockInFloat32(narrow.blocks[0]), call, hidden)
    wide, hidden, call = stack_and_input("falcon", in_float32=True)
    expected = norms_of(wide.blocks[0], wide.blocks[0].module, call, hidden)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert (found[name] - tensor).norm() <= 1e-5 * tensor.norm()
