"""Whether the engine's norms and masks are those of the straightforward way, on a whole real model.

    make bench-agreement
    make bench-agreement ARGS="--dtype float64 --samples 4"

SmolLM2-135M, 16 windows of 512 tokens of Wikipedia prose, GBLM with the L1 norm at 50 %.

Masks are compared twice. Behind the same pruned blocks, the two calculations alone make the difference. Each
behind its own, one near-tie that falls the other way changes what later blocks are given, and more fall the
other way from block to block: that is the method's own sensitivity to rounding.
"""

import argparse

import torch
from torch import Tensor

from bench import straightforward
from bench.subject import add_options, silent, subject
from pruning.blockwise.prune import prune
from pruning.gradients.gradient_pass import gradient_norms
from pruning.recipe import Recipe
from pruning.recipe.methods import Gblm

ALPHA = 100.0


def main() -> None:
    """Compute both ways in one process, and print how far they are apart."""
    parser = argparse.ArgumentParser(prog="python -m bench.agreement", description=__doc__)
    add_options(parser)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    options = parser.parse_args()
    dtype = getattr(torch, options.dtype)
    measured = subject(options, options.samples)
    windows = measured.windows

    expected = straightforward.gradient_norms(measured.dense(dtype), windows)
    ours = measured.dense(dtype)
    norms = gradient_norms(ours, windows, norms=("l1", "l2"), step=silent)
    for norm in ("l1", "l2"):
        apart = sorted(_apart(norms[norm][name], value) for name, value in expected[norm].items())
        worst, median = apart[-1], apart[len(apart) // 2]
        print(f"{norm} norms, {len(apart)} layers: worst {worst:.1e} apart, median {median:.1e}")

    recipe = Recipe(
        model=measured.reference, method=Gblm(alpha=ALPHA), sparsity=0.5, calibration=measured.calibration
    )
    pruned = prune(ours, recipe, windows, norms, step=silent)
    terms = {name: ALPHA * value for name, value in expected["l1"].items()}
    for upstream, instead in (("the engine's", pruned.masks), ("their own", None)):
        dense = measured.dense(dtype)
        masks = straightforward.prune_rows(dense, windows, 0.5, terms, instead=instead)
        agreeing = sum(int((masks[name] == mask).sum()) for name, mask in pruned.masks.items())
        weights = sum(mask.numel() for mask in pruned.masks.values())
        print(f"masks behind {upstream} pruned blocks: {agreeing / weights:.4%} of {weights} weights agree")


def _apart(ours: Tensor, expected: Tensor) -> float:
    """The distance relative to the size: ‖a - b‖ / ‖b‖."""
    return float((ours - expected).norm() / expected.norm())


if __name__ == "__main__":
    main()
