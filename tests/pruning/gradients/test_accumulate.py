"""Sums of gradients: the kernel that forms and adds them, in Triton's interpreter, beside plain ways."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import triton
from safetensors.torch import load_file
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from pruning.gradients import accumulate as accumulation
from pruning.gradients import accumulate_triton
from pruning.gradients.accumulate import accumulate, accumulate_fused, is_fused
from pruning.gradients.part import Part
from pruning.recipe import GradientNorm
from tests.pruning.gradients.interpreted_kernel import CASES, TRIED, beginning, of_a_pass, parts_of


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Tensor]:
    """What the kernel makes of all cases."""
    file = tmp_path_factory.mktemp("kernel") / "sums.safetensors"
    command = [sys.executable, "-m", "tests.pruning.gradients.interpreted_kernel", str(file)]
    root = Path(__file__).parents[3]
    subprocess.run(command, check=True, cwd=root, env={**os.environ, "TRITON_INTERPRET": "1"})
    return load_file(file)


def assert_right(case: str, found: Mapping[str, Tensor]) -> None:
    """Beside a naive calculation in float64."""
    dtype, sizes, _, norms = CASES[case]
    narrow, *wide = parts_of(case)
    expected = {norm: total.double() for norm, total in beginning(case).items()}
    off = torch.zeros_like(next(iter(expected.values())))
    for window in range(len(sizes)):
        gradient = narrow.deltas[window].double().T @ narrow.inputs[window].double()
        off += torch.finfo(dtype).eps * gradient.abs()  # it is rounded to the dtype once
        for part in wide:
            gradient += part.deltas[window].double().T @ part.inputs[window].double()
        if "l1" in norms:
            expected["l1"] += gradient.abs()
        if "l2" in norms:
            expected["l2"] += gradient.square()
    for norm in norms:
        bound = off + 1e-4 if norm == "l1" else 2 * off * expected["l2"].sqrt() + 1e-3
        assert ((found[norm].double() - expected[norm]).abs() <= bound).all()


@pytest.mark.parametrize("case", CASES)
def test_the_kernel_sums_what_a_naive_calculation_sums(case: str, interpreted: Mapping[str, Tensor]) -> None:
    assert_right(case, {norm: interpreted[f"{case}/{norm}"] for norm in CASES[case][3]})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("case", CASES)
def test_so_it_does_on_a_gpu(case: str) -> None:
    assert is_fused(torch.device("cuda"), CASES[case][0])
    sums = {norm: total.cuda() for norm, total in beginning(case).items()}
    parts = (
        Part(*([window.cuda() for window in windows] for windows in (part.inputs, part.deltas)))
        for part in parts_of(case)
    )
    accumulate_fused(sums, *parts)
    assert_right(case, {norm: total.cpu() for norm, total in sums.items()})


@pytest.mark.parametrize(("capability", "tensor_core_product"), [(80, "mma.sync"), (90, "wgmma.mma_async")])
def test_it_compiles_for_a_gpu_that_is_not_here(
    capability: int, tensor_core_product: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel, fixed = accumulate_triton._kernel, accumulate_triton.constants(["l1", "l2"], has_wide=True)
    pointers = {
        **dict.fromkeys(("deltas", "inputs"), "*bf16"),
        **dict.fromkeys(("wide_deltas", "wide_inputs", "l1", "l2"), "*fp32"),
        **dict.fromkeys(("ends", "wide_ends"), "*i64"),
    }
    types = {name: pointers.get(name, "i32") for name in kernel.arg_names} | dict.fromkeys(fixed, "constexpr")
    source = ASTSource(
        kernel, types, constexprs={(kernel.arg_names.index(name),): value for name, value in fixed.items()}
    )
    target = GPUTarget("cuda", capability, 32)
    compiled = triton.compile(source, target=target, options=accumulate_triton.OPTIONS)
    assert tensor_core_product in compiled.asm["ptx"]
    assert compiled.asm["cubin"]
    assert compiled.metadata.shared <= 99 << 10  # what a program may have on the smallest of these GPUs


@pytest.mark.parametrize("case", CASES)
def test_the_plain_way_gives_the_same_numbers(case: str, interpreted: Mapping[str, Tensor]) -> None:
    sums = beginning(case)
    accumulate(sums, *parts_of(case))
    for norm, plain in sums.items():
        found = interpreted[f"{case}/{norm}"]
        # Where both round a gradient to 16 bits, a last bit of float32 may turn one up and the other down.
        assert torch.isclose(found, plain, rtol=1e-5).float().mean() > 0.98
        assert torch.allclose(found, plain, rtol=4 * torch.finfo(CASES[case][0]).eps)


@pytest.mark.parametrize("family", ["llama", "mixtral"])
def test_a_pass_by_the_kernel_gives_the_norms_of_a_plain_one(
    family: str, interpreted: Mapping[str, Tensor]
) -> None:
    for norm, layers in of_a_pass(family).items():
        for name, plain in layers.items():
            found = interpreted[f"{family}/{norm}/{name}"]
            assert (found - plain).norm() < 1e-3 * plain.norm()


@pytest.mark.parametrize("dtype", TRIED)
def test_the_first_trial_is_passed_by_the_kernel(
    dtype: torch.dtype, interpreted: Mapping[str, Tensor]
) -> None:
    assert interpreted[f"trial/{dtype}"]


def test_the_first_trial_is_not_passed_by_another_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice_the_last(sums: Mapping[GradientNorm, Tensor], *parts: Part) -> None:
        accumulation.accumulate_plainly(sums, *parts)
        accumulation.accumulate_plainly(sums, *(Part(part.inputs[-1:], part.deltas[-1:]) for part in parts))

    monkeypatch.setattr(accumulation, "accumulate_fused", twice_the_last)
    assert not accumulation._agrees(torch.device("cpu"), torch.bfloat16)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_where_it_cannot_work_the_plain_way_is_taken_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert not is_fused(torch.device("cpu"), torch.bfloat16)
    assert not is_fused(torch.device("cuda"), torch.float32)
    assert not caplog.records
    assert not is_fused(torch.device("cuda"), torch.bfloat16)
    assert "not in one kernel" in caplog.text
