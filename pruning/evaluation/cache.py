"""The cache of dense measurements: runs on the same model and text measure it once.

A dense model's losses, and the final states that pruned models are compared by, do not depend on what is done
to the model, so all jobs of a sweep need one measurement.
Zero-shot scores are not cached: the definition of a task is code and its data belong to others, so no
fingerprint covers them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pruning.evaluation.perplexity import EvaluationSet
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import COMMON_CONDITIONS, NumericsKey

_FORMAT = 3

# The part of a run's numerics key that decides the last bits of a forward pass.
_DECISIVE = COMMON_CONDITIONS - {"triton"}


@dataclass(frozen=True)
class DenseMeasurement:
    """A dense model on one text."""

    losses: Sequence[float]  # mean of each window, in nats
    states: HashedFile | None  # its final states; None for a model that cannot be compared by them


class PerplexityCache(Protocol):
    """Dense measurements by fingerprint. An exception from any method ends the run."""

    def get(self, fingerprint: str, states: Path) -> DenseMeasurement | None:
        """Return what was put, bit for bit, the file in `states`. None asks the caller to measure."""

    def put(self, fingerprint: str, measured: DenseMeasurement) -> None:
        """Publish a measurement, whose file the run's resume store has committed, for later runs."""


class NoPerplexityCache:
    """For runs that measure for themselves."""

    def get(self, fingerprint: str, states: Path) -> None:
        """None: nothing is cached."""

    def put(self, fingerprint: str, measured: DenseMeasurement) -> None:
        """Do nothing."""


class DenseMeasurements:
    """The cached measurements of one dense model on the evaluation texts of one run."""

    def __init__(
        self,
        model: str,
        texts: Sequence[EvaluationSet],
        numerics_key: NumericsKey,
        cache: PerplexityCache,
        directory: Path,
    ) -> None:
        """`model`: a commit or a content digest. `directory`: where cached final states are written to."""
        self._cache, self._directory = cache, directory
        self._fingerprints = [
            fingerprint_of(model=model, text=text, numerics_key=numerics_key) for text in texts
        ]

    @cached_property
    def known(self) -> Mapping[int, DenseMeasurement]:
        """What is cached, by the number of its text; looked up on first use."""
        found = {
            number: self._cache.get(name, self._directory / f"cached-{number}.safetensors")
            for number, name in enumerate(self._fingerprints)
        }
        return {number: measured for number, measured in found.items() if measured is not None}

    def publish(self, measured: Sequence[DenseMeasurement]) -> None:
        """Put what was not cached: `measured` has one entry per text, in order."""
        for number, (fingerprint, value) in enumerate(zip(self._fingerprints, measured, strict=True)):
            if number not in self.known:
                self._cache.put(fingerprint, value)


def fingerprint_of(*, model: str, text: EvaluationSet, numerics_key: Mapping[str, object]) -> str:
    """Return the SHA-256 of everything that decides the bits of a dense model's measurement on one text."""
    content = {
        "format": _FORMAT,
        "model": model,
        "conditions": {name: numerics_key[name] for name in _DECISIVE & numerics_key.keys()},
        "windows": text.fingerprint,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
