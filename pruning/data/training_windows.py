"""What a recovery trains on and is judged by: token windows, and what each position is to predict."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

IGNORE_INDEX = -1
"""The target of a position that predicts nothing: the last one of a window, or one that is no answer."""


@dataclass(frozen=True)
class TrainingWindows:
    """Windows of one length, in the order in which they are trained on."""

    tokens: Tensor  # int64 (windows, length)
    targets: Tensor  # int64 (windows, length): the next token's id, or IGNORE_INDEX

    @classmethod
    def of_text(cls, tokens: Tensor) -> "TrainingWindows":
        """Every token but a window's first is to be predicted."""
        targets = torch.full_like(tokens, IGNORE_INDEX)
        targets[:, :-1] = tokens[:, 1:]
        return cls(tokens, targets)

    def __len__(self) -> int:
        return len(self.tokens)

    def split(self, size: int) -> list["TrainingWindows"]:
        """Split into pieces of `size` windows; the last may have fewer."""
        pieces = zip(torch.split(self.tokens, size), torch.split(self.targets, size), strict=True)
        return [TrainingWindows(tokens, targets) for tokens, targets in pieces]

    def to(self, device: torch.device) -> "TrainingWindows":
        """Return the same windows on a device."""
        return TrainingWindows(self.tokens.to(device), self.targets.to(device))

    @property
    def positions(self) -> int:
        """The number of tokens."""
        return self.tokens.numel()

    @cached_property
    def predictions(self) -> int:
        """The number of positions with a target."""
        return int((self.targets != IGNORE_INDEX).sum())
