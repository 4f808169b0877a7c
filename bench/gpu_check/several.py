"""Check 13: GPUs that share a model give the bits of one, and take less time."""

from collections.abc import Sequence
from itertools import permutations

import torch
from torch import Tensor

from bench.gpu_check.context import Context
from bench.gpu_check.gradients import in_memory, new_pass, require_same_bits
from bench.workload.models import ModelChoice, perplexity, random_windows
from pruning.calibration.gradient_schedule import ScheduleName
from pruning.calibration.window_norms import GradientNorms
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.resume.store import EphemeralResumeStore
from pruning.runtime.device import copies_correctly

_AT_ONCE = 2  # windows


def share(at: Context) -> None:
    """Compare all GPUs of the machine with the first one alone. On a machine with one, note that."""
    count = torch.cuda.device_count() if at.on_gpu else 1
    at.record("devices", float(count))
    if at.on_gpu and count == 1:
        return
    others = [torch.device(at.device.type, number) for number in range(1, count)]
    for one, other in permutations([at.device, *others], 2):
        at.require(f"numbers arrive unchanged from {one} on {other}", copies_correctly(one, other))
    choice = ModelChoice(at.pick("llama-2-7b", "toy"), at.pick(8, 2))
    windows = random_windows(*at.pick((16, 2048), (3, 32)), choice.config().vocab_size)
    _gradients(at, choice, windows, "whole", others)
    _gradients(at, choice, windows, "streamed", others)
    _perplexity(at, choice, windows, others)


def _gradients(
    at: Context,
    choice: ModelChoice,
    windows: Tensor,
    schedule: ScheduleName,
    others: Sequence[torch.device],
) -> None:
    found: list[GradientNorms] = []
    seconds = []
    for shared_with in ([], others):
        made = new_pass(
            at, choice, windows, schedule, torch.bfloat16, micro_batch=_AT_ONCE, others=shared_with
        )
        seconds.append(
            at.seconds(lambda: found.append(in_memory(made.run(at.step, EphemeralResumeStore(at.scratch)))))  # noqa: B023 - called at once
        )
    alone, shared = found
    require_same_bits(at, f"`{schedule}`: the bits of one device", shared, alone)
    at.record(f"`{schedule}`: seconds of one device ÷ of all", seconds[0] / seconds[1])


def _perplexity(at: Context, choice: ModelChoice, windows: Tensor, others: Sequence[torch.device]) -> None:
    found = []
    for shared_with in ([], others):
        placement = Placement(
            choice.load_as_stored(torch.bfloat16), at.device, torch.bfloat16, others=shared_with
        )
        with (
            placement.in_pipeline_stages(find_stack(placement.model).modules),
            placement.resident(placement.model),
        ):
            found.append(perplexity(placement.model, windows, step=at.step, placement=placement))
    at.require("perplexity: the bits of one device", found[0] == found[1])
