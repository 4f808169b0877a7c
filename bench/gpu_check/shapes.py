"""Checks 8 to 12: random weights in the shapes of LLaMA-2-7B, LLaMA-2-70B and Mixtral."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from bench.gpu_check.context import GB, Context
from bench.gpu_check.gradients import in_memory, new_pass
from bench.workload.models import ModelChoice, ignore_steps, perplexity, random_windows
from pruning.calibration.gradient_files import norms_from_shards
from pruning.calibration.gradient_schedule import ScheduleName
from pruning.calibration.window_norms import GradientNorms
from pruning.methods import prune_blocks as blockwise
from pruning.methods.results import StoredBlocks
from pruning.models.blocks import Stack, prunable_stack
from pruning.models.placement import Placement
from pruning.recipe import GradientNorm, Recipe
from pruning.resume.store import DirectoryResumeStore
from pruning.resume.writer import BackgroundWriter
from pruning.runtime.process_memory import PeakMemory

_BLOCKS_7B, _BLOCKS_70B = 32, 80
_WIKITEXT_2_WINDOWS = 166  # of 2048 tokens, by LLaMA's tokenizer


def streamed_7b(at: Context) -> None:
    """Check 8."""
    at.limit_memory(12 * GB)
    seconds = _timed_pass(at, ModelChoice(at.pick("llama-2-7b", "toy")), "streamed")
    at.expect("seconds", seconds, at_most=60, note="aim 45")
    _memory(at, reserved_at_most=12)


def whole_7b(at: Context) -> None:
    """Check 9."""
    seconds = _timed_pass(at, ModelChoice(at.pick("llama-2-7b", "toy")), "whole")
    at.expect("seconds", seconds, at_most=45, note="aim 30")
    _memory(at)


def streamed_70b(at: Context) -> None:
    """Check 10."""
    blocks = at.pick(4, 2)
    at.limit_memory(24 * GB)
    seconds = _timed_pass(at, ModelChoice(at.pick("llama-2-70b", "toy"), blocks), "streamed")
    at.record("seconds", seconds)
    _extrapolated(at, "seconds of 80 blocks", seconds, blocks, _BLOCKS_70B)
    _memory(at, reserved_at_most=24)


def _calibration(at: Context, choice: ModelChoice) -> Tensor:
    count, length = at.pick((128, 2048), (4, 32))
    return random_windows(count, length, choice.config().vocab_size)


def _timed_pass(at: Context, choice: ModelChoice, schedule: ScheduleName) -> float:
    """Run a gradient pass as a job does, with durable shards where it is streamed; return its seconds."""
    windows = _calibration(at, choice)
    made = new_pass(at, choice, windows, schedule, torch.bfloat16)
    first = made.schedule.micro_batch
    at.record("windows at once", float(first))
    resume_store = DirectoryResumeStore(at.scratch / "shards")
    if at.on_gpu:
        torch.zeros(1, device=at.device)
        torch.cuda.reset_peak_memory_stats(at.device)
    with _waits_for_shards() as waits:
        seconds = at.seconds(lambda: made.run(at.step, resume_store))
    at.record("of which it waited for shards that were being written, s", sum(waits))
    at.require("deterministic, as a job's passes are", made.deterministic)
    at.require("the micro-batch was not halved", made.schedule.micro_batch == first)
    return seconds


@contextmanager
def _waits_for_shards() -> Iterator[list[float]]:
    """Collect the seconds that a pass waits for its background writer, each time that it does."""
    waits: list[float] = []
    plain = BackgroundWriter.drain

    def drain(writer: BackgroundWriter) -> None:
        began = time.perf_counter()
        plain(writer)
        waits.append(time.perf_counter() - began)

    BackgroundWriter.drain = drain  # type: ignore[method-assign,assignment]
    try:
        yield waits
    finally:
        BackgroundWriter.drain = plain  # type: ignore[method-assign]


def _memory(at: Context, reserved_at_most: float | None = None) -> None:
    """Note the device's memory as seen by torch's tensors, by torch's allocator and by the driver."""
    if not at.on_gpu:
        at.record("peak resident, GB", PeakMemory(at.device).peak() / GB)
        return
    at.record("allocated at the peak, GB", torch.cuda.max_memory_allocated(at.device) / GB)
    at.expect(
        "reserved at the peak, GB", torch.cuda.max_memory_reserved(at.device) / GB, at_most=reserved_at_most
    )
    free, total = torch.cuda.mem_get_info(at.device)
    at.record("given by the driver at the end, context included, GB", (total - free) / GB)


def _extrapolated(
    at: Context,
    name: str,
    seconds: float,
    blocks: int,
    of: int,
    at_most: float | None = None,
    aim: float | None = None,
) -> None:
    note = f"extrapolated from {blocks} of {of} blocks{f', aim {aim:g}' if aim else ''}"
    at.expect(name, seconds * of / blocks, at_most=at_most, note=note)


def prune(at: Context) -> None:
    """Check 11, the fastest method first: what a kill cuts off costs least."""
    choice = ModelChoice(at.pick("llama-2-7b", "toy"), 2)
    for method, at_most, aim in (
        ("wanda", 40, 20),
        ("gblm", 40, 20),
        ("sparsegpt", 120, 60),
        ("best", 300, 250),
    ):
        seconds = _pruned(at, choice, method)
        at.record(f"{method}, 2 blocks, seconds", seconds)
        _extrapolated(at, f"{method}, seconds", seconds, 2, _BLOCKS_7B, at_most, aim)
    choice = ModelChoice(at.pick("llama-2-70b", "toy"), 1)
    for method in ("sparsegpt", "best"):
        if at.on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(at.device)
        seconds = _pruned(at, choice, method)
        at.record(f"70B: {method}, 1 block, seconds", seconds)
        _extrapolated(at, f"70B: {method}, seconds", seconds, 1, _BLOCKS_70B)
        if at.on_gpu:
            allocated = torch.cuda.max_memory_allocated(at.device) / GB
            at.record(f"70B: {method}, allocated at the peak, GB", allocated)


def _pruned(at: Context, choice: ModelChoice, method: str) -> float:
    """Prune with a resume store, as a job does; return the seconds without loading."""
    windows = _calibration(at, choice)
    recipe = Recipe.model_validate(
        {
            "model": "bench/model",
            "method": method,
            "sparsity": 0.5,
            "calibration": {"samples": windows.shape[0], "sequence_length": windows.shape[1]},
        }
    )
    placement = Placement(choice.load_as_stored(torch.bfloat16), at.device, torch.bfloat16)
    stack = prunable_stack(placement.model, recipe)
    norms = _random_norms(at, recipe, stack)
    store = DirectoryResumeStore(at.scratch / f"{choice.name}-{choice.blocks}-{method}")
    blocks = StoredBlocks(store, placement.numerics_key)
    return at.seconds(
        lambda: blockwise.prune_blocks(
            stack, recipe, windows, norms, placement=placement, blocks=blocks, step=at.step
        )
    )


def _random_norms(at: Context, recipe: Recipe, stack: Stack) -> GradientNorms:
    """Draw norms into shards, from which a job reads them: pruning takes as long whatever they are."""
    files: dict[GradientNorm, dict[str, Path]] = {norm: {} for norm in recipe.gradient_norms}
    for norm, of_norm in files.items():
        for index, block in enumerate(stack.blocks):
            path = at.scratch / f"random-{index}-{norm}.safetensors"
            drawn = {
                f"{norm}/{layer.name}": torch.rand(layer.outputs, layer.inputs, device=at.device) * 1e-3
                for layer in block.layers
            }
            save_file(drawn, path)
            of_norm |= {layer.name: path for layer in block.layers}
    return norms_from_shards(files)


def evaluate(at: Context) -> None:
    """Check 12."""
    _perplexity(at)
    _perplexity_block_by_block(at)
    _mixtral(at)


def _perplexity(at: Context) -> None:
    choice = ModelChoice(at.pick("llama-2-7b", "toy"), at.pick(8, 2))
    placement = Placement(choice.load_as_stored(torch.bfloat16), at.device, torch.bfloat16)
    count, length = at.pick((_WIKITEXT_2_WINDOWS, 2048), (3, 32))
    windows = random_windows(count, length, choice.config().vocab_size)
    found = []
    with placement.resident(placement.model):
        measured = partial(perplexity, placement.model, windows, step=at.step)
        measured_once = partial(perplexity, placement.model, windows[:1], step=ignore_steps)
        measured_once()  # the first products load libraries
        seconds = at.seconds(lambda: found.append(measured()))
    at.require("the perplexity is finite", math.isfinite(found[0]))
    at.expect("seconds", seconds, at_most=4)


def _perplexity_block_by_block(at: Context) -> None:
    """Two groups of windows through a model that stays on the host, as one larger than the GPU does."""
    choice = ModelChoice(at.pick("llama-2-7b", "toy"), at.pick(4, 2))
    stored = choice.load_as_stored(at.pick(torch.bfloat16, torch.float32))
    placement = Placement(stored, at.device, torch.bfloat16)
    windows = random_windows(*at.pick((64, 2048), (3, 32)), choice.config().vocab_size)
    measured = partial(perplexity, stored, windows, step=at.step, placement=placement)
    found: list[float] = []
    seconds = at.seconds(lambda: found.append(measured()))
    placement.end_stage()
    at.record("block by block: seconds", seconds)
    with placement.resident(stored):
        at.require("block by block: the bits of the resident model", found == [measured()])


def _mixtral(at: Context) -> None:
    """One block with all its experts: gradients, a mask by GBLM, and the pruned model's perplexity."""
    choice = ModelChoice(at.pick("mixtral-8x7b", "toy-experts"), 1)
    windows = random_windows(2, at.pick(2048, 32), choice.config().vocab_size)
    made = new_pass(at, choice, windows, "streamed", torch.bfloat16)
    found_norms: list[GradientNorms] = []
    seconds = at.seconds(
        lambda: found_norms.append(made.run(at.step, DirectoryResumeStore(at.scratch / "mixtral")))
    )
    at.record("Mixtral: one block's gradients, seconds", seconds)
    norms = in_memory(found_norms[0])
    finite = all(bool(norm.isfinite().all()) for norm in norms["l1"].values())
    at.require("Mixtral: gradient norms are finite", finite)
    placement = Placement(choice.load_as_stored(torch.bfloat16), at.device, torch.bfloat16)
    recipe = Recipe.model_validate({"model": "bench/model", "method": "gblm", "sparsity": 0.5})
    blockwise.prune(placement.model, recipe, windows, norms, step=at.step, placement=placement)
    with placement.resident(placement.model):
        found = perplexity(placement.model, windows, step=ignore_steps)
    at.require("Mixtral: the pruned block's perplexity is finite", math.isfinite(found))
