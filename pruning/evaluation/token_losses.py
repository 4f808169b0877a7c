"""The cross-entropy of every predicted token, without the logits of a whole batch.

A model whose blocks are not all resident runs block by block: a group of batches goes through each block
while it is resident, so that a block is brought once per group and not once per batch. A model that several
devices share runs some batches ahead: as many as there are devices are under way. The numbers are those of
the model's own forward pass.
"""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pruning.calibration.activation_store import device_share
from pruning.errors import InvalidInput, NumericalFailure
from pruning.estimate.pieces import WIDE_LOGITS
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.models.replay import Call, LogitsByPosition, Replay

log = logging.getLogger(__name__)

# Tokens of a group. On CUDA, a block computes on them for as long as the next one takes to be copied; on a
# CPU, casting a block takes a hundredth of the time. More would delay the end of a measurement that is cut
# short.
_GROUP_TOKENS = {"cpu": 1 << 14, "cuda": 1 << 16}


@dataclass(frozen=True)
class Scored:
    """Positions of some windows whose logits have been formed. They come in order, windows first."""

    windows: range  # numbers, over all batches
    positions: range
    hidden: Tensor  # the last block's output, (windows, positions, features)
    logits: Tensor  # (windows, positions, vocabulary)
    head: Callable[[Tensor], Tensor]  # makes logits of hidden states


Observe = Callable[[Scored], None]


def token_losses(
    placement: Placement,
    batches: Sequence[Tensor],
    report_done: Callable[[int], None],
    observe: Observe | None = None,
) -> Generator[Tensor, None, None]:
    """Yield, for each batch of token ids (windows, length), the losses of its tokens but the first.

    They are (windows, length - 1), in nats, in float32 (float64 for a float64 model). `report_done` is called
    between the blocks of a model that is not resident, and between the heads that follow, with the number of
    batches that its work so far amounts to; an exception that it raises ends the pass.

    `observe` is called with the logits of all positions, some at a time; not at all for a model whose logits
    at one position depend on more than the last block's output there.

    A model that cannot be run block by block, or whose head sees more than the last block's output, is called
    as it is.
    """
    model = placement.model
    with ExitStack() as placed:
        try:
            stack = find_stack(model)
            placed.enter_context(placement.resident_except(stack.modules))
            replay = Replay(stack, batches[0], placement)
            logits = LogitsByPosition(replay)
        except (InvalidInput, NumericalFailure):
            logits = None
        if logits is not None and logits.are_exact:
            observed = observe if logits.is_positionwise else None
            yield from _Blockwise(replay, logits, placement, report_done, observed).losses(batches)
            return
    log.warning(
        "%s is evaluated by its own forward pass: one that does not fit is copied for every batch",
        type(model).__name__,
    )
    yield from _model_forward_losses(placement, batches)


class _Blockwise:
    """Runs batches through the blocks, and their outputs through the head in pieces."""

    def __init__(
        self,
        replay: Replay,
        logits: LogitsByPosition,
        placement: Placement,
        report_done: Callable[[int], None],
        observe: Observe | None,
    ) -> None:
        """Everything around the blocks must be resident, here and in `losses`."""
        self._replay, self._logits, self._placement = replay, logits, placement
        self._observe = observe
        self._modules = replay.stack.modules
        self._resident = placement.is_resident(*self._modules)
        self._report_done = report_done
        self._calls: dict[int, Sequence[Call]] = {}  # by number of windows, which alone they depend on

    def losses(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield the losses of each batch; see `token_losses`."""
        yield from self._resident_losses(batches) if self._resident else self._streamed_losses(batches)

    def _resident_losses(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Run one batch after the other through the whole model.

        The consumer of the losses waits for them. Until then the next batches are queued, one for each
        further device, so that all devices have work.
        """
        ahead, under_way = len(self._placement.devices) - 1, deque[tuple[Tensor, list[Tensor], int]]()
        first_window = 0
        for tokens in batches:
            hidden = [self._embedded(tokens)]
            for index in range(len(self._modules)):
                self._advance(index, [tokens], hidden, is_last_group=True)
            under_way.append((tokens, hidden, first_window))
            first_window += len(tokens)
            if len(under_way) > ahead:
                yield self._losses_after_blocks(*under_way.popleft())
        while under_way:
            yield self._losses_after_blocks(*under_way.popleft())

    def _streamed_losses(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Run a group of batches through each block while it is resident."""
        size, first_window = self._batches_at_once(batches[0]), 0
        for start in range(0, len(batches), size):
            group = batches[start : start + size]
            hidden = [self._embedded(tokens) for tokens in group]
            for index in range(len(self._modules)):
                self._advance(index, group, hidden, is_last_group=start + size >= len(batches))
                self._report_done(start + int(len(group) * self._shares_of_blocks[index]))
            through_blocks = self._shares_of_blocks[-1]
            for number, tokens in enumerate(group):
                if number:
                    through_head = (1 - through_blocks) * number / len(group)
                    self._report_done(start + int(len(group) * (through_blocks + through_head)))
                yield self._losses_after_blocks(tokens, hidden[number : number + 1], first_window)
                first_window += len(tokens)

    @cached_property
    def _shares_of_blocks(self) -> list[float]:
        """The share that each block and those before it have of a batch's work, by their parameters."""
        sizes = [sum(weight.numel() for weight in block.parameters()) for block in self._modules]
        head = self._placement.model.get_output_embeddings()
        of_head = sizes[-1] if head is None else sum(weight.numel() for weight in head.parameters())
        return [passed / max(1, sum(sizes) + of_head) for passed in accumulate(sizes)]

    def _batches_at_once(self, batch: Tensor) -> int:
        """Return the batches of a group."""
        device = self._placement.device
        features: int = self._placement.model.config.get_text_config().hidden_size
        room = device_share(device) // (features * self._placement.dtype.itemsize)
        return max(1, min(_GROUP_TOKENS[device.type], room) // batch.numel())

    def _embedded(self, tokens: Tensor) -> Tensor:
        hidden, self._calls[len(tokens)] = self._replay.embed(tokens)
        return hidden

    def _advance(
        self, index: int, group: Sequence[Tensor], hidden: list[Tensor], *, is_last_group: bool
    ) -> None:
        """Replace the hidden states with the output of block `index`."""
        module = self._modules[index]
        with self._placement.resident(module, then=self._needed_next(index, is_last_group=is_last_group)):
            for number, tokens in enumerate(group):
                hidden[number] = self._calls[len(tokens)][index](module, hidden[number])

    def _needed_next(self, index: int, *, is_last_group: bool) -> nn.Module | None:
        is_last_block = index + 1 == len(self._modules)
        return None if is_last_block and is_last_group else self._modules[(index + 1) % len(self._modules)]

    def _losses_after_blocks(self, tokens: Tensor, of_batch: Sequence[Tensor], first_window: int) -> Tensor:
        (hidden,) = of_batch
        tokens = tokens.to(hidden.device)
        dtype = torch.promote_types(hidden.dtype, torch.float32)
        losses, targets = torch.empty(tokens.shape, dtype=dtype, device=tokens.device), _next(tokens)
        with self._placement.outer_modules_on(hidden.device, self._modules):
            for chunk in self._logits.chunks(tokens.shape, tokens.device.type):
                losses[chunk] = self._losses_of(chunk, hidden[chunk], targets[chunk], first_window)
        return losses[:, :-1]

    def _losses_of(
        self, chunk: tuple[slice, slice], hidden: Tensor, targets: Tensor, first_window: int
    ) -> Tensor:
        """Return the losses of a chunk. Its logits are freed before those of the next one are formed."""
        logits = self._logits(hidden)
        losses = losses_from(logits, targets)
        if self._observe is not None:
            window, position = first_window + chunk[0].start, chunk[1].start
            windows = range(window, window + hidden.shape[0])
            positions = range(position, position + hidden.shape[1])
            self._observe(Scored(windows, positions, hidden, logits, self._logits))
        return losses


def _model_forward_losses(placement: Placement, batches: Sequence[Tensor]) -> Iterator[Tensor]:
    with placement.one_at_a_time(find_stack(placement.model).modules):
        for batch in batches:
            tokens = batch.to(placement.device)
            logits = placement.model(input_ids=tokens, use_cache=False).logits
            yield losses_from(logits, _next(tokens))[:, :-1]
            del logits  # free them before the next batch


def _next(tokens: Tensor) -> Tensor:
    """Return each position's next token, (windows, length); that of the last one is of no use."""
    return tokens.roll(-1, 1)


def losses_from(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of each position, (windows, positions), in nats.

    `logits`: (windows, positions, vocabulary); `targets`: the next tokens' ids. Computed in float32 (float64
    for float64 logits), a few positions at a time: a float32 copy of all would be larger than they are.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    rows = max(1, WIDE_LOGITS[logits.device.type] // logits.shape[-1])
    pieces = zip(torch.split(logits.flatten(0, 1), rows), torch.split(targets.flatten(), rows), strict=True)
    losses = [F.cross_entropy(scores.to(dtype), ids, reduction="none") for scores, ids in pieces]
    return torch.cat(losses).view(targets.shape)
