"""Perplexity, as the reference measures it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from pruning.errors import NumericalFailure
from pruning.recipe import Evaluation
from pruning.text import PARAGRAPH_BREAK, read_documents
from pruning.windows import Reader, enough, fingerprint, is_stored

_MEAN = "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); "

DEFINITION = (
    f"{_MEAN}the documents are joined by a blank line, tokenised once with the special tokens that the "
    "tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped."
)
STORED_DEFINITION = f"{_MEAN}the windows are token ids, used as they were given."

_TOKENS_AT_ONCE = (
    2048  # the logits of so many tokens exist at one time (more only where one window is longer)
)
_POSITIONS_AT_ONCE = 256  # and so many of them as float32


@dataclass(frozen=True)
class EvaluationSet:
    """Token windows, and the definition of the perplexity over them."""

    windows: Tensor  # int64 (windows, length)
    fingerprint: str  # SHA-256 over the token ids
    definition: str


def evaluation_set(evaluation: Evaluation, reader: Reader) -> EvaluationSet:
    """The first windows of the evaluation text, or all of them.

    Raises InvalidInput naming the field, the value and the limit; Unreachable where a Hub dataset is.
    """
    if is_stored(evaluation.dataset):
        windows = reader.stored(
            evaluation.dataset, evaluation.windows, evaluation.sequence_length, "evaluation"
        )
    else:
        length = reader.length(evaluation.sequence_length, "evaluation")
        text = PARAGRAPH_BREAK.join(read_documents(evaluation.dataset, "evaluation", roots=reader.roots))
        ids = reader.encode(text, "evaluation")
        count = enough(evaluation.windows, len(ids) // length, length, "evaluation")
        windows = torch.tensor(ids[: count * length]).view(count, length)
    definition = STORED_DEFINITION if is_stored(evaluation.dataset) else DEFINITION
    return EvaluationSet(reader.checked(windows, "evaluation"), fingerprint(windows), definition)


def evaluation_batches(windows: Tensor) -> tuple[Tensor, ...]:
    """The windows that go through the model together, in order."""
    return torch.split(windows, max(1, _TOKENS_AT_ONCE // windows.shape[1]))


@torch.inference_mode()
def perplexity(model: PreTrainedModel, windows: Tensor, *, step: Callable[[int, int], None]) -> float:
    """The perplexity of `model` over token ids (windows, length), see `DEFINITION`.

    `step(done, total)` is called after each of `evaluation_batches`; what it raises ends the measurement.
    Raises NumericalFailure with the window's number where a loss is not finite.
    """
    losses: list[float] = []
    batches = evaluation_batches(windows)
    for done, batch in enumerate(batches, start=1):
        tokens = batch.to(model.device)
        logits = model(input_ids=tokens, use_cache=False).logits
        losses += [window_loss(*window) for window in zip(logits, tokens, strict=True)]
        del logits  # before the next ones are made
        step(done, len(batches))
    return perplexity_of(losses)


def window_loss(logits: Tensor, tokens: Tensor) -> float:
    """Mean next-token cross-entropy of one window in nats; float32 arithmetic, or float64 for such logits.

    `logits` (length, vocabulary), `tokens` (length,). Summed in float64, a few positions at a time, because a
    float32 copy of all logits would be the largest tensor of the whole run.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    total = 0.0
    for scores, targets in zip(
        torch.split(logits[:-1], _POSITIONS_AT_ONCE), torch.split(tokens[1:], _POSITIONS_AT_ONCE), strict=True
    ):
        losses = F.cross_entropy(scores.to(dtype), targets, reduction="none")
        total += losses.sum(dtype=torch.float64).item()
    return total / (len(tokens) - 1)


def perplexity_of(losses: list[float]) -> float:
    """exp of the mean of the windows' losses. Raises NumericalFailure where that is no finite number."""
    for number, loss in enumerate(losses):
        if not math.isfinite(loss):
            raise NumericalFailure(
                f"the loss of evaluation window {number} is {loss}; use dtype float32, or prune less"
            )
    mean = math.fsum(losses) / len(losses)
    try:
        return math.exp(mean)
    except OverflowError as error:
        raise NumericalFailure(
            f"a mean loss of {mean:.1f} nats has no finite perplexity; the model is destroyed: prune less"
        ) from error
