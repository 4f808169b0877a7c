"""Search the targets: prune a first time, find out what each layer adds to the loss, and move zeros by it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.calibration.window_norms import GradientNorms
from pruning.data.training import HeldOutText
from pruning.methods.results import Pruned, StoredBlocks
from pruning.pipeline.models import LoadedModel
from pruning.pipeline.recorder import StageRecorder
from pruning.pipeline.resolve import ResolvedRun
from pruning.pipeline.search.shares import SearchedTargets, ShareStage
from pruning.pipeline.search.trial import FinishedTrial, TrialStage
from pruning.recipe import Recipe, Stage
from pruning.report import SearchFacts
from pruning.resume.store import NumericsKey, ResumeStore


@dataclass(frozen=True)
class SearchOutcome:
    """What pruning and the report need of a search."""

    finished_blocks: StoredBlocks  # that are pruned by the targets that were found
    facts: SearchFacts
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class AllocationSearch:
    """Runs the stages of a search, for a recipe that asks for one."""

    recipe: Recipe
    resolved: ResolvedRun
    recorder: StageRecorder
    schedule: ScheduleChoice
    deterministic: bool
    resume_store: ResumeStore
    after_step: Callable[[], None]

    def next_blocks(self, dense: LoadedModel, numerics_key: NumericsKey) -> tuple[StoredBlocks, bool]:
        """Return the blocks to prune next, and whether norms are needed for them, or for those after them.

        They are those of the trial until the targets are found. `numerics_key`: all that decides their last
        bits.
        """
        count, text = len(dense.stack.blocks), self.resolved.search
        if text is None:
            blocks = StoredBlocks(self.resume_store, numerics_key)
            return blocks, not blocks.complete(count)
        if (found := self._share_stage(dense, text, numerics_key, None).found()) is None:
            trial = StoredBlocks(self.resume_store, numerics_key, Stage.TRIAL)
            return trial, self.recipe.masks_by_gradients or not trial.complete(count)
        blocks = StoredBlocks(self.resume_store, {**numerics_key, **found.numerics_key})
        return blocks, self.recipe.masks_by_gradients and not blocks.complete(count)

    def prune_first(self, dense: LoadedModel, norms: GradientNorms, blocks: StoredBlocks) -> Pruned | None:
        """Return the first pruned model; None where none is needed. `blocks`: those of `next_blocks`."""
        windows, count = self.resolved.windows, len(dense.stack.blocks)
        if self.resolved.search is None or windows is None:
            return None
        if blocks.stage != Stage.TRIAL:
            self.recorder.run(FinishedTrial(count))
            return None

        def load() -> LoadedModel:
            return replace(self.resolved.model.load(), method_key=dense.method_key)

        stage = TrialStage(load, self.recipe, windows, norms, blocks, count)
        return self.recorder.run(stage, after_step=self.after_step)

    def remaining_norms(self, norms: GradientNorms) -> GradientNorms:
        """Return what pruning still needs of the norms after the trial, on the host: a search needs room."""
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
        found = self.recorder.run(stage, after_step=self.after_step)
        blocks = StoredBlocks(self.resume_store, {**numerics_key, **found.numerics_key})
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
        return ShareStage(
            self.resolved.model,
            dense,
            text,
            trial,
            numerics_key,
            self.schedule,
            self.deterministic,
            self.resume_store,
        )


def _on_host(norms: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Norms that are read on access are left as they are."""
    return {name: norm.cpu() for name, norm in norms.items()} if isinstance(norms, dict) else norms
