"""What a gradient pass gives up before it fails: its schedule, or deterministic algorithms."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.lm_head import LMHeadLoss
from pruning.errors import InvalidInput
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.families import five_windows, make
from tests.pruning.norms import assert_equal
from tests.pruning.pruned import ignore_steps

Gradient = Callable[[LMHeadLoss, Tensor, Tensor], Tensor]


def whole_pass(windows: Tensor, family: str = "llama", *, deterministic: bool = True) -> GradientPass:
    model = make(family)
    return GradientPass(
        Placement(model),
        windows,
        norms=["l1", "l2"],
        stack=find_stack(model),
        schedule="whole",
        deterministic=deterministic,
    )


def failing_on_whole(gradient_pass: GradientPass, plain: Gradient) -> Gradient:
    def gradient(head: LMHeadLoss, hidden: Tensor, tokens: Tensor) -> Tensor:
        if gradient_pass.schedule.name == "whole":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(head, hidden, tokens)

    return gradient


def test_whole_that_cannot_fit_a_window_becomes_streamed_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole_pass(five_windows()).run(ignore_steps)
    cramped = whole_pass(five_windows())
    monkeypatch.setattr(LMHeadLoss, "gradient", failing_on_whole(cramped, LMHeadLoss.gradient))
    assert_equal(cramped.run(ignore_steps, DirectoryResumeStore(tmp_path)), expected)
    assert cramped.numerics_key["schedule"] == "streamed"


def test_whole_without_memory_and_without_a_store_for_shards_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cramped = whole_pass(five_windows())
    monkeypatch.setattr(LMHeadLoss, "gradient", failing_on_whole(cramped, LMHeadLoss.gradient))
    with pytest.raises(torch.OutOfMemoryError):
        cramped.run(ignore_steps)


def test_an_operation_without_a_deterministic_algorithm_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = whole_pass(five_windows()).run(ignore_steps)
    refused, plain = whole_pass(five_windows()), LMHeadLoss.gradient

    def gradient(head: LMHeadLoss, hidden: Tensor, tokens: Tensor) -> Tensor:
        if refused.deterministic:
            raise RuntimeError("fake_backward_cuda does not have a deterministic implementation, but …")
        return plain(head, hidden, tokens)

    monkeypatch.setattr(LMHeadLoss, "gradient", gradient)
    assert_equal(refused.run(ignore_steps), expected)
    assert refused.numerics_key["deterministic"] is False
    assert "fake_backward_cuda" in caplog.text


@pytest.fixture
def deterministic_torch() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral"])
def test_a_cpu_gives_the_same_bits_with_torchs_deterministic_algorithms(
    family: str, request: pytest.FixtureRequest
) -> None:
    expected = whole_pass(five_windows(), family, deterministic=False)
    norms = expected.run(ignore_steps)
    assert expected.deterministic  # a CPU always is
    request.getfixturevalue("deterministic_torch")
    assert_equal(whole_pass(five_windows(), family).run(ignore_steps), norms)


def test_a_pass_on_a_fake_cuda_device_needs_the_fixed_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    model = make("llama")
    placement = Placement(model)
    placement.device = torch.device("cuda:0")
    with pytest.raises(InvalidInput, match="CUBLAS_WORKSPACE_CONFIG"):
        GradientPass(placement, five_windows(), norms=["l1"], stack=find_stack(model))
