"""Search: prune a first time, measure what each layer adds to the loss, and move zeros accordingly."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from pruning.calibration.gradient_pass import GradientPass, Objective
from pruning.calibration.window_norms import GradientNorms
from pruning.data.training import HeldOutText
from pruning.masks.patterns import LayerTarget
from pruning.methods.results import Pruned, StoredBlocks, Targets, targets_as_json, targets_of_json
from pruning.models.blocks import stack_of_layers
from pruning.output.writer import write_model
from pruning.pipeline.loss_shares import divergence, final_states, shares_of
from pruning.pipeline.models import LoadedModel, ResolvedModel
from pruning.pipeline.prune import FinishedTrial, TrialStage
from pruning.pipeline.recorder import RunContext
from pruning.pipeline.resolve import ResolvedRun
from pruning.pipeline.targets import moved
from pruning.progress import Step
from pruning.recipe import GradientNorm, Recipe, Stage
from pruning.report import SearchFacts
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import NumericsKey

_RESULT = -1
"""The block number of the targets in the resume store. Those of blocks are their shares."""

_SHARES: GradientNorm = "shares"
_MAY_BE_GIVEN_UP = frozenset({"schedule", "micro_batch", "deterministic"})
_NOT_DETERMINISTIC = (
    "the model has an operation without a deterministic algorithm on this device: another run may find other "
    "sparsities for its layers"
)


@dataclass(frozen=True)
class SearchedTargets:
    """The targets that a search found."""

    KEY: ClassVar = "searched targets"  # in the numerics key of what is pruned by them

    targets: Targets
    shares: float
    """The sum of all layers' shares in the loss of the first pruned model, in nats per token."""
    warnings: tuple[str, ...] = ()

    @property
    def numerics_key(self) -> NumericsKey:
        """The identity of the targets."""
        return {self.KEY: hashlib.sha256(self._targets_as_json.encode()).hexdigest()}

    def write(self, path: Path) -> HashedFile:
        """Write JSON from which floats come back bit for bit."""
        stored = {"targets": self._targets_as_json, "shares": self.shares, "warnings": self.warnings}
        path.write_text(json.dumps(stored))
        return HashedFile.of(path)

    @classmethod
    def read(cls, path: Path) -> "SearchedTargets":
        """Read what `write` wrote."""
        stored = json.loads(path.read_text())
        return cls(targets_of_json(stored["targets"]), stored["shares"], tuple(stored["warnings"]))

    @cached_property
    def _targets_as_json(self) -> str:
        return targets_as_json(self.targets)


@dataclass
class ShareStage:
    """Takes one pass with gradients over the first pruned model, and moves zeros accordingly."""

    name: ClassVar[Stage] = Stage.SEARCH

    model: ResolvedModel  # the dense one
    dense: LoadedModel
    text: HeldOutText  # that the model was not calibrated on
    trial: Pruned | None  # the first pruned model; None where only earlier results are read
    trial_key: NumericsKey  # all that decides its last bits
    context: RunContext

    def __post_init__(self) -> None:
        """Plan the pass. Raises InvalidInput where the environment does not allow a deterministic one."""
        self._states: dict[bytes, Tensor] = {}
        # As that over the pruned model, whose sizes are the same.
        self._pass = self._pass_over(self.dense)
        # Not the key of a pass that ran out of memory, which no later attempt would use. What a pass may
        # give up has a name of its own in it: blocks of one that did so are not lost where targets are found.
        self._numerics_key = {
            f"planned {name}" if name in _MAY_BE_GIVEN_UP else name: value
            for name, value in self._pass.numerics_key.items()
        }
        self._steps = len(self.dense.stack.blocks) + self._pass.steps

    def found(self) -> SearchedTargets | None:
        """Return the targets that an earlier attempt has found."""
        stored = self.context.resume_store.begin(Stage.SEARCH, self._numerics_key)
        return SearchedTargets.read(stored[_RESULT].path) if _RESULT in stored else None

    def prepare(self) -> int:
        """Return the steps: the blocks of the dense model, and those of the pass."""
        return self._steps

    def run(self, step: Step) -> SearchedTargets:
        """Return the targets, of an earlier attempt if it has found them.

        Raises NumericalFailure where the loss or its gradients are of no use.
        """
        earlier = self.found()
        if earlier is not None:
            step(self._steps, self._steps)
            return earlier
        self._states |= final_states(
            self.dense.stack,
            self.text.windows,
            self.dense.placement,
            lambda done: step(done, self._steps),
        )
        searched = self._moved(self._shares(step))
        written = searched.write(self.context.resume_store.directory(Stage.SEARCH) / "targets.json")
        self.context.resume_store.begin(Stage.SEARCH, self._numerics_key)
        self.context.resume_store.commit(Stage.SEARCH, _RESULT, written)
        return searched

    def _shares(self, step: Step) -> Tensor:
        """Return each layer's share of each window's loss: (layers, windows), in nats per token."""
        before = len(self.dense.stack.blocks)

        def step_of_pass(done: int, _: int) -> None:  # of a pass that is tried again, there are others
            step(min(before + done, self._steps), self._steps)

        with self._pruned() as pruned:
            self._pass = self._pass_over(pruned)
            try:
                shares = self._pass.run(step_of_pass, self.context.resume_store)[_SHARES]
                return torch.stack([shares[layer.name].cpu() for layer in self._first.layers])
            finally:
                pruned.placement.end_stage()

    def _moved(self, shares: Tensor) -> SearchedTargets:
        layers = self._first.layers
        targets = {
            layer.name: LayerTarget("unstructured", count / layer.weights, zeros=count)
            for layer, count in zip(layers, moved(layers, shares), strict=True)
        }
        lost = self.context.deterministic and not self._pass.deterministic
        return SearchedTargets(
            targets, float(shares.mean(dim=1).sum()), (_NOT_DETERMINISTIC,) if lost else ()
        )

    @contextmanager
    def _pruned(self) -> Iterator[LoadedModel]:
        """Write the pruned model, and load it; it may be larger than the memory."""
        directory = self.context.resume_store.directory(Stage.SEARCH) / "pruned"
        shutil.rmtree(directory, ignore_errors=True)  # left by a run that was killed
        directory.mkdir()
        try:
            write_model(self.dense.checkpoint, self._first, directory, save_masks=False)
            placement = self.model.place_pruned(directory)
            stack = stack_of_layers(placement.model, self.model.layers)
            yield LoadedModel(self.dense.checkpoint, placement, stack)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    @property
    def _first(self) -> Pruned:
        if self.trial is None:
            raise ValueError("nothing was found before, and there is no pruned model to search with")
        return self.trial

    def _pass_over(self, model: LoadedModel) -> GradientPass:
        objective = Objective(
            _SHARES,
            divergence(self._states),
            shares_of(self.dense.stack, self.dense.placement),
            Stage.SEARCH,
        )
        return GradientPass(
            model.placement,
            self.text.windows,
            norms=objective,
            stack=model.stack,
            schedule=self.context.schedule,
            deterministic=self.context.deterministic,
            model_key={**self.trial_key, "search windows": self.text.fingerprint},
        )


@dataclass(frozen=True)
class SearchOutcome:
    """The result of a search, for pruning and the report."""

    finished_blocks: StoredBlocks  # that are pruned by the targets that were found
    facts: SearchFacts
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class AllocationSearch:
    """Runs the stages of a search, for a recipe that asks for one."""

    recipe: Recipe
    resolved: ResolvedRun
    context: RunContext

    def next_blocks(self, dense: LoadedModel, numerics_key: NumericsKey) -> tuple[StoredBlocks, bool]:
        """Return the blocks to prune next, and whether norms are needed for them, or for those after them.

        They are those of the trial until the targets are found. `numerics_key`: all that decides their last
        bits.
        """
        count, text = len(dense.stack.blocks), self.resolved.search
        if text is None:
            blocks = StoredBlocks(self.context.resume_store, numerics_key)
            return blocks, not blocks.complete(count)
        if (found := self._share_stage(dense, text, numerics_key, None).found()) is None:
            trial = StoredBlocks(self.context.resume_store, numerics_key, Stage.TRIAL)
            return trial, self.recipe.masks_by_gradients or not trial.complete(count)
        blocks = StoredBlocks(self.context.resume_store, {**numerics_key, **found.numerics_key})
        return blocks, self.recipe.masks_by_gradients and not blocks.complete(count)

    def prune_first(self, dense: LoadedModel, norms: GradientNorms, blocks: StoredBlocks) -> Pruned | None:
        """Return the first pruned model; None where none is needed. `blocks`: those of `next_blocks`."""
        windows, count = self.resolved.windows, len(dense.stack.blocks)
        if self.resolved.search is None or windows is None:
            return None
        if blocks.stage != Stage.TRIAL:
            self.context.recorder.run(FinishedTrial(count))
            return None

        def load() -> LoadedModel:
            return replace(self.resolved.model.load(), method_key=dense.method_key)

        stage = TrialStage(load, self.recipe, windows, norms, blocks, count)
        return self.context.run(stage)

    def remaining_norms(self, norms: GradientNorms) -> GradientNorms:
        """Return the norms that pruning needs after the trial, on the host, to free device memory."""
        if self.resolved.search is None:
            return norms
        if not self.recipe.masks_by_gradients:
            return {}
        return {norm: _on_host(of_norm) for norm, of_norm in norms.items()}

    def find(self, dense: LoadedModel, trial: Pruned | None, blocks: StoredBlocks) -> SearchOutcome | None:
        """Return the targets that follow from the first pruned model, or were found before.

        `blocks`: those of `next_blocks`.
        """
        text = self.resolved.search
        if text is None:
            return None
        key = blocks.numerics_key.items()
        numerics_key = {name: value for name, value in key if name != SearchedTargets.KEY}
        stage = self._share_stage(dense, text, numerics_key, trial)
        found = self.context.run(stage)
        blocks = StoredBlocks(self.context.resume_store, {**numerics_key, **found.numerics_key})
        if blocks.targets() is None:
            blocks.put_targets(found.targets)
        facts = SearchFacts(
            windows=len(text.windows),
            articles=text.articles,
            fingerprint=text.fingerprint,
            shares=found.shares,
        )
        return SearchOutcome(blocks, facts, found.warnings)

    def _share_stage(
        self, dense: LoadedModel, text: HeldOutText, numerics_key: NumericsKey, trial: Pruned | None
    ) -> ShareStage:
        return ShareStage(self.resolved.model, dense, text, trial, numerics_key, self.context)


def _on_host(norms: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Norms that are read on access are left as they are."""
    return {name: norm.cpu() for name, norm in norms.items()} if isinstance(norms, dict) else norms
