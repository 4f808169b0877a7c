"""What the measurement of speed runs: phases, batch sizes and lengths. Plain numbers, no torch."""

from dataclasses import dataclass
from typing import Literal, Self

Phase = Literal["prefill", "decode"]

PHASES: tuple[Phase, ...] = ("prefill", "decode")
BATCHES = (1, 8)
PAIRS = 7
"""Pairs of runs behind a median; one more runs before them and is not counted."""
FEWEST_PAIRS = 3
"""Where the time is short."""
SHARE = 0.1
"""Of the time that the run has taken before: the most that the measurement takes, beyond the fewest pairs."""

# A CPU computes a prompt of 64 tokens at its full rate; a GPU needs a longer one for that.
_PROMPT = {"cpu": 64, "cuda": 512}
_GENERATED = {"cpu": 8, "cuda": 32}


@dataclass(frozen=True)
class Lengths:
    """The tokens of each sequence that is run."""

    prompt: int
    generated: int

    @classmethod
    def on(cls, device: str, context: int | None) -> Self:
        """Return the lengths for a kind of device, and a model of this context length (None: no bound)."""
        prompt, generated = _PROMPT[device], _GENERATED[device]
        if context is not None:
            generated = min(generated, max(1, context // 2))
            prompt = min(prompt, max(1, context - generated))
        return cls(prompt, generated)

    def tokens(self, phase: Phase) -> int:
        """Return the tokens of one sequence that a phase is measured by."""
        return self.prompt if phase == "prefill" else self.generated
