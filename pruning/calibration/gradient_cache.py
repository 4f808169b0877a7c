"""Shares gradient norms between runs, each norm under a fingerprint of everything that it depends on.

Method, sparsity and schedule are not part of it. A run computes the norms that it needs and that are not
cached, and with them those that later runs are known to need.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open

from pruning.calibration.gradient_files import BlockShards, norms_from_shards, shard_number
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.window_norms import GradientNorms
from pruning.files.verified_publisher import Publish
from pruning.models.blocks import Stack
from pruning.models.layers import LinearLayer
from pruning.recipe import GradientNorm, LayerSelection
from pruning.resume.hashed_file import HashedFile, digest_of
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.resume.writer import writer_for


@dataclass(frozen=True)
class CacheLookup:
    """The result of a cache lookup."""

    shards: Mapping[str, Mapping[int, HashedFile]]
    """By fingerprint and block: verified copies on this machine."""
    to_compute: frozenset[str]
    """The fingerprints of the norms that the caller must compute and then `put`."""


class GradientCache(Protocol):
    """A store of shards that runs share, each norm by itself. Whatever a method raises ends the run."""

    @property
    def needed_later(self) -> frozenset[GradientNorm]:
        """The norms that other runs on the same model and windows are known to need."""

    def get(self, wanted: Collection[str], later: Collection[str]) -> CacheLookup:
        """Look norms up by their fingerprints.

        Each of `wanted` is either found or to be computed by the caller. Those needed `later` are never
        returned, and to be computed only if the caller computes others anyway and no other run has them.
        """

    def put(self, fingerprint: str, numerics_key: NumericsKey, numbers: Mapping[int, int]) -> None:
        """Publish a norm: shards that the run's resume store holds for the stage `gradients` under this key.

        `numbers`: for each block the number of its shard in that stage.
        """

    def confirm(self) -> None:
        """Record that everything was found and intact, and that the run uses it."""

    def invalidate(self, fingerprint: str) -> None:
        """Drop shards that `get` returned and that turned out to be unusable."""


@dataclass(frozen=True)
class GradientShards:
    """One gradient norm of a model's selected layers, one file per block."""

    norm: GradientNorm
    files: Mapping[int, HashedFile]
    stack: Stack

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all shards' checksums."""
        return digest_of(self.files)

    @property
    def norms(self) -> GradientNorms:
        """The norm, read from the shards on each access, to the CPU."""
        layers = {
            layer.name: self.files[index].path
            for index, block in enumerate(self.stack.blocks)
            for layer in block.layers
        }
        return norms_from_shards({self.norm: layers})

    def is_valid(self) -> bool:
        """Whether the norm of every layer is there, in its shape, and finite. Reads all files."""
        return all(
            index in self.files and _is_valid(self.files[index].path, self.norm, block.layers)
            for index, block in enumerate(self.stack.blocks)
            if block.layers
        )


_ANY_CPU = {"threads", "processor"}


def fingerprint_of(
    norm: GradientNorm,
    *,
    model: str,
    calibration: str,
    selection: LayerSelection,
    numerics_key: Mapping[str, object],
) -> str:
    """Return the SHA-256 of everything that a norm depends on, except the schedule and the micro-batch.

    `model`: a commit or a content digest. `calibration`: the fingerprint of the windows. `numerics_key`: the
    placement's, of which all but threads and processor enter, so that equal recipes give equal masks on the
    same kind of device: on a CPU, norms of other threads or instructions differ in their last bits.
    """
    content = {
        "norm": norm,
        "model": model,
        "calibration": calibration,
        "selection": selection.model_dump(mode="json"),
        "conditions": {name: numerics_key[name] for name in sorted(numerics_key.keys() - _ANY_CPU)},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_cached(
    gradient_cache: GradientCache,
    fingerprints: Mapping[GradientNorm, str],
    wanted: Collection[GradientNorm],
    stack: Stack,
) -> tuple[dict[GradientNorm, GradientShards], frozenset[GradientNorm]]:
    """Return those `wanted` that are cached, after checking them, and the norms that the caller must compute.

    `fingerprints`: of those wanted, and of those that are needed later.
    """
    by_fingerprint = {fingerprint: norm for norm, fingerprint in fingerprints.items()}
    missing = {fingerprints[norm] for norm in wanted}
    later = by_fingerprint.keys() - missing
    found: dict[GradientNorm, GradientShards] = {}
    to_compute: set[GradientNorm] = set()
    while missing:
        answer = gradient_cache.get(missing, later)
        to_compute |= {by_fingerprint[fingerprint] for fingerprint in answer.to_compute}
        missing, later = set(), set()
        for fingerprint, files in answer.shards.items():
            shards = GradientShards(by_fingerprint[fingerprint], files, stack)
            if shards.is_valid():
                found[shards.norm] = shards
            else:
                gradient_cache.invalidate(fingerprint)
                missing.add(fingerprint)
    if not to_compute:
        gradient_cache.confirm()
    return found, frozenset(to_compute)


def store_norms(
    gradient_cache: GradientCache,
    fingerprints: Mapping[GradientNorm, str],
    gradients: GradientNorms,
    gradient_pass: GradientPass,
    stack: Stack,
    resume_store: ResumeStore,
) -> tuple[dict[GradientNorm, GradientShards], Publish]:
    """Return the norms of this run as shards in its resume store, and the function that publishes them.

    A pass on the schedule `whole` writes no shards to the resume store, so they are written here.
    """
    with writer_for(gradient_pass.device) as writer:
        shards = BlockShards(resume_store, gradient_pass.numerics_key, list(gradients), writer)
        shards.put_missing(stack, gradients)

    def publish() -> None:
        for norm, files in shards.files.items():
            numbers = {block: shard_number(block, norm) for block in files}
            gradient_cache.put(fingerprints[norm], gradient_pass.numerics_key, numbers)

    return {norm: GradientShards(norm, files, stack) for norm, files in shards.files.items()}, publish


def _is_valid(path: Path, norm: GradientNorm, layers: Sequence[LinearLayer]) -> bool:
    try:
        with safe_open(path, framework="pt") as shard:
            for layer in layers:
                tensor = shard.get_tensor(f"{norm}/{layer.name}")
                shape = (*tensor.shape[:1], layer.inputs) if norm == "gates" else layer.matrix.shape
                if tensor.shape != shape or not torch.isfinite(tensor.sum()):
                    return False
    except (OSError, SafetensorError):
        return False
    return True
