"""Gradient norms as one safetensors file per block and norm, written behind the pass, read on access.

A tensor is named `l1/<layer>`, `l2/<layer>`, `gates/<layer>` or `shares/<layer>`, the first two as in
`pruning.calibration.gradient_file`.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import get_args

from safetensors import safe_open
from torch import Tensor

from pruning.calibration.window_norms import GradientNorms
from pruning.files.frozen_file import FrozenFile
from pruning.models.blocks import Stack
from pruning.recipe import GradientNorm, Stage
from pruning.recipe.methods import WeightNorm
from pruning.resume.hashed_file import HashedFile, save_tensors
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.resume.writer import BlockWriter

_NORMS: tuple[WeightNorm, ...] = get_args(WeightNorm)


def shard_number(block: int, norm: GradientNorm) -> int:
    """Return the number of a shard in its stage: each block has one for every norm; of gates below zero.

    Shares are alone in their stage, and have the block's number.
    """
    if norm == "shares":
        return block
    return -1 - block if norm == "gates" else block * len(_NORMS) + _NORMS.index(norm)


def _block_and_norm(number: int, stage: Stage) -> tuple[int, GradientNorm]:
    """Undo `shard_number`."""
    if stage == Stage.SEARCH:
        return number, "shares"
    if number < 0:
        return -1 - number, "gates"
    block, norm = divmod(number, len(_NORMS))
    return block, _NORMS[norm]


class BlockShards:
    """The shards of one gradient pass in its resume store, each written and committed by a writer."""

    def __init__(
        self,
        resume_store: ResumeStore,
        numerics_key: NumericsKey,
        norms: Collection[GradientNorm],
        writer: BlockWriter,
        stage: Stage = Stage.GRADIENTS,
    ) -> None:
        """Begin the stage; shards that were finished under the same key are found in `files`."""
        self.files: dict[GradientNorm, dict[int, HashedFile]] = {norm: {} for norm in norms}
        """By norm and block. Those that were put are here once the writer is drained."""
        for number, file in resume_store.begin(stage, numerics_key).items():
            block, norm = _block_and_norm(number, stage)
            self.files[norm][block] = file
        self._resume_store = resume_store
        self._writer = writer
        self._stage = stage

    def __contains__(self, block: int) -> bool:
        """Whether a block is finished: it has a shard for every norm."""
        return all(block in files for files in self.files.values())

    def put(self, block: int, norms: GradientNorms) -> None:
        """Let the writer make the norms of a block durable, which the caller gives up."""
        tensors = {f"{norm}/{layer}": norms[norm][layer] for norm in norms for layer in norms[norm]}
        self._writer.put(tensors, partial(self._write, block))

    def put_missing(self, stack: Stack, norms: GradientNorms) -> None:
        """Put the norms of all blocks of a stack that are not finished."""
        for index, block in enumerate(stack.blocks):
            if block.layers and index not in self:
                layers = [layer.name for layer in block.layers]
                self.put(index, {norm: {name: norms[norm][name] for name in layers} for norm in norms})

    def norms_of(self, stack: Stack) -> GradientNorms:
        """Return the norms of a stack whose blocks are all finished, read from the shards on each access."""
        blocks = list(enumerate(stack.blocks))
        return norms_from_shards(
            {
                norm: {layer.name: files[index].path for index, block in blocks for layer in block.layers}
                for norm, files in self.files.items()
            }
        )

    def drain(self) -> None:
        """Return when every block that was put is durable."""
        self._writer.drain()

    def _write(self, block: int, tensors: Mapping[str, Tensor]) -> None:
        directory = self._resume_store.directory(self._stage)
        for norm, files in self.files.items():
            own = {name: tensor for name, tensor in tensors.items() if name.startswith(f"{norm}/")}
            file = save_tensors(own, directory / f"{block:05}-{norm}.safetensors")
            self._resume_store.commit(self._stage, shard_number(block, norm), file)
            files[block] = file


def norms_from_shards(files: Mapping[GradientNorm, Mapping[str, Path | FrozenFile]]) -> GradientNorms:
    """Return norms that are read from `files` (by norm and layer name) on each access, to the CPU.

    None is cached.
    """
    return {norm: _LazyNorms(norm, of_norm) for norm, of_norm in files.items()}


class _LazyNorms(Mapping[str, Tensor]):
    def __init__(self, norm: GradientNorm, files: Mapping[str, Path | FrozenFile]) -> None:
        self._norm = norm
        self._files = files

    def __getitem__(self, layer: str) -> Tensor:
        file = self._files[layer]
        opened = file.opened() if isinstance(file, FrozenFile) else nullcontext(file)
        with opened as path, safe_open(path, framework="pt") as shard:
            tensor: Tensor = shard.get_tensor(f"{self._norm}/{layer}")
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
