"""The search, compared with every sparsity on a fine grid."""

import math
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jobs.sweeps.bisection import Search
from jobs.sweeps.target import Target

LOWEST, HIGHEST = 0.05, 0.95


def search(target: Target, best: float) -> tuple[Search, list[float]]:
    """Of a model whose bound is met up to the sparsity `best`; what was measured, in order."""
    found, measured = Search(), list[float]()
    most = found.most_jobs_left(target)
    while (sparsity := found.next_sparsity(target)) is not None:
        assert sparsity not in measured
        measured.append(sparsity)
        found = found.after(sparsity, uuid4(), met=sparsity <= best)
    assert len(measured) <= most
    assert found.most_jobs_left(target) == 0
    return found, measured


@given(best=st.floats(0, 1), tolerance=st.floats(0.001, 0.5))
def test_the_answer_is_within_the_tolerance_of_the_best_on_a_fine_grid(best: float, tolerance: float) -> None:
    target = Target(max_perplexity_increase=0.05, lowest=LOWEST, highest=HIGHEST, tolerance=tolerance)
    found, measured = search(target, best)
    grid = [LOWEST + step / 10_000 for step in range(round((HIGHEST - LOWEST) * 10_000) + 1)]
    meeting = [sparsity for sparsity in grid if sparsity <= best]
    if not meeting:
        assert (found.met, found.best_job) == (None, None)
    else:
        assert found.met is not None
        assert found.best_job is not None
        assert found.met <= best
        assert meeting[-1] - found.met <= tolerance + 1e-4
    # Bisection: each measurement halves what is left, and then there are the two ends.
    assert len(measured) <= math.ceil(math.log2(0.9 / tolerance)) + 2
    assert all(LOWEST <= sparsity <= HIGHEST for sparsity in measured)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "one of"),
        ({"max_perplexity": 20.0, "max_perplexity_increase": 0.1}, "one of"),
        ({"max_bytes": 1, "format": "gguf", "max_perplexity": 9.0}, "needs one of"),
        ({"max_bytes": 1}, "needs a format"),
        ({"max_perplexity": 20.0, "lowest": 0.5, "highest": 0.4}, "less than"),
        ({"max_perplexity": math.nan}, "finite"),
        ({"max_perplexity_increase": 0.1, "tolerance": 0.0}, "0.001"),
    ],
)
def test_what_cannot_be_searched_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Target(**fields)


def test_a_model_that_always_meets_the_bound_is_measured_at_the_highest_end() -> None:
    found, measured = search(Target(max_perplexity=20.0, lowest=0.1, highest=0.9, tolerance=0.1), best=1.0)
    assert (found.met, found.missed) == (0.9, None)
    assert measured[-1] == 0.9


@pytest.mark.parametrize("lowest", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("tolerance", [0.01, 0.07, 0.2, 0.5])
def test_the_most_jobs_of_a_search_are_those_of_its_worst_outcome(lowest: float, tolerance: float) -> None:
    target = Target(max_perplexity=20.0, lowest=lowest, highest=0.9, tolerance=tolerance)
    needed = [len(search(target, best / 1000)[1]) for best in range(1001)]
    assert Search().most_jobs_left(target) == max(needed)


def test_a_search_for_a_file_submits_no_more_jobs_than_its_first() -> None:
    assert Search().most_jobs_left(Target(max_bytes=1_000_000, format="gguf")) == 0


def test_the_gate_of_a_search_is_its_bound() -> None:
    assert Target(max_perplexity=20.0).gate.max_perplexity == 20.0
    assert Target(max_perplexity_increase=0.1).gate.max_perplexity_increase == 0.1


def test_a_range_as_wide_as_the_tolerance_is_not_halved() -> None:
    target = Target(max_perplexity=20.0, lowest=0.25, highest=0.75, tolerance=0.5)
    assert Search().next_sparsity(target) == 0.25
