"""Gradient norms as one safetensors file per block, with each layer's tensor read on access.

A tensor is named `l1/<layer>` or `l2/<layer>`, as in `pruning.gradients.file`.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from pruning.gradients.window_norms import GradientNorms
from pruning.inputs.frozen_file import FrozenFile
from pruning.recipe import GradientNorm


def write_shard(norms: GradientNorms, path: Path) -> None:
    """Write the norms of one block."""
    tensors = {f"{norm}/{layer}": norms[norm][layer].contiguous() for norm in norms for layer in norms[norm]}
    save_file(tensors, path)


def norms_from_shards(
    files: Mapping[str, Path | FrozenFile], norms: Collection[GradientNorm]
) -> GradientNorms:
    """Return norms that are read from `files` (by layer name) on each access, to the CPU; none is cached."""
    return {norm: _LazyNorms(norm, files) for norm in norms}


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
