"""Accumulation of gradients: the fused kernel, in Triton's interpreter, against naive sums in float64."""

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
from pruning.gradients.accumulate import accumulate, accumulate_fused, uses_fused_kernel
from pruning.gradients.factors import GradientFactors
from pruning.recipe import GradientNorm
from tests.pruning.gradients.interpreted_kernel import (
    CASES,
    SELF_TESTED,
    factors_of,
    initial_sums,
    norms_of_a_pass,
)


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Tensor]:
    """The kernel's results in all cases, by name."""
    file = tmp_path_factory.mktemp("kernel") / "sums.safetensors"
    command = [sys.executable, "-m", "tests.pruning.gradients.interpreted_kernel", str(file)]
    root = Path(__file__).parents[3]
    subprocess.run(command, check=True, cwd=root, env={**os.environ, "TRITON_INTERPRET": "1"})
    return load_file(file)


def assert_sums_match(case: str, found: Mapping[str, Tensor]) -> None:
    """Compare with a naive calculation in float64."""
    dtype, sizes, _, norms = CASES[case]
    narrow, *wide = factors_of(case)
    expected = {norm: total.double() for norm, total in initial_sums(case).items()}
    rounding = torch.zeros_like(next(iter(expected.values())))
    for window in range(len(sizes)):
        gradient = narrow.deltas[window].double().T @ narrow.inputs[window].double()
        rounding += torch.finfo(dtype).eps * gradient.abs()  # rounded to the dtype once
        for factors in wide:
            gradient += factors.deltas[window].double().T @ factors.inputs[window].double()
        if "l1" in norms:
            expected["l1"] += gradient.abs()
        if "l2" in norms:
            expected["l2"] += gradient.square()
    for norm in norms:
        bound = rounding + 1e-4 if norm == "l1" else 2 * rounding * expected["l2"].sqrt() + 1e-3
        assert ((found[norm].double() - expected[norm]).abs() <= bound).all()


@pytest.mark.parametrize("case", CASES)
def test_the_kernel_gives_the_sums_of_a_naive_calculation(
    case: str, interpreted: Mapping[str, Tensor]
) -> None:
    assert_sums_match(case, {norm: interpreted[f"{case}/{norm}"] for norm in CASES[case][3]})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("case", CASES)
def test_the_kernel_gives_the_sums_of_a_naive_calculation_on_a_gpu(case: str) -> None:
    assert uses_fused_kernel(torch.device("cuda"), CASES[case][0])
    sums = {norm: total.cuda() for norm, total in initial_sums(case).items()}
    parts = (
        GradientFactors(*([window.cuda() for window in windows] for windows in (part.inputs, part.deltas)))
        for part in factors_of(case)
    )
    accumulate_fused(sums, *parts)
    assert_sums_match(case, {norm: total.cpu() for norm, total in sums.items()})


@pytest.mark.parametrize(("capability", "tensor_core_product"), [(80, "mma.sync"), (90, "wgmma.mma_async")])
def test_the_kernel_compiles_to_tensor_core_products(
    capability: int, tensor_core_product: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel, fixed = (
        accumulate_triton._kernel,
        accumulate_triton.compile_constants(["l1", "l2"], has_wide=True),
    )
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
    compiled = triton.compile(source, target=target, options=accumulate_triton.COMPILE_OPTIONS)
    assert tensor_core_product in compiled.asm["ptx"]
    assert compiled.asm["cubin"]
    assert compiled.metadata.shared <= 99 << 10  # the limit on the smallest of these GPUs


@pytest.mark.parametrize("case", CASES)
def test_matrix_products_give_the_sums_of_the_kernel(case: str, interpreted: Mapping[str, Tensor]) -> None:
    sums = initial_sums(case)
    accumulate(sums, *factors_of(case))
    for norm, by_matmul in sums.items():
        found = interpreted[f"{case}/{norm}"]
        # The last bit of float32 decides which way a gradient between two 16-bit numbers is rounded.
        assert torch.isclose(found, by_matmul, rtol=1e-5).float().mean() > 0.98
        assert torch.allclose(found, by_matmul, rtol=4 * torch.finfo(CASES[case][0]).eps)


@pytest.mark.parametrize("family", ["llama", "mixtral"])
def test_a_pass_with_the_kernel_gives_the_norms_of_one_without(
    family: str, interpreted: Mapping[str, Tensor]
) -> None:
    for norm, layers in norms_of_a_pass(family).items():
        for name, plain in layers.items():
            found = interpreted[f"{family}/{norm}/{name}"]
            assert (found - plain).norm() < 1e-3 * plain.norm()


@pytest.mark.parametrize("dtype", SELF_TESTED)
def test_the_kernel_passes_the_self_test(dtype: torch.dtype, interpreted: Mapping[str, Tensor]) -> None:
    assert interpreted[f"self-test/{dtype}"]


def test_wrong_sums_fail_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    def last_window_twice(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
        accumulation.accumulate_by_matmul(sums, *factors)
        accumulation.accumulate_by_matmul(
            sums, *(GradientFactors(each.inputs[-1:], each.deltas[-1:]) for each in factors)
        )

    monkeypatch.setattr(accumulation, "accumulate_fused", last_window_twice)
    assert not accumulation._kernel_passes_self_test(torch.device("cpu"), torch.bfloat16)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_matrix_products_are_used_and_a_warning_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert not uses_fused_kernel(torch.device("cpu"), torch.bfloat16)
    assert not uses_fused_kernel(torch.device("cuda"), torch.float32)
    assert not caplog.records
    assert not uses_fused_kernel(torch.device("cuda"), torch.bfloat16)
    assert "does not run" in caplog.text
