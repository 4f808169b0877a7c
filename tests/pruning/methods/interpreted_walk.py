"""Runs SparseGPT with its kernel in Triton's interpreter, on CPU tensors, and writes the results to FILE.

It needs a process of its own, because Triton reads its environment when it is imported.

    TRITON_INTERPRET=1 python -m tests.pruning.methods.interpreted_walk FILE
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from pruning.masks.patterns import LayerTarget
from pruning.methods import column_walk
from pruning.methods.column_walk import WalkVariant
from pruning.methods.sparsegpt import inverse_factor, sparsegpt

CASES: dict[str, tuple[LayerTarget, int, int, int]] = {
    # target, rows, inputs, columns of a block
    "unstructured": (LayerTarget("unstructured", 0.5), 20, 100, 64),
    "a count": (LayerTarget("unstructured", 0.3, zeros=555), 37, 50, 32),
    "one column at a time": (LayerTarget("unstructured", 0.6), 5, 7, 1),
    "2:4": (LayerTarget("2:4", 0.5), 35, 48, 32),
    "1:2, groups that tie": (LayerTarget("1:2", 0.5), 20, 16, 8),
    "19:24": (LayerTarget("19:24", 5 / 24), 9, 72, 48),
}
SELF_TESTED = (WalkVariant(16, None), WalkVariant(16, (2, 4)), WalkVariant(6, (2, 3)))


def layer_of(case: str) -> tuple[Tensor, Tensor]:
    """Return a weight and its factor."""
    _, rows, inputs, _ = CASES[case]
    random = torch.Generator().manual_seed(len(case))
    weight = torch.randn(rows, inputs, generator=random)
    if "tie" in case:
        # Orthogonal inputs of one size: no error spreads, and every score is one of three.
        return weight.sign() * weight.abs().clamp(0.5, 0.6), inverse_factor(torch.eye(inputs), damping=0.01)
    tokens = torch.randn(3 * inputs, inputs, generator=random)
    tokens[:, 1:] += tokens[:, :-1] / 2
    return weight, inverse_factor(tokens.T @ tokens / 3, damping=0.01)


def pruned(case: str) -> tuple[Tensor, Tensor]:
    """Return mask and weights of a case, by whichever way is chosen."""
    target, _, _, columns = CASES[case]
    return sparsegpt(*layer_of(case), target, columns=columns)


def _results() -> Iterator[tuple[str, Tensor]]:
    for variant in SELF_TESTED:
        yield (
            f"self-test/{variant}",
            torch.tensor(column_walk._kernel_passes_self_test(torch.device("cpu"), variant)),
        )
    column_walk.uses_kernel = lambda device, variant: True
    column_walk.walk_by_column = _fail
    for case in CASES:
        mask, weight = pruned(case)
        yield f"{case}/mask", mask
        yield f"{case}/weight", weight


def _fail(*_: object) -> None:
    raise AssertionError("the kernel was not used")


if __name__ == "__main__":
    torch.set_num_threads(1)
    save_file({name: tensor.contiguous() for name, tensor in _results()}, Path(sys.argv[1]))
