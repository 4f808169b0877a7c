"""SparseGPT's kernel, in Triton's interpreter, against torch's operations column by column."""

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

from pruning.masks.patterns import LayerTarget, lowest_of_each_group
from pruning.methods import column_walk, column_walk_triton
from pruning.methods.column_walk import WalkVariant, uses_kernel
from pruning.methods.sparsegpt import SparseGptMethod, sparsegpt
from pruning.recipe import group_of
from pruning.recipe.methods import SparseGpt
from tests.pruning.methods.interpreted_walk import CASES, SELF_TESTED, layer_of, pruned

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Tensor]:
    """The kernel's results in all cases, by name."""
    file = tmp_path_factory.mktemp("kernel") / "pruned.safetensors"
    command = [sys.executable, "-m", "tests.pruning.methods.interpreted_walk", str(file)]
    root = Path(__file__).parents[3]
    subprocess.run(command, check=True, cwd=root, env={**os.environ, "TRITON_INTERPRET": "1"})
    return load_file(file)


def assert_as_column_by_column(case: str, mask: Tensor, weight: Tensor) -> None:
    expected_mask, expected = pruned(case)
    assert torch.equal(mask, expected_mask)
    torch.testing.assert_close(weight, expected, rtol=1e-5, atol=1e-6)
    assert (weight[mask] == 0).all()


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES)
def test_the_kernel_prunes_as_torch_does_column_by_column(
    case: str, interpreted: Mapping[str, Tensor]
) -> None:
    assert_as_column_by_column(case, interpreted[f"{case}/mask"], interpreted[f"{case}/weight"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("case", CASES)
def test_the_kernel_prunes_as_torch_does_on_a_gpu(case: str) -> None:
    target, _, _, columns = CASES[case]
    pattern = None if target.pattern == "unstructured" else target.pattern.split(":")
    assert uses_kernel(CUDA, WalkVariant(columns, pattern and (int(pattern[0]), int(pattern[1]))))
    weight, factor = (tensor.cuda() for tensor in layer_of(case))
    mask, found = sparsegpt(weight, factor, target, columns=columns)
    assert_as_column_by_column(case, mask.cpu(), found.cpu())


@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("group", [None, (2, 4)])
def test_the_kernel_compiles_and_keeps_a_block_in_registers(
    capability: int, group: tuple[int, int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel, fixed = column_walk_triton._kernel, column_walk_triton.compile_constants(128, group)
    pointers = {**dict.fromkeys(("weight", "factor", "errors"), "*fp32"), "mask": "*u8"}
    types = {name: pointers.get(name, "i32") for name in kernel.arg_names} | dict.fromkeys(fixed, "constexpr")
    source = ASTSource(
        kernel, types, constexprs={(kernel.arg_names.index(name),): value for name, value in fixed.items()}
    )
    compiled = triton.compile(
        source, target=GPUTarget("cuda", capability, 32), options=column_walk_triton.COMPILE_OPTIONS
    )
    assert compiled.asm["cubin"]
    assert "fma.rn" not in compiled.asm["ptx"]  # what torch rounds twice is rounded twice
    assert "ld.local" not in compiled.asm["ptx"]


@pytest.mark.nightly
@pytest.mark.parametrize("variant", SELF_TESTED)
def test_the_kernel_passes_the_self_test(variant: WalkVariant, interpreted: Mapping[str, Tensor]) -> None:
    assert interpreted[f"self-test/{variant}"]


@pytest.mark.parametrize("variant", SELF_TESTED)
@pytest.mark.parametrize("wrong", ["weight", "mask", "errors"])
def test_wrong_results_fail_the_self_test(
    variant: WalkVariant, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(weight: Tensor, mask: Tensor, factor: Tensor, variant: WalkVariant) -> Tensor:
        errors = column_walk.walk_by_column(weight, mask, factor, variant)
        result = {"weight": weight, "mask": mask, "errors": errors}[wrong]
        result[-1, -1] = result[-1, -1] == 0
        return errors

    monkeypatch.setattr(column_walk, "walk_in_kernel", column_walk.walk_by_column)
    assert column_walk._kernel_passes_self_test(CPU, variant)
    monkeypatch.setattr(column_walk, "walk_in_kernel", broken)
    assert not column_walk._kernel_passes_self_test(CPU, variant)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_torch_is_used_and_a_warning_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert not uses_kernel(CPU, WalkVariant(128, None))
    assert not caplog.records
    assert not uses_kernel(CUDA, WalkVariant(128, (2, 4)))
    assert "does not run" in caplog.text


def test_float64_never_enters_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(device: torch.device, variant: WalkVariant) -> bool:
        raise AssertionError

    monkeypatch.setattr(column_walk, "uses_kernel", refuse)
    weight, factor = layer_of("2:4")
    sparsegpt(weight.double(), factor.double(), LayerTarget("2:4", 0.5), columns=128)


def test_a_run_on_cuda_reports_whether_the_kernel_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    method, asked = SparseGptMethod(SparseGpt()), list[WalkVariant]()

    def only_unstructured(device: torch.device, variant: WalkVariant) -> bool:
        asked.append(variant)
        return variant.group is None

    monkeypatch.setattr("pruning.methods.sparsegpt.uses_kernel", only_unstructured)
    assert set(method.numerics_key(CUDA, "unstructured").values()) == {"kernel"}
    assert set(method.numerics_key(CUDA, "2:3").values()) == {"torch"}
    assert asked == [WalkVariant(128, None), WalkVariant(126, (2, 3))]


def strided_walk(weight: Tensor, mask: Tensor, factor: Tensor, group: tuple[int, int] | None) -> Tensor:
    """Do the walk column by column, in place, in the order in which the method is defined."""
    errors = torch.zeros_like(weight)
    for column in range(weight.shape[1]):
        if group is not None and column % group[1] == 0:
            members = slice(column, column + group[1])
            scores = weight[:, members].square() / factor.diagonal()[members].square()
            mask[:, members] = lowest_of_each_group(scores, *group)
        kept = weight[:, column].masked_fill(mask[:, column], 0)
        errors[:, column] = (weight[:, column] - kept) / factor[column, column]
        weight[:, column:] -= errors[:, column, None] * factor[column, column:]
        weight[:, column] = kept
    return errors


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
def test_the_walk_has_the_bits_of_strided_columns(case: str, dtype: torch.dtype) -> None:
    target, rows, _, columns = CASES[case]
    group = group_of(target.pattern)
    weight, factor = (tensor.to(dtype) for tensor in layer_of(case))
    block = slice(0, columns)
    chosen = torch.rand(weight.shape, generator=torch.Generator().manual_seed(rows)) < 0.5
    found, expected = [(weight.clone(), chosen.clone()) for _ in range(2)]
    errors = column_walk.walk_by_column(
        found[0][:, block], found[1][:, block], factor[block, block], WalkVariant(columns, group)
    )
    expected_errors = strided_walk(expected[0][:, block], expected[1][:, block], factor[block, block], group)
    assert errors.is_contiguous()  # the product that follows has the bits of this layout
    for one, other in zip((*found, errors), (*expected, expected_errors), strict=True):
        assert torch.equal(one.view(torch.uint8), other.view(torch.uint8))


def test_the_walk_works_on_contiguous_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, factor = layer_of("unstructured")
    updated = list[bool]()
    subtract = Tensor.sub_

    def recorded(self: Tensor, other: Tensor) -> Tensor:
        updated.append(self.is_contiguous())
        return subtract(self, other)

    monkeypatch.setattr(Tensor, "sub_", recorded)
    column_walk.walk_by_column(
        weight, torch.zeros_like(weight, dtype=torch.bool), factor, WalkVariant(100, None)
    )
    assert updated == [True] * weight.shape[1]
