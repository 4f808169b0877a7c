"""Structure: remove units from the model, before anything else is done to it.

`CutStage` writes the smaller model, loads it, and compares it with the dense one.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from pruning.calibration.routed_tokens import RoutedTokens
from pruning.calibration.window_norms import GradientNorms
from pruning.checkpoint.checkpoint import resolve_directory
from pruning.errors import InvalidInput
from pruning.estimate.pieces import PROBE_TOKENS
from pruning.models.blocks import Stack, find_stack, prunable_stack
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.output.smaller import write_smaller
from pruning.pipeline.gradients import GateStage
from pruning.pipeline.models import LoadedModel, ResolvedModel
from pruning.pipeline.recorder import RunContext
from pruning.pipeline.resolve import ResolvedRun
from pruning.pipeline.resources import retry_block
from pruning.progress import Step
from pruning.recipe import Recipe, Stage
from pruning.report import BlockUnits, StructureFacts, UnitFacts
from pruning.resume.store import NumericsKey
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutBlocks, StoredCut, ranges

# Of the logits, in float32. A wrong cut is off by far more; a file of several dtypes rounds by less.
_TOLERANCE = 1e-2


@dataclass(frozen=True)
class CutModel:
    """The model that is cut, before or after: by its bytes, and with its weights."""

    resolved: ResolvedModel
    loaded: LoadedModel

    def exactly(self) -> Placement:
        """Return where the model computes at least in float32, on one device."""
        placement = self.loaded.placement
        dtype = torch.promote_types(placement.dtype, torch.float32)
        return Placement(placement.model, placement.device, dtype)


@dataclass(frozen=True)
class CutOutcome:
    """The cut, for the report."""

    facts: StructureFacts
    warnings: tuple[str, ...]
    routed: Mapping[int, RoutedTokens]  # by block


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

    def run(self, step: Step) -> tuple[LoadedModel, CutOutcome]:
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
        smaller = self._smaller()
        self._check(plan, smaller)
        return smaller.loaded, self._outcome(smaller.resolved)

    def _smaller(self) -> CutModel:
        """Write the smaller model, in the place of what a killed attempt has written, and load it."""
        directory = self.context.resume_store.directory(Stage.CUT) / "model"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        write_smaller(self.dense.resolved.checkpoint, self.plan, self.finished_blocks, directory)
        describe = self.context.reading.describe
        checkpoint = resolve_directory(directory, scratch=directory.parent, describe_files=describe)
        layers = frozenset(layer.name for layer in prunable_stack(checkpoint.skeleton, self.recipe).layers)
        resolved = replace(self.dense.resolved, checkpoint=checkpoint, layers=layers)
        # A cut that is made again may take other units out, and what was computed on this one is then stale.
        key: NumericsKey = {"cut model": checkpoint.identity}
        method_key = self.dense.loaded.method_key
        return CutModel(resolved, replace(resolved.load(), method_key=method_key, cut_key=key))

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
            difference = relative_difference(_smaller_logits(self.windows, cut), expected)
        if not difference <= _TOLERANCE:
            raise InvalidInput(
                f"{self.dense.resolved.checkpoint.architecture} cannot be cut: its smaller model gives other "
                "logits than the dense one with the same units masked (relative difference "
                f"{difference:.2g})",
                field="structure",
            )

    def _outcome(self, smaller: ResolvedModel) -> CutOutcome:
        dense, blocks = self.dense.resolved, [self.finished_blocks[index] for index in range(self._count)]
        facts = StructureFacts(
            units=tuple(
                UnitFacts(kind=plan.kind, dense=plan.dense, requested=plan.requested, kept=plan.kept)
                for plan in self.plan.plans
            ),
            blocks=tuple(
                BlockUnits(block=index, kind=kind, kept=ranges(kept.tolist()))
                for index, block in enumerate(blocks)
                for kind, kept in block.kept.items()
            ),
            block_share=1 - _in_blocks(smaller) / _in_blocks(dense),
            dense_parameters=dense.facts.parameters,
            parameters=smaller.facts.parameters,
            dense_bytes=dense.checkpoint.weight_bytes,
            bytes=smaller.checkpoint.weight_bytes,
        )
        warnings = tuple(warning for block in blocks for warning in block.warnings)
        routed = {index: block.routed for index, block in enumerate(blocks) if block.routed}
        return CutOutcome(facts, warnings, routed)

    @property
    def _count(self) -> int:
        return len(self.dense.loaded.stack.blocks)


def cut_model(
    dense: LoadedModel, recipe: Recipe, resolved: ResolvedRun, context: RunContext
) -> tuple[LoadedModel, CutOutcome | None]:
    """Return the smaller model, which replaces the dense one; the dense one without `structure`."""
    options, windows = recipe.structure, resolved.windows
    if options is None:
        return dense, None
    assert windows is not None  # noqa: S101 - a recipe that takes units out reads text
    checkpoint = resolved.model.checkpoint
    plan = CutPlan.of(options, checkpoint.skeleton, checkpoint.config_values)
    gates, finished_blocks = context.recorder.run(GateStage(dense, options, resolved.calibration, context))
    model = CutModel(resolved.model, dense)
    return context.run(CutStage(model, recipe, plan, windows, gates, finished_blocks, context))


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


def _smaller_logits(tokens: Tensor, placement: Placement) -> Tensor:
    """Return the logits of the smaller model for the same tokens."""
    return Replay(find_stack(placement.model), tokens, placement).probe_logits


def relative_difference(one: Tensor, other: Tensor) -> float:
    """Return ‖one - other‖ ÷ ‖other‖. Tokens that both rule out, by logits of -∞, are equal."""
    wide = torch.promote_types(other.dtype, torch.float32)
    impossible = (one == -torch.inf) & (other == -torch.inf)
    ours, theirs = (logits.to(wide).masked_fill(impossible, 0.0) for logits in (one, other))
    return float(torch.linalg.vector_norm(ours - theirs) / torch.linalg.vector_norm(theirs))
