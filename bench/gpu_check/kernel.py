"""Checks 2 and 7: what only a GPU computes is right, and the fused gradient kernel is fast."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.engine.roofline import Timer
from bench.gpu_check.context import Context
from pruning.calibration.accumulate import accumulate_by_matmul, accumulate_fused
from pruning.calibration.gradient_factors import GradientFactors
from pruning.estimate.pieces import FLOAT32_TOKENS
from pruning.recipe import GradientNorm

_ROOT = Path(__file__).resolve().parents[2]
_TESTS = (
    "calibration/test_accumulate.py",
    "calibration/test_products.py",
    "runtime/test_bfloat16_parts.py",
    "methods/test_column_walk.py",
)


class _Outcomes:
    """A plug-in of pytest that counts what became of the tests."""

    def __init__(self) -> None:
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 - pytest may be missing
        """A test counts once when it is called, and when its set-up skips it or fails."""
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1


def own_tests(at: Context) -> None:
    """Check 2: run the tests that need a GPU; on a CPU, see that they are found."""
    import pytest

    # A configuration of its own: that of the repository asks for plug-ins that are not carried.
    settings = at.scratch / "pytest.ini"
    settings.write_text("[pytest]\nmarkers = slow\n")
    os.chdir(_ROOT)  # the tests import each other by their path
    outcomes = _Outcomes()
    arguments = ["-c", str(settings), "--rootdir", str(_ROOT), "--import-mode=importlib"]
    # What other tests share needs a database's driver, a broker's and more.
    arguments += ["--noconftest", "-p", "no:cacheprovider", "-q", "-k", "on_a_gpu"]
    arguments += [str(_ROOT / "tests" / "pruning" / file) for file in _TESTS]
    code = pytest.main(arguments, plugins=[outcomes])
    found = sum(outcomes.counts.values())
    at.record("tests", float(found))
    at.require("pytest is content, and has found tests", code == 0 and found > 0)
    if at.on_gpu:
        at.require("all have run and passed", outcomes.counts["passed"] == found)


def speed(at: Context) -> None:
    """Check 7: time four layers by matrix products and in the kernel, with float32 tokens as in a pass."""
    shapes = at.pick(
        [(4096, 4096), (11_008, 4096), (4096, 11_008), (28_672, 8192)],
        [(64, 64), (128, 64), (64, 128), (96, 96)],
    )
    windows, length = at.pick((4, 2048), (2, 64))
    choices: list[list[GradientNorm]] = [["l1"], ["l1", "l2"]]
    narrow, wide = Timer(at.device, torch.bfloat16), Timer(at.device, torch.float32)
    for outputs, inputs in shapes:
        factors = [
            GradientFactors(
                timer.numbers(windows, tokens, inputs).unbind(),
                timer.numbers(windows, tokens, outputs).unbind(),
            )
            for timer, tokens in ((narrow, length - FLOAT32_TOKENS), (wide, FLOAT32_TOKENS))
        ]
        for norms in choices:
            sums = {norm: torch.zeros(outputs, inputs, device=at.device) for norm in norms}
            by_products = narrow.seconds(partial(accumulate_by_matmul, sums, *factors)) / windows
            name = f"{outputs} by {inputs}, {' and '.join(norms)}"
            at.record(f"{name}: matrix products, ms a window", 1e3 * by_products)
            if not at.on_gpu:
                continue
            in_kernel = narrow.seconds(partial(accumulate_fused, sums, *factors)) / windows
            operations = 2 * outputs * inputs * length
            at.record(f"{name}: in the kernel, ms a window", 1e3 * in_kernel)
            at.expect(f"{name}: times faster in the kernel", by_products / in_kernel, at_least=1.3)
            at.expect(f"{name}: TFLOP/s in the kernel", operations / in_kernel / 1e12, at_least=290)
