"""The check of several GPUs, on pretended ones, and on a machine with one."""

from pathlib import Path

import pytest
import torch

from bench.gpu_check import several
from bench.gpu_check.context import Context
from bench.gpu_check.result import Findings, verdict_of
from tests.pruning.pretended_cuda import CUDA, pretended_cuda

pytestmark = pytest.mark.slow


def findings(count: int, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Findings:
    with pretended_cuda(monkeypatch, devices=count):
        monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
        at = Context(CUDA, "toy", directory, directory / "findings.json", Findings({}))
        several.share(at)
    return at.findings


def test_gpus_that_share_a_model_are_compared_with_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = findings(2, tmp_path, monkeypatch)
    assert verdict_of(found, "") == "passed"
    names = [figure.name for figure in found.figures]
    assert "numbers arrive unchanged from cuda:1 on cuda:0" in names
    assert sum("the bits of one device" in name for name in names) == 3
    assert sum("seconds of one device ÷ of all" in name for name in names) == 2


def test_a_machine_with_one_gpu_has_nothing_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = findings(1, tmp_path, monkeypatch)
    assert [(figure.name, figure.value) for figure in found.figures] == [("devices", 1.0)]
    assert verdict_of(found, "") == "recorded"
