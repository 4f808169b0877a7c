"""The dense model's final states for a training: its last block's outputs, each computed once.

They are computed some steps ahead, block by block, so that the dense model is not resident. Held-out windows
are judged several times, and other runs train on the same windows. The states are numbered by window, those
of the held-out windows first, which is also the order of their first use.
"""

from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from pruning.resume.hashed_file import HashedFile, RowsFile

_NAME = "final_states"


class FinalStates:
    """Holds states on the host, and records all of them or reads them."""

    def __init__(
        self,
        held_out: int,
        windows: int,
        *,
        known: Path | None = None,
        record_to: Path | None = None,
    ) -> None:
        """`held_out`, `windows`: how many are judged by, and trained on.

        `known`: a file that was recorded with the same windows, in the same batches. `record_to`: a file to
        write.
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

    def __contains__(self, first: int) -> bool:
        """Whether the states of a batch are there. `first`: the number of its first window."""
        return self._known is not None or first in self._held

    def put(self, first: int, states: Tensor) -> None:
        """Hold the states of a batch, (windows, length, features)."""
        self._held[first] = states.cpu()
        self._record(first, self._held[first])

    def take(self, first: int, tokens: Tensor) -> Tensor:
        """Return the states of a batch, on the device of its tokens. They stay where they are held out."""
        count, length = tokens.shape
        if self._known is not None:
            rows = self._known[first * length : (first + count) * length]
            return rows.to(tokens.device, copy=True).view(count, length, -1)
        states = self._held[first] if first < self._held_out else self._held.pop(first)
        return states.to(tokens.device)

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
