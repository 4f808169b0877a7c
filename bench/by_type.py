"""Holds gradient allocation against the mean sparsities by type of layer that published searches ended with.

    python -m bench.by_type            # the mean sparsity of each type, by both
    python -m bench.by_type --measure  # and perplexities on held-out windows, GBLM without refit

SmolLM2-135M at 50 %, 16 calibration windows of 512 tokens. The published means are those of LLaMA-2-7B in the
configurations of EvoPress (arXiv 2410.14649).
"""

import argparse
from collections.abc import Mapping, Sequence
from unittest.mock import patch

from bench.results.table import header, row_of
from bench.workload.subject import Subject, add_options, ignore_steps, subject
from pruning.calibration.gradient_pass import gradient_norms
from pruning.calibration.window_norms import GradientNorms
from pruning.evaluation.perplexity import perplexity
from pruning.masks.patterns import LayerTarget
from pruning.methods.allocation import shares_up_to_common_threshold
from pruning.methods.prune_blocks import prune
from pruning.methods.rounding import spread, zero_counts
from pruning.models.blocks import find_stack
from pruning.recipe import Recipe

SPARSITY, BAND = 0.5, 0.35
PUBLISHED = {
    "q_proj": 0.58,
    "k_proj": 0.60,
    "v_proj": 0.39,
    "o_proj": 0.43,
    "gate_proj": 0.52,
    "up_proj": 0.50,
    "down_proj": 0.48,
}


class Layers:
    """The layers of the model: names, sizes, and their shares of low saliencies."""

    def __init__(self, workload: Subject, gradients: GradientNorms) -> None:
        layers = list(find_stack(workload.dense()).layers)
        self.names = [layer.name for layer in layers]
        self.types = [layer.name.rpartition(".")[2] for layer in layers]
        self.sizes = [layer.inputs * layer.outputs for layer in layers]
        self.shares = shares_up_to_common_threshold(
            lambda: (layer.matrix.abs() * gradients["l2"][layer.name] for layer in layers), share=SPARSITY
        )

    def mean(self, values: Sequence[float], kind: str | None = None) -> float:
        """Return the mean by size of the layers of a type, or of all."""
        chosen = [number for number, own in enumerate(self.types) if kind in (None, own)]
        total = sum(self.sizes[number] for number in chosen)
        return sum(values[number] * self.sizes[number] for number in chosen) / total

    def allocations(self) -> Mapping[str, Sequence[float]]:
        """Return the sparsities of all layers, by the name of the allocation."""
        published = [PUBLISHED[kind] for kind in self.types]
        shift = SPARSITY - self.mean(published)
        published = [value + shift for value in published]
        within = [
            share - self.mean(self.shares, kind) for share, kind in zip(self.shares, self.types, strict=True)
        ]
        moved = spread(within, self.sizes, sparsity=SPARSITY, band=0.25)
        return {
            f"gradient, band {BAND}": spread(self.shares, self.sizes, sparsity=SPARSITY, band=BAND),
            "published by type": published,
            "published by type, gradient within types, band 0.25": [
                one + other - SPARSITY for one, other in zip(published, moved, strict=True)
            ],
        }


def main() -> None:
    """Print the means, and the perplexities if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="prune and measure on held-out windows")
    add_options(parser)
    options = parser.parse_args()
    workload = subject(options)
    gradients = gradient_norms(workload.dense(), workload.windows, norms=("l1", "l2"), step=ignore_steps)
    layers = Layers(workload, gradients)
    allocations = layers.allocations()
    for line in header("", *PUBLISHED, "held-out perplexity"):
        print(line)
    for name, sparsities in allocations.items():
        means = [f"{layers.mean(sparsities, kind):.2f}" for kind in PUBLISHED]
        measured = f"{_measured(workload, gradients, layers, sparsities):.2f}" if options.measure else ""
        print(row_of([name, *means, measured]), flush=True)


def _measured(
    workload: Subject, gradients: GradientNorms, layers: Layers, sparsities: Sequence[float]
) -> float:
    counts = zero_counts(sparsities, layers.sizes, total=int(sum(layers.sizes) * SPARSITY))
    targets = {
        name: LayerTarget("unstructured", count / size, zeros=count)
        for name, size, count in zip(layers.names, layers.sizes, counts, strict=True)
    }
    recipe = Recipe.model_validate(
        {
            "model": workload.reference,
            "calibration": workload.calibration,
            "dtype": "float32",
            "method": "gblm",
            "allocation": "gradient",
            "sparsity": SPARSITY,
        }
    )
    model = workload.dense()
    with patch("pruning.methods.prune_blocks.layer_targets", lambda recipe, dense: targets):
        prune(model, recipe, workload.windows, gradients, step=ignore_steps)
    return perplexity(model, workload.held_out, step=ignore_steps)


if __name__ == "__main__":
    main()
