"""What a recovery trains on, and what it is judged by: no article serves both."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from pruning.data import training
from pruning.data.calibration import calibration_set
from pruning.data.training import TrainingText, held_out_text, training_text
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.recipe import Calibration, Recipe
from tests.pruning.conftest import VOCABULARY

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


def test_what_is_held_out_of_a_text_is_what_judges_a_training_on_it(articles: Path, reader: Reader) -> None:
    wanted = recipe(articles, 100 * LENGTH)
    calibration = calibration_set(wanted.calibration, reader).windows
    found, text = held_out_text(wanted, reader, calibration), read(wanted, reader, calibration)
    assert torch.equal(found.windows, text.held_out)
    assert (found.articles, found.fingerprint) == (text.articles, text.held_out_fingerprint)


@pytest.mark.parametrize("samples", [1, 7])
def test_of_a_text_without_articles_parts_are_held_out_that_are_not_measured(
    tmp_path: Path, reader: Reader, samples: int
) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" ".join(map(article, range(30))))
    wanted = recipe(path, 20 * LENGTH).model_copy(
        update={"calibration": Calibration(dataset=str(path), samples=samples, sequence_length=LENGTH)}
    )
    calibration = calibration_set(wanted.calibration, reader).windows
    found = held_out_text(wanted, reader, calibration)
    assert (found.windows.shape, found.articles) == ((16, LENGTH), 0)
    ids = reader.tokenizer(path.read_text())["input_ids"]

    def places(window: Tensor) -> set[int]:
        wanted = window.tolist()
        (start,) = [at for at in range(len(ids)) if ids[at : at + LENGTH] == wanted]
        return set(range(start, start + LENGTH))

    held_out = [places(window) for window in found.windows]
    assert len(set().union(*held_out)) == 16 * LENGTH  # none overlaps another
    assert not set().union(*held_out) & set().union(*map(places, calibration))


def test_a_text_that_is_all_measured_leaves_nothing_to_hold_out(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" ".join(map(article, range(4))))
    calibration = Calibration(dataset=str(path), samples=40, sequence_length=LENGTH)
    wanted = recipe(path, 20 * LENGTH).model_copy(update={"calibration": calibration})
    with pytest.raises(InvalidInput, match="16 are held out: give more text, fewer samples") as caught:
        held_out_text(wanted, reader, calibration_set(calibration, reader).windows)
    assert caught.value.field == "allocation"


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
    with pytest.raises(InvalidInput, match="calibrate on a text") as caught:
        held_out_text(recipe(tmp_path / "tokens.npy", 32), reader, torch.zeros(3, LENGTH, dtype=torch.int64))
    assert caught.value.field == "allocation"


def naive_gaps(ids: list[int], windows: list[list[int]], length: int, most: int) -> list[int]:
    """Return where windows between those of the calibration begin, from the end of the text on."""
    covered = [False] * len(ids)
    for window in windows:
        for start in range(len(ids) - len(window) + 1):
            if ids[start : start + len(window)] == window:
                covered[start : start + len(window)] = [True] * len(window)
    starts, end = list[int](), len(ids)
    while end >= length and len(starts) < most:
        if any(covered[end - length : end]):
            end -= 1
        else:
            end -= length
            starts.append(end)
    return starts


@pytest.mark.parametrize("seed", range(20))
def test_gaps_of_a_text_are_found_as_place_by_place(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_CHUNK_TOKENS", 37)
    rng = np.random.default_rng(seed)
    length, ids = 8, rng.integers(2, size=rng.integers(9, 400)).tolist()
    places = rng.integers(len(ids) - length, size=3).tolist()
    windows = [ids[place : place + length] for place in places]
    covered = training._covered(torch.tensor(ids), torch.tensor(windows))
    free = training._free_before(covered) >= length
    expected = naive_gaps(ids, windows, length, most=10**6)
    found, end = list[int](), len(ids)
    while free[: end + 1].any():
        end = int(free[: end + 1].nonzero()[-1]) - length
        found.append(end)
    assert found == expected
