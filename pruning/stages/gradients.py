"""Where a run's gradient norms come from: a file, shards of an earlier run, or a pass of its own."""

from collections.abc import Callable
from pathlib import Path

from pruning.blockwise.prune import prunable_stack
from pruning.gradients.cache import ALL_NORMS, GradientCache, fingerprint_of, load_cached, put
from pruning.gradients.file import FILE_NAME, Provenance, write_gradients
from pruning.gradients.gradient_pass import GradientPass
from pruning.gradients.schedule import Schedule, ScheduleChoice
from pruning.gradients.window_norms import GradientNorms
from pruning.model.placement import Placement
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.stages.resolve import Plan


class GradientStage:
    """The gradient stage of one run."""

    def __init__(
        self,
        plan: Plan,
        placement: Placement,
        resume_store: ResumeStore,
        schedule: ScheduleChoice,
        gradient_cache: GradientCache | None,
    ) -> None:
        """Looks for what is there already; what is shared is checked before it counts as found.

        Raises InvalidInput where the model, the layers or the schedule cannot be.
        """
        self._plan, self._placement, self._resume_store, self._gradient_cache = (
            plan,
            placement,
            resume_store,
            gradient_cache,
        )
        self._pass: GradientPass | None = None
        if plan.gradient_file is None and plan.norms and plan.calibration is not None:
            self._pass = GradientPass(
                placement,
                plan.calibration.windows,
                norms=plan.norms if gradient_cache is None else ALL_NORMS,
                selection=plan.recipe.layers,
                schedule=schedule,
            )
        self._shards = None
        if gradient_cache is not None and self._pass is not None:
            self._shards = load_cached(
                gradient_cache, self._fingerprint, prunable_stack(placement.model, plan.recipe)
            )
        self.reused = self._shards is not None

    @property
    def steps(self) -> int | None:
        """How many steps it takes; None where the run has no such stage: no gradients, or those of a file."""
        return self._pass.steps if self._pass else None

    @property
    def schedule(self) -> Schedule | None:
        """Of the pass of this run, if it is for this run to compute."""
        return self._pass.schedule if self._pass and not self.reused else None

    @property
    def numerics_key(self) -> NumericsKey:
        """What decides the last bits of the norms, as far as that is known by now."""
        if self._shards is not None:
            return {"gradients": self._shards.digest}
        numerics_key = self._pass.numerics_key if self._pass else {}
        return {f"gradients: {name}": value for name, value in numerics_key.items()}

    def norms(self, step: Callable[[int, int], None]) -> GradientNorms:
        """Those that the recipe asks for, computed if they must be, and then left for other runs."""
        wanted = self._plan.norms
        if self._plan.gradient_file is not None:
            return self._plan.gradient_file.read(wanted)
        if self._pass is None:
            return {}
        if self._shards is not None:
            return self._shards.norms(wanted)
        computed = self._pass.run(step, self._resume_store)
        if self._gradient_cache is not None:
            stack = prunable_stack(self._placement.model, self._plan.recipe)
            self._shards = put(
                self._gradient_cache, self._fingerprint, computed, self._pass, stack, self._resume_store
            )
        return {norm: computed[norm] for norm in wanted}

    def save(self, norms: GradientNorms, directory: Path) -> None:
        """As a file that a later run can be given."""
        assert self._plan.calibration is not None  # noqa: S101 - gradients are over its windows
        identity, windows = self._plan.checkpoint.identity, self._plan.calibration.fingerprint
        write_gradients(norms, Provenance(identity, windows), directory / FILE_NAME)

    @property
    def _fingerprint(self) -> str:
        assert self._plan.calibration is not None  # noqa: S101 - gradients are over its windows
        return fingerprint_of(
            model=self._plan.checkpoint.identity,
            calibration=self._plan.calibration.fingerprint,
            selection=self._plan.recipe.layers,
            numerics_key=self._placement.numerics_key,
        )
