"""Windows that begin with the token that a tokenizer puts before a text."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from pruning.data.calibration import calibration_set
from pruning.data.text import Source
from pruning.data.training import training_text
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.evaluation.perplexity import evaluation_sets
from pruning.recipe import Calibration, DistilOptions, Evaluation, Recipe
from tests.pruning.tiny import VOCABULARY

_BOS, _SECOND = 1, 0  # any tokens: what counts is that the tokenizer puts them there


def _with_template(tokenizer: PreTrainedTokenizerBase, template: str) -> Reader:
    """A reader whose tokenizer adds the tokens by itself."""
    own = copy.deepcopy(tokenizer)
    names = {"BOS": _BOS, "SECOND": _SECOND}
    own.backend_tokenizer.post_processor = TemplateProcessing(
        single=template,
        special_tokens=[
            {"id": name, "ids": [token], "tokens": [own.convert_ids_to_tokens(token)]}
            for name, token in names.items()
        ],
    )
    return Reader(own, vocabulary=VOCABULARY)


@pytest.fixture
def plain(tokenizer: PreTrainedTokenizerBase) -> Reader:
    return Reader(tokenizer, vocabulary=VOCABULARY)


@pytest.fixture
def begun(tokenizer: PreTrainedTokenizerBase) -> Reader:
    return _with_template(tokenizer, "BOS $A")


@pytest.fixture(params=["articles", "text"])
def texts(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    articles = [" ".join(f"word{n}n{place}" for place in range(40 + n % 5)) for n in range(60)]
    path = tmp_path / ("texts.jsonl" if request.param == "articles" else "texts.txt")
    as_lines = "".join(json.dumps({"text": article}) + "\n" for article in articles)
    path.write_text(as_lines if request.param == "articles" else "\n\n".join(articles))
    return path


def _recipe(text: Path, length: int, *, add_bos_token: bool) -> Recipe:
    calibration = {"dataset": str(text), "samples": 3, "sequence_length": length}
    calibration |= {"add_bos_token": True} if add_bos_token else {}
    recovery = {"distil": {"tokens": 20 * length}}
    fields = {"model": "org/name", "method": "wanda", "sparsity": 0.5, "recovery": recovery}
    return Recipe.model_validate({**fields, "calibration": calibration})


def _is_begun(windows: Tensor, text: Tensor) -> bool:
    return windows[:, 0].unique().tolist() == [_BOS] and windows[:, 1:].equal(text)


def test_a_window_is_the_token_and_what_a_shorter_window_of_the_text_has(
    texts: Path, plain: Reader, begun: Reader
) -> None:
    wanted, shorter = _recipe(texts, 17, add_bos_token=True), _recipe(texts, 16, add_bos_token=False)
    windows = calibration_set(wanted.calibration, begun).windows
    text = calibration_set(shorter.calibration, plain).windows
    assert windows.shape == (3, 17)
    assert _is_begun(windows, text)

    assert wanted.distil is not None
    assert shorter.distil is not None
    training = training_text(wanted, wanted.distil, begun, windows)
    of_text = training_text(shorter, shorter.distil, plain, text)
    assert _is_begun(training.held_out, of_text.held_out)
    assert _is_begun(training.windows, of_text.windows)


def test_an_evaluation_says_what_its_windows_begin_with(texts: Path, plain: Reader, begun: Reader) -> None:
    fields = {"dataset": str(texts), "windows": 5}
    (found,) = evaluation_sets(Evaluation(**fields, sequence_length=17, add_bos_token=True), begun)
    (text,) = evaluation_sets(Evaluation(**fields, sequence_length=16), plain)
    assert _is_begun(found.windows, text.windows)
    assert "each behind what the tokenizer puts before a text" in found.definition


def test_a_tokenizer_may_put_several_tokens_before_a_text(
    texts: Path, tokenizer: PreTrainedTokenizerBase, plain: Reader
) -> None:
    fields = {"dataset": str(texts), "windows": 5}
    begun = _with_template(tokenizer, "BOS SECOND $A BOS")
    (found,) = evaluation_sets(Evaluation(**fields, sequence_length=18, add_bos_token=True), begun)
    (text,) = evaluation_sets(Evaluation(**fields, sequence_length=16), plain)
    assert found.windows[:, :2].tolist() == [[_BOS, _SECOND]] * 5
    assert found.windows[:, 2:].equal(text.windows)


def test_a_window_has_room_for_the_text(texts: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    fields = {"dataset": str(texts), "sequence_length": 2, "add_bos_token": True}
    reader = _with_template(tokenizer, "BOS SECOND $A")
    with pytest.raises(InvalidInput, match=r"leaves no token .* ask for at least 3") as caught:
        evaluation_sets(Evaluation.model_validate(fields), reader)
    assert caught.value.field == "evaluation.sequence_length"


def test_without_the_option_the_token_stands_where_the_tokenizer_puts_it(
    tmp_path: Path, begun: Reader
) -> None:
    (tmp_path / "text.txt").write_text("word " * 100)
    fields = {"dataset": str(tmp_path / "text.txt"), "sequence_length": 8, "windows": 4}
    (found,) = evaluation_sets(Evaluation.model_validate(fields), begun)
    assert [window[0] == _BOS for window in found.windows] == [True, False, False, False]


@pytest.mark.parametrize("template", ["$A", "$A BOS"])
@pytest.mark.parametrize("purpose", ["calibration", "evaluation"])
def test_a_tokenizer_that_puts_no_token_before_a_text_is_refused(
    texts: Path, tokenizer: PreTrainedTokenizerBase, template: str, purpose: str
) -> None:
    reader = _with_template(tokenizer, template)
    fields = {"dataset": str(texts), "sequence_length": 16, "add_bos_token": True}
    calls: dict[str, Callable[[], object]] = {
        "calibration": lambda: calibration_set(Calibration.model_validate(fields | {"samples": 2}), reader),
        "evaluation": lambda: evaluation_sets(Evaluation.model_validate(fields), reader),
    }
    with pytest.raises(InvalidInput, match="puts no token before a text") as caught:
        calls[purpose]()
    assert caught.value.field == f"{purpose}.add_bos_token"


@pytest.mark.parametrize(
    ("request_type", "fields", "why"),
    [
        (Calibration, {"dataset": "/data/ids.npy"}, "with ids.npy, .* leave out one of the two"),
        (Calibration, {"datasets": [{"dataset": "c4"}, {"dataset": "/data/ids.npy"}]}, "with ids.npy, whose"),
        (
            Evaluation,
            {"dataset": "/data/ids.npy"},
            "ids.npy, whose windows of token ids are used unchanged",
        ),
        (Evaluation, {"domains": {"a": "builtin", "b": "/data/ids.npy"}}, "with ids.npy, .* one of the two"),
    ],
)
def test_windows_that_are_not_cut_for_it_are_refused(
    request_type: type[Calibration | Evaluation], fields: dict[str, object], why: str
) -> None:
    with pytest.raises(ValidationError, match=why) as caught:
        request_type.model_validate_json(json.dumps(fields | {"add_bos_token": True}))
    assert [error["loc"] for error in caught.value.errors()] == [("add_bos_token",)]


def test_messages_name_the_windows_that_were_asked_for(tmp_path: Path, plain: Reader, begun: Reader) -> None:
    """Each has one token more than is cut from the text."""
    text, articles = tmp_path / "text.txt", tmp_path / "articles.jsonl"
    text.write_text("word " * 20)
    articles.write_text('{"text": "word"}\n' * 4)
    count = len(plain.encode("word " * 20, Source(str(text), "calibration", "calibration.dataset")))

    def refused(read: Callable[[], object]) -> str:
        with pytest.raises(InvalidInput) as caught:
            read()
        return str(caught.value)

    def calibrated(length: int, path: Path = text) -> str:
        recipe = _recipe(path, length, add_bos_token=True)
        return refused(lambda: calibration_set(recipe.calibration, begun))

    def evaluated(length: int) -> str:
        fields = {"dataset": str(text), "sequence_length": length, "add_bos_token": True}
        return refused(lambda: evaluation_sets(Evaluation.model_validate(fields | {"windows": 90}), begun))

    def held_out(path: Path) -> str:
        recipe = _recipe(path, 17, add_bos_token=True)
        return refused(lambda: training_text(recipe, DistilOptions(tokens=32), begun, None))

    assert f"a window of {count + 1} needs at least {count + 1}:" in calibrated(count + 1)
    assert " windows of 17 tokens;" in calibrated(17, articles)
    assert f"only {count // 16} windows of 17 tokens;" in evaluated(17)
    assert f"shorter than one window of {count + 2} tokens" in evaluated(count + 2)
    assert " windows of 17 tokens;" in held_out(text)
    assert " windows of 17 tokens;" in held_out(articles)
