"""The state of a training between two steps, on this machine's disk: a killed run continues from there."""

import time
from collections.abc import Callable, Mapping

from torch import Tensor

from pruning.resume.store import ActivationCheckpoint, SaveThrottle

_SECONDS = 120.0
"""The least time between two saves. A run that is killed every five minutes still gets on."""


class TrainingBoundary:
    """Saves the state every two minutes, or less often where saving would take a tenth of the time."""

    def __init__(
        self,
        checkpoint: ActivationCheckpoint,
        saved: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`saved` is called with the number of the step after each save. `clock`: in seconds."""
        self._checkpoint = checkpoint
        self._saved = saved
        self._clock = clock
        self._throttle = SaveThrottle(clock)
        self._last = clock()

    def load(self) -> tuple[int, dict[str, Tensor]] | None:
        """Return the step and the state of an earlier attempt on this machine; None if there is none."""
        return self._checkpoint.load()

    def drop(self) -> None:
        """Free the disk after the training has ended."""
        self._checkpoint.drop()

    def offer(self, step: int, state: Mapping[str, Tensor]) -> None:
        """Save the state after this step if that is due."""
        size = sum(tensor.nbytes for tensor in state.values())
        if self._clock() - self._last < _SECONDS or not self._throttle.is_due(size):
            return
        with self._throttle.saving():
            self._checkpoint.save(step, state)
        self._last = self._clock()
        self._saved(step)
