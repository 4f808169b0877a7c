"""Checks 3 and 5: both schedules give autograd's norms, wherever inputs are stored; disturbed passes, too."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor

from bench.engine import straightforward
from bench.gpu_check.context import GB, Context
from bench.gpu_check.gradients import (
    BOTH,
    in_memory,
    largest_difference,
    new_pass,
    pass_over,
    places_for_inputs,
    require_same_bits,
)
from bench.workload.models import ModelChoice, ignore_steps, random_windows
from pruning.calibration.activation_store import Budget
from pruning.calibration.lm_head import LMHeadLoss
from pruning.calibration.window_norms import GradientNorms
from pruning.masks.packed import set_to_zero
from pruning.methods import prune_blocks as blockwise
from pruning.methods.results import InMemory
from pruning.models.blocks import prunable_stack
from pruning.models.placement import Placement
from pruning.pipeline.resources import retry_block
from pruning.recipe import Recipe
from pruning.resume.store import DirectoryResumeStore, EphemeralResumeStore
from pruning.runtime.determinism import deterministic_algorithms
from pruning.runtime.device import release_memory

_LAYERS = 7  # of a block
_WINDOWS, _AT_ONCE = 5, 2  # the last micro-batch is smaller
_BLOCKS = 9
# Of block inputs: every third of nine, the two that are recomputed between, and one for the deltas.
_SLOTS_FOR_EVERY_THIRD = 6


def agree(at: Context) -> None:
    """Check 3, with deterministic algorithms, as a pass uses them by default."""
    _llama(at)
    _mixtral(at)


def _llama(at: Context) -> None:
    choice = ModelChoice(at.pick("grouped-queries", "toy"), _BLOCKS)
    config = choice.config()
    windows = random_windows(_WINDOWS, at.pick(1024, 48), config.vocab_size)
    whole = _whole(at, choice, windows, torch.float32)
    for name, budget in _budgets(at, windows.numel() * config.hidden_size * 4).items():
        with places_for_inputs(budget):
            streamed = _streamed(at, choice, windows, torch.float32)
        require_same_bits(at, f"float32, inputs {name}: `streamed` has the bits of `whole`", streamed, whole)
    # Autograd sees one window at a time, and other shapes and modes go through other kernels.
    one_by_one = _whole(at, choice, windows, torch.float32, micro_batch=1)
    model = choice.load(torch.float32).to(at.device)
    with deterministic_algorithms(at.device, enabled=True):
        autograd: Any = straightforward.gradient_norms(model, windows)
    difference = largest_difference(one_by_one, autograd)
    at.expect("float32, largest difference from autograd", difference, at_most=1e-6, at_any_size=True)
    _narrow(at, choice, windows)


def _narrow(at: Context, choice: ModelChoice, windows: Tensor) -> None:
    """Compare in bfloat16: the schedules, and on a GPU the fused kernel with matrix products."""
    whole = _whole(at, choice, windows, torch.bfloat16)
    streamed = _streamed(at, choice, windows, torch.bfloat16)
    require_same_bits(at, "bfloat16: `streamed` has the bits of `whole`", streamed, whole)
    cast = _cast(at, choice, windows)
    require_same_bits(at, "bfloat16, cast on the device from float32: the bits of `whole`", cast, whole)
    if at.on_gpu:
        with patch("pruning.calibration.accumulate.uses_fused_kernel", lambda device, variant: False):
            plain = _whole(at, choice, windows, torch.bfloat16)
        difference = largest_difference(whole, plain)
        at.require("the fused kernel was used", difference > 0)
        at.expect(
            "bfloat16, largest difference of fused from plain", difference, at_most=1e-3, at_any_size=True
        )


def _mixtral(at: Context) -> None:
    choice = ModelChoice(at.pick("grouped-experts", "toy-experts"))
    windows = random_windows(_WINDOWS, at.pick(256, 48), choice.config().vocab_size)
    whole = _whole(at, choice, windows, torch.float32)
    streamed = _streamed(at, choice, windows, torch.float32)
    require_same_bits(at, "Mixtral, float32: `streamed` has the bits of `whole`", streamed, whole)


def _budgets(at: Context, one: int) -> dict[str, Budget]:
    """Return where inputs are stored, by name. `one`: bytes of one block's input for all windows."""
    everything = (_BLOCKS + 2) * one
    found = {
        "on the device": Budget(everything, 0, 0),
        "on disk": Budget(0, 0, everything),
        "every third": Budget(_SLOTS_FOR_EVERY_THIRD * one, 0, 0),
    }
    if at.on_gpu:
        found["in pinned memory"] = Budget(0, everything, 0)
    return found


def _whole(
    at: Context, choice: ModelChoice, windows: Tensor, dtype: torch.dtype, micro_batch: int = _AT_ONCE
) -> GradientNorms:
    made = new_pass(at, choice, windows, "whole", dtype, norms=BOTH, micro_batch=micro_batch)
    return in_memory(made.run(ignore_steps))


def _streamed(at: Context, choice: ModelChoice, windows: Tensor, dtype: torch.dtype) -> GradientNorms:
    made = new_pass(at, choice, windows, "streamed", dtype, norms=BOTH, micro_batch=_AT_ONCE)
    return in_memory(made.run(ignore_steps, EphemeralResumeStore(at.scratch)))


def _cast(at: Context, choice: ModelChoice, windows: Tensor) -> GradientNorms:
    """Stream a model that is stored in float32: each block is cast to bfloat16 where it arrives."""
    placement = Placement(choice.load_as_stored(torch.float32), at.device, torch.bfloat16)
    made = pass_over(placement, windows, "streamed", norms=BOTH, micro_batch=_AT_ONCE)
    return in_memory(made.run(ignore_steps, EphemeralResumeStore(at.scratch)))


def recover(at: Context) -> None:
    """Check 5."""
    _halving(at)
    _resume(at)
    _retry(at)


def _halving(at: Context) -> None:
    """Leave memory for two windows at once and not for four; on a CPU by an error that is raised."""
    choice = ModelChoice(at.pick("grouped-queries", "toy"), at.pick(4, None))
    windows = random_windows(4, at.pick(2048, 48), choice.config().vocab_size)

    def passes(micro_batch: int) -> tuple[GradientNorms, int]:
        made = new_pass(at, choice, windows, "whole", torch.bfloat16, micro_batch=micro_batch)
        return in_memory(made.run(ignore_steps)), made.schedule.micro_batch

    undisturbed, of_two = _with_peaks(at, partial(passes, 2))
    _, of_four = _with_peaks(at, partial(passes, 4))
    if at.on_gpu:
        # What two have reserved is enough for them; four cannot do with less than they have allocated.
        at.record("two windows at once: reserved at the peak, GB", of_two.reserved / GB)
        at.record("four windows at once: allocated at the peak, GB", of_four.allocated / GB)
        at.limit_memory((of_two.reserved + of_four.allocated) / 2)
    with nullcontext() if at.on_gpu else _limit_windows(2):
        (found, used), _ = _with_peaks(at, partial(passes, 4))
    if at.on_gpu:
        at.limit_memory(torch.cuda.get_device_properties(at.device).total_memory)
    at.require("four windows at once became two", used == 2)
    require_same_bits(at, "the norms are those of a pass that began with two", found, undisturbed[0])


class _Peaks(NamedTuple):
    """Bytes of the device; 0 on a CPU."""

    reserved: int = 0
    allocated: int = 0


def _with_peaks(
    at: Context, passes: Callable[[], tuple[GradientNorms, int]]
) -> tuple[tuple[GradientNorms, int], _Peaks]:
    """Run a pass, after those before it have left nothing; return its result, and what it took."""
    if not at.on_gpu:
        return passes(), _Peaks()
    release_memory()
    torch.zeros(1, device=at.device)
    torch.cuda.reset_peak_memory_stats(at.device)
    found = passes()
    return found, _Peaks(
        torch.cuda.max_memory_reserved(at.device), torch.cuda.max_memory_allocated(at.device)
    )


def _limit_windows(windows: int) -> AbstractContextManager[object]:
    plain = LMHeadLoss.gradient

    def gradient(head: LMHeadLoss, hidden: Tensor, tokens: Tensor) -> Tensor:
        if len(tokens) > windows:
            raise torch.OutOfMemoryError("pretended")
        return plain(head, hidden, tokens)

    return patch.object(LMHeadLoss, "gradient", gradient)


class _Cut(Exception):
    """Stands for the end of the process."""


def _resume(at: Context) -> None:
    """Cut a streamed pass in its backward half, and go on from what it has left on disk."""
    choice = ModelChoice(at.pick("grouped-queries", "toy"))
    windows = random_windows(_WINDOWS, at.pick(1024, 48), choice.config().vocab_size)
    undisturbed = _streamed(at, choice, windows, torch.bfloat16)

    def new_attempt() -> GradientNorms:
        made = new_pass(at, choice, windows, "streamed", torch.bfloat16, norms=BOTH, micro_batch=_AT_ONCE)
        last = made.steps * 3 // 4 if not cut else made.steps

        def step(done: int, total: int) -> None:
            if done > last:
                raise _Cut

        return in_memory(made.run(step, DirectoryResumeStore(at.scratch / "resumed")))

    cut = False
    try:
        new_attempt()
    except _Cut:
        cut = True
    at.require("the pass was cut", cut)
    require_same_bits(at, "resumed, it has the norms of an undisturbed pass", new_attempt(), undisturbed)


def _retry(at: Context) -> None:
    """Let a block that is pruned run out of memory, on a GPU too by an error that is raised."""
    choice = ModelChoice(at.pick("grouped-queries", "toy"), 2)
    windows = random_windows(4, at.pick(1024, 48), choice.config().vocab_size)
    fields = {"method": "admm", "refit": {"toward": 0.5}, "order": "layers"}
    recipe = Recipe.model_validate({"model": "bench/model", "sparsity": 0.5, **fields})
    computed = at.pick(torch.bfloat16, torch.float32)  # a block that is not copied is not tried again

    def pruned(failing: int | None) -> dict[str, Tensor]:
        placement = Placement(choice.load_as_stored(torch.bfloat16), at.device, computed)
        stack, blocks, layers = prunable_stack(placement.model, recipe), InMemory(), list[Tensor]()

        def zeroed(weight: Tensor, mask: Tensor) -> None:
            set_to_zero(weight, mask)
            layers.append(mask)
            if len(layers) == failing:
                raise torch.OutOfMemoryError("pretended")

        with patch.object(blockwise, "set_to_zero", zeroed):
            found = blockwise.prune_blocks(
                stack,
                recipe,
                windows,
                {},
                placement=placement,
                blocks=blocks,
                step=at.step,
                retry=retry_block,
            )
        placement.end_stage()
        return {f"mask {name}": mask for name, mask in found.masks.items()} | found.weights

    expected, found = pruned(None), pruned(_LAYERS + 3)
    same = all(torch.equal(found[name], expected[name]) for name in expected)
    at.require("a block that ran out of memory has the masks and weights of one that did not", same)
