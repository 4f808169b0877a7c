"""A smaller model that a cut has written: loaded, and compared with the dense one."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from pruning.checkpoint.checkpoint import resolve
from pruning.errors import InvalidInput
from pruning.models.blocks import prunable_stack
from pruning.models.placement import Placement
from pruning.pipeline.models import LoadedModel, ResolvedModel
from pruning.recipe import ModelReference, Recipe, Stage
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.sandbox.reading import UntrustedReader
from pruning.structure.check import relative_difference

# Of the logits, in float32. A wrong cut is off by far more; a file of several dtypes rounds by less.
_TOLERANCE = 1e-2


@dataclass(frozen=True)
class CutModel:
    """The model that is cut, before or after: by its bytes, and with its weights."""

    resolved: ResolvedModel
    loaded: LoadedModel

    def load_smaller(self, directory: Path, recipe: Recipe, reading: UntrustedReader) -> "CutModel":
        """Load the smaller model that a cut of this one has written."""
        # Not validated: the caller may have put the resume store anywhere.
        reference = ModelReference.model_construct(id=str(directory.resolve()), revision=None)
        checkpoint = resolve(reference, scratch=directory.parent, describe_files=reading.describe)
        layers = frozenset(layer.name for layer in prunable_stack(checkpoint.skeleton, recipe).layers)
        smaller = replace(self.resolved, checkpoint=checkpoint, layers=layers)
        # A cut that is made again may take other units out, and what was computed on this one is then stale.
        key: NumericsKey = {"cut model": checkpoint.identity}
        return CutModel(smaller, replace(smaller.load(), method_key=self.loaded.method_key, cut_key=key))

    def exactly(self) -> Placement:
        """Return where the model computes at least in float32, on one device."""
        placement = self.loaded.placement
        dtype = torch.promote_types(placement.dtype, torch.float32)
        return Placement(placement.model, placement.device, dtype)

    def refuse_difference(self, found: Tensor, expected: Tensor, without: str) -> None:
        """Raise InvalidInput(field='structure') where logits of the smaller model are not the `expected`."""
        difference = relative_difference(found, expected)
        if not difference <= _TOLERANCE:
            raise InvalidInput(
                f"{self.resolved.checkpoint.architecture} cannot be cut: its smaller model gives other "
                f"logits than the dense one with the same {without} (relative difference {difference:.2g})",
                field="structure",
            )


def empty_directory(resume_store: ResumeStore, name: str) -> Path:
    """Return a directory of the cut's, emptied of what an attempt that was killed has left."""
    directory = resume_store.directory(Stage.CUT) / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory
