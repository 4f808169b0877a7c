"""Conversations become windows in which answers, and nothing else, are predicted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from pruning.data.conversations import labelled_ids, turns
from pruning.data.labelled import labelled_text
from pruning.data.training import TrainingText
from pruning.data.training_windows import IGNORE_INDEX, TrainingWindows
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.inputs.jsonl import NotText, check_line, conversation_of_line
from pruning.recipe import Recipe
from tests.pruning.conftest import VOCABULARY, train_tokenizer

LENGTH = 64
TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TURNS = [("system", "s"), ("user", "u1"), ("assistant", "a1"), ("user", "u2"), ("assistant", "a2")]
TALK = [{"role": role, "content": content} for role, content in TURNS]


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerBase:
    tokenizer = train_tokenizer()
    tokenizer.chat_template = TEMPLATE
    return tokenizer


@pytest.fixture
def reader(tokenizer: PreTrainedTokenizerBase) -> Reader:
    return Reader(tokenizer=tokenizer, vocabulary=VOCABULARY)


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def questions(count: int) -> list[dict[str, str]]:
    return [{"prompt": f"ask {number}", "answer": f"say {number}"} for number in range(count)]


def read(path: Path, reader: Reader, **options: Any) -> TrainingText:
    distil = {"dataset": str(path), "labelled": True, "cross_entropy": 1.0, **options}
    recipe = Recipe.model_validate(
        {
            "model": "org/name",
            "method": "wanda",
            "sparsity": 0.5,
            "calibration": {"sequence_length": LENGTH},
            "recovery": {"distil": distil},
        }
    )
    assert recipe.distil is not None
    return labelled_text(recipe, recipe.distil, reader)


def answered(windows: TrainingWindows, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """The texts of the runs of predicted tokens, window by window."""
    runs: list[list[int]] = []
    for targets in windows.targets.tolist():
        before = IGNORE_INDEX
        for target in targets:
            if target != IGNORE_INDEX:
                if before == IGNORE_INDEX:
                    runs.append([])
                runs[-1].append(target)
            before = target
    return [tokenizer.decode(run) for run in runs]


def test_answers_alone_are_predicted_after_what_a_model_is_asked_with(
    tmp_path: Path, reader: Reader, tokenizer: PreTrainedTokenizerBase
) -> None:
    text = read(write(tmp_path / "a.jsonl", *questions(80)), reader)
    said = answered(text.windows, tokenizer)
    numbers = [int(one.removeprefix("say ").removesuffix("\n")) for one in said]
    assert said == [f"say {number}\n" for number in numbers]
    for tokens, targets in zip(text.windows.tokens.tolist(), text.windows.targets.tolist(), strict=True):
        for token, target in zip(tokens[1:], targets, strict=False):
            assert target in (token, IGNORE_INDEX)  # each target is the next token
        written = tokenizer.decode(tokens)
        assert written.count("<user>ask") == written.count("<assistant>say")
    held_out = [int(one.removeprefix("say ")) for one in answered(text.held_out, tokenizer)]
    assert sorted(numbers + held_out) == list(range(80))  # each once, on one side
    assert len(held_out) == text.articles
    assert len(text.held_out) == 16


def test_a_conversation_that_is_held_out_is_not_trained_on_where_it_comes_again(
    tmp_path: Path, reader: Reader, tokenizer: PreTrainedTokenizerBase
) -> None:
    text = read(write(tmp_path / "a.jsonl", *questions(80), *questions(80)), reader)
    trained, held_out = (set(answered(part, tokenizer)) for part in (text.windows, text.held_out))
    assert trained
    assert held_out
    assert not trained & held_out


def test_tokens_are_the_most_that_are_trained_on(tmp_path: Path, reader: Reader) -> None:
    path = write(tmp_path / "a.jsonl", *questions(80))
    few = read(path, reader, tokens=2 * LENGTH + 1)
    everything = read(path, reader)
    assert len(few.windows) == 2
    assert len(everything.windows) > 2
    assert few.windows.tokens.equal(everything.windows.tokens[:2])
    assert few.held_out_fingerprint == everything.held_out_fingerprint
    with pytest.raises(InvalidInput, match="less than one window of 64"):
        read(path, reader, tokens=LENGTH - 1)


def test_later_epochs_have_all_windows_again_in_other_orders(tmp_path: Path, reader: Reader) -> None:
    path = write(tmp_path / "asked.jsonl", *questions(120))
    once, thrice = (read(path, reader, tokens=12 * LENGTH, epochs=epochs) for epochs in (1, 3))
    count = len(once.windows)
    assert count > 3
    assert len(thrice.windows) == 3 * count
    assert torch.equal(thrice.held_out.tokens, once.held_out.tokens)
    both = torch.stack([thrice.windows.tokens, thrice.windows.targets], dim=1).flatten(1).tolist()
    epochs = [both[start : start + count] for start in range(0, 3 * count, count)]
    assert epochs[0] == torch.stack([once.windows.tokens, once.windows.targets], dim=1).flatten(1).tolist()
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(epochs[2])
    assert epochs[0] != epochs[1] != epochs[2]
    again = read(path, reader, tokens=12 * LENGTH, epochs=3)
    assert again.fingerprint == thrice.fingerprint != once.fingerprint


def test_what_is_too_long_is_cut_off_and_left_out_without_an_answer(tmp_path: Path, reader: Reader) -> None:
    long = [{"prompt": "ask", "answer": f"{number} " * 100} for number in range(20)]
    late = [{"prompt": f"{number} " * 100, "answer": "never"} for number in range(20)]
    text = read(write(tmp_path / "a.jsonl", *long, *late), reader)
    for windows in (text.windows, text.held_out):
        assert windows.tokens.shape[1] == LENGTH
        assert (windows.targets[:, -2] != IGNORE_INDEX).all()
    assert len(text.windows) + len(text.held_out) == 20


def test_every_answer_of_a_conversation_is_predicted(tokenizer: PreTrainedTokenizerBase) -> None:
    first, second = "<system>s\n<user>u1\n<assistant>", "<user>u2\n<assistant>"
    assert list(turns(TALK, tokenizer)) == [
        (first, f"{first}a1\n"),
        (f"{first}a1\n{second}", f"{first}a1\n{second}a2\n"),
    ]
    ids, answers = labelled_ids(tokenizer, json.dumps(TALK))
    assert ids == tokenizer.apply_chat_template(TALK, return_dict=False)
    assert tokenizer.decode([one for one, answer in zip(ids, answers, strict=True) if answer]) == "a1\na2\n"


def test_a_template_with_todays_date_gives_the_same_text_on_any_day(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    tokenizer.chat_template = "\n{{ strftime_now('%d %b %Y, %Y-%m-%d') }}" + TEMPLATE
    assert next(turns(TALK, tokenizer))[0].startswith("\n26 Jul 2024, 2024-07-26<system>")


@pytest.mark.parametrize(
    "record",
    [
        "text",
        {"text": "a"},
        {"prompt": "a"},
        {"prompt": "a", "answer": 3},
        {"prompt": "a", "answer": "\ud800"},
        {"messages": []},
        {"messages": "a"},
        {"messages": [{"role": "user", "content": "a"}]},
        {"messages": [{"role": "assistant", "content": None}]},
        {"messages": ["a", {"role": "assistant", "content": "b"}]},
    ],
)
def test_a_line_that_is_no_conversation_is_named(tmp_path: Path, reader: Reader, record: object) -> None:
    path = write(tmp_path / "a.jsonl", {"prompt": "a", "answer": "b"}, record)
    with pytest.raises(InvalidInput, match=r"a\.jsonl, line 2: neither") as caught:
        read(path, reader)
    assert caught.value.field == "recovery.distil.dataset"


@pytest.mark.parametrize("check", [check_line, conversation_of_line])
def test_a_line_is_checked_before_a_job_reads_it(check: Callable[[bytes], object]) -> None:
    check(b'{"prompt": "a", "answer": "b"}')
    check(json.dumps({"messages": TALK}).encode())
    check(b"\n")
    for line in (b"[", b"3", b'{"prompt": "a"}'):
        with pytest.raises(NotText):
            check(line)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (None, "no chat template"),
        ("{{ messages[5].content }}", "refuses"),
        ("{{ messages | length }}{{ messages[-1].content }}", "rewrites"),
        ("{{ raise_exception('no') }}", "refuses"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(
    tokenizer: PreTrainedTokenizerBase, template: str | None, reason: str
) -> None:
    tokenizer.chat_template = template
    with pytest.raises(InvalidInput, match=reason) as caught:
        labelled_ids(tokenizer, json.dumps(TALK))
    assert caught.value.field == "model.id"


def test_too_few_conversations_are_refused(tmp_path: Path, reader: Reader) -> None:
    with pytest.raises(InvalidInput, match="nothing to train on: 16 windows of 64"):
        read(write(tmp_path / "a.jsonl", *questions(10)), reader)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"dataset": None}, "needs a dataset"),
        ({"dataset": "builtin"}, "needs a dataset"),
        ({"dataset": "/data/a.txt"}, "needs a dataset"),
        ({"cross_entropy": 0.5}, "give cross_entropy 1"),
    ],
)
def test_options_that_labels_do_not_fit_are_refused(
    reader: Reader, options: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        read(Path("/data/a.jsonl"), reader, **options)
