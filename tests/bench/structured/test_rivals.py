"""FLAP and Wanda-sp of the bench, against what their published code makes of the same small model.

The units below are those that CASIA-IVA-Lab/FLAP (commit 3bb57db) takes out: metric WIFV, structure AL-AM,
half of the parameters, in float32 with its means kept in float32 too.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from bench.structured.rivals import Widths, flap, wanda_sp

HEADS, SIZE, CHANNELS = 2, 128, 64
# Of each block the heads that go, and the channels, as the bits of a number.
FLAP = [
    ([1], 0x9733446591EFBFAB),
    ([1], 0x523EDEED3FC067BE),
    ([1], 0xFB44B5ED73EA97F5),
    ([0], 0x0F4D135DBBD7D92F),
]
WANDA_SP = [
    ([1], 0x9732446510EFBF2A),
    ([1], 0x51121EC99FC3CCAB),
    ([0], 0xEB052D4D33E48F4C),
    ([1], 0x3A0722DAFBF1D0C2),
]


def small_model() -> tuple[PreTrainedModel, Tensor]:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=HEADS * SIZE,
        intermediate_size=CHANNELS,
        num_hidden_layers=4,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        initializer_range=0.1,
        attention_bias=True,  # zeros, which the published code asks for
        mlp_bias=True,
    )
    return LlamaForCausalLM(config).eval().requires_grad_(requires_grad=False), torch.randint(64, (8, 32))


def gone(weight: Tensor, width: int) -> list[int]:
    units = weight.abs().sum(dim=0).unflatten(0, (-1, width)).sum(dim=1)
    return (units == 0).nonzero().flatten().tolist()


@pytest.mark.parametrize(("rival", "published"), [(flap, FLAP), (wanda_sp, WANDA_SP)])
def test_the_same_units_go_as_in_the_published_code(
    rival: Callable[[PreTrainedModel, Tensor, Widths], int], published: list[tuple[list[int], int]]
) -> None:
    model, windows = small_model()
    lost = rival(model, windows, Widths(kv_heads=1, channels=CHANNELS // 2))
    layers = list(model.get_submodule("model.layers"))
    found = [
        (gone(layer.self_attn.o_proj.weight, SIZE), gone(layer.mlp.down_proj.weight, 1)) for layer in layers
    ]
    assert found == [
        (heads, [channel for channel in range(CHANNELS) if bits >> channel & 1]) for heads, bits in published
    ]
    hidden = HEADS * SIZE
    assert lost == sum(
        len(heads) * 4 * SIZE * hidden + len(channels) * 3 * hidden for heads, channels in found
    )


def test_flap_adds_what_the_units_gave_on_average_to_the_bias() -> None:
    model, windows = small_model()
    dense, _ = small_model()
    inputs: list[Tensor] = []
    layer = dense.get_submodule("model.layers.2.mlp.down_proj")
    layer.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    dense(windows)
    flap(model, windows, Widths(kv_heads=1, channels=CHANNELS // 2))
    lowest = [channel for channel in range(CHANNELS) if FLAP[2][1] >> channel & 1]
    given = layer.weight[:, lowest] @ inputs[0].mean(dim=(0, 1))[lowest]
    torch.testing.assert_close(model.get_parameter("model.layers.2.mlp.down_proj.bias"), given)
