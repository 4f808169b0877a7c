"""Cut: take units out of every block of the dense model, and load the smaller model that is left."""

import shutil
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from pruning.checkpoint.checkpoint import resolve
from pruning.errors import InvalidInput
from pruning.gradients.window_norms import GradientNorms
from pruning.model.placement import Placement
from pruning.model.selection import prunable_stack
from pruning.output.smaller import write_smaller
from pruning.recipe import ModelReference, Recipe, Stage, StructureOptions
from pruning.report.schema import BlockUnits, StructureFacts, UnitFacts
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.sandbox.reading import Reading
from pruning.stages.models import LoadedModel, ResolvedModel
from pruning.stages.recorder import Step
from pruning.structure.check import masked_logits, relative_difference, smaller_logits
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.ranges import ranges
from pruning.structure.results import StoredCut

# Of the logits, in float32. A wrong cut is off by far more; a file of several dtypes rounds by less.
_TOLERANCE = 1e-2
_ANY_TOKENS = torch.arange(16)[None]  # ids that every vocabulary has


@dataclass(frozen=True)
class CutOutcome:
    """What the report says of the cut."""

    facts: StructureFacts
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class CutStage:
    """Cuts the blocks that an earlier attempt has not finished; then writes, checks and loads the model."""

    name: ClassVar[Stage] = Stage.CUT

    model: ResolvedModel
    dense: LoadedModel
    recipe: Recipe
    options: StructureOptions
    plan: CutPlan
    windows: Tensor | None  # None where nothing is measured
    gates: GradientNorms
    finished_blocks: StoredCut  # the others are added to it
    resume_store: ResumeStore
    reading: Reading

    def prepare(self) -> int:
        """Return the number of blocks: each is one step."""
        return len(self.dense.stack.blocks)

    def run(self, step: Step) -> tuple[LoadedModel, CutOutcome]:
        """Cut block by block, write the smaller model, and compare it with the masked one. Return it, loaded.

        Raises NumericalFailure with the name of the layer, and InvalidInput(field='structure') for a model
        that computes something else after the cut than with these units masked.
        """
        placement = self.dense.placement
        plan = self.plan.on(self.dense.stack)
        try:
            cut_blocks(
                self.dense.stack,
                self.options,
                plan,
                self.windows,
                self.gates,
                placement=placement,
                blocks=self.finished_blocks,
                step=step,
            )
        finally:
            placement.end_stage()
        directory = self.resume_store.directory(Stage.CUT) / "model"
        shutil.rmtree(directory, ignore_errors=True)  # of an attempt that was killed
        directory.mkdir()
        write_smaller(self.model.checkpoint, self.plan, self.finished_blocks, directory)
        # Not validated: the caller may have put the resume store anywhere.
        reference = ModelReference.model_construct(id=str(directory.resolve()), revision=None)
        checkpoint = resolve(reference, links_in=directory.parent, describe_files=self.reading.describe)
        smaller = replace(
            self.model,
            checkpoint=checkpoint,
            layers=frozenset(layer.name for layer in prunable_stack(checkpoint.skeleton, self.recipe).layers),
        )
        # A cut that is made again may take other units out, and what was computed on this one is then stale.
        key: NumericsKey = {"cut model": checkpoint.identity}
        loaded = replace(smaller.load(), method_key=self.dense.method_key, cut_key=key)
        self._check(plan, loaded)
        return loaded, CutOutcome(self._facts(smaller), self._warnings)

    def _check(self, plan: CutPlan, smaller: LoadedModel) -> None:
        """Raise InvalidInput(field='structure') where the smaller model is not the masked one."""
        dtype = torch.promote_types(self.dense.placement.dtype, torch.float32)
        tokens = _ANY_TOKENS if self.windows is None else self.windows
        dense, cut = (
            Placement(model.placement.model, model.placement.device, dtype) for model in (self.dense, smaller)
        )
        try:
            expected = masked_logits(
                self.dense.stack,
                plan,
                self.finished_blocks,
                tokens,
                dense,
                stored_dtype=self.model.checkpoint.stored_dtype,
            )
            found = smaller_logits(tokens, cut)
        finally:
            dense.end_stage()
            cut.end_stage()
        difference = relative_difference(found, expected)
        if not difference <= _TOLERANCE:
            raise InvalidInput(
                f"{self.model.checkpoint.architecture} cannot be cut: its smaller model gives other logits "
                f"than the dense one with the same units masked (relative difference {difference:.2g})",
                field="structure",
            )

    def _facts(self, smaller: ResolvedModel) -> StructureFacts:
        blocks = range(len(self.dense.stack.blocks))
        return StructureFacts(
            units=tuple(
                UnitFacts(kind=plan.kind, dense=plan.dense, requested=plan.requested, kept=plan.kept)
                for plan in self.plan.plans
            ),
            blocks=tuple(
                BlockUnits(block=index, kind=kind, kept=ranges(kept.tolist()))
                for index in blocks
                for kind, kept in self.finished_blocks[index].kept.items()
            ),
            dense_parameters=self.model.facts.parameters,
            parameters=smaller.facts.parameters,
            dense_bytes=self.model.checkpoint.weight_bytes,
            bytes=smaller.checkpoint.weight_bytes,
        )

    @property
    def _warnings(self) -> tuple[str, ...]:
        blocks = range(len(self.dense.stack.blocks))
        return tuple(warning for index in blocks for warning in self.finished_blocks[index].warnings)
