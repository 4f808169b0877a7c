"""Gradient norms as a file: computed once, used by any recipe on the same model.

A safetensors file with one tensor per norm and layer, `l1/<layer>` or `l2/<layer>`, (outputs, inputs),
without any scale; the metadata says of which model and which calibration windows they are.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pruning.errors import InvalidInput
from pruning.gradients.shards import sharded_norms
from pruning.gradients.window_norms import GradientNorms
from pruning.recipe import GradientNorm

FILE_NAME = "gradient_norms.safetensors"

_FORMAT = "pruneserve gradient norms 1"
_FIELD = "gradients"


@dataclass(frozen=True)
class Provenance:
    """What gradient norms were computed from."""

    model: str  # a Hub commit, or the digest of a local directory
    calibration: str  # the fingerprint of the windows


def write_gradients(gradients: GradientNorms, provenance: Provenance, path: Path) -> None:
    """Write all norms of all layers; the file replaces any that is there."""
    tensors = {
        f"{norm}/{layer}": tensor.contiguous()
        for norm, layers in gradients.items()
        for layer, tensor in layers.items()
    }
    save_file(tensors, path, metadata={"format": _FORMAT, **asdict(provenance)})


@dataclass(frozen=True)
class GradientFile:
    """A file that `write_gradients` wrote, known to belong to a model."""

    path: Path
    provenance: Provenance

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        model: str,
        layers: Mapping[str, tuple[int, int]],
        norms: Collection[GradientNorm],
    ) -> Self:
        """Check that the file has `norms` of all layers of the model, without reading a tensor.

        `layers`: the shape (outputs, inputs) of each, by name. `model` is what `Provenance.model` must be.
        Raises InvalidInput(field='gradients').
        """
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise InvalidInput(
                f"{path.name} is not a safetensors file that can be read", field=_FIELD
            ) from error
        if metadata.get("format") != _FORMAT:
            raise InvalidInput(
                f"{path.name} holds no gradient norms; give the {FILE_NAME} of an earlier run", field=_FIELD
            )
        if metadata["model"] != model:
            raise InvalidInput(
                f"{path.name} was computed for other weights ({metadata['model']}); this model's are {model}",
                field=_FIELD,
            )
        for norm in sorted(norms):
            for layer, shape in layers.items():
                if shapes.get(f"{norm}/{layer}") != shape:
                    raise InvalidInput(
                        f"{path.name} has no {norm} norms of layer {layer}; compute them again",
                        field=_FIELD,
                    )
        return cls(path, Provenance(metadata["model"], metadata["calibration"]))

    def read(self, norms: Collection[GradientNorm]) -> GradientNorms:
        """The norms asked for, on the CPU, each layer's when it is asked for."""
        with safe_open(self.path, framework="pt") as file:
            layers = sorted({name.split("/", 1)[1] for name in file.keys()})  # noqa: SIM118 - not a mapping
        return sharded_norms(dict.fromkeys(layers, self.path), norms)
