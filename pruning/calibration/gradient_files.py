"""Gradient norms in safetensors files: a run's shards by block and norm, and the file that a user keeps.

A tensor is named `l1/<layer>`, `l2/<layer>`, and so on for the other sums. The user's file has these two
only, (outputs, inputs), not normalised; its metadata names the model and the calibration windows that the
norms were computed from. Norms are read on access, not cached.
"""

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Self, get_args

from safetensors import SafetensorError, safe_open
from torch import Tensor

from pruning.calibration.window_norms import GradientNorms
from pruning.errors import InvalidInput
from pruning.files.formats import FILE_NAME, FORMAT
from pruning.files.frozen_file import FrozenFile
from pruning.models.blocks import Stack
from pruning.recipe import GradientNorm, Stage
from pruning.resume.hashed_file import ComputedTensors, HashedFile, save_tensors
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.resume.writer import BlockWriter

_FIELD = "gradients"
_NORMS: tuple[GradientNorm, ...] = get_args(GradientNorm)


def shard_number(block: int, norm: GradientNorm) -> int:
    """Return the number of a shard in its stage: each block has one for every norm."""
    return block * len(_NORMS) + _NORMS.index(norm)


class BlockShards:
    """The shards of one gradient pass in its resume store, each written and committed by a writer."""

    def __init__(
        self,
        resume_store: ResumeStore,
        numerics_key: NumericsKey,
        norms: Collection[GradientNorm],
        writer: BlockWriter,
    ) -> None:
        """Begin the stage; shards that were finished under the same key are found in `files`."""
        self.files: dict[GradientNorm, dict[int, HashedFile]] = {norm: {} for norm in norms}
        """By norm and block. A shard that was `put` is here once the writer is drained."""
        for number, file in resume_store.begin(Stage.GRADIENTS, numerics_key).items():
            block, norm = divmod(number, len(_NORMS))
            self.files[_NORMS[norm]][block] = file
        self._resume_store = resume_store
        self._writer = writer

    def __contains__(self, block: int) -> bool:
        """Whether a block is finished: it has a shard for every norm."""
        return all(block in files for files in self.files.values())

    def put(self, block: int, norms: GradientNorms) -> None:
        """Let the writer make the norms of a block durable. The caller must not use them afterwards."""
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
        directory = self._resume_store.directory(Stage.GRADIENTS)
        for norm, files in self.files.items():
            selected = {name: tensor for name, tensor in tensors.items() if name.startswith(f"{norm}/")}
            file = save_tensors(selected, directory / f"{block:05}-{norm}.safetensors")
            self._resume_store.commit(Stage.GRADIENTS, shard_number(block, norm), file)
            files[block] = file


def norms_from_shards(files: Mapping[GradientNorm, Mapping[str, Path | FrozenFile]]) -> GradientNorms:
    """Return norms that are read from `files` (by norm and layer name) on each access, to the CPU.

    None is cached.
    """
    return {
        norm: ComputedTensors(of_norm, partial(_norm_in_file, norm, of_norm))
        for norm, of_norm in files.items()
    }


def _norm_in_file(norm: GradientNorm, files: Mapping[str, Path | FrozenFile], layer: str) -> Tensor:
    file = files[layer]
    opened = file.opened() if isinstance(file, FrozenFile) else nullcontext(file)
    with opened as path, safe_open(path, framework="pt") as shard:
        tensor: Tensor = shard.get_tensor(f"{norm}/{layer}")
    # The least of numbers with a NaN is NaN. Shards of a run were checked when they were computed.
    if isinstance(file, FrozenFile) and not (tensor.min() >= 0 and tensor.max() < inf):
        raise InvalidInput(
            f"{file.name} has a number in {norm}/{layer} that is negative or not finite, which no norm is; "
            "compute them again",
            field=_FIELD,
        )
    return tensor


@dataclass(frozen=True)
class Provenance:
    """The model and the text that gradient norms were computed from."""

    model: str  # a Hub commit, or the digest of a local directory
    calibration: str  # the fingerprint of the calibration windows


def write_gradients(gradients: GradientNorms, provenance: Provenance, path: Path) -> None:
    """Write all norms of all layers to `path`, replacing any file there; one is in memory at a time."""
    places = {f"{norm}/{layer}": (layers, layer) for norm, layers in gradients.items() for layer in layers}

    def norm_at(name: str) -> Tensor:
        layers, layer = places[name]
        return layers[layer]

    metadata = {"format": FORMAT, **asdict(provenance)}
    save_tensors(ComputedTensors(places, norm_at), path, metadata)


@dataclass(frozen=True)
class GradientFile:
    """A file written by `write_gradients`, checked against a model."""

    frozen: FrozenFile
    provenance: Provenance

    @classmethod
    def checked(
        cls,
        file: FrozenFile,
        *,
        model: str,
        layers: Mapping[str, tuple[int, int]],
        norms: Collection[GradientNorm],
    ) -> Self:
        """Check that a file has `norms` of all layers, without reading a tensor, and return it.

        Parameters
        ----------
        file
            The file.
        model
            The commit or digest that the file's provenance must name.
        layers
            The shape (outputs, inputs) of each layer, by name.
        norms
            The norms that the recipe needs.

        Raises
        ------
        InvalidInput
            With field 'gradients', for a file that is unreadable, of another model or incomplete.
        """
        with file.opened() as path:
            try:
                with safe_open(path, framework="pt") as found:
                    metadata = found.metadata() or {}
                    shapes = {name: tuple(found.get_slice(name).get_shape()) for name in found.keys()}  # noqa: SIM118 - safetensors' files cannot be iterated
            except (OSError, SafetensorError) as error:
                raise InvalidInput(f"{file.name} is not a readable safetensors file", field=_FIELD) from error
        if metadata.get("format") != FORMAT:
            raise InvalidInput(
                f"{file.name} does not hold gradient norms; use the {FILE_NAME} of an earlier run",
                field=_FIELD,
            )
        if not {"model", "calibration"} <= metadata.keys():
            raise InvalidInput(
                f"{file.name} does not name the model and the text of its norms; use the {FILE_NAME} of an "
                "earlier run",
                field=_FIELD,
            )
        if metadata["model"] != model:
            raise InvalidInput(
                f"{file.name} was computed for other weights ({metadata['model']}) than these ({model})",
                field=_FIELD,
            )
        for norm in sorted(norms):
            for layer, shape in layers.items():
                if shapes.get(f"{norm}/{layer}") != shape:
                    raise InvalidInput(
                        f"{file.name} has no {norm} norms of layer {layer} in its shape; compute them again",
                        field=_FIELD,
                    )
        return cls(file, Provenance(metadata["model"], metadata["calibration"]))

    def read(self, norms: Collection[GradientNorm]) -> GradientNorms:
        """Return norms that are read from the file on each access, to the CPU.

        An access raises InvalidInput with the tensor's name for numbers that are no norm.
        """
        with self.frozen.opened() as path, safe_open(path, framework="pt") as file:
            names = list(file.keys())
        layers = sorted({name.split("/", 1)[1] for name in names if "/" in name})
        return norms_from_shards({norm: dict.fromkeys(layers, self.frozen) for norm in norms})
