"""The dense model's final states for a training, which runs on the same model and text share."""

import math
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pruning.evaluation.cache import DenseMeasurement, NoPerplexityCache, PerplexityCache
from pruning.files.verified_publisher import VerifiedPublisher
from pruning.recovery.final_states import FinalStates
from pruning.resume.hashed_file import HashedFile

_MOST_BYTES = 4 << 30


@dataclass(frozen=True)
class SharedStates:
    """Finds what an earlier run has recorded, and publishes what this one records."""

    cache: PerplexityCache
    publications: VerifiedPublisher

    def states(
        self, fingerprint: str, held_out: int, windows: int, *, directory: Path, size: int, other: int
    ) -> FinalStates:
        """Return the states of a training: another run's, or its own, which are recorded.

        They are neither fetched nor recorded where they are not shared, and where the disk has no room to
        spare.

        Parameters
        ----------
        fingerprint
            Of all that decides the states bit for bit.
        held_out, windows
            The windows that are judged by, and trained on.
        directory
            Where the file is written.
        size, other
            The bytes of the states, and of what else the training will write there.
        """
        is_room = size <= min(_MOST_BYTES, (shutil.disk_usage(directory).free - other) / 2)
        if isinstance(self.cache, NoPerplexityCache) or not is_room:
            return FinalStates(held_out, windows)
        found = self.cache.get(fingerprint, directory / "cached-final-states.safetensors")
        if found is not None and found.states is not None:
            return FinalStates(held_out, windows, known=found.states.path)
        return FinalStates(held_out, windows, record_to=directory / "final-states.safetensors")

    def publish(self, fingerprint: str, states: HashedFile) -> None:
        """Offer a file that the run's resume store has committed to later runs."""
        measured = DenseMeasurement(math.nan, states)
        self.publications.publish_when_verified(partial(self.cache.put, fingerprint, measured))
