"""The activations that are counted, against the tensors that a pass really holds; what is chosen by them."""

import json

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig

from pruning.calibration.gradient_schedule import Schedule
from pruning.calibration.mixed_precision import MixedPrecisionForward, float32_tokens
from pruning.calibration.window_norms import PassSums
from pruning.estimate import Machine, by_stage, memory, shape_of_config
from pruning.estimate.work import Windows
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


class Gpus:
    """Where a model would be placed."""

    device = torch.device("cuda:0")

    def __init__(self, count: int, dtype: torch.dtype) -> None:
        self.devices, self.dtype = [torch.device("cuda", number) for number in range(count)], dtype

    def runs(self, blocks: list[nn.Module]) -> list[int]:
        return [number * len(self.devices) // len(blocks) for number in range(len(blocks))]


def choose(
    norms: list[GradientNorm],
    gigabytes: int,
    devices: int,
    monkeypatch: pytest.MonkeyPatch,
    dtype: torch.dtype = torch.bfloat16,
) -> Schedule:
    """Choose the schedule for LLaMA-7B, stored in bfloat16."""
    monkeypatch.setattr("pruning.calibration.gradient_schedule.total_memory", lambda device: gigabytes << 30)
    monkeypatch.setattr("pruning.models.memory.total_memory", lambda device: gigabytes << 30)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(LlamaConfig(dtype="bfloat16"), dtype=torch.bfloat16)
    placement = Gpus(devices, dtype)
    return Schedule.choose("auto", find_stack(model), torch.zeros(128, 2048), norms, placement)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("norms", "gigabytes", "devices", "expected"),
    [
        (["l1"], 80, 1, Schedule("whole", 2)),  # 13.5 of weights, 25.9 of sums, 11.1 for each window
        (["l1", "l2"], 80, 1, Schedule("streamed", 4)),
        (["l1", "l2"], 140, 1, Schedule("whole", 3)),
        (["l1"], 60, 1, Schedule("whole", 1)),  # 61 % for weights and sums, and 78 % with a window
        (["l1"], 48, 1, Schedule("streamed", 4)),
        # On the first of four, 3.6 of weights, 13 of sums, and as much for a window of each of four.
        (["l1", "l2"], 80, 4, Schedule("whole", 3)),
        (["l1"], 48, 4, Schedule("whole", 1)),
    ],
)
def test_7b_runs_whole_on_80_gb_for_one_norm_and_is_estimated_so(
    norms: list[GradientNorm],
    gigabytes: int,
    devices: int,
    expected: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choose(norms, gigabytes, devices, monkeypatch) == expected
    machine = Machine(
        device="cuda:0",
        devices=devices,
        memory_bytes=gigabytes << 30,
        operations_per_second={"bfloat16": 4e14},
        bytes_per_second=2e12,
    )
    shape = shape_of_config(json.loads(LlamaConfig().to_json_string(use_diff=True)))
    found, _ = by_stage.gradients(shape, Windows(128, 2048), "bfloat16", machine, norms=len(norms))
    assert found == expected.name


def test_a_micro_batch_leaves_room_for_the_weights_in_the_dtype_of_the_computation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 27 of weights, 25.9 of sums, and 20.1 for each window, which may take half of what is left.
    assert choose(["l1"], 117, 1, monkeypatch, torch.float32) == Schedule("whole", 1)
