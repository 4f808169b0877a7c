"""The dense model's final states for a training: its last block's outputs, each computed once.

Held-out windows are judged several times, and other runs train on the same windows. The states are numbered
by window, those of the held-out windows first, which is also the order of their first use.
"""

from collections.abc import Callable
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from pruning.resume.hashed_file import HashedFile, RowsFile

_NAME = "final_states"


class FinalStates:
    """Computes states, holds those of the held-out windows on the host, and records all or reads them."""

    def __init__(
        self,
        held_out: int,
        windows: int,
        *,
        known: Path | None = None,
        record_to: Path | None = None,
    ) -> None:
        """`held_out`, `windows`: how many are judged by, and trained on.

        `known`: a file that was recorded with the same windows, in the same micro-batches. `record_to`: a
        file to write.
        """
        self._held_out, self._count = held_out, held_out + windows
        self._held: dict[int, Tensor] = {}
        self._known: Tensor | None = None
        if known is not None:
            with safe_open(known, framework="pt") as file:  # memory-mapped: read as it is used
                self._known = file.get_tensor(_NAME)
        self._record_to = None if known else record_to
        self._file: RowsFile | None = None
        self._next = 0  # the first window that is not recorded

    def of(self, first: int, tokens: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the states of windows that follow each other, (windows, length, features).

        `first`: the number of the first of them. `tokens`: int64 (windows, length). `compute` returns the
        states of given tokens.
        """
        count, length = tokens.shape
        if self._known is not None:
            rows = self._known[first * length : (first + count) * length]
            return rows.to(tokens.device, copy=True).view(count, length, -1)
        if first in self._held:
            return self._held[first].to(tokens.device)
        states = compute(tokens)
        if first < self._held_out:
            self._held[first] = states.cpu()
        self._record(first, states)
        return states

    def close(self) -> HashedFile | None:
        """Return the file, (tokens of all windows, features); None where not all were recorded."""
        return self._file.close() if self._file else None

    def _record(self, first: int, states: Tensor) -> None:
        """Append states, unless some are missing before them: a resumed training has passed those."""
        if self._record_to is None or first != self._next:
            return
        rows = states.flatten(0, 1)
        if self._file is None:
            self._file = RowsFile(self._record_to, _NAME, rows, self._count * states.shape[1])
        self._file.append(rows)
        self._next += len(states)
