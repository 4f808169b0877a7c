"""Perplexity over non-overlapping windows, as the reference measures it, or over overlapping ones."""

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.data.source import PARAGRAPH_BREAK, Source
from pruning.data.windows import Reader, enough, fingerprint
from pruning.errors import NumericalFailure
from pruning.evaluation.token_losses import Observe, token_losses
from pruning.model.placement import Placement
from pruning.recipe import Evaluation, is_stored
from pruning.runtime.malloc import retain_freed_heap

_MEAN = "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); "
_TOKENISED = (
    "the documents are joined by a blank line, tokenised once with the special tokens that the "
    "tokenizer adds by itself, and cut into "
)

DEFINITION = f"{_MEAN}{_TOKENISED}non-overlapping windows; the remainder is dropped."
_BEGUN_DEFINITION = (
    f"{_MEAN}{_TOKENISED}non-overlapping windows, each behind what the tokenizer puts before a text, "
    "which belongs to its length; the remainder is dropped."
)
STORED_DEFINITION = f"{_MEAN}the windows are token ids, used as they were given."

# Per forward pass; more only if one window is longer. A GPU's matrix products reach full speed later.
_TOKENS_AT_ONCE = {"cpu": 2048, "cuda": 8192}
_POSITIONS_AT_ONCE = 256  # losses that are added up at a time


@dataclass(frozen=True)
class EvaluationSet:
    """Token windows, and the definition of the perplexity over them."""

    dataset: str
    windows: Tensor  # int64 (windows, length)
    fingerprint: str  # SHA-256 over the token ids
    definition: str
    stride: int | None = None  # tokens from one window's start to the next; None: they do not overlap


def evaluation_sets(evaluation: Evaluation, reader: Reader) -> tuple[EvaluationSet, ...]:
    """Return the windows of each evaluation text, in the order of the request.

    Raises InvalidInput naming the field, the value and the limit; Unreachable if the Hub does not answer.
    """
    return tuple(
        _evaluation_set(Source(dataset, "evaluation", field), evaluation, reader)
        for field, dataset in evaluation.texts
    )


def _evaluation_set(source: Source, evaluation: Evaluation, reader: Reader) -> EvaluationSet:
    if is_stored(source.dataset):
        windows = reader.stored(source, evaluation.windows, evaluation.sequence_length)
        definition, stride = STORED_DEFINITION, None
    else:
        length = reader.length(evaluation.sequence_length, "evaluation")
        reader = reader.beginning(evaluation.add_bos_token, "evaluation")
        stride = evaluation.stride if evaluation.stride != length else None
        ids = reader.encode(PARAGRAPH_BREAK.join(reader.documents(source)), source)
        cut = reader.of_text(length)
        step = stride or cut
        count = enough(evaluation.windows, max(0, len(ids) - cut + step) // step, length, source)
        windows = torch.tensor(ids).unfold(0, cut, step)[:count]  # a view: a small stride takes no memory
        windows = reader.begun(windows)
        without_overlap = _BEGUN_DEFINITION if reader.begin else DEFINITION
        definition = without_overlap if stride is None else _definition_with_overlap(length, stride)
    return EvaluationSet(
        source.dataset, reader.checked(windows, source), fingerprint(windows), definition, stride
    )


def _definition_with_overlap(length: int, stride: int) -> str:
    later = "the last" if stride == 1 else f"the last {stride}"
    return (
        f"Exp of the mean next-token cross-entropy over all predicted tokens; {_TOKENISED}windows of "
        f"{length} tokens that start every {stride}. The first window predicts all its tokens but the first; "
        f"each later one {later}, which no window before it predicted, with the rest as context. What "
        "follows the last whole window is dropped."
    )


def evaluation_batches(windows: Tensor, device: torch.device) -> tuple[Tensor, ...]:
    """Split windows (windows, length) into the batches that go through the model together, in order.

    `device`: where the model computes.
    """
    return torch.split(windows, max(1, _TOKENS_AT_ONCE[device.type] // windows.shape[1]))


@torch.no_grad()
@retain_freed_heap()
def perplexity(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    stride: int | None = None,
    limit: float = math.inf,
    step: Callable[[int, int], None],
    placement: Placement | None = None,
    observe: Observe | None = None,
) -> float:
    """Return the perplexity of `model` over token ids, int64 (windows, length); each token counts once.

    Without a stride, all tokens of a window except its first are predicted, see `DEFINITION`. With a stride,
    each window after the first predicts its last `stride` tokens, which no earlier window has predicted.

    A loss is never negative, so the perplexity is certain to exceed `limit` once it would with losses of zero
    for all remaining tokens. The measurement then ends early and returns that lower bound.

    `placement`: where the model computes; by default where it lies. A model that is not resident there runs
    block by block, on a group of batches at a time: that changes no bit, and a measurement that ends early
    has then computed the rest of its group in vain.

    `observe`: see `token_losses`; it changes no bit of the perplexity.

    `step(done, total)` is called after each of `evaluation_batches`, and within a group between blocks, too,
    with a `done` that never falls;
    an exception that it raises ends the measurement. Raises NumericalFailure with the number of the window if
    a loss is not finite.
    """
    losses: list[float] = []
    predictions: list[int] = []
    placement = placement or Placement(model)
    batches = evaluation_batches(windows, placement.device)
    remaining = predictions_in(windows, stride)
    reached = 0

    def report(done: int) -> None:
        """Within a group its blocks are ahead of the batches whose losses are known."""
        nonlocal reached
        reached = max(reached, done)
        step(reached, len(batches))

    losses_by_batch = token_losses(placement, batches, report, observe)
    with closing(losses_by_batch) as measured:
        for done, batch in enumerate(measured, start=1):
            first = len(losses)
            new = [len(predicting(first + row, windows.shape[1], stride)) for row in range(len(batch))]
            losses += mean_losses([window[-count:] for window, count in zip(batch, new, strict=True)])
            predictions += new
            remaining -= sum(new)
            report(done)
            if remaining and (bound := perplexity_of([*losses, 0.0], [*predictions, remaining])) > limit:
                return bound
    return perplexity_of(losses, predictions)


def predicting(window: int, length: int, stride: int | None) -> range:
    """Return the positions of window number `window` whose next token is predicted and counted."""
    return range(0 if stride is None or window == 0 else length - 1 - stride, length - 1)


def predictions_in(windows: Tensor, stride: int | None) -> int:
    """Return the number of predicted tokens in windows (windows, length)."""
    count, length = windows.shape
    return len(predicting(0, length, stride)) + (count - 1) * len(predicting(1, length, stride))


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


def perplexity_of(losses: list[float], predictions: list[int]) -> float:
    """Return exp of the mean loss over all predictions, from the mean loss and count of each window.

    Raises NumericalFailure if the result is not finite.
    """
    for number, loss in enumerate(losses):
        if not math.isfinite(loss):
            raise NumericalFailure(
                f"the loss of evaluation window {number} is {loss}; use dtype float32, or prune less"
            )
    total = math.fsum(loss * count for loss, count in zip(losses, predictions, strict=True))
    mean = total / sum(predictions)
    try:
        return math.exp(mean)
    except OverflowError as error:
        raise NumericalFailure(
            f"a mean loss of {mean:.1f} nats has no finite perplexity; the model is destroyed: prune less"
        ) from error
