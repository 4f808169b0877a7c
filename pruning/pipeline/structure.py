"""Structure: how a recipe makes the dense model smaller. Whole blocks go first, then units of the others."""

from dataclasses import dataclass

from pruning.calibration.gradient_cache import GradientCache
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.files.verified_publisher import VerifiedPublisher
from pruning.models.blocks import find_stack
from pruning.pipeline.cut import CutStage, UnitOutcome
from pruning.pipeline.gates import GateStage
from pruning.pipeline.models import LoadedModel, ResolvedModel
from pruning.pipeline.recorder import StageRecorder
from pruning.pipeline.resolve import ResolvedRun
from pruning.pipeline.shorten import ShortenStage
from pruning.pipeline.smaller import CutModel
from pruning.recipe import Recipe, StructureOptions
from pruning.report import DepthFacts, StructureFacts
from pruning.resume.store import ResumeStore
from pruning.sandbox.reading import UntrustedReader
from pruning.structure.depth import DepthPlan
from pruning.structure.plan import CutPlan


@dataclass(frozen=True)
class CutOutcome:
    """What the report says of the cut."""

    facts: StructureFacts
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Structure:
    """Runs the stages that take units out of the model."""

    recipe: Recipe
    resolved: ResolvedRun
    recorder: StageRecorder
    schedule: ScheduleChoice
    deterministic: bool
    cache: GradientCache | None
    publications: VerifiedPublisher
    resume_store: ResumeStore
    reading: UntrustedReader

    def cut(self, dense: LoadedModel) -> tuple[LoadedModel, CutOutcome | None]:
        """Return the smaller model, which takes the place of the dense one; that one without `structure`."""
        options = self.recipe.structure
        if options is None:
            return dense, None
        model = CutModel(self.resolved.model, dense)
        depth, units = None, UnitOutcome()
        if options.blocks is not None:
            model, depth = self._without_blocks(options, model)
        if options.cuts_blocks:
            model, units = self._without_units(options, model)
        return model.loaded, CutOutcome(self._facts(model, depth, units), units.warnings)

    def _without_blocks(self, options: StructureOptions, model: CutModel) -> tuple[CutModel, DepthFacts]:
        checkpoint, windows = model.resolved.checkpoint, self.resolved.windows
        assert windows is not None  # noqa: S101 - a recipe that takes blocks out reads text
        return self.recorder.run(
            ShortenStage(
                dense=model,
                recipe=self.recipe,
                plan=DepthPlan.of(options, checkpoint.skeleton, checkpoint.config_values),
                windows=windows,
                resume_store=self.resume_store,
                reading=self.reading,
            ),
            after_step=self.publications.poll,
        )

    def _without_units(self, options: StructureOptions, model: CutModel) -> tuple[CutModel, UnitOutcome]:
        """Rank the units of each block, and take the lowest out."""
        checkpoint, windows = model.resolved.checkpoint, self.resolved.windows
        assert windows is not None  # noqa: S101 - a recipe that takes units out reads text
        ranked = self.recorder.run(
            GateStage(
                model.loaded,
                options,
                self.resolved.calibration,
                schedule=self.schedule,
                deterministic=self.deterministic,
                cache=self.cache,
                publications=self.publications,
                resume_store=self.resume_store,
            )
        )
        return self.recorder.run(
            CutStage(
                dense=model,
                recipe=self.recipe,
                plan=CutPlan.of(options, checkpoint.skeleton, checkpoint.config_values),
                windows=windows,
                gates=ranked.gates,
                finished_blocks=ranked.finished_blocks,
                resume_store=self.resume_store,
                reading=self.reading,
            ),
            after_step=self.publications.poll,
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
