"""Check 6: the rates that docs/performance.md computes with."""

import hashlib
import os
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from bench.engine.roofline import Timer
from bench.gpu_check.context import GB, Context
from pruning.masks.patterns import up_to_threshold
from pruning.methods.column_walk import WalkVariant, uses_kernel, walk_by_column, walk_in_kernel
from pruning.methods.sparsegpt import inverse_factor
from pruning.models.upcast import float32_product
from pruning.runtime.pinned_memory import PinnedArena, pinning_for
from pruning.runtime.speed_probe import product_rate


def measure(at: Context) -> None:
    """Check 6, the cheapest and most used first."""
    _products(at)
    _float32_tokens(at)
    _copies(at)
    _host(at)
    _selection(at)
    _factorisation(at)
    _column_walk(at)


def _products(at: Context) -> None:
    for dtype in (torch.bfloat16, torch.float32):
        rate = product_rate(at.device, dtype, seconds=at.pick(0.5, 0.01))
        at.record(f"matrix products in {_name(dtype)}, TFLOP/s", rate / 1e12)
    if at.on_gpu:
        size = at.pick(8192, 512)
        one = torch.ones(size, size, dtype=torch.bfloat16, device=at.device)
        timer = Timer(at.device, torch.bfloat16)
        seconds = timer.seconds(lambda: torch.mm(one, one, out_dtype=torch.float32))
        at.record("bfloat16 products with a float32 result, TFLOP/s", 2 * size**3 / seconds / 1e12)


def _float32_tokens(at: Context) -> None:
    """Time eight float32 tokens of four windows times a bfloat16 matrix, by parts and by a widened copy."""
    size = at.pick(4096, 64)
    matrix = torch.ones(size, size, dtype=torch.bfloat16, device=at.device)
    tokens, wide, timer = (
        torch.ones(32, size, device=at.device),
        matrix.float(),
        Timer(at.device, torch.float32),
    )
    if at.on_gpu:
        seconds = timer.seconds(lambda: float32_product(tokens, matrix))
        at.record("float32 tokens times 4096² by parts, µs", 1e6 * seconds)
    seconds = timer.seconds(lambda: tokens @ wide)
    at.record("float32 tokens times 4096² by a widened copy that is kept, µs", 1e6 * seconds)


def _copies(at: Context) -> None:
    """Time a copy of 1 GiB to the device from pageable and from pinned memory, back, and pinning itself."""
    size, timer = at.pick(1 << 30, 1 << 20), Timer(at.device, torch.uint8)
    pageable = torch.ones(size, dtype=torch.uint8)
    there = torch.empty(size, dtype=torch.uint8, device=at.device)
    at.record("copy to the device, pageable, GB/s", size / GB / timer.seconds(lambda: there.copy_(pageable)))
    if not at.on_gpu:
        return
    at.record("pinning by torch, first time, GB/s", size / GB / at.seconds(pageable.pin_memory))
    with PinnedArena(pinning_for(at.device), size) as arena:
        taken: list[Tensor | None] = []
        seconds = at.seconds(lambda: taken.append(arena.allocate((size,), torch.uint8)))
        at.require("the arena's memory is pinned", taken[0] is not None and taken[0].is_pinned())
        at.record("pinning by the arena, GB/s", size / GB / seconds)
        if taken[0] is not None:
            _pin_again(at, taken[0])
    pinned = pageable.pin_memory()
    at.record("copy to the device, pinned, GB/s", size / GB / timer.seconds(lambda: there.copy_(pinned)))
    at.record("copy to pinned memory, GB/s", size / GB / timer.seconds(lambda: pinned.copy_(there)))
    other = torch.empty_like(there)
    at.record(
        "copy on the device, read and written, GB/s",
        2 * size / GB / timer.seconds(lambda: other.copy_(there)),
    )


def _pin_again(at: Context, pinned: Tensor) -> None:
    """Pin what is pinned already: the refusal must not fail the next kernel."""
    again = pinning_for(at.device).pin(pinned.data_ptr(), pinned.nbytes)
    at.require("what is pinned is not pinned once more", not again)
    at.require("a kernel runs after the refusal", torch.ones(1, device=at.device).item() == 1)


def _host(at: Context) -> None:
    """Hash, write and sync: what making a shard durable takes."""
    size = at.pick(1 << 30, 1 << 20)
    data, file = os.urandom(1 << 20) * (size >> 20), at.scratch / "written"
    at.record("sha256 on one core, GB/s", size / GB / at.seconds(lambda: hashlib.sha256(data)))
    at.record("write and fsync, GB/s", size / GB / at.seconds(lambda: _write(file, data)))


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())


def _selection(at: Context) -> None:
    """Select by one threshold over a matrix, as magnitude, ADMM and SparseGPT's column blocks do."""
    scores = torch.rand(at.pick((4096, 11_008), (64, 128)), device=at.device)
    seconds = at.seconds(lambda: up_to_threshold(scores, 0.5))
    at.record(f"selection of half of {scores.numel() / 1e6:.3g} M scores, s", seconds)


def _factorisation(at: Context) -> None:
    size = at.pick(11_008, 128)
    inputs = torch.randn(2 * size, size, device=at.device)
    moments = inputs.T @ inputs / len(inputs)
    seconds = at.seconds(lambda: inverse_factor(moments, damping=0.01))
    at.record(f"SparseGPT's factorisation of {size}², first time, s", seconds)


def _column_walk(at: Context) -> None:
    """Walk through a block of SparseGPT's columns, by torch and in the kernel."""
    rows, columns = at.pick((4096, 128), (32, 16))
    timer = Timer(at.device, torch.float32)
    for group in (None, (2, 4)):
        variant = WalkVariant(columns, group)
        weight, noise = timer.numbers(rows, columns), timer.numbers(columns, columns)
        mask = torch.zeros_like(weight, dtype=torch.bool) if group else weight > 0
        factor = torch.eye(columns, device=at.device).add_(noise.triu(1), alpha=1 / columns)
        name = f"SparseGPT, {columns} columns of {rows} rows, {'2:4' if group else 'unstructured'}"
        at.record(
            f"{name}, by torch, ms",
            1e3 * timer.seconds(partial(walk_by_column, weight.clone(), mask.clone(), factor, variant)),
        )
        if at.on_gpu:
            at.require(f"{name}: the kernel passes its self-test", uses_kernel(at.device, variant))
            in_kernel = partial(walk_in_kernel, weight.clone(), mask.clone(), factor, variant)
            at.record(f"{name}, in the kernel, ms", 1e3 * timer.seconds(in_kernel))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
