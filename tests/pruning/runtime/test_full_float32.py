"""Products of float32 numbers keep their bits, whatever the image's environment asks of torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pruning.errors import InvalidInput
from pruning.pipeline.run import RunRequest, run
from pruning.recipe import Evaluation, Recipe
from pruning.runtime import device
from pruning.runtime.device import usable_device

_PROGRAM = """
import torch
from pruning.runtime.device import usable_device
from pruning.runtime import device
before = torch.get_float32_matmul_precision()
seen = []
device.computes_correctly = lambda _: seen.append(torch.get_float32_matmul_precision()) or True
usable_device("cpu")
print(before, *seen, torch.get_float32_matmul_precision())
"""


def test_a_trial_has_full_precision_where_an_image_asks_for_less() -> None:
    environment = {**os.environ, "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["high", "highest", "high"]


def test_a_device_that_rounds_float32_products_fails_its_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    product = torch.Tensor.__matmul__

    def rounded(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return product(one.bfloat16(), other.bfloat16()).float()

    assert device.computes_correctly(torch.device("cpu"))
    monkeypatch.setattr(torch.Tensor, "__matmul__", rounded)
    with pytest.raises(InvalidInput, match="computes wrong numbers"):
        usable_device("cpu")


def test_a_run_has_full_precision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = list[str]()

    def record(*_: object) -> None:
        seen.append(torch.get_float32_matmul_precision())
        raise InterruptedError

    monkeypatch.setattr("pruning.pipeline.run._resolve_stage", record)
    recipe = Recipe.model_validate({"model": "org/name", "method": "magnitude", "sparsity": 0.5})
    torch.set_float32_matmul_precision("medium")
    try:
        with pytest.raises(InterruptedError):
            run(RunRequest(recipe, Evaluation(dataset="builtin"), tmp_path / "out"))
        assert (seen, torch.get_float32_matmul_precision()) == (["highest"], "medium")
    finally:
        torch.set_float32_matmul_precision("highest")
