"""Shares gradient norms between runs, under a fingerprint of everything that they depend on.

They do not depend on the method, the sparsity or the schedule. Both norms are always computed, so that they
serve whichever a later run asks for.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol, get_args

import torch
from safetensors import SafetensorError, safe_open

from pruning.gradients.gradient_pass import GradientPass
from pruning.gradients.shards import BlockShards, norms_from_shards
from pruning.gradients.window_norms import GradientNorms
from pruning.inputs.publications import Publish
from pruning.model.blocks import Stack
from pruning.model.layers import LinearLayer
from pruning.recipe import GradientNorm, LayerSelection
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.resume.writer import writer_for

# Part of the fingerprint: raise it whenever the numbers change. 1 had no float32 tokens in narrow dtypes; 2
# took the gradient of the summed loss, in every dtype.
_FORMAT = 3

ALL_NORMS: tuple[GradientNorm, ...] = get_args(GradientNorm)


class GradientCache(Protocol):
    """A store of gradient shards that runs share. Whatever a method raises ends the run."""

    def get(self, fingerprint: str) -> Mapping[int, HashedFile] | None:
        """Return verified copies of the shards on this machine, by block.

        None: there are none, and the caller must compute them and then call `put`.
        """

    def put(self, fingerprint: str, numerics_key: NumericsKey) -> None:
        """Publish the shards that the run's resume store holds for the stage `gradients` under this key."""

    def confirm(self, fingerprint: str) -> None:
        """Note that the shards that `get` returned are intact, and that the run uses them."""

    def invalidate(self, fingerprint: str) -> None:
        """Drop shards that `get` returned and that turned out to be unusable."""


@dataclass(frozen=True)
class GradientShards:
    """The gradient norms of a model's selected layers, one file per block."""

    files: Mapping[int, HashedFile]
    stack: Stack

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all shards' checksums."""
        checksums = [f"{block} {file.sha256}" for block, file in sorted(self.files.items())]
        return hashlib.sha256("\n".join(checksums).encode()).hexdigest()

    def norms(self, norms: Collection[GradientNorm]) -> GradientNorms:
        """Return norms that are read from the shards on each access, to the CPU."""
        layers = {
            layer.name: self.files[index].path
            for index, block in enumerate(self.stack.blocks)
            for layer in block.layers
        }
        return norms_from_shards(layers, norms)

    def is_valid(self) -> bool:
        """Whether both norms of every layer are there, in its shape, and finite. Reads all files."""
        return all(
            index in self.files and _is_valid(self.files[index].path, block.layers)
            for index, block in enumerate(self.stack.blocks)
            if block.layers
        )


def fingerprint_of(
    *, model: str, calibration: str, selection: LayerSelection, numerics_key: Mapping[str, object]
) -> str:
    """Return the SHA-256 of everything that the norms depend on, except the schedule and the micro-batch.

    `model`: a commit or a content digest. `calibration`: the fingerprint of the windows. `numerics_key`: the
    placement's, of which device, dtype and attention enter, so that equal recipes give equal masks on the
    same kind of device.
    """
    content = {
        "format": _FORMAT,
        "model": model,
        "calibration": calibration,
        "selection": selection.model_dump(mode="json"),
        "conditions": {name: numerics_key[name] for name in ("device", "dtype", "attention")},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_cached(gradient_cache: GradientCache, fingerprint: str, stack: Stack) -> GradientShards | None:
    """Return the cached shards after checking them, or None where the caller must compute them."""
    while (files := gradient_cache.get(fingerprint)) is not None:
        shards = GradientShards(files, stack)
        if shards.is_valid():
            gradient_cache.confirm(fingerprint)
            return shards
        gradient_cache.invalidate(fingerprint)
    return None


def stored(
    gradient_cache: GradientCache,
    fingerprint: str,
    gradients: GradientNorms,
    gradient_pass: GradientPass,
    stack: Stack,
    resume_store: ResumeStore,
) -> tuple[GradientShards, Publish]:
    """Return the norms that this run has computed as shards in its resume store, and what publishes them.

    A pass on the schedule `whole` leaves no shards in the resume store, so they are written here.
    """
    with writer_for(gradient_pass.device) as writer:
        shards = BlockShards(resume_store, gradient_pass.numerics_key, writer)
        for index, block in enumerate(stack.blocks):
            if block.layers and index not in shards.files:
                layers = [layer.name for layer in block.layers]
                shards.put(
                    index, {norm: {name: gradients[norm][name] for name in layers} for norm in gradients}
                )
    publish = partial(gradient_cache.put, fingerprint, gradient_pass.numerics_key)
    return GradientShards(shards.files, stack), publish


def _is_valid(path: Path, layers: Sequence[LinearLayer]) -> bool:
    try:
        with safe_open(path, framework="pt") as shard:
            for norm in ALL_NORMS:
                for layer in layers:
                    tensor = shard.get_tensor(f"{norm}/{layer.name}")
                    if tensor.shape != layer.matrix.shape or not torch.isfinite(tensor.sum()):
                        return False
    except (OSError, SafetensorError):
        return False
    return True
