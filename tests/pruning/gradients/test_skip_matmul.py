import pytest
import torch

from pruning.gradients.skip_matmul import SkippableMatmul, left_out
from pruning.model.blocks import find_stack
from pruning.model.layers import LinearLayer
from pruning.model.replay import Replay
from tests.pruning.families import make

NEEDLESS = {
    "llama": "mlp.down_proj",
    "gpt2": "mlp.c_proj",
    "opt": "fc2",
    "falcon": "mlp.dense_4h_to_h",
    "gemma2": None,  # a norm behind the MLP
    "olmo2": None,
    "mixtral": None,  # weighted by the router
}


def needless_in(family: str, block: int) -> LinearLayer | None:
    stack = find_stack(make(family))
    windows = torch.randint(2, 384, (1, 8), generator=torch.Generator().manual_seed(4))
    hidden, calls = Replay(stack, windows).enter(windows)
    found = stack.blocks[block]
    return SkippableMatmul().product(found, lambda hidden: calls[block](found.module, hidden), hidden)


@pytest.mark.parametrize("family", NEEDLESS)
def test_the_last_product_is_needless_where_only_a_residual_sum_takes_it(family: str) -> None:
    found = needless_in(family, 1)
    expected = NEEDLESS[family]
    assert (found is None) if expected is None else (found is not None and found.name.endswith(expected))


def test_gradients_pass_a_product_that_is_left_out() -> None:
    layer = next(find_stack(make("gpt2")).layers)
    inputs = torch.randn(2, 3, layer.inputs, requires_grad=True)
    upstream = torch.randn(2, 3, layer.outputs)
    expected = torch.autograd.grad(layer.module(inputs), inputs, upstream)[0]
    with left_out(layer):
        output = layer.module(inputs)
        found = torch.autograd.grad(output, inputs, upstream)[0]
    assert not output.any()
    assert torch.equal(found, expected)
    assert layer.module(inputs).any()
