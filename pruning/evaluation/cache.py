"""The cache of dense perplexities: runs on the same model and text measure them once.

A dense perplexity does not depend on what is done to the model, so all jobs of a sweep need one measurement.
Zero-shot scores are not cached: the definition of a task is code and its data belong to others, so no
fingerprint covers them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

from pruning.evaluation.perplexity import EvaluationSet
from pruning.resume.store import NumericsKey

_FORMAT = 1

# The part of a run's numerics key that decides the last bits of a forward pass.
_DECISIVE = (
    *("device", "dtype", "threads", "attention", "processor", "torch", "transformers", "pruneserve"),
    "cudnn",  # on CUDA only
)


class PerplexityCache(Protocol):
    """Dense perplexities by fingerprint. An exception from any method ends the run."""

    def get(self, fingerprint: str) -> float | None:
        """Return the perplexity bit for bit as it was put. None asks the caller to measure it."""

    def put(self, fingerprint: str, perplexity: float) -> None:
        """Publish a perplexity for later runs."""


class NoPerplexityCache:
    """For runs that measure for themselves."""

    def get(self, fingerprint: str) -> None:
        """None: nothing is cached."""

    def put(self, fingerprint: str, perplexity: float) -> None:
        """Do nothing."""


class DensePerplexities:
    """The cached perplexities of one dense model on the evaluation texts of one run."""

    def __init__(
        self,
        model: str,
        texts: Sequence[EvaluationSet],
        numerics_key: NumericsKey,
        cache: PerplexityCache,
    ) -> None:
        """`model`: a commit or a content digest."""
        self._cache = cache
        self._fingerprints = [
            fingerprint_of(model=model, text=text, numerics_key=numerics_key) for text in texts
        ]

    @cached_property
    def known(self) -> Mapping[int, float]:
        """The perplexities that are cached, by the number of their text; looked up on first use."""
        found = {number: self._cache.get(name) for number, name in enumerate(self._fingerprints)}
        return {number: value for number, value in found.items() if value is not None}

    def publish(self, measured: Sequence[float]) -> None:
        """Put those that were not cached: `measured` has one perplexity per text, in order."""
        for number, (fingerprint, value) in enumerate(zip(self._fingerprints, measured, strict=True)):
            if number not in self.known:
                self._cache.put(fingerprint, value)


def fingerprint_of(*, model: str, text: EvaluationSet, numerics_key: Mapping[str, object]) -> str:
    """Return the SHA-256 of everything that decides the bits of a dense perplexity on one text."""
    content = {
        "format": _FORMAT,
        "model": model,
        "windows": text.fingerprint,
        "stride": text.stride,
        "conditions": {name: numerics_key[name] for name in _DECISIVE if name in numerics_key},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
