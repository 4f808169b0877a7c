"""Gates: their gradients for the units of a model, from a cache or from a pass over the windows."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from pruning.calibration.gradient_cache import (
    GradientCache,
    GradientShards,
    fingerprint_of,
    load_cached,
    store_norms,
)
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.calibration.window_norms import GradientNorms
from pruning.data.calibration import CalibrationSet
from pruning.files.verified_publisher import VerifiedPublisher
from pruning.models.blocks import Stack, stack_of_layers
from pruning.pipeline.models import LoadedModel
from pruning.pipeline.recorder import Step
from pruning.recipe import GradientNorm, LayerSelection, Stage, StructureOptions
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.structure.results import StoredCut
from pruning.structure.units import consumers

_GATES: frozenset[GradientNorm] = frozenset({"gates"})


@dataclass(frozen=True)
class GateOutcome:
    """The gates' gradients, and the blocks that are cut with them already."""

    gates: GradientNorms  # empty where no block needs them any more
    finished_blocks: StoredCut
    reused: bool  # found in the cache


@dataclass
class GateStage:
    """Returns the gates' gradients of the layers that read units, for a recipe that ranks by them.

    They are of the dense model, for every kind of unit that it has, so that any recipe on the same model and
    windows can use them. The pass is skipped where every block is cut already.
    """

    name: ClassVar[Stage] = Stage.GRADIENTS

    model: LoadedModel
    options: StructureOptions
    calibration: CalibrationSet | None  # None where nothing is measured
    schedule: ScheduleChoice
    deterministic: bool
    cache: GradientCache | None
    publications: VerifiedPublisher
    resume_store: ResumeStore
    _pass: GradientPass | None = field(default=None, init=False)
    _shards: dict[GradientNorm, GradientShards] = field(default_factory=dict, init=False)

    def prepare(self) -> int | None:
        """Look the gates up in the cache. None where the recipe does not rank by them.

        Raises InvalidInput where the schedule does not fit the model, or the environment does not allow a
        deterministic pass.
        """
        if not self.options.ranks or self.calibration is None:
            return None
        self._pass = GradientPass(
            self.model.placement,
            self.calibration.windows,
            norms=_GATES,
            stack=self._consumers,
            schedule=self.schedule,
            deterministic=self.deterministic,
        )
        if self.cache is not None:
            self._shards, _ = load_cached(self.cache, self._fingerprints, _GATES, self._consumers)
        return self._pass.steps

    def run(self, step: Step) -> GateOutcome:
        """Return the gates, and how far the cut has come with them."""
        key = self._numerics_key
        blocks = StoredCut(self.resume_store, key)
        reused = bool(self._shards)
        if self._pass is None or blocks.complete(len(self.model.stack.blocks)):
            return GateOutcome({}, blocks, reused)
        gates = self._shards["gates"].norms if reused else self._computed(self._pass, step)
        # A pass that ran out of memory has changed its micro-batch, and published gates have a digest now.
        if self._numerics_key != key:
            blocks = StoredCut(self.resume_store, self._numerics_key)
        return GateOutcome(gates, blocks, reused)

    def _computed(self, gradient_pass: GradientPass, step: Step) -> GradientNorms:
        try:
            computed = gradient_pass.run(step, self.resume_store)
        finally:
            self.model.placement.end_stage()
        if self.cache is not None:
            self._shards, publish = store_norms(
                self.cache, self._fingerprints, computed, gradient_pass, self._consumers, self.resume_store
            )
            self.publications.publish_when_verified(publish)
        return computed

    @cached_property
    def _consumers(self) -> Stack:
        model = self.model.placement.model
        return stack_of_layers(model, frozenset(layer.name for layer in consumers(model)))

    @property
    def _numerics_key(self) -> NumericsKey:
        windows = self.calibration.windows if self.calibration else None
        of_gates: NumericsKey = {}
        if self._shards:
            of_gates = {"gates": self._shards["gates"].digest}
        elif self._pass is not None:
            of_gates = {f"gates: {name}": value for name, value in self._pass.numerics_key.items()}
        return {**self.model.numerics_key(windows), **of_gates}

    @cached_property  # a pass that gives up a device publishes under what was asked for before
    def _fingerprints(self) -> dict[GradientNorm, str]:
        assert self.calibration is not None  # noqa: S101 - gates are over its windows
        return {
            "gates": fingerprint_of(
                "gates",
                model=self.model.checkpoint.identity,
                calibration=self.calibration.fingerprint,
                selection=LayerSelection(),
                numerics_key=self.model.placement.numerics_key,
            )
        }
