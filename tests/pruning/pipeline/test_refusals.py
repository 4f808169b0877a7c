"""What a run refuses before any expensive step."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pruning.checkpoint.checkpoint import Checkpoint
from pruning.errors import InvalidInput, PruningError
from pruning.files.frozen_file import AllowedRoots
from pruning.recipe import Evaluation, Recipe, Stage
from tests.pruning.pipeline.test_run import EVALUATION, SHORT, Recorder, recipe
from tests.pruning.runs import run_recipe

pytestmark = pytest.mark.slow


def fails_in_resolve(
    tmp_path: Path,
    wanted: Recipe,
    *,
    evaluation: Evaluation = EVALUATION,
    expected: type[PruningError] = InvalidInput,
    **options: Any,
) -> tuple[str | None, str]:
    """Run a recipe that must fail before any expensive step and leave no files. Return field and message."""
    progress = Recorder()
    with pytest.raises(expected) as caught:
        run_recipe(wanted, evaluation, output=tmp_path / "result" / "out", progress=progress, **options)
    assert progress.started in ([], [Stage.RESOLVE])
    assert progress.finished == []
    assert not (tmp_path / "result").exists() or list((tmp_path / "result").iterdir()) == []
    return caught.value.field, str(caught.value)


def test_an_output_that_exists_is_refused_and_kept(tiny_llama_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="exists already") as caught:
        run_recipe(recipe(tiny_llama_dir), EVALUATION, output=tmp_path / "out")
    assert caught.value.field == "output"
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_a_full_disk_is_refused_before_pruning(
    tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    field, message = fails_in_resolve(tmp_path, recipe(tiny_llama_dir), expected=PruningError)
    assert field == "output"
    assert "has 1 kB free: free " in message


@pytest.mark.threat
def test_texts_must_really_lie_under_an_allowed_root(tiny_llama_dir: Path, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (tmp_path / "secret.txt").write_text("The suite of the for statement. " * 100)
    (allowed / "escape.txt").symlink_to(tmp_path / "secret.txt")
    roots = AllowedRoots(data=(allowed,))
    for path in (tmp_path / "secret.txt", allowed / "escape.txt"):
        calibration = recipe(tiny_llama_dir, calibration={**SHORT, "dataset": str(path)})
        field, message = fails_in_resolve(tmp_path, calibration, roots=roots)
        assert field == "calibration.dataset"
        assert "outside the allowed directories" in message
        assert str(tmp_path) not in message.replace(str(path), "")
        evaluation = Evaluation(dataset=str(path), sequence_length=32)
        field, message = fails_in_resolve(
            tmp_path, recipe(tiny_llama_dir), evaluation=evaluation, roots=roots
        )
        assert field == "evaluation.dataset"
        assert "outside the allowed directories" in message


def test_an_evaluation_text_too_short_for_a_window_is_refused_before_pruning(
    tiny_llama_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text("Short.")
    evaluation = Evaluation(dataset=str(tmp_path / "text.txt"), sequence_length=32)
    field, _ = fails_in_resolve(tmp_path, recipe(tiny_llama_dir), evaluation=evaluation)
    assert field == "evaluation.dataset"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"layers": {"include": ["*.mlp.*", "*.mpl.*"]}}, "layers.include"),
        ({"layers": {"exclude": ["lm_head"]}}, "layers.exclude"),
        ({"structure": {"parameters": 0.99}}, "structure.parameters"),
        ({"structure": {"parameters": 0.0001}}, "structure.parameters"),
        ({"method": "recovered", "recovery": {"distil": {"tokens": 1_000_000}}}, "recovery.distil.tokens"),
    ],
    ids=str,
)
def test_what_model_or_text_do_not_have_is_refused_by_its_field_before_weights_are_loaded(
    tiny_llama_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wanted: dict[str, Any],
    field: str,
) -> None:
    monkeypatch.setattr(Checkpoint, "load", None)
    assert fails_in_resolve(tmp_path, recipe(tiny_llama_dir, **wanted))[0] == field


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "mps", ""])
def test_a_missing_device_is_refused(tiny_llama_dir: Path, tmp_path: Path, device: str) -> None:
    field, message = fails_in_resolve(tmp_path, recipe(tiny_llama_dir), device=device)
    assert field == "device"
    assert "cpu" in message
