"""What an estimate takes for the length of a text."""

import pytest

from pruning.data.text import Source, read_documents
from pruning.estimate.estimate import Estimate
from pruning.estimate.work import EVALUATION_TOKENS, Windows
from pruning.recipe import Evaluation
from tests.pruning.estimate.test_several_devices import RECIPE, llama, machine

SHAPE = llama(64, 128, 2)


def test_the_builtin_texts_are_estimated_at_their_own_length() -> None:
    # Of SmolLM2's tokenizer; another spends about as many.
    characters = {"builtin": 4, "builtin-code": 4.36, "builtin-math": 1.93, "builtin-german": 2.59}
    assert EVALUATION_TOKENS.keys() == characters.keys()
    for name, of_a_token in characters.items():
        (text,) = read_documents(Source(name, "evaluation", "evaluation.dataset"))
        assert EVALUATION_TOKENS[name] == pytest.approx(len(text) / of_a_token, rel=0.1)
    measured, usual = (
        Estimate.of(RECIPE, Evaluation(dataset=dataset, sequence_length=2048), SHAPE, machine(1))
        for dataset in ("builtin", "wikitext2")
    )
    assert [any("WikiText-2" in note for note in one.notes) for one in (measured, usual)] == [False, True]


@pytest.mark.parametrize(
    ("evaluation", "windows"),
    [
        ({"dataset": "builtin"}, 28_000 // 512),
        ({"dataset": "builtin", "windows": 8}, 8),
        ({"dataset": "builtin", "windows": 1000}, 28_000 // 512),  # it has no more
        ({"dataset": "wikitext2", "windows": 1000, "domains": {"prose": "builtin"}}, 1000 + 28_000 // 512),
    ],
)
def test_the_windows_of_each_text_are_added_up(evaluation: dict[str, object], windows: int) -> None:
    wanted = Evaluation.model_validate(evaluation | {"sequence_length": 512})
    assert Windows.of_evaluation(wanted, SHAPE) == Windows(windows, 512)
