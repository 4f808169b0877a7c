"""The matrix product that a recomputed block can skip, per architecture."""

import pytest
import torch

from pruning.calibration.mixed_precision import SkippableMatmul, skipped_matmul
from pruning.models.blocks import find_stack
from pruning.models.layers import LinearLayer
from pruning.models.replay import Replay
from tests.pruning.families import make

SKIPPABLE = {
    "llama": "mlp.down_proj",
    "gpt2": "mlp.c_proj",
    "opt": "fc2",
    "falcon": "mlp.dense_4h_to_h",
    "gemma2": None,  # a norm follows the MLP
    "olmo2": None,
    "mixtral": None,  # weighted by the router
}


def find_skippable(family: str, block: int) -> LinearLayer | None:
    stack = find_stack(make(family))
    windows = torch.randint(2, 384, (1, 8), generator=torch.Generator().manual_seed(4))
    hidden, calls = Replay(stack, windows).embed(windows)
    tested = stack.blocks[block]
    return SkippableMatmul().find(tested, lambda hidden: calls[block](tested.module, hidden), hidden)


@pytest.mark.parametrize("family", SKIPPABLE)
def test_the_last_product_can_be_skipped_where_only_a_residual_sum_uses_it(family: str) -> None:
    found = find_skippable(family, 1)
    expected = SKIPPABLE[family]
    assert (found is None) if expected is None else (found is not None and found.name.endswith(expected))


def test_gradients_flow_through_a_skipped_product() -> None:
    layer = next(find_stack(make("gpt2")).layers)
    inputs = torch.randn(2, 3, layer.inputs, requires_grad=True)
    upstream = torch.randn(2, 3, layer.outputs)
    expected = torch.autograd.grad(layer.module(inputs), inputs, upstream)[0]
    with skipped_matmul(layer):
        output = layer.module(inputs)
        found = torch.autograd.grad(output, inputs, upstream)[0]
    assert not output.any()
    assert torch.equal(found, expected)
    assert layer.module(inputs).any()
