"""Confidence intervals on losses that two models have on a real text, against samples of other windows."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from jobs.spec.gate import Gate, Verdict
from jobs.spec.verdict import judge
from pruning.data.datasets import builtin
from pruning.data.text import Source
from pruning.evaluation.final_states import Comparison, Recorder, window_facts
from pruning.evaluation.perplexity import window_losses
from pruning.report import Intervals
from pruning.report.intervals import (
    FEWEST,
    MOST_KEPT,
    _student_t,
    bootstrap,
    score_intervals,
    text_intervals,
)
from tests.pruning.families import make
from tests.pruning.pruned import ignore_steps, pruned
from tests.tiers import nightly

pytestmark = pytest.mark.slow

LENGTH, SAMPLE, SEEDS = 64, 48, 400


@dataclass(frozen=True)
class Population:
    """What was measured on many windows; a sample of them is what a job would see."""

    values: NDArray[np.float64]  # (windows, 4): losses of both models, KL, agreement

    @property
    def truth(self) -> dict[str, float]:
        """The figures over all windows."""
        return self.figures(self.values)

    def samples(self, count: int) -> Iterator[NDArray[np.float64]]:
        """Yield other windows each time."""
        generator = np.random.default_rng(1)
        while True:
            yield self.values[generator.choice(len(self.values), size=count)]

    def intervals(self, count: int) -> Iterator[Intervals]:
        """Yield the intervals of samples."""
        for sample in self.samples(count):
            found = text_intervals(*sample.T)
            assert found is not None
            yield found

    @staticmethod
    def figures(values: NDArray[np.float64]) -> dict[str, float]:
        """Return the figures over some windows."""
        dense, result, kl, agreement = values.mean(axis=0)
        increase = np.exp(result) / np.exp(dense) - 1
        return {"perplexity": np.exp(result), "increase": increase, "kl": kl, "agreement": agreement}


@pytest.fixture(scope="module", params=["llama", nightly("gpt2")])
def population(
    request: pytest.FixtureRequest,
    tokenizer: PreTrainedTokenizerBase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Population:
    """Losses of a small trained model, and of the same with a fifth of its weights, on other text."""
    learnt, measured = (
        torch.tensor(tokenizer(builtin(Source("builtin", purpose, "field"))[0][:120_000])["input_ids"])
        for purpose in ("calibration", "evaluation")
    )
    dense = trained(make(request.param, initializer_range=0.05), windows_of(learnt))
    result = copy.deepcopy(dense)
    pruned(result, windows_of(learnt)[:8], method="magnitude", sparsity=0.8)
    windows, states = windows_of(measured), tmp_path_factory.mktemp("states") / "states"
    recorder = Recorder(states, windows)
    before = window_losses(dense, windows, step=ignore_steps, observe=recorder)
    recorder.close()
    comparison = Comparison(states, result, {}, length=LENGTH)
    after = window_losses(result, windows, step=ignore_steps, observe=comparison)
    fidelity = comparison.result()
    assert fidelity is not None
    return Population(np.array([before, after, fidelity.window_kl, fidelity.window_agreement]).T)


def windows_of(ids: torch.Tensor) -> torch.Tensor:
    return ids[: len(ids) // LENGTH * LENGTH].view(-1, LENGTH)


def trained(model: PreTrainedModel, windows: torch.Tensor) -> PreTrainedModel:
    """Train for some steps, so that tokens have losses as unlike as those of a language model."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(40):
            batch = windows[torch.randint(len(windows), (16,))]
            model(input_ids=batch, labels=batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return model.requires_grad_(False)


def share(found: Iterator[bool], count: int = SEEDS) -> float:
    return sum(islice(found, count)) / count


def test_an_interval_holds_the_figure_of_all_windows(population: Population) -> None:
    assert len(population.values) > 10 * SAMPLE
    held = dict.fromkeys(population.truth, 0)
    for found in islice(population.intervals(SAMPLE), SEEDS):
        for name, truth in population.truth.items():
            interval = getattr(found, name)
            held[name] += interval.low <= truth <= interval.high
    assert {name: count / SEEDS for name, count in held.items() if count < 0.92 * SEEDS} == {}


def test_an_interval_is_as_wide_as_the_spread_over_other_windows(population: Population) -> None:
    others = [population.figures(sample) for sample in islice(population.samples(SAMPLE), 200)]
    widths = {name: [] for name in population.truth}  # type: dict[str, list[float]]
    for found in islice(population.intervals(SAMPLE), 50):
        for name, of_name in widths.items():
            of_name.append(getattr(found, name).high - getattr(found, name).low)
    for name, of_name in widths.items():
        low, high = np.quantile([figures[name] for figures in others], (0.025, 0.975))
        assert np.median(of_name) == pytest.approx(high - low, rel=0.3)


def test_pairing_the_models_makes_the_interval_of_the_increase_narrower(population: Population) -> None:
    sample = next(population.samples(SAMPLE))
    found = text_intervals(*sample.T)
    assert found is not None
    apart = text_intervals(sample[::-1, 0], *sample.T[1:])  # the same losses, of other windows
    assert apart is not None
    assert found.increase.high - found.increase.low < 0.8 * (apart.increase.high - apart.increase.low)


def verdicts(population: Population, limit: float, count: int) -> Iterator[Verdict]:
    """Judge samples of so many windows by a limit on the increase."""
    for sample in population.samples(count):
        figures, found = population.figures(sample), text_intervals(*sample.T)
        assert found is not None
        perplexity = {
            "dense": figures["perplexity"] / (1 + figures["increase"]),
            "pruned": figures["perplexity"],
            "intervals": found.model_dump(),
            "windows": count,
        }
        yield judge(Gate(max_perplexity_increase=limit), {"perplexity": perplexity})


def test_a_gate_at_its_bound_is_inconclusive_for_about_95_seeds_of_100(population: Population) -> None:
    found = verdicts(population, population.truth["increase"], SAMPLE)
    assert 0.92 <= share(one.state == "inconclusive" for one in found) <= 0.99


def test_with_as_many_windows_as_it_asks_for_a_gate_decides(population: Population) -> None:
    one = next(population.intervals(SAMPLE)).increase
    # Half as far from the truth as the ends of the interval: four times as many decide half of the time.
    limit = population.truth["increase"] + (one.high - one.low) / 4
    few = list(islice(verdicts(population, limit, SAMPLE), 60))
    assert share((one.state == "inconclusive" for one in few), 60) > 0.7
    asked = [one.conditions[0].required_sample for one in few]
    required = np.median([count for count in asked if count is not None])
    assert 4 * SAMPLE / 3 < required < 3 * 4 * SAMPLE
    many = verdicts(population, limit, 4 * 4 * SAMPLE)
    assert share((one.state == "passed" for one in many), 40) >= 0.9


def test_equal_models_have_intervals_without_width() -> None:
    losses = np.linspace(2.0, 3.0, FEWEST)
    found = text_intervals(losses, losses, np.zeros(FEWEST), np.ones(FEWEST))
    assert found is not None
    assert (found.increase.low, found.increase.high) == (0.0, 0.0)
    perplexity = {"dense": 12.0, "pruned": 12.0, "kl": 0.0, "intervals": found.model_dump()}
    assert judge(Gate(max_kl=0.0, max_perplexity_increase=0.0), {"perplexity": perplexity}).state == "passed"


def test_few_windows_have_no_interval_and_equal_ones_the_same(population: Population) -> None:
    assert bootstrap(population.values[: FEWEST - 1]) is None
    first, again = (bootstrap(population.values[:FEWEST]) for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.tolist() == again.tolist()
    assert score_intervals([], []) == (None, None)


def test_scores_of_few_examples_and_equal_ones_have_no_interval() -> None:
    """Answers that are all right say nothing about how rare wrong ones are."""
    scores = [1.0, 1.0, 0.0] * 10
    score, change = score_intervals(scores, scores)
    assert score is not None
    assert (0.4 < score.low < 2 / 3 < score.high < 0.9, change) == (True, None)
    assert score_intervals(scores, [1.0] * 30)[0] is None
    assert score_intervals(scores[:27], scores[:27]) == (None, None)


def test_an_interval_of_many_windows_is_that_of_drawn_ones() -> None:
    generator = np.random.default_rng(1)
    values = generator.gamma(2.0, size=(2500, 1))
    means = np.array([generator.choice(values[:, 0], len(values)).mean() for _ in range(4000)])
    ends = bootstrap(values)
    assert ends is not None
    assert ends[:, 0] == pytest.approx(np.quantile(means, (0.025, 0.975)), abs=0.08 * means.std())


def test_a_perplexity_that_has_no_finite_interval_has_none() -> None:
    """The mean loss of 587.5 nats has a finite exponential, and that of some draws has none."""
    assert text_intervals([2.0] * 8, [100.0] * 7 + [4000.0]) is None


def test_a_report_has_the_losses_of_no_more_windows_than_a_verdict_needs() -> None:
    for count, kept in ((MOST_KEPT, MOST_KEPT), (MOST_KEPT + 1, 0)):
        facts = window_facts([0.5] * count, [0.12345678] * count, None)
        assert facts["window_losses"] == (0.123457,) * kept


@pytest.mark.parametrize(("freedom", "point"), [(7, 2.36462), (23, 2.06866), (120, 1.97993)])
def test_the_points_of_students_t_are_those_of_its_tables(freedom: int, point: float) -> None:
    assert _student_t(freedom) == pytest.approx(point, rel=1e-3)
