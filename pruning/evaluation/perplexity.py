"""Perplexity over non-overlapping windows, as the reference measures it."""

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.data.text import PARAGRAPH_BREAK, Source
from pruning.data.windows import Reader, fingerprint, window_count
from pruning.errors import NumericalFailure
from pruning.estimate.pieces import EVALUATED_TOKENS
from pruning.evaluation.token_losses import Observe, token_losses
from pruning.models.placement import Placement
from pruning.recipe import Evaluation, is_token_file
from pruning.runtime.process_memory import retain_freed_heap

_MEAN = "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); "
_TOKENISED = (
    "the documents are joined by a blank line, tokenised once with the special tokens that the "
    "tokenizer adds by itself, and cut into non-overlapping windows"
)

DEFINITION = f"{_MEAN}{_TOKENISED}; the remainder is dropped."
_BEGUN_DEFINITION = (
    f"{_MEAN}{_TOKENISED}, each behind what the tokenizer puts before a text, "
    "which belongs to its length; the remainder is dropped."
)
STORED_DEFINITION = f"{_MEAN}the windows are token ids, used as they were given."

_POSITIONS_AT_ONCE = 256  # losses that are added up at a time


@dataclass(frozen=True)
class EvaluationSet:
    """Token windows, and the definition of the perplexity over them."""

    dataset: str
    windows: Tensor  # int64 (windows, length)
    fingerprint: str  # SHA-256 over the token ids
    definition: str


def evaluation_sets(evaluation: Evaluation, reader: Reader) -> tuple[EvaluationSet, ...]:
    """Return the windows of each evaluation text, in the order of the request.

    Raises InvalidInput naming the field, the value and the limit; Unreachable if the Hub does not answer.
    """
    return tuple(
        _evaluation_set(Source(dataset, "evaluation", field), evaluation, reader)
        for field, dataset in evaluation.texts
    )


def _evaluation_set(source: Source, evaluation: Evaluation, reader: Reader) -> EvaluationSet:
    if is_token_file(source.dataset):
        windows = reader.read_token_file(source, evaluation.windows, evaluation.sequence_length)
        definition = STORED_DEFINITION
    else:
        reader = reader.with_bos(evaluation.add_bos_token, "evaluation")
        length = reader.length(evaluation.sequence_length, "evaluation")
        ids = reader.encode(PARAGRAPH_BREAK.join(reader.documents(source)), source)
        cut = reader.text_length(length)
        count = window_count(evaluation.windows, len(ids) // cut, length, source)
        windows = reader.prepend_bos(torch.tensor(ids[: count * cut]).view(count, cut))
        definition = _BEGUN_DEFINITION if reader.begin else DEFINITION
    return EvaluationSet(
        source.dataset, reader.check_vocabulary(windows, source), fingerprint(windows), definition
    )


def evaluation_batches(windows: Tensor, device: torch.device) -> tuple[Tensor, ...]:
    """Split windows (windows, length) into the batches that go through the model together, in order.

    `device`: where the model computes.
    """
    return torch.split(windows, max(1, EVALUATED_TOKENS[device.type] // windows.shape[1]))


@torch.no_grad()
@retain_freed_heap()
def window_losses(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    limit: float = math.inf,
    step: Callable[[int, int], None],
    placement: Placement | None = None,
    observe: Observe | None = None,
) -> list[float]:
    """Return the mean loss of each window under `model`; `windows`: token ids, int64 (windows, length).

    All tokens of a window except its first are predicted, see `DEFINITION`.

    A loss is never negative, so the perplexity is certain to exceed `limit` once it would with losses of zero
    for all remaining tokens. The measurement then ends early and returns the losses so far.

    `placement`: where the model computes; by default where it is. A model that is not resident there runs
    block by block, on a group of batches at a time: that changes no bit, and a measurement that ends early
    has then computed the rest of its group needlessly.

    `observe`: see `token_losses`; it changes no bit of the losses.

    `step(done, total)` is called after each of `evaluation_batches`, and within a group between blocks, too,
    with a `done` that never falls; an exception that it raises ends the measurement. Raises NumericalFailure
    with the number of the window if a loss is not finite.
    """
    losses: list[float] = []
    placement = placement or Placement(model)
    batches = evaluation_batches(windows, placement.device)
    reached = 0

    def report(done: int) -> None:
        """Within a group its blocks are ahead of the batches whose losses are known."""
        nonlocal reached
        reached = max(reached, done)
        step(reached, len(batches))

    losses_by_batch = token_losses(placement, batches, report, observe)
    with closing(losses_by_batch) as measured:
        for done, batch in enumerate(measured, start=1):
            losses += mean_losses(list(batch))
            report(done)
            if perplexity_over(windows, losses) > limit:
                break
    return losses


def perplexity_over(windows: Tensor, losses: Sequence[float]) -> float:
    """Return the perplexity over `windows` from the losses of the first of them, the others' being zero."""
    return perplexity_of(losses, windows.shape[1] - 1, remaining=len(windows) - len(losses))


def predictions_in(windows: Tensor) -> int:
    """Return the number of predicted tokens in windows (windows, length)."""
    count, length = windows.shape
    return count * (length - 1)


def mean_losses(windows: Sequence[Tensor]) -> list[float]:
    """Return the mean of each window's losses, (predictions,), summed in float64.

    The sums of all windows come from the device at once: each transfer makes the host wait for it.
    """
    pieces = [torch.split(losses, _POSITIONS_AT_ONCE) for losses in windows]
    sums = torch.stack([piece.sum(dtype=torch.float64) for of_window in pieces for piece in of_window])
    of_pieces = iter(sums.tolist())
    means = []
    for losses, of_window in zip(windows, pieces, strict=True):
        total = 0.0
        for of_piece in islice(of_pieces, len(of_window)):
            total += of_piece
        means.append(total / len(losses))
    return means


def perplexity_of(losses: Sequence[float], predictions: int, *, remaining: int = 0) -> float:
    """Return exp of the mean loss over all predictions, from the mean loss of each window.

    `predictions`: of each window. `remaining`: more windows, whose losses count as zero.

    Raises NumericalFailure if the result is not finite.
    """
    for number, loss in enumerate(losses):
        if not math.isfinite(loss):
            raise NumericalFailure(
                f"the loss of evaluation window {number} is {loss}; use dtype float32, or prune less"
            )
    mean = math.fsum(loss * predictions for loss in losses) / ((len(losses) + remaining) * predictions)
    try:
        return math.exp(mean)
    except OverflowError as error:
        raise NumericalFailure(
            f"a mean loss of {mean:.1f} nats has no finite perplexity; the model is destroyed: prune less"
        ) from error
