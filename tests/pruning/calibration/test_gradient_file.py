"""Gradient norms in a file: written by one run, checked and read by another."""

import errno
import hashlib
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from pruning import calibration_windows
from pruning.calibration.gradient_files import GradientFile, Provenance, write_gradients
from pruning.calibration.gradient_pass import gradient_norms
from pruning.calibration.window_norms import GradientNorms
from pruning.errors import InvalidInput
from pruning.files import frozen_file
from pruning.files.frozen_file import AllowedRoots, freeze
from pruning.models.blocks import find_stack
from pruning.pipeline.run import RunRequest, keep_gradients
from pruning.recipe import Calibration, Evaluation, Recipe, Stage
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.families import make
from tests.pruning.pruned import ignore_steps
from tests.pruning.runs import Steps, contents, run_recipe

CALIBRATION = Calibration(dataset="builtin", samples=4, sequence_length=32)
PROVENANCE = Provenance(model="sha256:of-the-weights", calibration="of-the-windows")


@pytest.fixture(scope="module")
def norms() -> GradientNorms:
    windows = torch.randint(2, 384, (3, 24), generator=torch.Generator().manual_seed(2))
    return gradient_norms(make("llama"), windows, norms=("l1", "l2"), step=ignore_steps)


@pytest.fixture
def file(norms: GradientNorms, tmp_path: Path) -> Path:
    path = tmp_path / "gradient_norms.safetensors"
    write_gradients(norms, PROVENANCE, path)
    return path


def opened(path: Path, *, model: str = PROVENANCE.model, norms: tuple[str, ...] = ("l1",)) -> GradientFile:
    layers = {layer.name: (layer.outputs, layer.inputs) for layer in find_stack(make("llama")).layers}
    frozen = freeze(path, None, field="gradients")
    return GradientFile.checked(frozen, model=model, layers=layers, norms=norms)


def test_norms_survive_a_round_trip_through_the_file(file: Path, norms: GradientNorms) -> None:
    found = opened(file, norms=("l1", "l2"))
    assert found.provenance == PROVENANCE
    read = found.read(("l1", "l2"))
    assert read.keys() == norms.keys()
    for norm, layers in norms.items():
        assert read[norm].keys() == layers.keys()
        assert all(torch.equal(read[norm][name], tensor) for name, tensor in layers.items())
    assert found.read(("l2",)).keys() == {"l2"}


@pytest.mark.threat
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_numbers_that_are_no_norm_are_refused_with_the_tensor_where_they_are_read(
    file: Path, norms: GradientNorms, value: float
) -> None:
    layer = sorted(norms["l2"])[1]
    changed = {norm: {name: tensor.clone() for name, tensor in norms[norm].items()} for norm in norms}
    changed["l2"][layer][3, 2] = value
    write_gradients(changed, PROVENANCE, file)
    read = opened(file, norms=("l1", "l2")).read(("l1", "l2"))
    assert len(list(read["l1"].values())) == len(norms["l1"])
    with pytest.raises(InvalidInput, match=rf"safetensors has a number in l2/{layer} that") as refused:
        list(read["l2"].values())
    assert refused.value.field == "gradients"


def test_a_file_for_other_weights_is_refused(file: Path) -> None:
    with pytest.raises(InvalidInput, match="computed for other weights") as refused:
        opened(file, model="sha256:of-others")
    assert refused.value.field == "gradients"


def test_a_missing_norm_is_refused_by_name_with_its_layer(norms: GradientNorms, tmp_path: Path) -> None:
    write_gradients({"l1": norms["l1"]}, PROVENANCE, tmp_path / "l1.safetensors")
    with pytest.raises(InvalidInput, match=r"no l2 norms of layer model\.layers\.0\.self_attn\.q_proj"):
        opened(tmp_path / "l1.safetensors", norms=("l2",))


def test_another_safetensors_file_is_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(2)}, tmp_path / "model.safetensors")
    with pytest.raises(InvalidInput, match="does not hold gradient norms"):
        opened(tmp_path / "model.safetensors")


@pytest.mark.parametrize("content", [b"", b"no safetensors header"])
def test_a_file_in_another_format_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "norms.bin").write_bytes(content)
    with pytest.raises(InvalidInput, match="not a readable safetensors file"):
        opened(tmp_path / "norms.bin")


def test_a_mount_that_fails_is_no_unreadable_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = freeze(file, None, field="gradients")

    def fail(root: Path, path: PurePath) -> int:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(frozen_file, "open_beneath", fail)
    with pytest.raises(OSError, match="Stale file handle"):
        GradientFile.checked(frozen, model=PROVENANCE.model, layers={}, norms=())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist or is not a readable file"):
        opened(tmp_path / "absent.safetensors")


class TestInARun:
    EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=4)

    def recipe(self, model: Path, **fields: Any) -> Recipe:
        calibration = {"dataset": "builtin", "samples": 4, "sequence_length": 32}
        defaults = {"model": str(model), "method": "gblm", "sparsity": 0.5, "calibration": calibration}
        return Recipe.model_validate({**defaults, **fields})

    @pytest.fixture
    def saved(self, tiny_llama_dir: Path, tmp_path: Path) -> Path:
        """The norms that the recipe needs."""
        alone = Recipe(model=self.recipe(tiny_llama_dir).model, calibration=CALIBRATION, norms=("l1",))
        keep_gradients(RunRequest(alone, Evaluation(), tmp_path / "norms"))
        return tmp_path / "norms/gradient_norms.safetensors"

    def test_blocks_that_other_norms_have_masked_are_pruned_again(
        self, tiny_llama_dir: Path, tmp_path: Path, saved: Path
    ) -> None:
        recipe = self.recipe(tiny_llama_dir, gradients=str(saved))

        def attempt(progress: Steps) -> None:
            run_recipe(
                recipe,
                self.EVALUATION,
                output=tmp_path / "out",
                resume_store=DirectoryResumeStore(tmp_path / "state"),
                progress=progress,
            )

        with pytest.raises(InterruptedError):
            attempt(Steps(at=(Stage.PRUNE, 2)))
        with safe_open(saved, framework="pt") as file:
            others = {name: file.get_tensor(name).flip(0) for name in file.keys()}  # noqa: SIM118 - safetensors' files cannot be iterated
            metadata = file.metadata()
        save_file(others, saved, metadata)
        attempt(Steps())
        run_recipe(recipe, self.EVALUATION, output=tmp_path / "whole")
        assert contents(tmp_path / "out") == contents(tmp_path / "whole")

    def test_saved_norms_replace_the_gradient_stage_with_the_same_result(
        self, tiny_llama_dir: Path, tmp_path: Path, saved: Path
    ) -> None:
        first = run_recipe(self.recipe(tiny_llama_dir), self.EVALUATION, output=tmp_path / "first")
        again = self.recipe(tiny_llama_dir, gradients=str(saved))
        second = run_recipe(again, self.EVALUATION, output=tmp_path / "second")
        assert [stage.name for stage in first.stages] == ["resolve", "gradients", "prune", "evaluate"]
        assert [stage.name for stage in second.stages] == ["resolve", "prune", "evaluate"]
        one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "second"))
        assert one == two
        assert second.warnings == first.warnings

    def test_a_recipe_with_norms_writes_those_of_the_library(
        self, tiny_llama_dir: Path, tmp_path: Path
    ) -> None:
        alone = Recipe(
            model=self.recipe(tiny_llama_dir).model,
            calibration=CALIBRATION,
            norms=("l1", "l2"),
            dtype="float32",
        )
        assert (alone.method_name, alone.sparsity) == ("norms", 0.0)
        outcome = keep_gradients(RunRequest(alone, Evaluation(), tmp_path / "alone"))
        assert (outcome.reused, outcome.warnings) == (False, ())
        (file,) = (tmp_path / "alone").iterdir()
        model = AutoModelForCausalLM.from_pretrained(tiny_llama_dir)
        tokenizer = AutoTokenizer.from_pretrained(tiny_llama_dir)
        windows = calibration_windows(model, tokenizer, CALIBRATION)
        expected = gradient_norms(model, windows, norms=("l1", "l2"), step=ignore_steps)
        found = load_file(file)
        assert found.keys() == {f"{norm}/{layer}" for norm in expected for layer in expected[norm]}
        for norm, layers in expected.items():
            for layer, tensor in layers.items():
                torch.testing.assert_close(found[f"{norm}/{layer}"], tensor)

    def test_a_file_named_by_its_content_is_found_and_checked(
        self, tiny_llama_dir: Path, tmp_path: Path, saved: Path
    ) -> None:
        data = tmp_path / "data"
        data.mkdir()
        content = saved.read_bytes()
        name = f"{hashlib.sha256(content).hexdigest()}.safetensors"
        (data / name).write_bytes(content)
        recipe = self.recipe(tiny_llama_dir, gradients=f"sha256:{name}")
        roots = AllowedRoots(data=(data,))
        report = run_recipe(recipe, self.EVALUATION, output=tmp_path / "found", roots=roots)
        assert [stage.name for stage in report.stages] == ["resolve", "prune", "evaluate"]
        (data / name).write_bytes(content[:-1] + b"\1")
        with pytest.raises(InvalidInput, match="is damaged"):
            run_recipe(recipe, self.EVALUATION, output=tmp_path / "damaged", roots=roots)

    @pytest.mark.parametrize("named", [f"{kind}:{UUID(int=1)}" for kind in ("gradient", "upload")])
    def test_ids_are_for_the_service_alone(self, tiny_llama_dir: Path, tmp_path: Path, named: str) -> None:
        with pytest.raises(InvalidInput, match="only the service") as refused:
            run_recipe(self.recipe(tiny_llama_dir, gradients=named), self.EVALUATION, output=tmp_path / "out")
        assert refused.value.field == "gradients"

    def test_norms_of_other_calibration_windows_are_used_with_a_warning(
        self, tiny_llama_dir: Path, tmp_path: Path, saved: Path
    ) -> None:
        other = {"dataset": "builtin", "samples": 4, "sequence_length": 32, "seed": 1}
        again = self.recipe(tiny_llama_dir, gradients=str(saved), calibration=other)
        report = run_recipe(again, self.EVALUATION, output=tmp_path / "second")
        assert any("other calibration windows" in warning for warning in report.warnings)

    def test_a_file_outside_the_allowed_roots_is_refused(self, tiny_llama_dir: Path, tmp_path: Path) -> None:
        (tmp_path / "allowed").mkdir()
        outside = tmp_path / "norms.safetensors"
        outside.write_bytes(b"")
        with pytest.raises(InvalidInput, match="outside the allowed directories") as refused:
            run_recipe(
                self.recipe(tiny_llama_dir, gradients=str(outside)),
                self.EVALUATION,
                output=tmp_path / "out",
                roots=AllowedRoots(data=(tmp_path / "allowed",)),
            )
        assert refused.value.field == "gradients"

    @pytest.mark.parametrize("fields", [{"gradients": "relative"}, {"gradients": "/x", "method": "wanda"}])
    def test_the_recipe_refuses_a_relative_path_and_a_method_without_gradients(
        self, fields: dict[str, str]
    ) -> None:
        with pytest.raises(ValidationError, match="gradients"):
            self.recipe(Path("/any"), **fields)


@pytest.mark.threat
@pytest.mark.parametrize("missing", ["model", "calibration"])
def test_a_file_that_does_not_name_its_model_or_text_is_refused(file: Path, missing: str) -> None:
    metadata = {"format": "pruneserve gradient norms 1", **asdict(PROVENANCE)}
    del metadata[missing]
    save_file(load_file(file), file, metadata=metadata)
    with pytest.raises(InvalidInput, match="does not name the model and the text") as refused:
        opened(file)
    assert refused.value.field == "gradients"


@pytest.mark.threat
def test_a_tensor_of_no_norm_and_layer_is_left_alone(file: Path, norms: GradientNorms) -> None:
    metadata = {"format": "pruneserve gradient norms 1", **asdict(PROVENANCE)}
    save_file({**load_file(file), "more": torch.ones(1)}, file, metadata=metadata)
    assert opened(file).read(("l1",))["l1"].keys() == norms["l1"].keys()
