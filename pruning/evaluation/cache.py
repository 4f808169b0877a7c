"""The dense model's perplexities that runs share: found by the fingerprint of what they follow from.

They depend on nothing that is done to the model, so all jobs of a sweep need one measurement. Zero-shot
scores are not shared: a task's definition is code, and its data are others', so no fingerprint covers them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from pruning.evaluation.perplexity import EvaluationSet
from pruning.resume.store import Conditions

_FORMAT = 1

# Of a run's conditions, those that decide the last bits of a forward pass.
_DECISIVE = ("device", "dtype", "threads", "attention", "processor", "torch", "transformers", "pruneserve")


class SharedPerplexities(Protocol):
    """Where they are kept. Whatever a method raises ends the run."""

    def find(self, fingerprint: str) -> float | None:
        """The perplexity, bit for bit as it was offered. None: the caller is to measure it."""

    def offer(self, fingerprint: str, perplexity: float) -> None:
        """Let later runs have it."""


class NotShared:
    """Every run measures for itself."""

    def find(self, fingerprint: str) -> None:
        """Nothing is found."""

    def offer(self, fingerprint: str, perplexity: float) -> None:
        """Nothing is kept."""


class DensePerplexities:
    """What earlier runs have measured of one dense model on one run's evaluation texts."""

    def __init__(
        self,
        model: str,
        texts: Sequence[EvaluationSet],
        conditions: Conditions,
        shared: SharedPerplexities,
    ) -> None:
        """Looks for them. `model`: a commit or a content digest; `conditions`: those of the run."""
        self._shared = shared
        self._fingerprints = [fingerprint_of(model=model, text=text, conditions=conditions) for text in texts]
        found = {number: shared.find(name) for number, name in enumerate(self._fingerprints)}
        self.known = {number: value for number, value in found.items() if value is not None}

    def offer(self, measured: Sequence[float]) -> None:
        """Leave for later runs what this one had to measure: one perplexity per text, in order."""
        for number, (fingerprint, value) in enumerate(zip(self._fingerprints, measured, strict=True)):
            if number not in self.known:
                self._shared.offer(fingerprint, value)


def fingerprint_of(*, model: str, text: EvaluationSet, conditions: Mapping[str, object]) -> str:
    """SHA-256 of what decides every bit of the dense model's perplexity on one text."""
    content = {
        "format": _FORMAT,
        "model": model,
        "windows": text.fingerprint,
        "stride": text.stride,
        "conditions": {name: conditions[name] for name in _DECISIVE},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
