"""The dense model before and after its weights are loaded, and the pruned one on disk."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.checkpoint.checkpoint import Checkpoint
from pruning.checkpoint.description import suitable_config
from pruning.checkpoint.files import CONFIG, read_json
from pruning.checkpoint.text_decoder import auto_class, text_decoder
from pruning.estimate import ModelShape
from pruning.exports.compressed_tensors import load_export
from pruning.models.blocks import Stack, find_stack, stack_of_layers
from pruning.models.memory import micro_batches, shape_of
from pruning.models.placement import Placement
from pruning.report import ModelFacts
from pruning.resume.store import NumericsKey
from pruning.runtime.device import dtype_name, experts_implementation


@dataclass(frozen=True)
class ResolvedModel:
    """The dense model by its exact bytes, the layers to prune, and how to compute. No weight is loaded."""

    checkpoint: Checkpoint
    layers: frozenset[str]  # names of the linear layers that the recipe selects
    devices: tuple[torch.device, ...]  # that compute; the first has all but a part of the blocks
    dtype: torch.dtype  # of the computation

    @cached_property
    def facts(self) -> ModelFacts:
        """The dense model, for the report."""
        skeleton = self.checkpoint.skeleton
        return ModelFacts(
            id=self.checkpoint.id,
            commit=self.checkpoint.commit,
            digest=self.checkpoint.digest,
            architecture=self.checkpoint.architecture,
            parameters=sum(parameter.numel() for parameter in skeleton.parameters()),
            blocks=len(find_stack(skeleton).blocks),
        )

    @property
    def device(self) -> torch.device:
        """Where windows enter the model, and losses leave it."""
        return self.devices[0]

    @property
    def shape(self) -> ModelShape:
        """The shape of the model, for estimates of the cost."""
        stored = dtype_name(self.checkpoint.stored_dtype)
        shape = shape_of(find_stack(self.checkpoint.skeleton), stored_dtype=stored)
        return replace(shape, is_quantised=self.checkpoint.quantisation is not None)

    def load(self) -> "LoadedModel":
        """Load the weights. Raises InvalidInput(field='model.id') where the files lack some of them."""
        placement = self.place_dense()
        return LoadedModel(self.checkpoint, placement, stack_of_layers(placement.model, self.layers))

    def place_dense(self) -> Placement:
        """Load the dense model, frozen and in eval mode, ready to bring its parts to the compute device.

        It stays on the host, memory-mapped, in its stored dtype; or in the compute dtype where its weights
        are stored in several, so that none loses precision on the way.
        """
        model = self.checkpoint.load(self._dtype_on_host, torch.device("cpu"), computes_in=self.dtype)
        return self._placed(model)

    def place_pruned(self, directory: Path) -> Placement:
        """Load the pruned model from the directory it was written to, with the dense model's attention."""
        config = suitable_config(read_json(directory / CONFIG), scratch=directory.parent)
        model = auto_class(config).from_pretrained(
            directory,
            config=config,
            attn_implementation=self.checkpoint.skeleton.config._attn_implementation,
            dtype=self._dtype_on_host,
            experts_implementation=experts_implementation(self.dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        assert isinstance(model, PreTrainedModel)  # noqa: S101 - what from_pretrained promises
        return self._placed(text_decoder(model).requires_grad_(False).eval())

    def place_export(self, directory: Path) -> Placement:
        """Load an export of compressed-tensors, decompressed, with the dense model's attention."""
        attention = self.checkpoint.skeleton.config._attn_implementation
        return self._placed(load_export(directory, self.dtype, attention))

    def _placed(self, model: PreTrainedModel) -> Placement:
        return Placement(model, self.device, self.dtype, others=self.devices[1:])

    @property
    def _dtype_on_host(self) -> torch.dtype:
        stored = {tensor.dtype for tensor in self.checkpoint.stored.values() if tensor.is_floating_point()}
        return self.checkpoint.stored_dtype if len(stored) == 1 else self.dtype


@dataclass(frozen=True)
class LoadedModel:
    """The dense model with its weights, to compute gradients on and to prune."""

    checkpoint: Checkpoint
    placement: Placement
    stack: Stack  # the blocks, narrowed to the layers to prune
    method_key: NumericsKey = field(default_factory=dict)  # what the method contributes to the last bits
    cut_key: NumericsKey = field(default_factory=dict)  # which smaller model this is; empty for the dense one

    def numerics_key(self, windows: Tensor | None) -> NumericsKey:
        """Everything about this model and machine that decides the last bits of pruning it on `windows`."""
        of_all = {**self.placement.numerics_key, **self.method_key, **self.cut_key}
        if windows is None:
            return of_all
        pieces = micro_batches(self.stack, windows, self.placement.device)
        return {**of_all, "windows at once": len(pieces[0])}
