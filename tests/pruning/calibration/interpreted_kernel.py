"""Runs the fused kernel in Triton's interpreter, on CPU tensors, and writes its results to FILE.

It needs a process of its own, because Triton reads its environment when it is imported.

    TRITON_INTERPRET=1 python -m tests.pruning.calibration.interpreted_kernel FILE

Two defects of the interpreter (Triton 3.9) with bfloat16 are fixed here: it truncates where a GPU rounds, and
it multiplies the bit patterns.
"""

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import triton.language as tl
from safetensors.torch import save_file
from torch import Tensor
from triton.runtime import interpreter

from pruning.calibration import accumulate, accumulate_triton
from pruning.calibration.accumulate import KernelVariant
from pruning.calibration.gradient_factors import GradientFactors
from pruning.calibration.gradient_pass import gradient_norms
from pruning.calibration.window_norms import GradientNorms
from pruning.recipe import GradientNorm
from tests.pruning.families import five_windows, make

CASES: dict[str, tuple[torch.dtype, Sequence[int], int, Sequence[GradientNorm], int]] = {
    # dtype, tokens of each window, additional float32 tokens of each window, norms, inputs
    "even": (torch.bfloat16, [128, 128, 128], 0, ["l1", "l2"], 208),
    "float32 tokens": (torch.bfloat16, [70, 70], 8, ["l1", "l2"], 200),
    "float16": (torch.float16, [65, 65], 8, ["l1"], 208),
    "routed": (torch.bfloat16, [3, 0, 150], 8, ["l2"], 200),
}
OUTPUTS = 1200  # more rows of tiles than one group has, and not a multiple of the tile
VARIANTS = [
    KernelVariant(norms, dtype, has_float32, aligned)
    for norms, dtype, has_float32 in (
        (("l1",), torch.bfloat16, True),
        (("l1", "l2"), torch.bfloat16, False),
        (("l1", "l2"), torch.float16, True),
        (("l2",), torch.float16, False),
    )
    for aligned in (True, False)
]


def factors_of(case: str) -> list[GradientFactors]:
    """Return the factors of a case: adjacent views of one tensor, as a layer gives them."""
    dtype, sizes, wide, _, inputs = CASES[case]
    random = torch.Generator().manual_seed(len(case))

    def windows(features: int, sizes: Sequence[int], dtype: torch.dtype) -> Sequence[Tensor]:
        return torch.randn(sum(sizes), features, generator=random).to(dtype).split(list(sizes))

    kinds = [(sizes, dtype)] + ([([wide] * len(sizes), torch.float32)] if wide else [])
    return [GradientFactors(windows(inputs, *kind), windows(OUTPUTS, *kind)) for kind in kinds]


def initial_sums(case: str) -> dict[GradientNorm, Tensor]:
    """Return sums that are not zero."""
    *_, norms, inputs = CASES[case]
    return {norm: torch.full((OUTPUTS, inputs), 3.0) for norm in norms}


def norms_of_a_pass(family: str) -> GradientNorms:
    """Run a gradient pass in bfloat16, with whichever way of accumulation is chosen."""
    model = make(family, torch.bfloat16)
    return gradient_norms(model, five_windows(), norms=["l1", "l2"], step=lambda done, total: None)


def _results() -> Iterator[tuple[str, Tensor]]:
    for case in CASES:
        sums = initial_sums(case)
        accumulate_triton.accumulate(sums, *factors_of(case))
        yield from ((f"{case}/{norm}", total) for norm, total in sums.items())
    for variant in VARIANTS:
        passed = accumulate._kernel_passes_self_test(torch.device("cpu"), variant)
        yield f"self-test/{variant}", torch.tensor(passed)
    accumulate.uses_fused_kernel = lambda device, variant: variant.dtype.itemsize == 2
    accumulate._MIN_FUSED_WEIGHTS = 1
    accumulate.accumulate_by_matmul = partial(_fail, "the kernel was not used")
    for family in ("llama", "mixtral"):
        for norm, layers in norms_of_a_pass(family).items():
            yield from ((f"{family}/{norm}/{name}", tensor) for name, tensor in layers.items())


def _fix_bfloat16() -> None:
    convert, dot = interpreter._convert_float, interpreter.InterpreterBuilder.create_dot

    def rounding(data: np.ndarray, source: object, target: object, mode: object) -> np.ndarray:
        if (source, target) != (tl.float32, tl.bfloat16):
            return convert(data, source, target, mode)
        return torch.from_numpy(data).bfloat16().view(torch.uint16).numpy()

    def multiplying(builder: object, a: object, b: object, *others: object) -> object:
        a, b = (
            builder.cast_impl(each, tl.float32) if each.dtype.scalar == tl.bfloat16 else each
            for each in (a, b)
        )
        return dot(builder, a, b, *others)

    interpreter._convert_float = rounding
    interpreter.InterpreterBuilder.create_dot = multiplying


def _fail(reason: str, *_: object) -> None:
    raise AssertionError(reason)


if __name__ == "__main__":
    torch.set_num_threads(1)
    _fix_bfloat16()
    save_file({name: tensor.contiguous() for name, tensor in _results()}, Path(sys.argv[1]))
