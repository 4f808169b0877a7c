"""Structure: remove blocks and units from the model, before anything else is done to it.

`Structure` runs two stages: `ShortenStage` removes whole blocks, `CutStage` units of every block. Each
writes a smaller model, loads it, and compares it with the model before it (`CutModel`).
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from pruning.calibration.routed_tokens import RoutedTokens
from pruning.calibration.window_norms import GradientNorms
from pruning.checkpoint.checkpoint import resolve_directory
from pruning.errors import InvalidInput
from pruning.estimate.pieces import PROBE_TOKENS
from pruning.exports import gguf
from pruning.models.blocks import Stack, find_stack, prunable_stack
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.output.smaller import write_shorter, write_smaller
from pruning.pipeline.export import engine_for
from pruning.pipeline.gradients import GateStage
from pruning.pipeline.models import LoadedModel, ResolvedModel
from pruning.pipeline.recorder import RunContext
from pruning.pipeline.resolve import ResolvedRun
from pruning.pipeline.resources import retry_block
from pruning.progress import Step
from pruning.recipe import Recipe, Stage, StructureOptions
from pruning.recipe.exports import Export, GgufExport
from pruning.recipe.structure import MAX_BLOCK_SELECTION_WINDOWS
from pruning.report import BlockUnits, DepthFacts, DroppedBlock, StructureFacts, UnitFacts
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.sandbox.reading import UntrustedReader
from pruning.structure.cut import cut_blocks
from pruning.structure.depth import DepthPlan, Drop, choose_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutBlocks, StoredCut, StoredDrops, ranges

# Of the logits, in float32. A wrong cut is off by far more; a file of several dtypes rounds by less.
_TOLERANCE = 1e-2


@dataclass(frozen=True)
class CutModel:
    """The model that is cut, before or after: by its bytes, and with its weights."""

    resolved: ResolvedModel
    loaded: LoadedModel

    def load_smaller(self, directory: Path, recipe: Recipe, reading: UntrustedReader) -> "CutModel":
        """Load the smaller model that a cut of this one has written."""
        checkpoint = resolve_directory(directory, scratch=directory.parent, describe_files=reading.describe)
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
    """Return an empty directory of the cut stage, without the files of a killed attempt."""
    directory = resume_store.directory(Stage.CUT) / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


@dataclass(frozen=True)
class ShortenStage:
    """Chooses the blocks that an earlier attempt has not; then writes, checks and loads the model.

    Each removed block is one step, and is kept for a later attempt.
    """

    name: ClassVar[Stage] = Stage.CUT

    dense: CutModel
    recipe: Recipe
    plan: DepthPlan
    windows: Tensor
    context: RunContext
    exports: tuple[Export, ...]

    def prepare(self) -> int:
        """Return the number of blocks to remove."""
        return self.plan.dense - self.plan.kept

    def run(self, step: Step) -> tuple[CutModel, DepthFacts]:
        """Choose the blocks, write the shorter model, and compare it with the dense one. Return it, loaded.

        Raises NumericalFailure where predictions are not finite, and InvalidInput for a model whose config
        cannot say which blocks are left (field 'structure.blocks'), or that computes something else without
        the others (field 'structure') or cannot be exported to GGUF as asked (field 'model.id').
        """
        loaded = self.dense.loaded
        drops = StoredDrops(self.context.resume_store, self._numerics_key, blocks=self.plan.dense)
        with loaded.placement.stage():
            kept = choose_blocks(
                loaded.stack,
                self.windows,
                self.plan.kept,
                placement=loaded.placement,
                earlier=tuple(drops.drops),
                found=lambda drop: self._keep(drops, drop, step),
            )
        self.plan.refuse_unbuildable(kept)
        directory = empty_directory(self.context.resume_store, "shorter")
        checkpoint, count = self.dense.resolved.checkpoint, self.prepare()
        write_shorter(checkpoint, self.plan.config(kept), kept, directory)
        if any(isinstance(export, GgufExport) for export in self.exports):  # what was checked kept others
            gguf.check(
                directory,
                shapes=checkpoint.layout.shapes_of(self.plan.skeleton(kept)),
                engine=engine_for(self.context.reading),
                step=lambda _: step(count, count),
            )
        shorter = self.dense.load_smaller(directory, self.recipe, self.context.reading)
        self._check(kept, shorter)
        dropped = tuple(DroppedBlock(block=drop.block, kl=drop.divergence) for drop in drops.drops)
        return shorter, DepthFacts(dense=self.plan.dense, kept=ranges(kept), dropped=dropped)

    def _keep(self, drops: StoredDrops, drop: Drop, step: Step) -> None:
        drops.put(drop)
        step(len(drops.drops), self.prepare())

    def _check(self, kept: list[int], shorter: CutModel) -> None:
        """Raise InvalidInput(field='structure') where the shorter model is not the dense one's blocks."""
        with self.dense.exactly().stage() as dense, shorter.exactly().stage() as found:
            expected = _logits_of_blocks(self.dense.loaded.stack, kept, self.windows, dense)
            shorter.refuse_difference(_smaller_logits(self.windows, found), expected, "blocks left out")

    @property
    def _numerics_key(self) -> NumericsKey:
        windows = self.windows[:MAX_BLOCK_SELECTION_WINDOWS]
        return {**self.dense.loaded.numerics_key(None), "windows that judge blocks": len(windows)}


@dataclass(frozen=True)
class UnitOutcome:
    """The kept units, for the report; the default is for a cut of whole blocks alone."""

    units: tuple[UnitFacts, ...] = ()
    blocks: tuple[BlockUnits, ...] = ()
    warnings: tuple[str, ...] = ()
    routed: Mapping[int, RoutedTokens] = field(default_factory=dict)  # by block


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
    context: RunContext

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
        with placement.stage():
            cut_blocks(
                stack,
                plan,
                self.windows,
                self.gates,
                placement=placement,
                blocks=self.finished_blocks,
                step=step,
                retry=retry_block,
                windows_of=[share.samples for share in self.recipe.calibration.shares],
            )
        self.finished_blocks.activation_checkpoint.drop()
        directory = empty_directory(self.context.resume_store, "model")
        write_smaller(self.dense.resolved.checkpoint, self.plan, self.finished_blocks, directory)
        smaller = self.dense.load_smaller(directory, self.recipe, self.context.reading)
        self._check(plan, smaller)
        return smaller, self._outcome()

    def _check(self, plan: CutPlan, smaller: CutModel) -> None:
        """Raise InvalidInput(field='structure') where the smaller model is not the masked one."""
        with self.dense.exactly().stage() as dense, smaller.exactly().stage() as cut:
            expected = _masked_logits(
                self.dense.loaded.stack,
                plan,
                self.finished_blocks,
                self.windows,
                dense,
                stored_dtype=self.dense.resolved.checkpoint.stored_dtype,
            )
            self.dense.refuse_difference(_smaller_logits(self.windows, cut), expected, "units masked")

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
            routed={index: block.routed for index, block in enumerate(blocks) if block.routed},
        )

    @property
    def _count(self) -> int:
        return len(self.dense.loaded.stack.blocks)


@dataclass(frozen=True)
class CutOutcome:
    """The cut, for the report."""

    facts: StructureFacts
    warnings: tuple[str, ...]
    routed: Mapping[int, RoutedTokens]


@dataclass(frozen=True)
class Structure:
    """Runs the stages that take units out of the model."""

    recipe: Recipe
    resolved: ResolvedRun
    context: RunContext
    exports: tuple[Export, ...]

    def cut(self, dense: LoadedModel) -> tuple[LoadedModel, CutOutcome | None]:
        """Return the smaller model, which replaces the dense one; the dense one without `structure`."""
        options = self.recipe.structure
        if options is None:
            return dense, None
        model = CutModel(self.resolved.model, dense)
        depth, units = None, UnitOutcome()
        if options.blocks is not None:
            model, depth = self._without_blocks(options, model)
        if options.cuts_blocks:
            model, units = self._without_units(options, model)
        return model.loaded, CutOutcome(self._facts(model, depth, units), units.warnings, units.routed)

    def _without_blocks(self, options: StructureOptions, model: CutModel) -> tuple[CutModel, DepthFacts]:
        checkpoint, windows = model.resolved.checkpoint, self.resolved.windows
        assert windows is not None  # noqa: S101 - a recipe that takes blocks out reads text
        plan = DepthPlan.of(options, checkpoint.skeleton, checkpoint.config_values)
        return self.context.run(ShortenStage(model, self.recipe, plan, windows, self.context, self.exports))

    def _without_units(self, options: StructureOptions, model: CutModel) -> tuple[CutModel, UnitOutcome]:
        """Rank the units of each block, and take the lowest out."""
        checkpoint, windows = model.resolved.checkpoint, self.resolved.windows
        assert windows is not None  # noqa: S101 - a recipe that takes units out reads text
        plan = CutPlan.of(options, checkpoint.skeleton, checkpoint.config_values)
        gates, finished_blocks = self.context.recorder.run(
            GateStage(model.loaded, options, self.resolved.calibration, self.context)
        )
        return self.context.run(
            CutStage(model, self.recipe, plan, windows, gates, finished_blocks, self.context)
        )

    def _facts(self, smaller: CutModel, depth: DepthFacts | None, units: UnitOutcome) -> StructureFacts:
        dense = self.resolved.model
        return StructureFacts(
            depth=depth,
            units=units.units,
            blocks=units.blocks,
            block_share=1 - _in_blocks(smaller.resolved) / _in_blocks(dense),
            dense_parameters=dense.facts.parameters,
            parameters=smaller.resolved.facts.parameters,
            dense_bytes=dense.checkpoint.weight_bytes,
            bytes=smaller.resolved.checkpoint.weight_bytes,
        )


def _in_blocks(model: ResolvedModel) -> int:
    return find_stack(model.checkpoint.skeleton).parameters


@torch.no_grad()
def _masked_logits(
    stack: Stack,
    plan: CutPlan,
    blocks: CutBlocks,
    tokens: Tensor,
    placement: Placement,
    *,
    stored_dtype: torch.dtype,
) -> Tensor:
    """Return the logits of the dense model with the removed units masked, (1, tokens, vocabulary).

    `stack`: of the dense model, in which the cut may be applied already. `tokens`: ids, int64 (windows,
    length), of which the first few are used. `stored_dtype`: what the repaired weights are rounded to.
    """
    replay = Replay(stack, tokens, placement)
    with replay.outer_modules_resident():
        hidden, calls = replay.embed(tokens[:1, :PROBE_TOKENS])
        for index, block in enumerate(stack.blocks):
            with placement.resident(block.module, then=stack.module_after(index)):
                blocks[index].rounded(stored_dtype).apply_to(plan.of_block(index))
                hidden = calls[index](block.module, hidden)
        return replay.logits(hidden)


@torch.no_grad()
def _logits_of_blocks(stack: Stack, blocks: Sequence[int], tokens: Tensor, placement: Placement) -> Tensor:
    """Return the logits of the dense model with these blocks alone, (1, tokens, vocabulary)."""
    replay = Replay(stack, tokens, placement)
    with replay.outer_modules_resident():
        hidden, calls = replay.embed(tokens[:1, :PROBE_TOKENS])
        for index in blocks:
            module = stack.blocks[index].module
            with placement.resident(module):
                hidden = calls[index](module, hidden)
        return replay.logits(hidden)


def _smaller_logits(tokens: Tensor, placement: Placement) -> Tensor:
    """Return the logits of the smaller model for the same tokens."""
    return Replay(find_stack(placement.model), tokens, placement).probe_logits


def relative_difference(one: Tensor, other: Tensor) -> float:
    """Return ‖one - other‖ ÷ ‖other‖. Tokens that both rule out, by logits of -∞, are equal."""
    wide = torch.promote_types(other.dtype, torch.float32)
    impossible = (one == -torch.inf) & (other == -torch.inf)
    ours, theirs = (logits.to(wide).masked_fill(impossible, 0.0) for logits in (one, other))
    return float(torch.linalg.vector_norm(ours - theirs) / torch.linalg.vector_norm(theirs))
