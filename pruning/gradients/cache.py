"""Gradient norms that runs share: found by the fingerprint of what they follow from, or computed for all.

They do not depend on the method, the sparsity, or the schedule. Both norms are always among them, so that
they serve whichever a later run asks for.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, get_args

import torch
from safetensors import SafetensorError, safe_open

from pruning.gradients.gradient_pass import GradientPass
from pruning.gradients.shards import sharded_norms, write_shard
from pruning.gradients.window_norms import GradientNorms
from pruning.model.blocks import Stack
from pruning.model.layers import LinearLayer
from pruning.recipe import GradientNorm, LayerSelection, Stage
from pruning.resume.store import NumericsKey, ResumeStore, sha256_of

_FORMAT = 3  # 1: no float32 tokens beside a narrow dtype; 2: of the summed loss, in every dtype

ALL_NORMS: tuple[GradientNorm, ...] = get_args(GradientNorm)


class GradientCache(Protocol):
    """Where they are kept. Whatever a method raises ends the run."""

    def get(self, fingerprint: str) -> Mapping[int, Path] | None:
        """The shards on this machine, by block, with the checksums that they had when they were offered.

        None: the caller is to compute them, and `put` them then.
        """

    def put(self, fingerprint: str, numerics_key: NumericsKey) -> None:
        """Publish the shards that the run's resume store holds for the stage `gradients` under this key."""

    def invalidate(self, fingerprint: str) -> None:
        """What was found cannot be used."""


@dataclass(frozen=True)
class Shards:
    """Gradient norms of a model, one file per block."""

    files: Mapping[int, Path]
    stack: Stack

    @cached_property
    def digest(self) -> str:
        """What decides the last bits of whatever is computed with them: the files are read for it, once."""
        sums = [f"{block} {sha256_of(path)}" for block, path in sorted(self.files.items())]
        return hashlib.sha256("\n".join(sums).encode()).hexdigest()

    def norms(self, wanted: Collection[GradientNorm]) -> GradientNorms:
        """Read layer by layer, when they are asked for."""
        layers = {
            layer.name: self.files[index]
            for index, block in enumerate(self.stack.blocks)
            for layer in block.layers
        }
        return sharded_norms(layers, wanted)

    @property
    def usable(self) -> bool:
        """Whether every layer's norms are there, in their shape, and finite."""
        return all(
            index in self.files and _are_usable(self.files[index], block.layers)
            for index, block in enumerate(self.stack.blocks)
            if block.layers
        )


def fingerprint_of(
    *, model: str, calibration: str, selection: LayerSelection, numerics_key: Mapping[str, object]
) -> str:
    """SHA-256 of what the norms follow from, but for the schedule and the number of windows at once.

    `model`: a commit or a content digest; `calibration`: the fingerprint of the windows; `numerics_key`: the
    placement's, so that two equal recipes give equal masks on the same kind of device.
    """
    content = {
        "format": _FORMAT,
        "model": model,
        "calibration": calibration,
        "selection": selection.model_dump(mode="json"),
        "conditions": {name: numerics_key[name] for name in ("device", "dtype", "attention")},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_cached(gradient_cache: GradientCache, fingerprint: str, stack: Stack) -> Shards | None:
    """What is found, checked before it is used. None: it is to be computed."""
    while (files := gradient_cache.get(fingerprint)) is not None:
        shards = Shards(files, stack)
        if shards.usable:
            return shards
        gradient_cache.invalidate(fingerprint)
    return None


def put(
    gradient_cache: GradientCache,
    fingerprint: str,
    gradients: GradientNorms,
    gradient_pass: GradientPass,
    stack: Stack,
    resume_store: ResumeStore,
) -> Shards:
    """Let other runs have what this one has computed. A pass on the schedule `whole` leaves no shards, so
    they are written now.
    """
    files = dict(resume_store.begin(Stage.GRADIENTS, gradient_pass.numerics_key))
    for index, block in enumerate(stack.blocks):
        if block.layers and index not in files:
            path = resume_store.directory(Stage.GRADIENTS) / f"{index:05}.safetensors"
            layers = [layer.name for layer in block.layers]
            write_shard({norm: {name: gradients[norm][name] for name in layers} for norm in gradients}, path)
            resume_store.commit(Stage.GRADIENTS, index, path)
            files[index] = path
    gradient_cache.put(fingerprint, gradient_pass.numerics_key)
    return Shards(files, stack)


def _are_usable(path: Path, layers: Sequence[LinearLayer]) -> bool:
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
