"""Compares the engine's norms and masks with the straightforward implementation's, on a real model.

    make bench-agreement
    make bench-agreement ARGS="--dtype float64 --samples 4"

SmolLM2-135M, 16 windows of 512 tokens of Wikipedia prose, GBLM with the L1 norm at 50 %.

Masks are compared twice. After the same pruned blocks, only the two calculations differ. After its own pruned
blocks each, one near-tie that is decided differently changes the input of later blocks, where more near-ties
are then decided differently: that shows the method's own sensitivity to rounding.
"""

import argparse

import torch
from torch import Tensor

from bench.engine import straightforward
from bench.workload.subject import add_options, ignore_steps, subject
from pruning.calibration.gradient_pass import gradient_norms
from pruning.methods.prune_blocks import prune
from pruning.recipe import Recipe
from pruning.recipe.methods import Gblm

ALPHA = 100.0


def main() -> None:
    """Run both implementations in one process, and print their differences."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine.agreement", description=__doc__)
    add_options(parser)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    options = parser.parse_args()
    dtype = getattr(torch, options.dtype)
    workload = subject(options, options.samples)
    windows = workload.windows

    expected = straightforward.gradient_norms(workload.dense(dtype), windows)
    ours = workload.dense(dtype)
    norms = gradient_norms(ours, windows, norms=("l1", "l2"), step=ignore_steps)
    for norm in ("l1", "l2"):
        differences = sorted(
            _relative_difference(norms[norm][name], value) for name, value in expected[norm].items()
        )
        worst, median = differences[-1], differences[len(differences) // 2]
        print(f"{norm} norms, {len(differences)} layers: at most {worst:.1e} apart, median {median:.1e}")

    recipe = Recipe(
        model=workload.reference, method=Gblm(alpha=ALPHA), sparsity=0.5, calibration=workload.calibration
    )
    pruned = prune(ours, recipe, windows, norms, step=ignore_steps)
    terms = {name: ALPHA * value for name, value in expected["l1"].items()}
    for upstream, applied in (("the engine's", pruned.masks), ("their own", None)):
        dense = workload.dense(dtype)
        masks = straightforward.prune_rows(dense, windows, 0.5, terms, applied_masks=applied)
        agreeing = sum(int((masks[name] == mask).sum()) for name, mask in pruned.masks.items())
        weights = sum(mask.numel() for mask in pruned.masks.values())
        print(f"masks after {upstream} pruned blocks: {agreeing / weights:.4%} of {weights} weights agree")


def _relative_difference(ours: Tensor, expected: Tensor) -> float:
    """Return ‖a - b‖ / ‖b‖."""
    return float((ours - expected).norm() / expected.norm())


if __name__ == "__main__":
    main()
