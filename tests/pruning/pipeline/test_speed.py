"""The stage `speed` in whole runs: what the report says of size and speed, and where nothing is measured."""

import json
import os
from contextlib import suppress
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from rich.console import Console
from transformers import AutoModelForCausalLM

from pruning.evaluation.speed import Rate
from pruning.output.model_card import model_card
from pruning.pipeline import resources, speed
from pruning.pipeline.console import result_table
from pruning.pipeline.evaluate import PerplexityLimit
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report import RateFacts, Report, SpeedFacts
from pruning.resume.hashed_file import sha256_of
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.runs import Steps, die, run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama

pytestmark = pytest.mark.slow

CALIBRATION = {"dataset": "builtin", "samples": 2, "sequence_length": 24}
CUT = {"structure": {"mlp_channels": 0.5}, "calibration": CALIBRATION}
MASK = {"method": "magnitude", "sparsity": 0.5}


@pytest.fixture(name="model", scope="module")
def one_block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tiny_llama(num_hidden_layers=1), tmp_path_factory.mktemp("speed") / "model")


def evaluation(**fields: Any) -> Evaluation:
    return Evaluation(dataset="builtin", sequence_length=32, windows=2, **fields)


def run_of(model: Path, output: Path, fields: dict[str, Any], **more: Any) -> Report:
    recipe = Recipe.model_validate({"model": str(model), **fields})
    wanted = more.pop("evaluation", evaluation())
    return run_recipe(recipe, wanted, output=output, **more)


def test_a_smaller_model_is_measured_in_turns_with_the_dense_one(model: Path, tmp_path: Path) -> None:
    steps = Steps()
    report = run_of(model, tmp_path / "out", CUT, progress=steps)
    facts = report.speed
    assert facts is not None
    assert facts.dense_bytes == (model / "model.safetensors").stat().st_size
    assert facts.bytes == (tmp_path / "out" / "model.safetensors").stat().st_size < facts.dense_bytes
    assert [(rate.phase, rate.batch) for rate in facts.rates] == [
        *(("prefill", 1), ("prefill", 8), ("decode", 1), ("decode", 8)),
    ]
    # prefill and decode of one sequence
    lowest = min(facts.rates[::2], key=lambda rate: rate.speedup)
    assert facts.speedup == (lowest.speedup if lowest.is_measurable else None)
    for rate in facts.rates:
        assert rate.pruned / rate.dense == pytest.approx(rate.speedup)
    assert (facts.prompt_tokens, facts.generated_tokens) == (64, 8)
    assert facts.pairs in (3, 5, 7)
    assert facts.note is None
    of_dense, of_smaller = (
        4 * AutoModelForCausalLM.from_pretrained(path).num_parameters() for path in (model, tmp_path / "out")
    )
    assert facts.dense_peak_memory_bytes is not None
    assert facts.peak_memory_bytes is not None
    assert facts.dense_peak_memory_bytes >= of_dense
    assert facts.peak_memory_bytes >= of_smaller
    assert [stage.name for stage in report.stages] == ["resolve", "gradients", "cut", "evaluate", "speed"]
    assert [done for done, _ in steps.of(Stage.SPEED) if done] == [*range(1, 4 * facts.pairs + 1)]
    assert {total for _, total in steps.of(Stage.SPEED)} == {28}
    assert "tokens per second" in (tmp_path / "out" / "README.md").read_text()
    assert Report.model_validate_json((tmp_path / "out" / "pruning_report.json").read_text()) == report


def test_a_mask_is_as_large_and_as_fast_and_the_report_says_why(model: Path, tmp_path: Path) -> None:
    report = run_of(model, tmp_path / "out", MASK, save_masks=True)
    facts = report.speed
    assert facts is not None
    assert (facts.speedup, facts.rates) == (1.0, ())
    assert facts.bytes == facts.dense_bytes == (model / "model.safetensors").stat().st_size
    assert facts.note is not None
    assert "zeros are stored and multiplied" in facts.note
    assert Stage.SPEED not in [stage.name for stage in report.stages]
    assert "make nothing faster" in (tmp_path / "out" / "README.md").read_text()


def test_a_mask_is_measured_where_that_is_asked_for(model: Path, tmp_path: Path) -> None:
    facts = run_of(model, tmp_path / "out", MASK, evaluation=evaluation(speed="on")).speed
    assert facts is not None
    assert len(facts.rates) == 4
    assert facts.note is not None


@pytest.mark.parametrize(
    "more", [{"evaluation": evaluation(speed="off")}, {"limit": PerplexityLimit(perplexity=1.0)}]
)
def test_nothing_is_measured_where_it_is_left_out_or_of_no_use(
    more: dict[str, Any], model: Path, tmp_path: Path
) -> None:
    report = run_of(model, tmp_path / "out", CUT, **more)
    facts = report.speed
    assert facts is not None
    assert (facts.speedup, facts.rates) == (None, ())
    assert facts.bytes < facts.dense_bytes
    assert facts.note is not None
    assert "not measured" in facts.note
    assert Stage.SPEED not in [stage.name for stage in report.stages]


def test_models_that_do_not_fit_together_are_not_measured(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "total_memory", lambda device: 1000)
    facts = run_of(model, tmp_path / "out", CUT).speed
    assert facts is not None
    assert (facts.speedup, facts.rates) == (None, ())
    assert facts.note is not None
    assert "do not fit into memory" in facts.note


def test_a_model_that_runs_out_of_memory_is_not_measured(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(speed, "rates", full)
    facts = run_of(model, tmp_path / "out", CUT).speed
    assert facts is not None
    assert facts.note is not None
    assert "do not fit into memory" in facts.note


def rate(phase: str, batch: int, *, speedup: float, noise: float) -> RateFacts:
    fields = {"phase": phase, "batch": batch, "dense": 1.0, "pruned": speedup}
    return RateFacts.model_validate({**fields, "speedup": speedup, "noise": noise})


@pytest.mark.parametrize(
    ("speedup", "noise", "card", "console"),
    [
        (1.25, 0.25, "1.25 times the dense model's 1 ", "1.25 times (noise 25.0%)"),
        (1.25, 0.26, "not measurably different from the dense model's 1 ", "not measurable (noise 26.0%)"),
        (0.5, 0.6, "not measurably different from the dense model's 1 ", "not measurable (noise 60.0%)"),
    ],
)
def test_a_gain_below_the_noise_is_not_measurable(
    speedup: float, noise: float, card: str, console: str, model: Path, tmp_path: Path
) -> None:
    report = run_of(model, tmp_path / "out", MASK)
    rates = (rate("prefill", 1, speedup=speedup, noise=noise),)
    facts = SpeedFacts(dense_bytes=2, bytes=1, speedup=None, rates=rates)
    report = report.model_copy(update={"speed": facts})
    assert card in model_card(report, licence=None)
    written = StringIO()
    Console(file=written, width=200).print(result_table(report))
    assert console in written.getvalue()


@pytest.mark.parametrize(("of_decode", "speedup"), [(0.1, 1.2), (0.3, None)])
def test_the_speedup_is_the_lower_one_where_it_is_measurable(
    of_decode: float, speedup: float | None, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Rate("prefill", 1, dense=1.0, pruned=1.5, speedup=1.5, noise=0.1),
        Rate("prefill", 8, dense=1.0, pruned=1.0, speedup=1.0, noise=0.1),
        Rate("decode", 1, dense=1.0, pruned=1.2, speedup=1.2, noise=of_decode),
    ]
    monkeypatch.setattr(speed, "rates", lambda *_: found)
    facts = run_of(model, tmp_path / "out", CUT).speed
    assert facts is not None
    assert facts.speedup == speedup


def test_the_stage_takes_a_share_of_the_time_that_the_run_took(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[float, float]] = []

    def measured(*arguments: Any) -> list[Rate]:
        given.append((perf_counter(), arguments[4]))
        return [Rate("prefill", 1, dense=1.0, pruned=1.5, speedup=1.5, noise=0.1)]

    monkeypatch.setattr(speed, "rates", measured)
    started = perf_counter()
    run_of(model, tmp_path / "out", CUT)
    ((now, until),) = given
    assert until <= now + 0.1 * (now - started)


def test_a_run_that_is_killed_while_it_measures_measures_again(model: Path, tmp_path: Path) -> None:
    output, state = tmp_path / "out", tmp_path / "state"
    run_of(model, tmp_path / "whole", CUT)
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            run_of(
                model,
                output,
                CUT,
                progress=Steps(at=(Stage.SPEED, 10), end=die),
                resume_store=DirectoryResumeStore(state),
            )
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    steps = Steps()
    report = run_of(model, output, CUT, progress=steps, resume_store=DirectoryResumeStore(state))
    assert report.speed is not None
    assert len(report.speed.rates) == 4
    assert report.speed.pairs is not None
    assert steps.of(Stage.SPEED)[-1] == (4 * report.speed.pairs, 28)
    for name in ("model.safetensors", "config.json"):
        assert sha256_of(output / name) == sha256_of(tmp_path / "whole" / name)
    perplexities = [
        json.loads((path / "pruning_report.json").read_text())["perplexity"]
        for path in (output, tmp_path / "whole")
    ]
    assert perplexities[0] == perplexities[1]
