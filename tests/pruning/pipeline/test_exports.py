"""Runs that end with files for engines, which are measured as those files."""

import errno
import importlib.util
import json
import os
import signal
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForCausalLM

from pruning.errors import InvalidInput, NumericalFailure
from pruning.evaluation.final_states import Fidelity
from pruning.exports import compressed_tensors, gguf
from pruning.methods.results import StoredBlocks
from pruning.models.placement import Placement
from pruning.pipeline.evaluate import PerplexityLimit
from pruning.pipeline.export import engine_for
from pruning.pipeline.export_gguf import GgufFiles
from pruning.pipeline.models import ResolvedModel
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.recipe.exports import CompressedTensorsExport, parse_exports
from pruning.report import FILE_NAME, Report
from pruning.resume.hashed_file import sha256_of
from pruning.resume.store import DirectoryResumeStore
from pruning.sandbox.fork_server import SandboxUnavailable
from pruning.sandbox.frames import JSON
from pruning.sandbox.sandbox import Sandbox
from tests.pruning.exports.checkpoints import write_checkpoint
from tests.pruning.exports.test_lies import frame, pretend
from tests.pruning.runs import Steps, die, interrupt, run_recipe, tensors_of
from tests.tiers import nightly

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=8)
CALIBRATION = {"dataset": "builtin", "samples": 4, "sequence_length": 32}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama whose rows groups of 64 and blocks of 32 divide."""
    directory = tmp_path_factory.mktemp("exports") / "small"
    write_checkpoint(directory, hidden_size=64, intermediate_size=128, num_hidden_layers=2)
    return directory


def recipe(model: Path, **fields: object) -> Recipe:
    return Recipe.model_validate({"model": str(model), "calibration": CALIBRATION, **fields})


def exported(model: Path, output: Path, *names: str, **more: Any) -> Report:
    """Export the dense model."""
    return run_recipe(
        recipe(model, method="none"),
        EVALUATION,
        output=output,
        device="cpu",
        exports=parse_exports(names),
        **more,
    )


@pytest.fixture(scope="module")
def masked(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """A masked model with an export in each format."""
    output = tmp_path_factory.mktemp("masked") / "out"
    exports = parse_exports(
        ["gguf:F16", "gguf:Q8_0", "gguf:Q4_0", "compressed-tensors:fp8", "compressed-tensors:w4a16"]
    )
    report = run_recipe(
        recipe(model, method="wanda", sparsity=0.5), EVALUATION, output=output, device="cpu", exports=exports
    )
    return output, report


@pytest.mark.slow
def test_each_file_is_measured_next_to_the_dense_model(masked: tuple[Path, Report]) -> None:
    output, report = masked
    names = ["gguf:F16", "gguf:Q8_0", "gguf:Q4_0", "compressed-tensors:fp8", "compressed-tensors:w4a16"]
    assert [export.name for export in report.exports] == names
    for export in report.exports:
        assert (output / export.path).exists()
        assert export.dense_perplexity == pytest.approx(report.perplexity.dense, rel=3e-3)
        assert (export.windows, export.sequence_length) == (8, 32)
    exact = report.exports[0]
    assert exact.perplexity == pytest.approx(report.perplexity.pruned, rel=3e-3)
    assert exact.kl == pytest.approx(report.perplexity.kl, rel=0.05)
    # llama.cpp's losses, window by window, are those of transformers, so that the intervals are theirs too.
    assert exact.intervals is not None
    assert report.perplexity.intervals is not None
    for name in ("perplexity", "kl", "agreement"):
        ends, ours = (getattr(found, name) for found in (exact.intervals, report.perplexity.intervals))
        assert (ends.low, ends.high) == pytest.approx((ours.low, ours.high), rel=0.05, abs=0.03)
    kls = [export.kl for export in report.exports]
    assert None not in kls
    assert [rate.phase for rate in exact.rates] == ["prefill", "decode"]


@pytest.mark.slow
@pytest.mark.nightly
def test_every_model_that_was_placed_ends_its_stage(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[Placement] = []  # with pinned memory, which must be unpinned before it is unmapped
    resident, end_stage = Placement.resident, Placement.end_stage

    def place(self: Placement, *modules: nn.Module, **then: Any) -> AbstractContextManager[None]:
        placed.append(self)
        return resident(self, *modules, **then)

    def end(self: Placement, **options: bool) -> None:
        placed[:] = [placement for placement in placed if placement is not self]
        end_stage(self, **options)

    monkeypatch.setattr(Placement, "resident", place)
    monkeypatch.setattr(Placement, "end_stage", end)
    exports = parse_exports(["gguf:Q4_0", "gguf:Q4_0:gradients", "compressed-tensors:w4a16"])
    run_recipe(
        recipe(model, method="gblm", sparsity=0.5),
        EVALUATION,
        output=tmp_path / "out",
        device="cpu",
        exports=exports,
    )
    assert placed == []


@pytest.mark.slow
def test_sizes_and_checksums_are_those_of_the_files(masked: tuple[Path, Report]) -> None:
    output, report = masked
    for export in report.exports:
        path = output / export.path
        files = [path] if path.is_file() else list(path.glob("*.safetensors"))
        assert export.bytes == sum(file.stat().st_size for file in files)
    sizes = {export.name: export.bytes for export in report.exports}
    assert sizes["gguf:F16"] > sizes["gguf:Q8_0"] > sizes["gguf:Q4_0"]
    assert json.loads((output / FILE_NAME).read_text())["exports"][1]["name"] == "gguf:Q8_0"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["fp8", "w4a16"])
def test_an_exported_checkpoint_generates_and_keeps_the_zeros(
    masked: tuple[Path, Report], scheme: str
) -> None:
    output, _ = masked
    loaded = AutoModelForCausalLM.from_pretrained(output / "exports" / f"compressed-tensors-{scheme}")
    assert loaded.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=4, do_sample=False).shape == (1, 7)
    name = "model.layers.1.mlp.down_proj"
    zeros = load_file(output / "model.safetensors")[f"{name}.weight"] == 0
    assert zeros.float().mean() == 0.5
    assert not loaded.get_submodule(name).weight[zeros].any()


@pytest.fixture(scope="module")
def dense(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """A dense model with three exports, and one that fails."""
    output, plain = tmp_path_factory.mktemp("dense") / "out", gguf.quantize

    def quantize(source: Path, target: Path, type_name: str, **options: Any) -> gguf.Quantised:
        if type_name == "Q5_0":
            target.write_bytes(b"half")
            raise InvalidInput("it cannot be done")
        return plain(source, target, type_name, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "quantize", quantize)
        patch.setattr(gguf, "check", lambda *_, **__: None)
        names = ["gguf:Q5_0", "gguf:Q8_0", "gguf:Q4_0", "gguf:Q4_0:gradients"]
        return output, exported(model, output, *names)


@pytest.mark.slow
def test_the_dense_model_is_exported_without_pruning(model: Path, dense: tuple[Path, Report]) -> None:
    output, report = dense
    assert report.perplexity.pruned == report.perplexity.dense
    assert report.sparsity.overall == 0
    given, result = (load_file(directory / "model.safetensors") for directory in (model, output))
    assert all(torch.equal(given[name], result[name]) for name in given)
    assert report.exports[0].perplexity == pytest.approx(report.perplexity.dense, rel=7e-3)


@pytest.mark.slow
def test_a_type_is_rounded_by_activations_and_by_gradients_in_one_run(dense: tuple[Path, Report]) -> None:
    output, report = dense
    exports = [export for export in report.exports if "Q4_0" in export.name]
    assert [export.name for export in exports] == ["gguf:Q4_0", "gguf:Q4_0:gradients"]
    paths = ["exports/small-Q4_0.gguf", "exports/small-Q4_0-gradients.gguf"]
    assert [export.path for export in exports] == paths
    first, second = (output / path for path in paths)
    assert first.stat().st_size == second.stat().st_size
    assert sha256_of(first) != sha256_of(second)


@pytest.mark.slow
def test_an_export_that_fails_costs_neither_the_model_nor_the_other_exports(
    dense: tuple[Path, Report],
) -> None:
    output, report = dense
    assert [export.name for export in report.exports] == ["gguf:Q8_0", "gguf:Q4_0", "gguf:Q4_0:gradients"]
    assert "gguf:Q5_0 was not exported: it cannot be done" in report.warnings
    left = {f"exports/{path.name}" for path in (output / "exports").iterdir()}
    assert left == {export.path for export in report.exports}
    assert (output / "model.safetensors").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("llama", {"hidden_act": "relu"}),
        nightly("gpt2", {"n_layer": 6, "scale_attn_by_inverse_layer_idx": True}),
    ],
)
def test_a_model_that_llama_cpp_takes_for_another_is_not_exported(
    family: str, settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files cannot say the activation, or the scale of attention in each block."""
    monkeypatch.setattr(gguf, "check", lambda *_, **__: None)
    write_checkpoint(tmp_path / "model", family, initializer_range=0.2, **settings)
    report = exported(tmp_path / "model", tmp_path / "out", "gguf:F16")
    assert report.exports == ()
    (refused,) = (warning for warning in report.warnings if "gguf:F16" in warning)
    assert "llama.cpp computes another model: a loss of" in refused


@pytest.mark.slow
def test_a_run_that_is_stopped_during_an_export_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gguf, "check", lambda *_, **__: None)
    steps = Steps(at=(Stage.EXPORT, 100))
    with pytest.raises(InterruptedError):
        exported(model, tmp_path / "out", "gguf:Q8_0", progress=steps)
    assert list(tmp_path.iterdir()) == []


def test_what_a_format_cannot_hold_is_refused_before_computing(model: Path, tmp_path: Path) -> None:
    steps = Steps()
    exports = (CompressedTensorsExport(format="compressed-tensors", scheme="w4a16", group_size=128),)
    with pytest.raises(InvalidInput, match="groups of 128 do not divide the 64 inputs") as caught:
        run_recipe(
            recipe(model, method="none"), EVALUATION, output=tmp_path / "out", exports=exports, progress=steps
        )
    assert caught.value.field == "exports"
    assert steps.seen == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("channels", "error"), [(0.25, True), (0.5, False)])
def test_a_format_is_checked_against_the_model_that_a_cut_leaves(
    channels: float, error: bool, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 128 MLP channels 96 are left, which groups of 64 do not divide, or 64."""
    configs, checked = [], []

    def check(directory: Path, *, shapes: Mapping[str, tuple[int, ...]], **_: object) -> None:
        configs.append(json.loads((directory / "config.json").read_text()))
        checked.append(shapes)

    monkeypatch.setattr(gguf, "check", check)
    monkeypatch.setattr(ResolvedModel, "load", lambda _: interrupt())
    exports = parse_exports(["gguf:Q8_0", "compressed-tensors:w4a16"])
    steps = Steps()
    with pytest.raises(InvalidInput if error else InterruptedError) as caught:
        run_recipe(
            recipe(model, structure={"mlp_channels": channels}),
            EVALUATION,
            output=tmp_path / "out",
            exports=exports,
            progress=steps,
        )
    if error:
        assert "groups of 64 do not divide the 96 inputs" in str(caught.value)
    assert configs[0]["intermediate_size"] == 128 * (1 - channels)
    assert configs[0]["architectures"] == ["LlamaForCausalLM"]
    assert checked[0].keys() == tensors_of(model).keys()
    assert checked[0]["model.layers.1.mlp.up_proj.weight"] == (128 * (1 - channels), 64)
    assert steps.seen == []


def test_what_reads_files_of_strangers_is_confined_as_the_other_readers_are(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that requires all layers of the sandbox exports nothing without one."""
    pretend(monkeypatch, frame(JSON, b'{"missing": {"landlock": "Operation not supported"}}'))
    with pytest.raises(SandboxUnavailable, match="the kernel does not give a helper: landlock"):
        exported(model, tmp_path / "out", "gguf:Q8_0", reading=Sandbox(all_layers=True))
    for reading, required, memory in (
        (Sandbox(all_layers=True), True, None),
        (Sandbox(job_memory_bytes=1000), False, 1000),
    ):
        engine = engine_for(reading)
        assert (engine.all_layers, engine.job_memory_bytes) == (required, memory)


def test_a_full_disk_ends_the_run_and_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike other failures of an export: the worker has to move the job."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "the export cannot be written")

    monkeypatch.setattr(compressed_tensors, "export_fp8", fail)
    with pytest.raises(OSError, match="cannot be written") as caught:
        exported(model, tmp_path / "out", "compressed-tensors:fp8")
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_what_llama_cpp_makes_of_a_model_stands_in_the_report(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for its helpers: a shorter context, a weight beyond float16, a module without a tensor.

    One file computes no number: the others are measured without it.
    """
    measured: list[tuple[list[str], tuple[int, ...]]] = []

    def converted(_: Path, target: Path, **__: object) -> gguf.Converted:
        target.write_bytes(b"bf16")
        return gguf.Converted(target, 4, "0" * 64, "qwen2", "BF16", "blk.0.ffn_up.weight", 16)

    def quantised(
        _: Path, target: Path, type_name: str, *, importance: Mapping[str, torch.Tensor] | None, **__: object
    ) -> gguf.Quantised:
        target.write_bytes(type_name.encode())
        missing = ("a.kv_b_proj", "b.kv_b_proj") if importance else ()
        return gguf.Quantised(target, 4, "0" * 64, {}, missing)

    def compared(files: list[Path], windows: torch.Tensor, **__: object) -> gguf.Measured:
        names = [file.stem.rpartition("-")[2] for file in files]
        measured.append((names, tuple(windows.shape)))
        if "Q5_0" in names:
            raise NumericalFailure("llama.cpp computes a loss of nan with the file")
        file = gguf.Compared([0.7], None, None, {}, Fidelity([0.1], [0.9]))
        return gguf.Measured("llama.cpp b1", gguf.Computed([0.4], None, None), (file,) * len(files))

    monkeypatch.setattr(gguf, "check", lambda *_, **__: None)
    monkeypatch.setattr(GgufFiles, "_require_one_model", lambda *_: None)
    for name, stand_in in (
        ("convert", converted),
        ("quantize", quantised),
        ("measure", compared),
    ):
        monkeypatch.setattr(gguf, name, stand_in)
    report = exported(model, tmp_path / "out", "gguf:F16", "gguf:Q4_0", "gguf:Q5_0", "gguf:Q8_0")
    groups = [["Q4_0", "Q5_0", "Q8_0"], ["Q4_0"], ["Q5_0"], ["Q8_0"]]
    assert measured == [(names, (8, 16)) for names in groups]
    q4, q8 = report.exports
    assert (q4.name, q4.sequence_length) == ("gguf:Q4_0", 16)
    assert q4.warnings == (
        "2 modules, such as a.kv_b_proj, have no tensor of their own inputs in the file: it was rounded "
        "without an importance",
    )
    assert q8.warnings == ()
    (refused,) = (warning for warning in report.warnings if "gguf:F16" in warning)
    assert "F16 cannot hold the tensor blk.0.ffn_up.weight" in refused
    (broken,) = (warning for warning in report.warnings if "gguf:Q5_0" in warning)
    assert "computes a loss of nan" in broken
    assert not (tmp_path / "out" / "exports" / "small-Q5_0.gguf").exists()
    for field in ("bytes", "dense_bytes"):
        with pytest.raises(ValidationError, match="greater than 0"):
            type(q4).model_validate(q4.model_dump() | {field: 0})


def hashes_below(output: Path) -> dict[str, str]:
    """Return the SHA-256 of every file but the report and the card, which have the cost of the stages."""
    files = (path for path in output.rglob("*") if path.name not in (FILE_NAME, "README.md"))
    return {path.relative_to(output).as_posix(): sha256_of(path) for path in files if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("names", [["compressed-tensors:w4a16"], nightly(["gguf:Q4_0", "gguf:F16"])])
def test_a_run_that_is_killed_while_it_exports_neither_prunes_nor_measures_again(
    names: list[str], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"device": "cpu", "exports": parse_exports(names)}
    request = recipe(model, method="wanda", sparsity=0.5), EVALUATION
    run_recipe(*request, output=tmp_path / "whole", **options)
    store = {"resume_store": DirectoryResumeStore(tmp_path / "state")}
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            # Once something is written: the dense model is measured or converted before.
            steps = Steps(at=(Stage.EXPORT, 200), end=die)
            run_recipe(*request, output=tmp_path / "out", progress=steps, **options, **store)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(StoredBlocks, "put", refuse)
    monkeypatch.setattr("pruning.pipeline.evaluate.window_losses", refuse)
    report = run_recipe(*request, output=tmp_path / "out", **options, **store)
    assert [export.name for export in report.exports] == names
    hashes = [hashes_below(out) for out in (tmp_path / "whole", tmp_path / "out")]
    assert hashes[0] == hashes[1]
    assert any(name.startswith("exports/") for name in hashes[0])


@pytest.mark.parametrize("name", ["gguf:Q8_0", "compressed-tensors:fp8"])
def test_without_the_extra_the_command_that_installs_it_is_named(
    name: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(InvalidInput, match=r"pip install '.\[engines\]'") as caught:
        exported(model, tmp_path / "out", name)
    assert caught.value.field == "exports"


def test_nothing_is_exported_of_a_model_beyond_the_limit(model: Path, tmp_path: Path) -> None:
    report = exported(
        model, tmp_path / "out", "compressed-tensors:fp8", limit=PerplexityLimit(perplexity=1.5)
    )
    assert report.exports == ()
    assert "nothing was exported: the perplexity exceeds the limit" in report.warnings
