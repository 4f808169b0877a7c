"""Gradient norms in a file that a user keeps: computed once, used by any recipe on the same model.

It is a safetensors file with one tensor per norm and layer, `l1/<layer>` or `l2/<layer>`, (outputs, inputs),
not normalised. Its metadata names the model and the calibration windows that the norms were computed from.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from safetensors import SafetensorError, safe_open
from torch import Tensor

from pruning.calibration.gradient_shards import norms_from_shards
from pruning.calibration.window_norms import GradientNorms
from pruning.errors import InvalidInput
from pruning.files.frozen_file import FrozenFile
from pruning.files.gradient_header import FILE_NAME, FORMAT
from pruning.recipe import GradientNorm
from pruning.resume.hashed_file import save_tensors

_FIELD = "gradients"


@dataclass(frozen=True)
class Provenance:
    """The model and the text that gradient norms were computed from."""

    model: str  # a Hub commit, or the digest of a local directory
    calibration: str  # the fingerprint of the calibration windows


def write_gradients(gradients: GradientNorms, provenance: Provenance, path: Path) -> None:
    """Write all norms of all layers to `path`, replacing any file there; one is in memory at a time."""
    save_tensors(_ByName(gradients), path, metadata={"format": FORMAT, **asdict(provenance)})


class _ByName(Mapping[str, Tensor]):
    """Norms by the names that they have in a file, read on access where they are in shards."""

    def __init__(self, gradients: GradientNorms) -> None:
        self._places = {
            f"{norm}/{layer}": (layers, layer) for norm, layers in gradients.items() for layer in layers
        }

    def __getitem__(self, name: str) -> Tensor:
        layers, layer = self._places[name]
        return layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


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
        try:
            with file.opened() as path, safe_open(path, framework="pt") as found:
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
        """Return norms that are read from the file on each access, to the CPU."""
        with self.frozen.opened() as path, safe_open(path, framework="pt") as file:
            names = list(file.keys())
        layers = sorted({name.split("/", 1)[1] for name in names if "/" in name})
        return norms_from_shards({norm: dict.fromkeys(layers, self.frozen) for norm in norms})
