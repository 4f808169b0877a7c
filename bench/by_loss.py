"""Moves the targets of gradient allocation by what each layer adds to the loss of the pruned model.

    python -m bench.by_loss               # 50 %
    python -m bench.by_loss --rows 70     # 70 %

SmolLM2-135M in bfloat16, as the held-out rows of `bench.quality`: the preset `best` with 16 calibration
windows of 512 tokens, perplexity on 16 held-out windows, and 16 other windows for the loss. docs/methods.md
has the formula and says why it is no option.
"""

import argparse
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bench.results.rows import RESULTS, add_row_options, read_or_run, run_or_print
from bench.results.table import header, row_of
from bench.workload.subject import Subject, add_options, ignore_steps, subject
from pruning.allocation.rounding import zero_counts
from pruning.blockwise.prune import prune
from pruning.evaluation.perplexity import perplexity
from pruning.gradients.gradient_pass import gradient_norms
from pruning.masks.patterns import LayerTarget
from pruning.model.blocks import find_stack
from pruning.model.layers import LinearLayer
from pruning.recipe import Recipe
from pruning.recovery.distillation import LossWeights, distillation_loss

# By how much ln(error) rises with the sparsity: at 50 %, 6.8 in the median of 210 layers, and between 5.9 and
# 8.7 for four fifths of them.
_STEEPNESS = 7.0
_LEAST = 0.1  # of the median: a share that is lower, or negative, is noise


@dataclass(frozen=True)
class Row:
    """A sparsity, and the band of gradient allocation that is best there."""

    name: str
    sparsity: float
    band: float


TABLE = (Row("50 %", 0.5, 0.35), Row("70 %", 0.7, 0.2))


def shares_of_loss(
    dense: PreTrainedModel, pruned: PreTrainedModel, windows: Tensor
) -> tuple[list[float], float]:
    """Return ½·⟨G, W' - W⟩ of every layer, and the loss, KL(dense ‖ pruned) in nats per token.

    G is the gradient of the loss at the pruned weights W'. Were the loss quadratic around the dense weights
    W, where it and its gradient are 0, the shares would add up to it. `windows`: (windows, length).
    """
    layers, dense_layers = _layers(pruned), _layers(dense)
    pruned.requires_grad_(False)
    for layer in layers:
        layer.parameter.requires_grad_(True)
    changes = [
        layer.matrix.detach().float() - before.matrix.float()
        for layer, before in zip(layers, dense_layers, strict=True)
    ]
    weights = LossWeights.of_means(0.0, positions=windows[:, 1:].numel(), targets=0)
    shares, loss = torch.zeros(len(layers), dtype=torch.float64), 0.0
    for window in windows:
        with torch.no_grad():
            wanted = dense(window[None]).logits[0, :-1]
        logits = pruned(window[None]).logits[0, :-1]
        gradient, sums = distillation_loss(logits.detach(), wanted, window[1:], weights)
        logits.backward(gradient)
        loss += float(sums[0]) * weights.divergence
        for number, (layer, change) in enumerate(zip(layers, changes, strict=True)):
            assert layer.parameter.grad is not None
            shares[number] += float((layer.as_matrix(layer.parameter.grad).float() * change).sum()) / 2
        pruned.zero_grad()
    pruned.requires_grad_(False)
    return shares.tolist(), loss


def moved(zeros: Sequence[int], sizes: Sequence[int], shares: Sequence[float]) -> list[int]:
    """Return numbers of zeros, as many in all, at which one more would cost the same in every layer.

    A layer's share of the loss is taken to rise with its sparsity s as exp(7·s), so that one more zero costs
    7·share ÷ size.
    """
    costs = [share / size for share, size in zip(shares, sizes, strict=True)]
    least = _LEAST * median(costs)
    wanted = [
        count / size - math.log(max(cost, least) / least) / _STEEPNESS
        for count, size, cost in zip(zeros, sizes, costs, strict=True)
    ]
    return zero_counts(wanted, sizes, total=sum(zeros))


def measure(row: Row, workload: Subject) -> dict[str, Any]:
    """Prune by gradient allocation, move the targets, prune again, and return what the row's file holds."""
    model, dense, seconds = workload.dense(torch.bfloat16), workload.dense(torch.bfloat16), {}
    recipe = Recipe.model_validate(
        {
            "model": workload.reference,
            "calibration": workload.calibration,
            "dtype": "bfloat16",
            "method": {"name": "admm", "ridge": 4},
            "refit": {"toward": 0.5, "ridge": 4, "iterations": 8},
            "order": "layers",
            "allocation": {"name": "gradient", "band": row.band},
            "sparsity": row.sparsity,
        }
    )
    gradients = gradient_norms(model, workload.windows, norms=recipe.gradient_norms, step=ignore_steps)

    started = time.perf_counter()
    first = prune(model, recipe, workload.windows, gradients, step=ignore_steps)
    seconds["prune"] = time.perf_counter() - started
    before = perplexity(model, workload.held_out, step=ignore_steps)

    started = time.perf_counter()
    shares, loss = shares_of_loss(dense, model, workload.fitness)
    seconds["loss"] = time.perf_counter() - started
    names = [layer.name for layer in first.layers]
    sizes = [math.prod(layer.shape) for layer in first.layers]
    zeros = moved([layer.zeros for layer in first.layers], sizes, shares)
    targets = {
        name: LayerTarget("unstructured", count / size, zeros=count)
        for name, count, size in zip(names, zeros, sizes, strict=True)
    }
    model = workload.dense(torch.bfloat16)
    with patch("pruning.blockwise.prune.layer_targets", lambda recipe, dense: targets):
        prune(model, recipe, workload.windows, gradients, step=ignore_steps)
    return {
        "recipe": recipe.model_dump(mode="json"),
        "gradient": before,
        "moved": perplexity(model, workload.held_out, step=ignore_steps),
        "loss": loss,
        "shares": sum(shares),
        "sparsities": {
            name: round(count / size, 4) for name, count, size in zip(names, zeros, sizes, strict=True)
        },
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }


def _layers(model: PreTrainedModel) -> list[LinearLayer]:
    return list(find_stack(model).layers)


def _lines(rows: list[Row], results: Path) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish."""
    yield from header("held-out perplexity", "gradient allocation", "moved", "KL", "sum of shares")
    found: Iterator[Mapping[str, Any]] = read_or_run("bench.by_loss", [row.name for row in rows], results)
    for row, measured in zip(rows, found, strict=True):
        figures = [f"{measured[name]:.2f}" for name in ("gradient", "moved")]
        yield row_of([row.name, *figures, *(f"{measured[name]:.3f}" for name in ("loss", "shares"))])


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.by_loss", description=__doc__.splitlines()[0])
    add_row_options(parser)
    add_options(parser)
    options = parser.parse_args()

    def run(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        workload = subject(options)
        return measure(row, workload), workload.places

    run_or_print(TABLE, options, parser, RESULTS / "by-loss", run=run, lines=_lines)


if __name__ == "__main__":
    main()
