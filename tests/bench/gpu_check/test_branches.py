"""The lines of the GPU check that run on a GPU only, with a CPU that pretends to be one.

It shows that they fit what they call and note what they should; only a GPU gives meaningful figures.
"""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from bench.gpu_check import constants, kernel, machine, schedules, shapes
from bench.gpu_check.context import Context
from bench.gpu_check.result import Figure, Findings
from pruning.calibration.accumulate import accumulate_by_matmul
from pruning.calibration.activation_store import ActivationStore
from pruning.calibration.gradient_factors import GradientFactors
from pruning.calibration.lm_head import LMHeadLoss
from pruning.recipe import GradientNorm
from pruning.runtime.pinned_memory import NoPinning
from tests.pruning.products_by_parts import multiply_by_parts
from tests.pruning.runtime.recorded_pinning import RecordedPinning

pytestmark = pytest.mark.slow
GB = 1_000_000_000


class PretendedGPU:
    """What torch.cuda answers for a GPU of 80 GB. It reserves memory by the windows that run together."""

    def __init__(self) -> None:
        self.fraction = 1.0
        self.windows = 0

    def get_device_properties(self, device: torch.device) -> SimpleNamespace:
        return SimpleNamespace(major=9, minor=0, multi_processor_count=132, total_memory=80 * GB)

    def mem_get_info(self, device: torch.device) -> tuple[int, int]:
        return 79 * GB, 80 * GB

    def set_per_process_memory_fraction(self, fraction: float, device: torch.device) -> None:
        self.fraction = fraction

    def reset_peak_memory_stats(self, device: torch.device) -> None:
        self.windows = 0

    def max_memory_reserved(self, device: torch.device) -> int:
        return self.windows * GB

    def max_memory_allocated(self, device: torch.device) -> int:
        return self.windows * GB

    def synchronize(self, device: torch.device) -> None:
        pass

    def empty_cache(self) -> None:
        pass


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> PretendedGPU:
    pretended, plain = PretendedGPU(), LMHeadLoss.gradient

    def gradient(head: LMHeadLoss, hidden: Tensor, tokens: Tensor) -> Tensor:
        if len(tokens) * GB > pretended.fraction * 80 * GB:
            raise torch.OutOfMemoryError("CUDA out of memory")
        pretended.windows = max(pretended.windows, len(tokens))
        return plain(head, hidden, tokens)

    for name in vars(PretendedGPU):
        if not name.startswith("_"):
            monkeypatch.setattr(torch.cuda, name, getattr(pretended, name))
    monkeypatch.setattr(LMHeadLoss, "gradient", gradient)
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: tensor.clone())
    monkeypatch.setattr(Tensor, "is_pinned", lambda tensor: True)
    return pretended


@pytest.fixture
def at(tmp_path: Path) -> Context:
    """A check at toy size that believes that its device is a GPU."""
    context = Context(torch.device("cpu"), "toy", tmp_path, tmp_path / "findings.json", Findings({}))
    context.on_gpu = True
    return context


def figures(at: Context) -> Mapping[str, Figure]:
    assert Findings.read(at.scratch / "findings.json") == at.findings
    return {figure.name: figure for figure in at.findings.figures}


def test_the_machine_is_described(at: Context) -> None:
    machine.versions(at)
    assert figures(at)["compute capability"].value == "9.0"
    assert figures(at)["device memory, GB"].value == 80


def test_too_little_memory_halves_the_micro_batch(at: Context, gpu: PretendedGPU) -> None:
    schedules._halving(at)
    found = figures(at)
    assert found["two windows at once: reserved at the peak, GB"].value == 2
    assert found["four windows at once: allocated at the peak, GB"].value == 4
    assert found["four windows at once became two"].met
    assert found["the norms are those of a pass that began with two"].met
    assert gpu.fraction == 1  # what follows has all the memory again


def test_a_pass_notes_the_memory_in_three_ways(at: Context, gpu: PretendedGPU) -> None:
    shapes.streamed_7b(at)
    found = figures(at)
    assert gpu.fraction == pytest.approx(12 / 80)
    assert found["the micro-batch was not halved"].met
    assert found["allocated at the peak, GB"].value == found["reserved at the peak, GB"].value == 4
    assert found["reserved at the peak, GB"].accepted == "≤ 12"
    assert found["given by the driver at the end, context included, GB"].value == 1


def test_the_kernel_is_compared_with_matrix_products(at: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def in_kernel(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
        calls.append(len(factors))
        accumulate_by_matmul(sums, *factors)

    monkeypatch.setattr(kernel, "accumulate_fused", in_kernel)
    kernel.speed(at)
    assert set(calls) == {2}  # every call with float32 tokens, too
    found = figures(at)
    assert len(found) == 4 * 2 * 4  # layers, norms, figures
    assert found["64 by 64, l1 and l2: times faster in the kernel"].accepted == "≥ 1.3"
    assert found["64 by 64, l1 and l2: TFLOP/s in the kernel"].accepted == "≥ 290"


def test_float32_tokens_are_multiplied_by_parts_and_by_a_widened_copy(
    at: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    multiply_by_parts(monkeypatch)
    constants._float32_tokens(at)
    assert len(figures(at)) == 2
    assert all(float(figure.value) > 0 for figure in figures(at).values())


def test_copies_are_timed_from_pageable_and_from_pinned_memory(
    at: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinning = RecordedPinning()
    monkeypatch.setattr(constants, "pinning_for", lambda device: pinning)
    constants._copies(at)
    assert {"copy to the device, pageable, GB/s", "copy to the device, pinned, GB/s"} <= figures(at).keys()
    assert all(float(figure.value) > 0 for figure in figures(at).values())
    assert figures(at)["the arena's memory is pinned"].met
    assert figures(at)["what is pinned is not pinned once more"].met


def test_inputs_are_stored_where_their_budget_says(at: Context, tmp_path: Path) -> None:
    intervals = {}
    for name, budget in schedules._budgets(at, 100).items():
        store = ActivationStore(
            schedules._BLOCKS, 100, budget, torch.device("cuda"), tmp_path, pinning=NoPinning()
        )
        intervals[name] = store.interval
    assert intervals == {"on the device": 1, "on disk": 1, "every third": 3, "in pinned memory": 1}
