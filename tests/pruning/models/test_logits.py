"""The logits of pieces: what counts as rounding between two sizes of a matrix product, and what does not."""

import logging

import pytest
import torch
from torch import Tensor, nn

from pruning.evaluation.token_losses import token_losses
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.models.replay import LogitsByPosition, Replay
from tests.pruning.families import five_windows, make

ONE_ROUNDING = 2**-8  # of bfloat16: what another kernel's sum may be off by


def other_kernel_for_fewer_tokens(model: nn.Module, whole: int, error: float) -> None:
    """Let the head be off by a factor where it is called with fewer tokens than `whole`."""

    def off(_module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output if args[0].shape[1] >= whole else output * (1 + error)

    model.get_submodule("lm_head").register_forward_hook(off)


@pytest.mark.parametrize(
    ("dtype", "error", "is_split"),
    [
        (torch.float32, 1e-6, True),
        (torch.float32, ONE_ROUNDING, False),
        (torch.bfloat16, ONE_ROUNDING, True),
        (torch.bfloat16, 8 * ONE_ROUNDING, False),
    ],
)
def test_windows_are_split_where_halves_differ_by_the_rounding_of_the_dtype(
    dtype: torch.dtype,
    error: float,
    is_split: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = make("llama", dtype)
    replay = Replay(find_stack(model), five_windows())
    other_kernel_for_fewer_tokens(model, replay.probe_output.shape[1], error)
    monkeypatch.setattr("pruning.models.replay.CHUNK_LOGITS", {"cpu": 1})
    monkeypatch.setattr("pruning.models.replay.HEAD_TOKENS", {"cpu": 4})
    with caplog.at_level(logging.INFO):
        logits = LogitsByPosition(replay)
    chunks = list(logits.chunks(five_windows().shape, "cpu"))
    pieces = -(-five_windows().shape[1] // 4)
    assert len(chunks) == len(five_windows()) * (pieces if is_split else 1)
    assert ("other positions" in caplog.text) is not is_split


@pytest.mark.parametrize(
    ("dtype", "error", "is_accepted"),
    [
        (torch.float32, ONE_ROUNDING, False),
        (torch.bfloat16, ONE_ROUNDING, True),
        (torch.bfloat16, 8 * ONE_ROUNDING, False),
    ],
)
def test_a_model_that_is_evaluated_by_its_own_forward_pass_says_so(
    dtype: torch.dtype, error: float, is_accepted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    model = make("llama", dtype)
    head = model.get_submodule("lm_head")
    head.register_forward_hook(lambda module, args, output: output * (1 + error * calls.pop()))
    calls = [0, *([1] * 1000)][::-1]  # the model's own first call of its head, and those after it
    with torch.inference_mode(), caplog.at_level(logging.INFO):
        losses = list(token_losses(Placement(model), five_windows().split(2), lambda done: None))
    assert sum(len(batch) for batch in losses) == len(five_windows())
    assert ("own forward pass" in caplog.text) is not is_accepted
