"""The dense model's perplexities that runs share: found by the fingerprint of what they follow from.

They depend on nothing that is done to the model, so all jobs of a sweep need one measurement. Zero-shot
scores are not shared: a task's definition is code, and its data are others', so no fingerprint covers them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from pruning.evaluation.perplexity import EvaluationSet
from pruning.resume.store import NumericsKey

_FORMAT = 1

# Of a run's conditions, those that decide the last bits of a forward pass.
_DECISIVE = ("device", "dtype", "threads", "attention", "processor", "torch", "transformers", "pruneserve")


class PerplexityCache(Protocol):
    """Where they are kept. Whatever a method raises ends the run."""

    def get(self, fingerprint: str) -> float | None:
        """The perplexity, bit for bit as it was offered. None: the caller is to measure it."""

    def put(self, fingerprint: str, perplexity: float) -> None:
        """Let later runs have it."""


class NoPerplexityCache:
    """Every run measures for itself."""

    def get(self, fingerprint: str) -> None:
        """Nothing is found."""

    def put(self, fingerprint: str, perplexity: float) -> None:
        """Nothing is kept."""


class DensePerplexities:
    """What earlier runs have measured of one dense model on one run's evaluation texts."""

    def __init__(
        self,
        model: str,
        texts: Sequence[EvaluationSet],
        numerics_key: NumericsKey,
        perplexity_cache: PerplexityCache,
    ) -> None:
        """Looks for them. `model`: a commit or a content digest; `numerics_key`: those of the run."""
        self._perplexity_cache = perplexity_cache
        self._fingerprints = [
            fingerprint_of(model=model, text=text, numerics_key=numerics_key) for text in texts
        ]
        found = {number: perplexity_cache.get(name) for number, name in enumerate(self._fingerprints)}
        self.known = {number: value for number, value in found.items() if value is not None}

    def put(self, measured: Sequence[float]) -> None:
        """Leave for later runs what this one had to measure: one perplexity per text, in order."""
        for number, (fingerprint, value) in enumerate(zip(self._fingerprints, measured, strict=True)):
            if number not in self.known:
                self._perplexity_cache.put(fingerprint, value)


def fingerprint_of(*, model: str, text: EvaluationSet, numerics_key: Mapping[str, object]) -> str:
    """SHA-256 of what decides every bit of the dense model's perplexity on one text."""
    content = {
        "format": _FORMAT,
        "model": model,
        "windows": text.fingerprint,
        "stride": text.stride,
        "conditions": {name: numerics_key[name] for name in _DECISIVE},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
