"""A dense model is measured by one run and compared with by others: the same numbers, bit for bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor
from transformers import PreTrainedModel

from pruning.evaluation.cache import DenseMeasurement, NoPerplexityCache, PerplexityCache
from pruning.evaluation.perplexity import perplexity_of, window_losses
from pruning.files.frozen_file import AllowedRoots
from pruning.progress import Silent
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report import Report
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.runs import Steps, run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama

pytestmark = pytest.mark.slow


class InMemoryPerplexityCache:
    """A cache in this process."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[list[float], bytes]] = {}

    def get(self, fingerprint: str, states: Path) -> DenseMeasurement | None:
        if fingerprint not in self.known:
            return None
        losses, content = self.known[fingerprint]
        states.write_bytes(content)
        return DenseMeasurement(losses, HashedFile.of(states))

    def put(self, fingerprint: str, measured: DenseMeasurement) -> None:
        assert measured.states is not None
        assert HashedFile.of(measured.states.path) == measured.states
        self.known[fingerprint] = [*measured.losses], measured.states.path.read_bytes()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models of one shape."""
    directory = tmp_path_factory.mktemp("models")
    return [
        save_checkpoint(tiny_llama(num_hidden_layers=1, initializer_range=scale), directory / str(scale))
        for scale in (0.2, 0.1)
    ]


@pytest.fixture
def measured_models(monkeypatch: pytest.MonkeyPatch) -> list[PreTrainedModel]:
    """The models whose perplexity was measured."""
    found: list[PreTrainedModel] = []

    def watched(model: PreTrainedModel, windows: Tensor, **how: Any) -> list[float]:
        found.append(model)
        return window_losses(model, windows, **how)

    monkeypatch.setattr("pruning.pipeline.evaluate.window_losses", watched)
    return found


@pytest.fixture
def measured(models: list[Path], tmp_path: Path) -> Callable[..., Report]:
    def measure(
        cache: PerplexityCache,
        model: int = 0,
        evaluation: dict[str, Any] | None = None,
        steps: Steps | None = None,
        **fields: Any,
    ) -> Report:
        request = {"dataset": "builtin", "sequence_length": 32, "windows": 70, **(evaluation or {})}
        recipe = {"model": str(models[model]), "sparsity": 0.5, "method": "magnitude", **fields}
        return run_recipe(
            Recipe.model_validate(recipe),
            Evaluation.model_validate(request),
            output=tmp_path / f"out-{len(list(tmp_path.iterdir()))}",
            roots=AllowedRoots(data=(tmp_path,)),
            perplexity_cache=cache,
            progress=steps or Steps(),
        )

    return measure


def test_later_runs_reuse_the_perplexity_of_the_first(
    measured: Callable[..., Report], measured_models: list[PreTrainedModel]
) -> None:
    cache = InMemoryPerplexityCache()
    first = measured(cache)
    assert not first.dense_perplexity_reused
    calibration = {"dataset": "builtin", "samples": 2, "sequence_length": 16}
    for fields in ({"sparsity": 0.7}, {"method": "wanda", "calibration": calibration, "pattern": "2:4"}):
        alone = measured(NoPerplexityCache(), **fields)
        del measured_models[:]
        later = measured(cache, **fields)
        (pruned,) = measured_models
        assert any(bool((weight == 0).any()) for weight in pruned.parameters())
        assert later.dense_perplexity_reused
        assert not alone.dense_perplexity_reused
        assert later.perplexity == alone.perplexity  # and what compares them, bit for bit
        assert later.perplexity.kl is not None
        assert later.perplexity.intervals is not None
    assert [perplexity_of(losses, 31) for losses, _ in cache.known.values()] == [first.perplexity.dense]


def test_cached_perplexities_are_not_counted_as_steps(measured: Callable[..., Report]) -> None:
    cache, first, later = InMemoryPerplexityCache(), Steps(), Steps()
    measured(cache, steps=first)
    measured(cache, steps=later)
    assert first.of(Stage.EVALUATE) == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert later.of(Stage.EVALUATE) == [(1, 2), (2, 2)]


def test_each_of_several_texts_is_measured_once(measured: Callable[..., Report], tmp_path: Path) -> None:
    text = tmp_path / "further.txt"
    text.write_text("Whatever a second text may say. " * 100)
    cache, steps = InMemoryPerplexityCache(), Steps()
    measured(cache)
    asked = {"domains": {"own": str(text)}, "windows": 20}
    alone = measured(NoPerplexityCache(), evaluation=asked)
    measured(cache, evaluation={"windows": 20})
    report = measured(cache, evaluation=asked, steps=steps)
    assert not report.dense_perplexity_reused
    assert (report.perplexity, report.domains) == (alone.perplexity, alone.domains)
    assert steps.of(Stage.EVALUATE) == [(1, 3), (2, 3), (3, 3)]  # of the dense model the second text alone
    assert measured(cache, evaluation=asked).dense_perplexity_reused


@pytest.mark.parametrize(
    "other",
    [
        {"model": 1},
        {"evaluation": {"windows": 69}},
        {"evaluation": {"sequence_length": 33}},
        {"dtype": "float64"},
    ],
)
def test_a_change_of_what_a_perplexity_depends_on_changes_the_fingerprint(
    measured: Callable[..., Report], other: dict[str, Any]
) -> None:
    cache = InMemoryPerplexityCache()
    measured(cache)
    report = measured(cache, **other)
    assert not report.dense_perplexity_reused
    assert report.perplexity.dense == measured(NoPerplexityCache(), **other).perplexity.dense
    assert len(cache.known) == 2


def test_a_resumed_run_reports_whether_the_perplexity_was_reused(models: list[Path], tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"model": str(models[0]), "sparsity": 0.5, "method": "magnitude"})
    evaluation = Evaluation(dataset="builtin", sequence_length=32, windows=2)
    cache, resume_store = InMemoryPerplexityCache(), DirectoryResumeStore(tmp_path / "resume")
    reports = [
        run_recipe(
            recipe, evaluation, output=tmp_path / name, resume_store=resume_store, perplexity_cache=cache
        )
        for name in ("first", "again")
    ]
    # The second has its own measurement in its resume store, and finds it in the cache too.
    assert [report.dense_perplexity_reused for report in reports] == [False, False]
    assert reports[0].perplexity == reports[1].perplexity


def test_an_attempt_goes_on_after_the_dense_model_with_the_same_figures(
    models: list[Path], tmp_path: Path, measured_models: list[PreTrainedModel]
) -> None:
    recipe = Recipe.model_validate({"model": str(models[0]), "sparsity": 0.5, "method": "magnitude"})
    evaluation = Evaluation(dataset="builtin", sequence_length=32, windows=130)

    class KilledWhilePruned(Silent):
        def step_finished(self, stage: Stage, done: int, steps: int) -> None:
            if stage == Stage.EVALUATE and done == 4:
                raise KeyboardInterrupt

    undisturbed = run_recipe(recipe, evaluation, output=tmp_path / "undisturbed")
    store = DirectoryResumeStore(tmp_path / "resume")
    with pytest.raises(KeyboardInterrupt):
        run_recipe(
            recipe, evaluation, output=tmp_path / "out", resume_store=store, progress=KilledWhilePruned()
        )
    for damaged, count in ((False, 1), (True, 2)):
        if damaged:  # the pruned model's measurement and the final states are lost: both models are measured
            (tmp_path / "resume" / Stage.EVALUATE / "1.note.json").unlink()
            (states,) = (tmp_path / "resume" / Stage.EVALUATE).glob("final-states-*")
            states.write_bytes(states.read_bytes()[:-1] + b"?")
        del measured_models[:]
        resumed = run_recipe(recipe, evaluation, output=tmp_path / f"out-{damaged}", resume_store=store)
        assert len(measured_models) == count
        assert resumed.perplexity == undisturbed.perplexity
        assert resumed.perplexity.kl is not None
