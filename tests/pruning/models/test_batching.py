"""The activations that are counted, against the tensors that a pass really holds; what is chosen by them."""

import json

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig

from pruning.calibration.gradient_schedule import Schedule
from pruning.calibration.mixed_precision import MixedPrecisionForward, float32_tokens
from pruning.calibration.window_norms import PassSums
from pruning.estimate import memory, shape_of_config
from pruning.models.blocks import find_stack
from pruning.models.memory import bytes_per_token, full_block_shape
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.recipe import GradientNorm
from tests.pruning.families import make
from tests.pruning.live_memory import LiveMemory

BLOCKS = 3


def held_after_forward(family: str, dtype: torch.dtype, length: int) -> int:
    """Run one window forward as the gradient pass does, and return what is held for the way back."""
    model = make(family)
    model.requires_grad_(False)
    stack, placement = find_stack(model), Placement(model, dtype=dtype)
    tokens = torch.randint(100, (1, length), generator=torch.Generator().manual_seed(0))
    with placement.resident(model):
        forward = MixedPrecisionForward(Replay(stack, tokens, placement), float32_tokens(dtype, length))
        layers = tuple(stack.layers)
        accumulator = forward.accumulator(PassSums(layers, ["l1"]))
        hidden = forward.embed(tokens).as_leaves()
        with LiveMemory() as made, torch.enable_grad():
            for index in range(BLOCKS):
                hidden = forward.run_block(index, tokens, hidden, accumulator)
            return made.held


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("family", "least", "most"),
    # Activation functions of several steps, more norms, and routing hold more than is counted; ReLU holds
    # less. Models as small as these hold a few numbers per head and norm besides.
    [
        ("llama", 0.97, 1.1),
        ("qwen2", 0.97, 1.1),
        ("qwen3", 1.0, 1.3),
        ("phi3", 1.0, 1.3),
        ("olmo2", 1.0, 1.3),
        ("stablelm", 0.9, 1.2),
        ("opt", 0.6, 1.1),
        ("gpt2", 1.0, 1.5),
        ("mixtral", 1.0, 1.3),
    ],
)
def test_the_activations_that_a_pass_holds_are_those_that_are_counted(
    family: str, least: float, most: float, dtype: torch.dtype
) -> None:
    counted = bytes_per_token(find_stack(make(family)), dtype, blocks_at_once=BLOCKS)
    # Two lengths: the first eight tokens of a narrow pass are held twice, and some tensors once.
    measured = (held_after_forward(family, dtype, 80) - held_after_forward(family, dtype, 40)) / 40
    assert least <= measured / counted <= most, measured / counted


def test_the_figures_of_llama_2_7b_by_hand() -> None:
    config = LlamaConfig()  # LLaMA-7B's
    with torch.device("meta"):
        stack = find_stack(AutoModelForCausalLM.from_config(config))
    hidden, mlp = 4096, 11008
    # Inputs of qkv, o, the MLP's two and its last; q, k, v, gate and up; gate activated; outputs to norms.
    tensors = 3 * hidden + mlp + 3 * hidden + 2 * mlp + mlp + 2 * hidden
    assert bytes_per_token(stack, torch.float32, blocks_at_once=1) == 4 * tensors
    each = 2 * tensors + 2 * 2 * hidden  # norms keep theirs in float32
    assert bytes_per_token(stack, torch.bfloat16, blocks_at_once=1) == each
    assert bytes_per_token(stack, torch.bfloat16, blocks_at_once=32) == 32 * each  # 5.4 MB
    shape = shape_of_config(json.loads(config.to_json_string(use_diff=True)))
    assert memory.block_activations(shape.blocks[0], hidden, "bfloat16") == each
    assert memory.block_activations(full_block_shape(stack.blocks[0], config), hidden, "bfloat16") == each


@pytest.mark.parametrize(
    ("norms", "gigabytes", "devices", "expected"),
    [
        (["l1"], 80, 1, Schedule("whole", 2)),  # 13.5 of weights, 25.9 of sums, 11.1 for each window
        (["l1", "l2"], 80, 1, Schedule("streamed", 4)),
        (["l1", "l2"], 140, 1, Schedule("whole", 3)),
        (["l1"], 48, 1, Schedule("streamed", 4)),
        # On the first of four, 3.6 of weights, 13 of sums, and as much for a window of each of four.
        (["l1", "l2"], 80, 4, Schedule("whole", 3)),
        (["l1"], 48, 4, Schedule("whole", 1)),
    ],
)
def test_7b_runs_whole_on_80_gb_for_one_norm(
    norms: list[GradientNorm],
    gigabytes: int,
    devices: int,
    expected: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pruning.calibration.gradient_schedule.total_memory", lambda device: gigabytes << 30)
    monkeypatch.setattr("pruning.models.memory.total_memory", lambda device: gigabytes << 30)
    config = LlamaConfig(dtype="bfloat16")
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)

    class Gpu:
        """Where the model would be placed."""

        device, dtype = torch.device("cuda:0"), torch.bfloat16

        def __init__(self) -> None:
            self.devices = [torch.device("cuda", number) for number in range(devices)]

        def runs(self, blocks: list[nn.Module]) -> list[int]:
            return [number * devices // len(blocks) for number in range(len(blocks))]

    windows = torch.zeros(128, 2048, dtype=torch.int64)
    assert Schedule.choose("auto", find_stack(model), windows, norms, Gpu()) == expected  # type: ignore[arg-type]
