"""The dense model's final states for a training: its last block's outputs, each computed once.

They are computed some steps ahead, block by block, so that the dense model is not resident. Held-out windows
are judged several times. The states are numbered by window, those of the held-out windows first, which is
also the order of their first use.
"""

from torch import Tensor


class FinalStates:
    """Holds states on the host."""

    def __init__(self, held_out: int) -> None:
        """`held_out`: how many windows are judged by."""
        self._held_out = held_out
        self._held: dict[int, Tensor] = {}

    def __contains__(self, first: int) -> bool:
        """Whether the states of a batch are there. `first`: the number of its first window."""
        return first in self._held

    def put(self, first: int, states: Tensor) -> None:
        """Hold the states of a batch, (windows, length, features)."""
        self._held[first] = states.cpu()

    def take(self, first: int, tokens: Tensor) -> Tensor:
        """Return the states of a batch, on the device of its tokens. They stay where they are held out."""
        states = self._held[first] if first < self._held_out else self._held.pop(first)
        return states.to(tokens.device)
