import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from rich.console import Console

import pruning.pipeline.console
from pruning.__main__ import main
from pruning.pipeline.console import progress_on
from pruning.progress import Silent
from pruning.recipe import Stage

pytestmark = pytest.mark.slow


def arguments(model: Path | str, output: Path, *more: str) -> list[str]:
    return [
        *("--model", str(model), "--method", "gblm", "--sparsity", "0.5", "--output", str(output)),
        *("--calibration", "builtin", "--samples", "2", "--sequence-length", "32"),
        *("--evaluation", "builtin", "--evaluation-windows", "2", "--evaluation-length", "32"),
        *more,
    ]


def test_the_command_prunes_a_model_by_relative_paths_as_a_process(
    tiny_llama_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").symlink_to(tiny_llama_dir)
    (tmp_path / "text.txt").write_text("The suite of the for statement. " * 100)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pruning", "--model", "./model", "--method", "gblm", "--sparsity", "0.5"),
            *("--pattern", "unstructured", "--calibration", "text.txt", "--samples", "16"),
            *("--sequence-length", "64", "--seed", "0", "--output", "out"),
            *("--evaluation", "builtin", "--evaluation-windows", "20"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "pruning_report.json").read_text())
    assert report["recipe"]["model"]["id"] == str(tmp_path / "model")
    assert report["recipe"]["calibration"]["dataset"] == str(tmp_path / "text.txt")
    assert f"{report['perplexity']['pruned']:.3f}" in done.stdout
    assert "50.00%" in done.stdout
    assert str(tmp_path / "out") in done.stdout
    assert [line for line in done.stderr.splitlines() if line.startswith("prune")] == [
        "prune ...",
        "prune 1/3",
        "prune 2/3",
        next(line for line in done.stderr.splitlines() if line.startswith("prune took")),
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_command_leaves_only_what_it_resumes_from(
    number: signal.Signals,
    tiny_llama_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Stopping(Silent):
        def step_finished(self, stage: Stage, done: int, steps: int) -> None:
            if (stage, done) == (Stage.PRUNE, 2):
                signal.raise_signal(number)

    command = [*arguments(tiny_llama_dir, tmp_path / "out"), "--resume-in", str(tmp_path / "resume")]
    with monkeypatch.context() as patched:
        patched.setattr(pruning.pipeline.console, "progress_on", lambda console: nullcontext(Stopping()))
        assert main(command) == 128 + number
    assert capsys.readouterr().err == "stopped: the same command resumes it\n"
    assert [path.name for path in tmp_path.iterdir()] == ["resume"]

    assert main(command) == 0
    assert "prune 1/3" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("options", "field", "value", "limit"),
    [
        (["--method", "obd"], "--method", "; got 'obd'", "'magnitude'"),
        (["--method", "wanda", "--option", "alpha=2"], "--option alpha", "2", "not permitted"),
        (["--method", "wand"], "--method", "wand", "did you mean 'wanda'?"),
        (["--allocation", "owk"], "--allocation", "owk", "did you mean 'owl'?"),
        (["--mix", "c4=many"], "--mix", "many", "number"),
        (["--sparsity", "1.5"], "--sparsity", "1.5", ": must be less than 1"),
        (["--sparsity", "150%"], "--sparsity", "1.5", "less than 1"),
        (["--sparsity", "-1"], "--sparsity", "-1.0", "greater than 0"),
        (["--pattern", "2:4", "--sparsity", "0.3"], "--sparsity", "0.3", ": pattern 2:4 means 0.5"),
        (["--pattern", "3:5", "--sparsity", "0.4"], "--pattern", "3:5", "32"),
        (["--sequence-length", "129"], "--sequence-length", "129", "128"),
        (["--evaluation-windows", "100000"], "--evaluation-windows", "100000", "holds only"),
        (["--model", "a b"], "--model", "'a b'", "or an absolute path;"),
        (["--device", "tpu"], "--device", "tpu", "cpu"),
    ],
)
def test_bad_input_exits_with_2_and_names_field_value_and_limit(
    tiny_llama_dir: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    options: list[str],
    field: str,
    value: str,
    limit: str,
) -> None:
    assert main(arguments(tiny_llama_dir, tmp_path / "out", *options)) == 2
    message = capfd.readouterr().err.splitlines()[-1]
    assert message.startswith(f"{field}: ")
    assert value in message
    assert limit in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", ["./none", "./org/name", "../org/name", "/org/name", ".org/name"])
def test_a_model_written_as_a_path_is_a_directory(
    model: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments(model, tmp_path / "out")) == 2
    assert os.path.normpath(tmp_path / model) in capfd.readouterr().err


def test_a_failure_other_than_bad_input_exits_with_1(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between its retries
    assert main(arguments("org/name", tmp_path / "out")) == 1
    error = capfd.readouterr().err
    assert "Traceback" not in error
    assert "--model: " in error


@pytest.mark.parametrize(
    "options", [["--method", "gblm"], ["--bogus"], ["--method", "gblm", "--recipe", "a"]]
)
def test_wrong_usage_exits_with_2(options: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert "usage: python -m pruning" in capfd.readouterr().err


def test_a_recipe_file_takes_the_evaluation_from_the_options(
    tiny_llama_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text, report, file = (tmp_path / name for name in ("text.txt", "a/pruning_report.json", "recipe.json"))
    text.write_text("The suite of the for statement. " * 100)
    first = [
        *("--model", str(tiny_llama_dir), "--method", "gblm", "--option", "norm=l2", "--sparsity", "0.4"),
        *("--seed", "7", "--mix", "builtin=2", "--mix", f"{text}=1"),
        *("--samples", "3", "--sequence-length", "32", "--evaluation-length", "32"),
        *("--evaluation", "builtin", "--evaluation-windows", "3", "--output", str(tmp_path / "a")),
    ]
    assert main(first) == 0
    again = ["--output", str(tmp_path / "b"), "--evaluation", "builtin", "--evaluation-windows", "2"]
    again += ["--evaluation-length", "16", "--recipe"]
    assert main([*again, str(report)]) == 2
    assert "is the report of a run; give its recipe" in capfd.readouterr().err
    written = json.loads(report.read_text())
    # As the message says: without a commit here, since the model is a directory.
    file.write_text(
        json.dumps(written["recipe"] | {"model": written["recipe"]["model"] | {"revision": None}})
    )
    assert main([*again, str(file)]) == 0
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    repeated = json.loads((tmp_path / "b" / "pruning_report.json").read_text())
    assert repeated["perplexity"]["sequence_length"] == 16


@pytest.mark.parametrize(
    "content", ["", "[1]", "7", "{", "\x00", None, pytest.param("[" * 100_000, id="deep")]
)
def test_a_file_that_is_not_a_recipe_is_refused(
    tmp_path: Path, content: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "a.json").write_text(content)
    assert main(["--recipe", str(tmp_path / "a.json"), "--output", str(tmp_path / "out")]) == 2
    assert "recipe: " in (said := capfd.readouterr().err)
    assert "not a readable JSON object" in said


def test_options_that_contradict_a_recipe_file_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--recipe", "a.json", "--output", "out", "--samples", "3", "--seed", "1"])
    assert caught.value.code == 2
    assert "leave out --samples, --seed" in capfd.readouterr().err


def test_help_is_answered_without_torch() -> None:
    code = (
        "import contextlib, sys; from pruning.__main__ import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_ends_with_the_cost_of_each_stage(terminal: bool) -> None:
    console = Console(force_terminal=terminal, record=True, width=100, no_color=True)
    with progress_on(console) as progress:
        progress.stage_started(Stage.PRUNE, 1000)
        for done in range(1, 1001):
            progress.step_finished(Stage.PRUNE, done, 1000)
        progress.stage_finished(Stage.PRUNE, 12.34, 2_500_000_000)
    text = console.export_text()
    assert "prune took 12.3 s, 2.5 GB" in text
    assert terminal or text.count("\n") == 11
