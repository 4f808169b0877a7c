"""Search the targets: prune a first time, find out what each layer adds to the loss, and move zeros by it."""

from dataclasses import dataclass, replace

from torch import Tensor

from pruning.blockwise.shards import StoredBlocks
from pruning.data.training import HeldOutText
from pruning.gradients.schedule import ScheduleChoice
from pruning.gradients.window_norms import GradientNorms
from pruning.inputs.publications import Publications
from pruning.recipe import Recipe
from pruning.report.schema import SearchFacts
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.stages.models import LoadedModel, ResolvedModel
from pruning.stages.recorder import StageRecorder
from pruning.stages.search.shares import SearchedTargets, ShareStage
from pruning.stages.search.trial import TrialStage


@dataclass(frozen=True)
class SearchOutcome:
    """What pruning and the report need of a search."""

    targets: SearchedTargets
    text: HeldOutText

    def blocks_of(self, resume_store: ResumeStore, numerics_key: NumericsKey) -> StoredBlocks:
        """Begin to prune by these targets. `numerics_key`: all else that decides the last bits."""
        blocks = StoredBlocks(resume_store, {**numerics_key, **self.targets.numerics_key})
        if blocks.targets() is None:
            blocks.put_targets(self.targets.targets)
        return blocks

    @property
    def facts(self) -> SearchFacts:
        """For the report."""
        return SearchFacts(
            windows=len(self.text.windows),
            articles=self.text.articles,
            fingerprint=self.text.fingerprint,
            loss=self.targets.loss,
        )


@dataclass(frozen=True)
class AllocationSearch:
    """Runs the stages of a search."""

    recipe: Recipe
    model: ResolvedModel
    windows: Tensor | None  # of the calibration
    text: HeldOutText | None  # None for a recipe that searches nothing
    recorder: StageRecorder
    schedule: ScheduleChoice
    deterministic: bool
    publications: Publications
    resume_store: ResumeStore

    def of(self, dense: LoadedModel, norms: GradientNorms, trial: StoredBlocks) -> SearchOutcome | None:
        """Return what was found. `trial`: the finished blocks of the first pruning."""
        if self.text is None or self.windows is None:
            return None
        # A model of its own: it may be pruned in place, and is gone before the pass needs the memory.
        first = replace(self.model.load(), method_key=dense.method_key)
        stage = TrialStage(first, self.recipe, self.windows, norms, trial)
        del first
        pruned = self.recorder.run(stage, after_step=self.publications.poll)
        del stage
        found = self.recorder.run(
            ShareStage(
                self.model,
                dense,
                self.text.windows,
                trial=pruned,
                trial_key=trial.result_key,
                schedule=self.schedule,
                deterministic=self.deterministic,
                resume_store=self.resume_store,
            ),
            after_step=self.publications.poll,
        )
        return SearchOutcome(found, self.text)
