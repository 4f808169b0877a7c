"""Check 14: what else a job can ask for runs on the device, from text to report; at toy size everywhere."""

import math
import traceback
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from bench.gpu_check.context import Context
from bench.workload.models import ModelChoice
from pruning.pipeline.run import RunRequest, run
from pruning.recipe import Evaluation, Recipe

_HALF = {"sparsity": 0.5}
FEATURES: dict[str, dict[str, Any]] = {
    "an order of channels for 2:4": {"method": "sparsegpt", "pattern": "2:4", "permute": True},
    "an allocation by outliers, and swaps": {**_HALF, "method": "wanda", "allocation": "owl", "swaps": 20},
    "a searched allocation": {**_HALF, "method": "gblm", "allocation": "search"},
    "a cut of channels, a distillation, and the speed": {
        "structure": {"mlp_channels": 0.25},
        "recovery": {"distil": {"tokens": 512, "tokens_per_step": 128, "moments": "8-bit"}},
    },
    "a cut of blocks": {"structure": {"blocks": 1}},
    "a cut of experts": {"structure": {"experts": 1}},
}


def run_all(at: Context) -> None:
    """Check 14. A feature that fails leaves the others to be tried; its traceback is in the log."""
    for number, (name, fields) in enumerate(FEATURES.items()):
        shape = "toy-experts" if "experts" in fields.get("structure", {}) else "toy"
        place = at.scratch / str(number)
        try:
            perplexity = _perplexity(
                at, _checkpoint(ModelChoice(shape), place / "model"), fields, place / "out"
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


def _checkpoint(choice: ModelChoice, directory: Path) -> Path:
    """Write a model in bfloat16, with a tokenizer for which each byte is a token."""
    choice.load(torch.bfloat16).save_pretrained(directory)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={byte: number for number, byte in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(directory)
    return directory
