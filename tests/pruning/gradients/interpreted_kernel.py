"""The fused kernel in Triton's interpreter, which takes tensors of the CPU: for a process of its own, because
Triton asks its environment when it is imported.

    TRITON_INTERPRET=1 python -m tests.pruning.gradients.interpreted_kernel FILE

Two things that the interpreter (of Triton 3.9) does to bfloat16 are put right: it cuts bits off where a GPU
rounds, and multiplies the bit patterns.
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

from pruning.gradients import accumulate, accumulate_triton
from pruning.gradients.gradient_pass import gradient_norms
from pruning.gradients.part import Part
from pruning.gradients.window_norms import GradientNorms
from tests.pruning.families import five_windows, make

CASES: dict[str, tuple[torch.dtype, Sequence[int], int, Sequence[str]]] = {
    # dtype, tokens of each window, float32 tokens of each beside them, norms
    "even": (torch.bfloat16, [128, 128, 128], 0, ["l1", "l2"]),
    "float32 tokens": (torch.bfloat16, [70, 70], 8, ["l1", "l2"]),
    "float16": (torch.float16, [65, 65], 8, ["l1"]),
    "routed": (torch.bfloat16, [3, 0, 150], 8, ["l2"]),
}
TRIED = (torch.bfloat16, torch.float16)
OUTPUTS, INPUTS = 1200, 200  # more tiles than are grouped, and no whole number of them


def parts_of(case: str) -> list[Part]:
    """Windows that lie one behind the other, as they come from a layer."""
    dtype, sizes, wide, _ = CASES[case]
    random = torch.Generator().manual_seed(len(case))

    def windows(features: int, sizes: Sequence[int], dtype: torch.dtype) -> Sequence[Tensor]:
        return torch.randn(sum(sizes), features, generator=random).to(dtype).split(list(sizes))

    kinds = [(sizes, dtype)] + ([([wide] * len(sizes), torch.float32)] if wide else [])
    return [Part(windows(INPUTS, *kind), windows(OUTPUTS, *kind)) for kind in kinds]


def beginning(case: str) -> dict[str, Tensor]:
    """Sums that are not empty."""
    return {norm: torch.full((OUTPUTS, INPUTS), 3.0) for norm in CASES[case][3]}


def of_a_pass(family: str) -> GradientNorms:
    """By whichever way is chosen."""
    model = make(family, torch.bfloat16)
    return gradient_norms(model, five_windows(), norms=["l1", "l2"], step=lambda done, total: None)


def _found() -> Iterator[tuple[str, Tensor]]:
    for case in CASES:
        sums = beginning(case)
        accumulate_triton.accumulate(sums, *parts_of(case))
        yield from ((f"{case}/{norm}", total) for norm, total in sums.items())
    for dtype in TRIED:
        yield f"trial/{dtype}", torch.tensor(accumulate._agrees(torch.device("cpu"), dtype))
    accumulate.is_fused = lambda device, dtype: dtype in TRIED
    accumulate._LEAST_WEIGHTS = 1
    accumulate.accumulate_plainly = partial(_fail, "the plain way was taken")
    for family in ("llama", "mixtral"):
        for norm, layers in of_a_pass(family).items():
            yield from ((f"{family}/{norm}/{name}", tensor) for name, tensor in layers.items())


def _put_bfloat16_right() -> None:
    convert, dot = interpreter._convert_float, interpreter.InterpreterBuilder.create_dot

    def rounding(data: np.ndarray, given: object, wanted: object, mode: object) -> np.ndarray:
        if (given, wanted) != (tl.float32, tl.bfloat16):
            return convert(data, given, wanted, mode)
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
    _put_bfloat16_right()
    save_file({name: tensor.contiguous() for name, tensor in _found()}, Path(sys.argv[1]))
