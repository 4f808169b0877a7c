"""Cut: take units out of every block of a model, and load the smaller model that is left."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pruning.calibration.window_norms import GradientNorms
from pruning.output.smaller import write_smaller
from pruning.pipeline.recorder import Step
from pruning.pipeline.smaller import CutModel, empty_directory
from pruning.recipe import Recipe, Stage
from pruning.report import BlockUnits, UnitFacts
from pruning.resume.store import ResumeStore
from pruning.sandbox.reading import UntrustedReader
from pruning.structure.check import masked_logits, smaller_logits
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.ranges import ranges
from pruning.structure.results import StoredCut


@dataclass(frozen=True)
class UnitOutcome:
    """What the report says of the units that are left; by default of a cut that takes whole blocks alone."""

    units: tuple[UnitFacts, ...] = ()
    blocks: tuple[BlockUnits, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CutStage:
    """Cuts the blocks that an earlier attempt has not finished; then writes, checks and loads the model."""

    name: ClassVar[Stage] = Stage.CUT

    dense: CutModel
    recipe: Recipe
    plan: CutPlan
    windows: Tensor
    gates: GradientNorms
    finished_blocks: StoredCut  # the others are added to it
    resume_store: ResumeStore
    reading: UntrustedReader

    def prepare(self) -> int:
        """Return the number of blocks: each is one step."""
        return self._count

    def run(self, step: Step) -> tuple[CutModel, UnitOutcome]:
        """Cut block by block, write the smaller model, and compare it with the masked one. Return it, loaded.

        Raises NumericalFailure with the name of the layer, and InvalidInput(field='structure') for a model
        that computes something else after the cut than with these units masked.
        """
        placement, stack = self.dense.loaded.placement, self.dense.loaded.stack
        plan = self.plan.on(stack)
        try:
            cut_blocks(
                stack,
                plan,
                self.windows,
                self.gates,
                placement=placement,
                blocks=self.finished_blocks,
                step=step,
            )
        finally:
            placement.end_stage()
        directory = empty_directory(self.resume_store, "model")
        write_smaller(self.dense.resolved.checkpoint, self.plan, self.finished_blocks, directory)
        smaller = self.dense.load_smaller(directory, self.recipe, self.reading)
        self._check(plan, smaller)
        return smaller, self._outcome()

    def _check(self, plan: CutPlan, smaller: CutModel) -> None:
        """Raise InvalidInput(field='structure') where the smaller model is not the masked one."""
        dense, cut = self.dense.exactly(), smaller.exactly()
        try:
            expected = masked_logits(
                self.dense.loaded.stack,
                plan,
                self.finished_blocks,
                self.windows,
                dense,
                stored_dtype=self.dense.resolved.checkpoint.stored_dtype,
            )
            self.dense.refuse_difference(smaller_logits(self.windows, cut), expected, "units masked")
        finally:
            dense.end_stage()
            cut.end_stage()

    def _outcome(self) -> UnitOutcome:
        blocks = [self.finished_blocks[index] for index in range(self._count)]
        return UnitOutcome(
            units=tuple(
                UnitFacts(kind=plan.kind, dense=plan.dense, requested=plan.requested, kept=plan.kept)
                for plan in self.plan.plans
            ),
            blocks=tuple(
                BlockUnits(block=index, kind=kind, kept=ranges(kept.tolist()))
                for index, block in enumerate(blocks)
                for kind, kept in block.kept.items()
            ),
            warnings=tuple(warning for block in blocks for warning in block.warnings),
        )

    @property
    def _count(self) -> int:
        return len(self.dense.loaded.stack.blocks)
