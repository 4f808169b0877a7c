"""Write a checkpoint in which other tensors stand for some; the rest is copied byte for byte, in pieces."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from pruning.checkpoint.checkpoint import Checkpoint
from pruning.checkpoint.files import INDEX
from pruning.errors import InvalidInput
from pruning.output.safetensors_file import SafetensorsFile, weight_map
from pruning.resume.hashed_file import DTYPE_NAMES

Replacements = Mapping[str, Mapping[str, Tensor]]
"""By the name of a tensor in the checkpoint: what stands for it, by name, on the meta device."""


@dataclass(frozen=True)
class ReplacedTensors:
    """The files of such a checkpoint, in which the new tensors are zeros until they are put."""

    dense: Path  # a directory with the files of the checkpoint
    _of_dense: Mapping[str, str]  # by tensor, the file in `dense`
    _new: Mapping[str, SafetensorsFile]  # by new tensor, its file

    @classmethod
    @contextmanager
    def written(
        cls, checkpoint: Checkpoint, new: Replacements, directory: Path
    ) -> Iterator["ReplacedTensors"]:
        """Write all but the new tensors into an existing directory; yield what takes those.

        Raises InvalidInput(field='model.id') with the name of a file that has changed since it was resolved.
        """
        with checkpoint.files.opened() as dense:
            checkpoint.files.without([*checkpoint.weight_files, INDEX]).copy_to(directory)
            of_dense, files = dict[str, str](), list[SafetensorsFile]()
            _refuse_names_in_use(checkpoint, new)
            for name in checkpoint.weight_files:
                source = SafetensorsFile.open(dense / name)
                of_dense |= dict.fromkeys(source.names, name)
                files.append(_with_the_rest(source, new, directory / name))
            if (dense / INDEX).exists():
                _write_index(files, directory)
            yield cls(dense, of_dense, {name: file for file in files for name in file.names})

    def dense_tensor(self, name: str) -> Tensor:
        """Read a tensor of the checkpoint."""
        with safe_open(self.dense / self._of_dense[name], framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
            return tensor

    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Write new tensors, which lie on the CPU."""
        for name, tensor in tensors.items():
            file = self._new[name]
            with file.path.open("r+b") as target:
                target.seek(file.offset(name))
                target.write(tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())


def _refuse_names_in_use(checkpoint: Checkpoint, new: Replacements) -> None:
    """Raise InvalidInput(field='model.id') where the checkpoint has a tensor of a new tensor's name."""
    added = {name for replaced, tensors in new.items() for name in tensors if name != replaced}
    if taken := sorted(added & checkpoint.stored.keys()):
        raise InvalidInput(
            f"the checkpoint has a tensor {taken[0]}, which the export would write; is it quantised already?",
            field="model.id",
        )


def _with_the_rest(source: SafetensorsFile, new: Replacements, path: Path) -> SafetensorsFile:
    """Write a file with the tensors that stay; the others are zeros."""
    tensors: dict[str, dict[str, Any]] = {}
    sizes: dict[str, int] = {}
    for name in source.names:
        if name not in new:
            own = source.header[name]
            tensors[name] = {"dtype": own["dtype"], "shape": own["shape"]}
            sizes[name] = source.byte_count(name)
        for replacement, tensor in new.get(name, {}).items():
            tensors[replacement] = {"dtype": DTYPE_NAMES[tensor.dtype], "shape": list(tensor.shape)}
            sizes[replacement] = tensor.nbytes
    # The widest elements first, as the library writes them, so that each tensor is aligned.
    order = sorted(tensors, key=lambda name: -sizes[name] // max(1, prod(tensors[name]["shape"])))
    file = SafetensorsFile.create_tensors(
        path, {name: tensors[name] for name in order}, sizes, source.header.get("__metadata__", {})
    )
    file.copy_tensors(source, {name: name for name in source.names if name not in new})
    return file


def _write_index(files: list[SafetensorsFile], directory: Path) -> None:
    """Write which tensor lies in which file."""
    metadata = {"total_size": sum(file.size for file in files)}
    index = {"metadata": metadata, "weight_map": weight_map(files, directory)}
    (directory / INDEX).write_text(json.dumps(index, indent=2) + "\n")
