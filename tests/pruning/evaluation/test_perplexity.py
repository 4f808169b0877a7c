import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from bench.workload.models import perplexity
from pruning.data.windows import Reader
from pruning.errors import InvalidInput, NumericalFailure
from pruning.evaluation.perplexity import (
    DEFINITION,
    STORED_DEFINITION,
    evaluation_batches,
    evaluation_sets,
    mean_losses,
    perplexity_of,
    predictions_in,
)
from pruning.recipe import Evaluation
from tests.pruning.pruned import ignore_steps
from tests.pruning.tiny import tiny_llama
from tests.pruning.waits import WaitsForTheDevice


@pytest.fixture
def reader(tokenizer: PreTrainedTokenizerBase) -> Reader:
    return Reader(tokenizer, vocabulary=384, context_length=128)


def naive_perplexity(model: LlamaForCausalLM, windows: torch.Tensor) -> float:
    """Compute the perplexity token by token, in Python floats."""
    means = []
    for window in windows:
        with torch.no_grad():
            scores = model(window[None]).logits[0].double()
        losses = []
        for position in range(len(window) - 1):
            row = scores[position].tolist()
            top = max(row)
            total = sum(math.exp(score - top) for score in row)
            losses.append(math.log(total) + top - row[int(window[position + 1])])
        means.append(sum(losses) / len(losses))
    return math.exp(sum(means) / len(means))


def test_a_measurement_ends_early_when_it_is_certain_to_exceed_the_limit(windows: torch.Tensor) -> None:
    model, many = tiny_llama(), windows.repeat(300, 1)
    whole = perplexity(model, many, step=ignore_steps)
    steps: list[int] = []

    def count(done: int, total: int) -> None:
        steps.append(total)

    bound = perplexity(model, many, limit=whole / 2, step=count)
    assert whole / 2 < bound < whole
    assert len(steps) < steps[0]
    # The bound is what a text would have whose remaining tokens were all predicted with certainty.
    measured = min(len(many), len(steps) * (2048 // many.shape[1]))
    so_far = perplexity(model, many[:measured], step=ignore_steps)
    share = predictions_in(many[:measured]) / predictions_in(many)
    assert bound == pytest.approx(so_far**share, rel=1e-6)
    assert perplexity(model, many, limit=whole * 1.001, step=ignore_steps) == whole


def test_perplexity_equals_a_calculation_token_by_token(windows: torch.Tensor) -> None:
    model = tiny_llama()
    assert perplexity(model, windows, step=ignore_steps) == pytest.approx(
        naive_perplexity(model, windows), rel=1e-5
    )
    exact = model.double()
    assert perplexity(exact, windows, step=ignore_steps) == pytest.approx(
        naive_perplexity(exact, windows), rel=1e-12
    )


def test_losses_are_not_summed_in_their_own_precision() -> None:
    random = torch.Generator().manual_seed(0)
    windows = [torch.rand(count, generator=random) for count in (700, 256, 1, 257)]
    expected = [math.fsum(losses.tolist()) / len(losses) for losses in windows]
    with WaitsForTheDevice() as waits:
        found = mean_losses(windows)
    assert found == pytest.approx(expected, rel=1e-14)
    assert waits.calls == {"tolist": 1}


def test_each_micro_batch_is_a_step_and_an_exception_ends_the_measurement() -> None:
    steps: list[tuple[int, int]] = []
    many = torch.zeros(70, 64, dtype=torch.int64)  # 32 of them are 2048 tokens
    perplexity(tiny_llama(), many, step=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perplexity(tiny_llama(), many, step=stop)


def test_a_gpu_takes_more_tokens_at_once_and_a_long_window_by_itself() -> None:
    cuda = torch.device("cuda")
    many = torch.arange(300 * 64).view(300, 64)
    batches = evaluation_batches(many, cuda)
    assert [len(batch) for batch in batches] == [128, 128, 44]
    assert torch.equal(torch.cat(batches), many)
    assert [len(batch) for batch in evaluation_batches(many.view(2, 9600), cuda)] == [1, 1]


def test_a_loss_that_is_not_finite_fails_with_the_number_of_its_window(windows: torch.Tensor) -> None:
    model = tiny_llama()
    with torch.no_grad():
        model.lm_head.weight.fill_(math.nan)
    with pytest.raises(NumericalFailure, match="evaluation window 0 is nan"):
        perplexity(model, windows, step=ignore_steps)


def test_an_infinite_perplexity_fails() -> None:
    assert perplexity_of([700.0], 1) == math.exp(700)
    with pytest.raises(NumericalFailure, match=r"800\.0 nats"):
        perplexity_of([800.0], 1)


def test_the_text_is_joined_tokenised_once_and_cut_without_overlap(
    tmp_path: Path, reader: Reader, tokenizer: PreTrainedTokenizerBase
) -> None:
    documents = [f"The for statement {number} of a suite." for number in range(40)]
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(json.dumps({"text": document}) for document in documents))
    ids = tokenizer("\n\n".join(documents))["input_ids"]
    assert len(ids) % 50, "there is a remainder to drop"
    (found,) = evaluation_sets(Evaluation(dataset=str(file), sequence_length=50), reader)
    assert found.windows.flatten().tolist() == ids[: len(ids) // 50 * 50]
    assert found.windows.shape[1] == 50
    assert found.definition == DEFINITION
    (first,) = evaluation_sets(Evaluation(dataset=str(file), sequence_length=50, windows=3), reader)
    assert torch.equal(first.windows, found.windows[:3])
    assert first.fingerprint != found.fingerprint


def test_stored_token_ids_are_used_unchanged(tmp_path: Path, reader: Reader) -> None:
    np.save(tmp_path / "a.npy", np.arange(48).reshape(3, 16))
    (found,) = evaluation_sets(Evaluation(dataset=str(tmp_path / "a.npy")), reader)
    assert found.windows.tolist() == np.arange(48).reshape(3, 16).tolist()
    assert found.definition == STORED_DEFINITION


@pytest.mark.parametrize(
    ("options", "field", "reason"),
    [
        ({"sequence_length": 100}, "dataset", "shorter than one window of 100 tokens"),
        ({"sequence_length": 129}, "sequence_length", "129 exceeds the model's context of 128"),
        ({"sequence_length": 10, "windows": 99}, "windows", "windows 99: a.txt holds only"),
    ],
)
def test_an_evaluation_that_needs_more_text_is_refused(
    tmp_path: Path, reader: Reader, options: dict[str, int], field: str, reason: str
) -> None:
    (tmp_path / "a.txt").write_text("The suite of the for statement. " * 4)
    with pytest.raises(InvalidInput, match=reason) as caught:
        evaluation_sets(Evaluation.model_validate({"dataset": str(tmp_path / "a.txt"), **options}), reader)
    assert caught.value.field == f"evaluation.{field}"


def test_stored_token_ids_of_a_domain_may_have_fewer_windows(tmp_path: Path, reader: Reader) -> None:
    many, few = str(tmp_path / "many.npy"), str(tmp_path / "few.npy")
    np.save(many, np.arange(48).reshape(3, 16))
    np.save(few, np.arange(32).reshape(2, 16))
    first, second = evaluation_sets(Evaluation(dataset=many, domains={"own": few}, windows=3), reader)
    assert (len(first.windows), len(second.windows)) == (3, 2)
    with pytest.raises(InvalidInput, match=r"windows 3: few\.npy holds only 2 windows") as caught:
        evaluation_sets(Evaluation(dataset=few, domains={"own": many}, windows=3), reader)
    assert caught.value.field == "evaluation.windows"


def test_every_text_is_a_set_of_its_own_and_is_refused_with_its_index(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "a.txt").write_text("The suite of the for statement. " * 30)
    texts = {"dataset": "builtin", "domains": {"own": str(tmp_path / "a.txt")}, "sequence_length": 32}
    first, second = evaluation_sets(Evaluation.model_validate(texts), reader)
    assert (first.dataset, second.dataset) == ("builtin", str(tmp_path / "a.txt"))
    assert first.fingerprint != second.fingerprint
    (tmp_path / "a.txt").write_text("Short.")
    with pytest.raises(InvalidInput, match="shorter than one window") as caught:
        evaluation_sets(Evaluation.model_validate(texts), reader)
    assert caught.value.field == "evaluation.domains.own"
