"""Gradient norms as one safetensors file per block, read layer by layer when they are asked for."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from pruning.gradients.window_norms import GradientNorms
from pruning.recipe import GradientNorm


def write_shard(norms: GradientNorms, path: Path) -> None:
    """The norms of one block: `l1/<layer>`, `l2/<layer>`, as in pruning.gradients.file."""
    tensors = {f"{norm}/{layer}": norms[norm][layer].contiguous() for norm in norms for layer in norms[norm]}
    save_file(tensors, path)


def sharded_norms(files: Mapping[str, Path], norms: Collection[GradientNorm]) -> GradientNorms:
    """The norms of layers, each in its shard, on the CPU; none is held."""
    return {norm: _Sharded(norm, files) for norm in norms}


class _Sharded(Mapping[str, Tensor]):
    def __init__(self, norm: GradientNorm, files: Mapping[str, Path]) -> None:
        self._norm = norm
        self._files = files

    def __getitem__(self, layer: str) -> Tensor:
        with safe_open(self._files[layer], framework="pt") as shard:
            tensor: Tensor = shard.get_tensor(f"{self._norm}/{layer}")
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
