"""The logits of a few positions at a time: those of a whole micro-batch are the largest tensor of a pass.

Everything after the blocks (final norm, head, scaling and caps of logits) is run by the model's own forward
pass.
"""

import logging
from collections.abc import Iterator

import torch
from torch import Tensor

from pruning.models.replay import PROBE_TOLERANCE, Replay, equal_up_to_rounding

log = logging.getLogger(__name__)

# The logits of one chunk, and the tokens below which a matrix product is slow.
_CHUNK_LOGITS = {"cpu": 1 << 23, "cuda": 1 << 27}
_MIN_CHUNK_TOKENS = {"cpu": 256, "cuda": 2048}


class LogitsByPosition:
    """A model's logits as a function of the last block's output, in chunks of windows and positions.

    Chunks split windows, except in a model whose logits at one position depend on other positions.
    """

    def __init__(self, replay: Replay) -> None:
        """Everything around the blocks must be resident, here and in calls."""
        self._replay = replay
        # The probe's logits, at once and in two halves.
        hidden = replay.probe_output
        half = hidden.shape[1] // 2
        with torch.no_grad():
            self._whole = replay.logits(hidden)
            halves = torch.cat([replay.logits(hidden[:, :half]), replay.logits(hidden[:, half:])], 1)
        # Other numbers of tokens may use other kernels, whose sums round differently in 16 bits.
        self._tolerance = max(PROBE_TOLERANCE, 2 * torch.finfo(self._whole.dtype).eps)
        self.is_positionwise = half > 0 and equal_up_to_rounding(halves, self._whole, self._tolerance)
        if half and not self.is_positionwise:
            log.warning(
                "its logits depend on other positions, so windows are not split: this takes more memory"
            )

    @property
    def are_exact(self) -> bool:
        """Whether they equal the model's own, so that they depend on the last block's output alone."""
        return equal_up_to_rounding(self._whole, self._replay.probe_logits, self._tolerance)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Return (windows, positions, vocabulary) for `hidden`, (windows, positions, features)."""
        return self._replay.logits(hidden)

    def chunks(self, shape: torch.Size, device: str) -> Iterator[tuple[slice, slice]]:
        """Yield slices of windows and positions that are processed together. `shape`: (windows, length)."""
        windows, length = shape
        vocabulary = self._replay.stack.model.config.get_text_config().vocab_size
        tokens = max(_MIN_CHUNK_TOKENS[device], _CHUNK_LOGITS[device] // vocabulary)
        rows = max(1, tokens // length)
        columns = min(length, tokens) if self.is_positionwise else length
        for row in range(0, windows, rows):
            for column in range(0, length, columns):
                yield slice(row, row + rows), slice(column, column + columns)
