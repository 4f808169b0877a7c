"""Accumulation of gradients: the fused kernel, in Triton's interpreter, against naive sums in float64."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import torch
import triton
from safetensors.torch import load_file
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, CompiledKernel

from pruning.calibration import accumulate as accumulation
from pruning.calibration import accumulate_triton
from pruning.calibration.accumulate import KernelVariant, accumulate, accumulate_fused, uses_fused_kernel
from pruning.calibration.gradient_factors import GradientFactors
from pruning.calibration.gradient_pass import GradientPass
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.recipe import GradientNorm
from tests.pruning.calibration.interpreted_kernel import (
    CASES,
    OUTPUTS,
    VARIANTS,
    factors_of,
    initial_sums,
    norms_of_a_pass,
)
from tests.pruning.families import five_windows, make


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Tensor]:
    """The kernel's results in all cases, by name."""
    file = tmp_path_factory.mktemp("kernel") / "sums.safetensors"
    command = [sys.executable, "-m", "tests.pruning.calibration.interpreted_kernel", str(file)]
    root = Path(__file__).parents[3]
    subprocess.run(command, check=True, cwd=root, env={**os.environ, "TRITON_INTERPRET": "1"})
    return load_file(file)


def assert_sums_match(case: str, found: Mapping[str, Tensor]) -> None:
    """Compare with a naive calculation in float64."""
    dtype, sizes, _, norms, _ = CASES[case]
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


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES)
def test_the_kernel_gives_the_sums_of_a_naive_calculation(
    case: str, interpreted: Mapping[str, Tensor]
) -> None:
    assert_sums_match(case, {norm: interpreted[f"{case}/{norm}"] for norm in CASES[case][3]})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("case", CASES)
def test_the_kernel_gives_the_sums_of_a_naive_calculation_on_a_gpu(case: str) -> None:
    device, (dtype, _, wide, norms, inputs) = torch.device("cuda"), CASES[case]
    variant = KernelVariant.of(norms, dtype, has_float32=wide > 0, shape=(OUTPUTS, inputs))
    assert uses_fused_kernel(device, variant)
    sums = {norm: total.cuda() for norm, total in initial_sums(case).items()}
    parts = (
        GradientFactors(*([window.cuda() for window in windows] for windows in (part.inputs, part.deltas)))
        for part in factors_of(case)
    )
    accumulate_fused(sums, *parts)
    assert_sums_match(case, {norm: total.cpu() for norm, total in sums.items()})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_kernel_passes_the_self_test_on_a_gpu(variant: KernelVariant) -> None:
    assert uses_fused_kernel(torch.device("cuda"), variant)


def compile_kernel(capability: int, norms: Sequence[GradientNorm], *, aligned: bool) -> CompiledKernel:
    """Compile the kernel for bfloat16 and float32 tokens, with Triton's own hints on alignment."""
    kernel = accumulate_triton._kernel
    fixed = accumulate_triton.compile_constants(norms, has_wide=True, aligned=aligned, capability=capability)
    pointers = {
        **dict.fromkeys(("deltas", "inputs", "wide_deltas", "wide_inputs"), "*bf16"),
        **dict.fromkeys(("l1", "l2"), "*fp32"),
        **dict.fromkeys(("ends", "wide_ends"), "*i64"),
    }
    types = {name: pointers.get(name, "i32") for name in kernel.arg_names} | dict.fromkeys(fixed, "constexpr")
    source = ASTSource(
        kernel,
        types,
        constexprs={(kernel.arg_names.index(name),): value for name, value in fixed.items()},
        attrs={(kernel.arg_names.index(name),): [["tt.divisibility", 16]] for name in pointers},
    )
    target = GPUTarget("cuda", capability, 32)
    return triton.compile(source, target=target, options=accumulate_triton.COMPILE_OPTIONS)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("norms", [["l1"], ["l1", "l2"]], ids=str)
def test_the_kernel_keeps_its_sums_in_registers_of_an_h100(
    norms: Sequence[GradientNorm],
    aligned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DUMP_PTXAS_LOG", "1")
    compiled = compile_kernel(90, norms, aligned=aligned)
    assert "wgmma.mma_async" in compiled.asm["ptx"]
    assert ("cp.async.cg.shared.global" in compiled.asm["ptx"]) == aligned  # 16 bytes at once
    log = capfd.readouterr().out
    assert re.findall(r"(\d+) bytes spill", log) == ["0", "0"], log


@pytest.mark.nightly
def test_the_kernel_compiles_for_an_a100_and_keeps_both_sums_in_registers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DUMP_PTXAS_LOG", "1")
    compiled = compile_kernel(80, ["l1", "l2"], aligned=True)
    assert re.findall(r"(\d+) bytes spill", capfd.readouterr().out) == ["0", "0"]
    assert "mma.sync" in compiled.asm["ptx"]
    assert compiled.asm["cubin"]
    assert compiled.metadata.shared <= 99 << 10  # the limit on the smallest of these GPUs


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES)
def test_matrix_products_give_the_sums_of_the_kernel(case: str, interpreted: Mapping[str, Tensor]) -> None:
    sums = initial_sums(case)
    accumulate(sums, *factors_of(case))
    for norm, by_matmul in sums.items():
        found = interpreted[f"{case}/{norm}"]
        # The last bit of float32 decides which way a gradient between two 16-bit numbers is rounded.
        assert torch.isclose(found, by_matmul, rtol=1e-5).float().mean() > 0.98
        assert torch.allclose(found, by_matmul, rtol=4 * torch.finfo(CASES[case][0]).eps)


@pytest.mark.nightly
@pytest.mark.parametrize("family", ["llama", "mixtral"])
def test_a_pass_with_the_kernel_gives_the_norms_of_one_without(
    family: str, interpreted: Mapping[str, Tensor]
) -> None:
    for norm, layers in norms_of_a_pass(family).items():
        for name, plain in layers.items():
            found = interpreted[f"{family}/{norm}/{name}"]
            assert (found - plain).norm() < 1e-3 * plain.norm()


def test_windows_that_start_between_16_bytes_are_copied() -> None:
    windows = torch.randn(7 + 2 * 3 * 8).bfloat16()[7:].view(2, 3, 8).unbind()
    assert windows[0].data_ptr() % 16
    found = accumulate_triton._concatenated(windows)
    assert found.data_ptr() % 16 == 0
    assert torch.equal(found, torch.cat(windows))


@pytest.mark.nightly
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_kernel_passes_the_self_test(variant: KernelVariant, interpreted: Mapping[str, Tensor]) -> None:
    assert interpreted[f"self-test/{variant}"]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_wrong_sums_fail_the_self_test(variant: KernelVariant, monkeypatch: pytest.MonkeyPatch) -> None:
    def last_window_twice(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
        accumulation.accumulate_by_matmul(sums, *factors)
        accumulation.accumulate_by_matmul(
            sums, *(GradientFactors(each.inputs[-1:], each.deltas[-1:]) for each in factors)
        )

    monkeypatch.setattr(accumulation, "accumulate_fused", last_window_twice)
    assert not accumulation._kernel_passes_self_test(torch.device("cpu"), variant)


@pytest.fixture
def untried() -> Iterator[None]:
    """Forget which variants have been tried, before and after."""
    uses_fused_kernel.cache_clear()
    yield
    uses_fused_kernel.cache_clear()


@pytest.mark.usefixtures("untried")
def test_a_variant_that_fails_leaves_the_others_in_use(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fails, is_wrong, *work = VARIANTS
    tried: list[KernelVariant] = []

    def self_test(_: torch.device, variant: KernelVariant) -> bool:
        tried.append(variant)
        if variant == fails:
            raise RuntimeError("PTXAS error")
        return variant != is_wrong

    monkeypatch.setattr(accumulation, "_kernel_passes_self_test", self_test)
    for _ in range(2):  # each is tried once
        assert [one for one in VARIANTS if uses_fused_kernel(torch.device("cuda"), one)] == work
    assert tried == VARIANTS
    assert ["PTXAS error" in text or "wrong sums" in text for text in caplog.messages] == [True, True]


@pytest.mark.usefixtures("untried")
def test_a_trial_that_runs_out_of_memory_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: list[Exception | None] = [torch.OutOfMemoryError("out of memory"), None]

    def self_test(*_: object) -> bool:
        if outcome := outcomes.pop(0):
            raise outcome
        return True

    monkeypatch.setattr(accumulation, "_kernel_passes_self_test", self_test)
    with pytest.raises(torch.OutOfMemoryError):
        uses_fused_kernel(torch.device("cuda"), VARIANTS[0])
    assert uses_fused_kernel(torch.device("cuda"), VARIANTS[0])


def test_a_pass_names_the_variants_that_it_will_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """All layers of this model have aligned weights; the pass has float32 tokens and wants one norm."""
    wanted: list[KernelVariant] = []

    def uses(_: torch.device, variant: KernelVariant) -> bool:
        wanted.append(variant)
        return True

    model = make("llama", torch.bfloat16)
    found = GradientPass(Placement(model), five_windows(), norms=["l1"], stack=find_stack(model))
    assert found.numerics_key["fused"] == ""  # its layers are too small
    monkeypatch.setattr(accumulation, "_MIN_FUSED_WEIGHTS", 1)
    monkeypatch.setattr(accumulation, "uses_fused_kernel", uses)
    assert found.numerics_key["fused"] == "aligned"
    assert wanted == [KernelVariant(("l1",), torch.bfloat16, True, True)]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
@pytest.mark.usefixtures("untried")
def test_without_a_gpu_matrix_products_are_used_and_a_warning_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert not uses_fused_kernel(torch.device("cpu"), VARIANTS[0])
    assert not uses_fused_kernel(torch.device("cuda"), KernelVariant(("l1",), torch.float32, False, True))
    assert not caplog.records
    assert not uses_fused_kernel(torch.device("cuda"), VARIANTS[0])
    assert "does not run" in caplog.text
