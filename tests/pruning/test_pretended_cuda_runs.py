"""Whole runs on a pretended CUDA device: no operation mixes devices, and the files are those of a CPU.

What they cannot show: kernels, streams, memory, and what CUDA computes in another order.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pruning.recipe import Evaluation, Recipe
from pruning.recipe.exports import parse_exports
from pruning.recovery import optimizer
from pruning.resume.hashed_file import sha256_of
from tests.pruning.exports.checkpoints import write_checkpoint
from tests.pruning.runs import run_recipe
from tests.pruning.test_several_devices import cuda, two_windows_in_a_micro_batch
from tests.tiers import nightly

__all__ = ["cuda", "two_windows_in_a_micro_batch"]

pytestmark = pytest.mark.slow

MASKED = {"method": "wanda", "sparsity": 0.5}
FEWER_CHANNELS = {"structure": {"mlp_channels": 0.25}}
FEWER_EXPERTS = {"structure": {"experts": 0.5}}
EVALUATION = Evaluation(
    dataset="builtin", sequence_length=32, windows=6, domains={"code": "builtin-code"}, speed="off"
)


def trained(**options: object) -> dict[str, Any]:
    return {"recovery": {"distil": {"tokens": 128, "tokens_per_step": 64, **options}}}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Small checkpoints by family, each written once."""

    def written(family: str) -> Path:
        if family not in paths:
            paths[family] = tmp_path_factory.mktemp(family) / "model"
            divisible = {"hidden_size": 64, "intermediate_size": 256} if family == "llama" else {}
            write_checkpoint(paths[family], family, **divisible)
        return paths[family]

    paths: dict[str, Path] = {}
    return written


@pytest.fixture(autouse=True)
def tables_of_this_device() -> Iterator[None]:
    """The 8-bit tables are kept by device, and a pretended device ends with its test."""
    optimizer._numbers.cache_clear()
    optimizer._bounds.cache_clear()
    yield
    optimizer._numbers.cache_clear()
    optimizer._bounds.cache_clear()


def digests(output: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of weights, masks and exports."""
    found = (file for file in output.rglob("*") if file.suffix in (".safetensors", ".gguf"))
    return {str(file.relative_to(output)): sha256_of(file) for file in found}


CASES = [
    nightly("llama", "float32", {"method": "magnitude", "sparsity": 0.5}),
    nightly("llama", "float32", {"method": "gradient", "sparsity": 0.5}),
    nightly("llama", "float32", {"method": "gblm", "sparsity": 0.5}),
    nightly(
        "llama", "bfloat16", {"method": {"name": "gblm", "norm": "l2"}, "pattern": "2:4", "sparsity": 0.5}
    ),
    nightly("llama", "float16", {"method": "gblm", "sparsity": 0.5}),
    nightly("llama", "float32", {"method": "ria", "sparsity": 0.5}),
    nightly("llama", "bfloat16", {**MASKED, "allocation": "owl"}),
    nightly("llama", "bfloat16", {"method": "sparsegpt", "pattern": "2:4", "sparsity": 0.5}),
    ("llama", "bfloat16", {"method": "best", "sparsity": 0.5}),
    nightly("llama", "float32", {"method": "best", "pattern": "2:4", "sparsity": 0.5}),
    nightly("llama", "float32", {**MASKED, "swaps": 20}),
    nightly("llama", "float32", {**MASKED, "permute": True, "pattern": "2:4"}),
    nightly("llama", "float32", FEWER_CHANNELS),
    nightly("llama", "bfloat16", {"structure": {"kv_heads": 0.5}}),
    nightly("llama", "float32", {"structure": {"parameters": 0.2}}),
    nightly("llama", "float32", {**MASKED, **trained()}),
    ("llama", "bfloat16", {**MASKED, **trained(state="8-bit")}),
    nightly("llama", "bfloat16", {**FEWER_CHANNELS, **trained(state="bfloat16")}),
    nightly("llama", "float16", {**MASKED, **trained()}),
    nightly("gpt2", "float32", {"method": "best", "sparsity": 0.5}),
    nightly("gpt2", "float32", {**FEWER_CHANNELS, **trained()}),
    nightly("gemma3", "bfloat16", {"method": "gblm", "sparsity": 0.5, **trained()}),
    nightly("mixtral", "float32", {"method": "best", "sparsity": 0.5}),
    nightly("mixtral", "bfloat16", {**MASKED, **trained()}),
    ("qwen3_moe", "float32", FEWER_EXPERTS),
    nightly("qwen3_moe", "bfloat16", {"method": "sparsegpt", "sparsity": 0.5}),
    nightly("qwen2_moe", "float32", {**FEWER_EXPERTS, **trained()}),
    nightly("gpt_oss", "float32", {"method": "gblm", "sparsity": 0.5}),
]


@pytest.mark.parametrize(("family", "dtype", "fields"), CASES)
def test_a_run_writes_the_files_of_a_cpu(
    family: str,
    dtype: str,
    fields: dict[str, Any],
    checkpoint: Callable[[str], Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    datasets = [{"dataset": "builtin"}, {"dataset": "builtin-code"}]
    calibration = {"datasets": datasets, "samples": 4, "sequence_length": 32}
    recipe = Recipe.model_validate(
        {"model": str(checkpoint(family)), "calibration": calibration, "dtype": dtype, **fields}
    )
    expected = run_recipe(recipe, EVALUATION, output=tmp_path / "cpu", device="cpu")
    request.getfixturevalue("cuda")
    found = run_recipe(recipe, EVALUATION, output=tmp_path / "cuda", device="cuda:0")
    assert found.environment.device == "cuda:0 (pretended)"
    if dtype == "float32":
        assert found.perplexity == expected.perplexity
        assert found.domains == expected.domains
        assert digests(tmp_path / "cuda") == digests(tmp_path / "cpu") != {}
    else:  # products of 16-bit numbers have sums of 32 bits on CUDA
        for name in ("dense", "pruned"):
            of_cpu = getattr(expected.perplexity, name)
            assert getattr(found.perplexity, name) == pytest.approx(of_cpu, rel=0.02)


@pytest.mark.nightly
def test_exports_and_speeds_are_measured_there(
    checkpoint: Callable[[str], Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    calibration = {"dataset": "builtin", "samples": 4, "sequence_length": 32}
    recipe = Recipe.model_validate(
        {"model": str(checkpoint("llama")), "calibration": calibration, "dtype": "float32", **FEWER_CHANNELS}
    )
    evaluation = Evaluation(dataset="builtin", sequence_length=32, windows=6)
    exports = parse_exports(
        ["gguf:Q4_0", "gguf:Q4_0:gradients", "compressed-tensors:fp8", "compressed-tensors:w4a16"]
    )
    run_recipe(recipe, evaluation, output=tmp_path / "cpu", device="cpu", exports=exports)
    request.getfixturevalue("cuda")
    found = run_recipe(recipe, evaluation, output=tmp_path / "cuda", device="cuda:0", exports=exports)
    assert found.speed is not None
    assert found.speed.rates
    assert digests(tmp_path / "cuda") == digests(tmp_path / "cpu")
