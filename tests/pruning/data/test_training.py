"""What a recovery trains on, and what it is judged by: no article serves both."""

import json
import random
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from pruning.data.calibration import calibration_set
from pruning.data.text import Source
from pruning.data.training import TrainingText, _WindowCutter, training_text
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.recipe import Calibration, Recipe
from tests.pruning.tiny import VOCABULARY

LENGTH = 16


@pytest.fixture
def reader(tokenizer: PreTrainedTokenizerBase) -> Reader:
    return Reader(tokenizer=tokenizer, vocabulary=VOCABULARY)


def article(number: int) -> str:
    """A text of its own: every word of it has the article's number."""
    return " ".join(f"word{number}n{place}" for place in range(12 + number % 5))


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    path = tmp_path / "articles.jsonl"
    path.write_text("".join(json.dumps({"text": article(number)}) + "\n" for number in range(60)))
    return path


def recipe(text: Path, tokens: int, seed: int = 0, **distil: object) -> Recipe:
    return Recipe.model_validate(
        {
            "model": "org/name",
            "method": "wanda",
            "sparsity": 0.5,
            "calibration": {"dataset": str(text), "samples": 3, "sequence_length": LENGTH, "seed": seed},
            "recovery": {"distil": {"tokens": tokens, **distil}},
        }
    )


def read(wanted: Recipe, reader: Reader, calibration: Tensor | None = None) -> TrainingText:
    assert wanted.distil is not None
    return training_text(wanted, wanted.distil, reader, calibration)


def numbers(windows: Tensor, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """The articles that windows are from; a word may be cut at a window's edge."""
    text = " ".join(tokenizer.decode(window) for window in windows)
    words = (word.removeprefix("word").partition("n") for word in text.split() if word.startswith("word"))
    return {int(number) for number, n, _ in words if n}


def test_no_article_is_trained_on_and_held_out(articles: Path, reader: Reader) -> None:
    wanted = recipe(articles, 100 * LENGTH)
    calibration = calibration_set(wanted.calibration, reader).windows
    text = read(wanted, reader, calibration)
    assert text.windows.shape == (100, LENGTH)
    assert text.held_out.shape == (16, LENGTH)
    assert text.articles >= 8
    tokenizer = reader.tokenizer
    trained, held_out = numbers(text.windows, tokenizer), numbers(text.held_out, tokenizer)
    assert len(trained) > 8
    assert not trained & held_out
    assert not numbers(calibration, tokenizer) & held_out


@pytest.mark.parametrize("words", [2, 3, 4])
def test_no_short_article_of_a_calibration_window_is_held_out(
    tmp_path: Path, reader: Reader, words: int
) -> None:
    documents = [" ".join(f"word{number}n{place}" for place in range(words)) for number in range(200)]
    path = tmp_path / "short.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
    wanted = recipe(path, 32).model_copy(
        update={"calibration": Calibration(dataset=str(path), samples=24, sequence_length=32)}
    )
    calibration = calibration_set(wanted.calibration, reader).windows
    measured = reader.tokenizer.decode(calibration.flatten())
    held_out = numbers(read(wanted, reader, calibration).held_out, reader.tokenizer)
    assert sum(text in measured for text in documents) > 10
    assert not [number for number in held_out if number < 200 and f"{documents[number]}\n" in measured]


def test_every_token_is_trained_on_once(articles: Path, reader: Reader) -> None:
    windows = read(recipe(articles, 200 * LENGTH), reader).windows
    words = reader.tokenizer.decode(windows.flatten()).split()[1:-1]
    assert len(words) == len(set(words))


def test_equal_recipes_give_equal_windows_and_another_seed_others(articles: Path, reader: Reader) -> None:
    one, same = (read(recipe(articles, 40 * LENGTH), reader) for _ in range(2))
    other = read(recipe(articles, 40 * LENGTH, seed=1), reader)
    assert (one.fingerprint, one.held_out_fingerprint) == (same.fingerprint, same.held_out_fingerprint)
    assert one.fingerprint != other.fingerprint
    assert one.held_out_fingerprint != other.held_out_fingerprint


class CountedIds(Tensor):
    """Token ids that count how often their length is read."""

    reads: ClassVar[int] = 0

    def __len__(self) -> int:
        CountedIds.reads += 1
        return super().__len__()


class CountingCutter(_WindowCutter):
    def _encoded(self, text: str) -> Tensor:
        return super()._encoded(text).as_subclass(CountedIds)


def test_the_work_of_a_draw_is_linear_in_the_articles(reader: Reader) -> None:
    length, tokens, rng = 100, 20_000, random.Random(0)  # noqa: S311 - a reproducible draw
    cutter = CountingCutter(reader, Source("articles", "calibration", "dataset"), length, tokens)
    CountedIds.reads = 0
    held, trained = cutter._drawn([article(number) for number in range(400)], rng, None)
    assert CountedIds.reads <= 4 * (len(held) + len(trained))
    for drawn, wanted in ((held, 16 * length), (trained, tokens)):  # as many as are needed, and no more
        *before, _ = sizes = [ids.numel() for ids in drawn]
        assert sum(before) < wanted <= sum(sizes)


def test_of_a_text_without_articles_the_end_is_held_out(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" ".join(map(article, range(30))))
    text = read(recipe(path, 20 * LENGTH), reader)
    ids = torch.tensor(reader.tokenizer(path.read_text())["input_ids"])
    assert torch.equal(text.held_out.flatten(), ids[-16 * LENGTH :])
    assert text.articles == 0
    before = ids[: -16 * LENGTH].unfold(0, LENGTH, LENGTH).tolist()
    windows = text.windows.tolist()
    assert len(windows) == 20
    assert all(window in before for window in windows)
    assert windows != before[:20]


@pytest.mark.parametrize("with_articles", [False, True])
def test_each_dataset_has_articles_or_is_one_text_whose_end_is_held_out(
    articles: Path, tmp_path: Path, reader: Reader, with_articles: bool
) -> None:
    ends, datasets = set[str](), [{"dataset": str(articles)}] if with_articles else []
    for first in (100, 200):
        path = tmp_path / f"{first}.txt"
        path.write_text(" ".join(article(number) for number in range(first, first + 30)))
        ids = torch.tensor(reader.tokenizer(path.read_text())["input_ids"])
        ends |= set(map(str, ids[-16 * LENGTH :].view(16, LENGTH).tolist()))
        datasets.append({"dataset": str(path)})
    fields = {"datasets": datasets, "samples": 6, "sequence_length": LENGTH}
    calibration = Calibration.model_validate(fields)
    wanted = recipe(articles, 60 * LENGTH).model_copy(update={"calibration": calibration})
    text = read(wanted, reader, calibration_set(calibration, reader).windows)
    assert (text.windows.shape, text.held_out.shape) == ((60, LENGTH), (16, LENGTH))
    trained, held_out = (set(map(str, part.tolist())) for part in (text.windows, text.held_out))
    assert not trained & (ends | held_out)
    assert (text.articles > 0) == bool(held_out - ends) == with_articles
    for part in (text.windows, text.held_out):
        assert {number // 100 for number in numbers(part, reader.tokenizer)} >= {1, 2}


def test_a_text_of_its_own_is_trained_on_in_place_of_the_calibrations(
    articles: Path, tmp_path: Path, reader: Reader
) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text("".join(json.dumps({"text": article(number)}) + "\n" for number in range(100, 140)))
    text = read(recipe(articles, 20 * LENGTH, dataset=str(own)), reader)
    assert text.datasets == (str(own),)
    assert min(numbers(text.windows, reader.tokenizer)) >= 100


@pytest.mark.parametrize(
    ("tokens", "count", "field"),
    [(8, 60, "tokens"), (100_000, 60, "tokens"), (LENGTH, 2, "dataset")],
)
def test_too_little_text_is_refused(
    tmp_path: Path, reader: Reader, tokens: int, count: int, field: str
) -> None:
    path = tmp_path / "few.jsonl"
    path.write_text("".join(json.dumps({"text": article(number)}) + "\n" for number in range(count)))
    with pytest.raises(InvalidInput) as caught:
        read(recipe(path, tokens), reader)
    assert caught.value.field == f"recovery.distil.{field}"


def test_token_ids_have_no_articles(tmp_path: Path, reader: Reader) -> None:
    with pytest.raises(InvalidInput, match="name a text") as caught:
        read(recipe(tmp_path / "tokens.npy", 32), reader)
    assert caught.value.field == "recovery.distil.dataset"
