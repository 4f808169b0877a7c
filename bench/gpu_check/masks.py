"""Check 4: equal scores give equal masks on the CPU and on the device, and a whole run nearly so."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.gpu_check.context import Context
from bench.workload.models import ModelChoice, random_windows
from pruning.masks.patterns import LayerTarget, select
from pruning.pipeline.run import RunRequest, run
from pruning.recipe import Evaluation, Recipe

_SPARSITY = 0.5


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
    model = _checkpoint(choice, at.scratch / "model")
    tokens = at.scratch / "tokens.npy"
    np.save(tokens, random_windows(4, at.pick(256, 32), choice.config().vocab_size).numpy())
    on_cpu, on_device = (_zeros(_pruned(model, tokens, name)) for name in ("cpu", at.device.type))
    same = sum(int((on_cpu[name] == zeros).sum()) for name, zeros in on_device.items())
    weights = sum(zeros.numel() for zeros in on_device.values())
    at.expect(
        "whole run, share of weights with the same mask", same / weights, at_least=0.9999, at_any_size=True
    )


def _checkpoint(choice: ModelChoice, directory: Path) -> Path:
    """Write a checkpoint with a tokenizer, which a run loads although its windows are token ids."""
    choice.load(torch.float32).save_pretrained(directory)
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))  # noqa: S106 - no secret
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(directory)  # noqa: S106 - no secret
    return directory


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
