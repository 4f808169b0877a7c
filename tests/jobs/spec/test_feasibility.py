"""A training on the built-in text is refused where the text is too short, with a number that works."""

import re
from typing import Any

import pytest

from jobs.spec.feasibility import BUILTIN_TOKENS, training_text_faults
from pruning.data.datasets import builtin
from pruning.data.text import Source
from pruning.recipe import Recipe
from pruning.recipe.recovery import HELD_OUT_WINDOWS

_CHARACTERS_OF_A_TOKEN = 5  # tokenizers with 50,000 to 256,000 entries put about four of English into one


def recipe(**fields: Any) -> Recipe:
    return Recipe.model_validate({"model": "org/name", "method": "recovered", "sparsity": 0.5, **fields})


@pytest.mark.parametrize("length", [None, 128, 512, 2352])
def test_the_number_that_a_refusal_names_is_accepted_and_in_the_text(length: int | None) -> None:
    calibration = {"dataset": "builtin", "sequence_length": length}
    (fault,) = training_text_faults(recipe(calibration=calibration))
    assert (fault.field, fault.value) == ("recovery.distil.tokens", 131_072)
    (named,) = re.findall(r"at most (\d+):", fault.message)
    distil = {"distil": {"tokens": int(named)}}
    assert not list(training_text_faults(recipe(calibration=calibration, recovery=distil)))
    assert list(
        training_text_faults(recipe(calibration=calibration, recovery={"distil": {"tokens": int(named) + 1}}))
    )
    (text,) = builtin(Source("builtin", "calibration", "calibration.dataset"))
    tokens = len(text) // _CHARACTERS_OF_A_TOKEN
    assert int(named) + HELD_OUT_WINDOWS * (length or 2048) <= BUILTIN_TOKENS <= tokens


def test_windows_of_which_too_few_can_be_held_out_are_refused_with_a_length() -> None:
    (fault,) = training_text_faults(recipe(calibration={"dataset": "builtin", "sequence_length": 4096}))
    assert (fault.field, fault.value) == ("calibration.sequence_length", 4096)
    (named,) = re.findall(r"at most (\d+) to", fault.message)
    shorter = {"dataset": "builtin", "sequence_length": int(named)}
    few = {"distil": {"tokens": int(named)}}
    assert not list(training_text_faults(recipe(calibration=shorter, recovery=few)))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"method": "best", "calibration": {"dataset": "builtin"}},
        {"calibration": {"datasets": [{"dataset": "builtin"}, {"dataset": "c4"}]}},
        {
            "method": "wanda",
            "calibration": {"dataset": "builtin"},
            "recovery": {"distil": {"dataset": "wikitext2"}},
        },
    ],
)
def test_other_texts_are_left_to_the_worker(fields: dict[str, Any]) -> None:
    assert not list(training_text_faults(recipe(**fields)))


def test_another_text_may_be_calibrated_on() -> None:
    trained = {"method": "wanda", "recovery": {"distil": {"dataset": "builtin"}}}
    assert list(training_text_faults(recipe(**trained)))
