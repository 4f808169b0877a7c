"""Checks 4 and 14: whole runs, from a checkpoint to a checkpoint, and the masks that they select."""

import math
import traceback
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.gpu_check.context import Context
from bench.workload.models import ModelChoice, random_windows
from pruning.masks.patterns import LayerTarget, select
from pruning.pipeline.run import RunRequest, run
from pruning.recipe import Evaluation, Recipe

_SPARSITY = 0.5
_HALF = {"sparsity": _SPARSITY}
FEATURES: dict[str, dict[str, Any]] = {
    "an order of channels for 2:4": {"method": "sparsegpt", "pattern": "2:4", "permute": True},
    "an allocation by outliers, and swaps": {**_HALF, "method": "wanda", "allocation": "owl", "swaps": 20},
    "an allocation by gradients": {**_HALF, "method": "gblm", "allocation": "gradient"},
    "a cut of channels, a distillation, and the speed": {
        "structure": {"mlp_channels": 0.25},
        "recovery": {"distil": {"tokens": 512, "tokens_per_step": 128, "state": "8-bit"}},
    },
    "a cut of experts": {"structure": {"experts": 1}},
}


def agree(at: Context) -> None:
    """Check 4."""
    _from_scores(at)
    _whole_run(at)


def _from_scores(at: Context) -> None:
    rows, columns = at.pick((1024, 4096), (32, 64))
    generator = torch.Generator().manual_seed(0)
    # The second has a few hundred distinct values, so that ties decide most rows.
    scores = {
        "distinct scores": torch.rand(rows, columns, generator=generator),
        "tied scores": torch.randint(300, (rows, columns), generator=generator) / 7,
    }
    exact = int(rows * columns * _SPARSITY) + 3
    targets = [
        LayerTarget("unstructured", _SPARSITY),
        LayerTarget("unstructured", _SPARSITY, exact),
        LayerTarget("2:4", _SPARSITY),
        LayerTarget("4:8", _SPARSITY),
    ]
    groups: tuple[Literal["row", "matrix"], ...] = ("row", "matrix")
    for name, values in scores.items():
        differing = [
            f"{target.pattern} {target.zeros or ''} by {group}"
            for target in targets
            for group in groups
            if not torch.equal(
                select(values, target, group), select(values.to(at.device), target, group).cpu()
            )
        ]
        at.require(
            f"{name}: identical masks{': not for ' if differing else ''}{', '.join(differing)}", not differing
        )


def _whole_run(at: Context) -> None:
    """Run the library's main path in float32 on either device, from a checkpoint to a checkpoint."""
    choice = ModelChoice(at.pick("grouped-queries", "toy"), at.pick(4, 2))
    model = _checkpoint(choice, torch.float32, at.scratch / "model")
    tokens = at.scratch / "tokens.npy"
    np.save(tokens, random_windows(4, at.pick(256, 32), choice.config().vocab_size).numpy())
    on_cpu, on_device = (_zeros(_pruned(model, tokens, name)) for name in ("cpu", at.device.type))
    same = sum(int((on_cpu[name] == zeros).sum()) for name, zeros in on_device.items())
    weights = sum(zeros.numel() for zeros in on_device.values())
    at.expect(
        "whole run, share of weights with the same mask", same / weights, at_least=0.9999, at_any_size=True
    )


def _pruned(model: Path, tokens: Path, device: str) -> Path:
    output = model.parent / f"pruned-{len(list(model.parent.iterdir()))}"
    recipe = {
        "model": str(model),
        "method": "gblm",
        "sparsity": _SPARSITY,
        "dtype": "float32",
        "calibration": {"dataset": str(tokens), "samples": 4},
    }
    evaluation = Evaluation(dataset=str(tokens), windows=4, sequence_length=None)
    run(RunRequest(Recipe.model_validate(recipe), evaluation, output, device=device))
    return output


def _zeros(directory: Path) -> dict[str, Tensor]:
    """Return where the blocks' matrices are zero, by name."""
    weights: dict[str, Tensor] = {}
    for file in directory.glob("*.safetensors"):
        weights |= load_file(file)
    return {name: tensor == 0 for name, tensor in weights.items() if ".layers." in name and tensor.ndim == 2}


def run_all(at: Context) -> None:
    """Check 14, at toy size everywhere.

    A feature that fails leaves the others to be tried; its traceback is in the log.
    """
    for number, (name, fields) in enumerate(FEATURES.items()):
        shape = "toy-experts" if "experts" in fields.get("structure", {}) else "toy"
        place = at.scratch / str(number)
        try:
            perplexity = _perplexity(
                at,
                _checkpoint(ModelChoice(shape), torch.bfloat16, place / "model"),
                fields,
                place / "out",
            )
        except Exception as error:
            traceback.print_exc()
            at.require(name, False, note=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
        else:
            at.require(f"{name}: the perplexity is finite", math.isfinite(perplexity))


def _perplexity(at: Context, model: Path, fields: dict[str, Any], output: Path) -> float:
    calibration = {"dataset": "builtin", "samples": 4, "sequence_length": 64}
    recipe = Recipe.model_validate({"model": str(model), "calibration": calibration, **fields})
    evaluation = Evaluation(dataset="builtin", windows=4, sequence_length=64)
    report = run(RunRequest(recipe, evaluation, output, device=str(at.device)))
    return float(report.perplexity.pruned)


def _checkpoint(choice: ModelChoice, dtype: torch.dtype, directory: Path) -> Path:
    """Write a model with a tokenizer for which each byte is a token."""
    choice.load(dtype).save_pretrained(directory)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={byte: number for number, byte in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(directory)
    return directory
