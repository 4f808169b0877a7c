"""Gradients: those that a recipe uses, from a file, from a cache, or from a pass over the windows.

`GateStage` returns the gradients of gates, by which units are ranked; `GradientStage` the norms of weights,
by which they are masked.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar

from pruning.calibration.gradient_cache import (
    GradientShards,
    fingerprint_of,
    load_cached,
    store_norms,
)
from pruning.calibration.gradient_files import GradientFile, Provenance, write_gradients
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import Schedule
from pruning.calibration.window_norms import GradientNorms
from pruning.data.calibration import CalibrationSet
from pruning.files.formats import FILE_NAME
from pruning.methods.results import StoredBlocks
from pruning.models.blocks import Stack, stack_of_layers
from pruning.pipeline.models import LoadedModel
from pruning.pipeline.recorder import RunContext
from pruning.progress import Step
from pruning.recipe import GradientNorm, LayerSelection, Stage, StructureOptions
from pruning.resume.store import NumericsKey
from pruning.structure.results import StoredCut
from pruning.structure.units import consumers

_GATES: frozenset[GradientNorm] = frozenset({"gates"})


class _SharedNorms:
    """Gradient norms of some layers: found in the cache, or computed by a pass and offered to the cache."""

    def __init__(
        self,
        model: LoadedModel,
        stack: Stack,
        norms: frozenset[GradientNorm],
        calibration: CalibrationSet,
        context: RunContext,
        *,
        selection: LayerSelection,
        later: frozenset[GradientNorm] = frozenset(),
    ) -> None:
        """Query the cache, and check what it has.

        `stack`: of the layers that `selection` names. `later`: norms that other runs will need. Raises
        InvalidInput where the schedule does not fit the model, or the environment does not allow a
        deterministic pass.
        """
        self._model, self._stack, self._norms = model, stack, norms
        self._calibration, self._context = calibration, context
        self._selection, self._later = selection, later
        self.gradient_pass = self._pass_for(norms)
        self._shards: dict[GradientNorm, GradientShards] = {}  # that the cache has, or got from this run
        self.reused = False
        """Whether all were found in the cache."""
        if context.gradient_cache is not None:
            self._shards, missing = load_cached(context.gradient_cache, self._fingerprints, norms, stack)
            self.reused = not missing
            if missing and missing != norms:
                self.gradient_pass = self._pass_for(missing)

    def read_or_compute(self, step: Step) -> GradientNorms:
        """Return the norms. Those from the cache are read only where they are used."""
        found = {norm: shards.norms[norm] for norm, shards in self._shards.items()}
        norms = found if self.reused else {**found, **self._computed(step)}
        return {norm: norms[norm] for norm in self._norms}

    @property
    def digests(self) -> NumericsKey:
        """The digest of each norm that has shards in the cache."""
        return {norm: shards.digest for norm, shards in self._shards.items() if norm in self._norms}

    @property
    def pass_key(self) -> NumericsKey:
        """What decides the bits of the other norms; empty where there are none."""
        return self.gradient_pass.numerics_key if len(self.digests) < len(self._norms) else {}

    def _computed(self, step: Step) -> GradientNorms:
        cache, resume_store = self._context.gradient_cache, self._context.resume_store
        computed = self.gradient_pass.run(
            step, resume_store, before_streaming=partial(self._context.check_streamed, self._model)
        )
        if cache is not None:
            shards, publish = store_norms(
                cache, self._fingerprints, computed, self.gradient_pass, self._stack, resume_store
            )
            self._shards |= shards
            self._context.publications.publish_when_verified(publish)
        return computed

    def _pass_for(self, norms: Collection[GradientNorm]) -> GradientPass:
        return GradientPass(
            self._model.placement,
            self._calibration.windows,
            norms=norms,
            stack=self._stack,
            schedule=self._context.schedule,
            deterministic=self._context.deterministic,
            model_key=self._model.cut_key,
        )

    @cached_property  # a pass that gives up a device publishes under what was asked for before
    def _fingerprints(self) -> dict[GradientNorm, str]:
        return {
            norm: fingerprint_of(
                norm,
                model=self._model.checkpoint.identity,
                calibration=self._calibration.fingerprint,
                selection=self._selection,
                numerics_key=self._model.placement.numerics_key,
            )
            for norm in sorted(self._norms | self._later)
        }


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
    context: RunContext
    _gates: _SharedNorms | None = field(default=None, init=False)

    def prepare(self) -> int | None:
        """Query the cache for the gates. None where the recipe does not rank by them.

        Raises what `_SharedNorms` raises.
        """
        if not self.options.ranks or self.calibration is None:
            return None
        model = self.model.placement.model
        stack = stack_of_layers(model, frozenset(layer.name for layer in consumers(model)))
        self._gates = _SharedNorms(
            self.model, stack, _GATES, self.calibration, self.context, selection=LayerSelection()
        )
        return self._gates.gradient_pass.steps

    def run(self, step: Step) -> tuple[GradientNorms, StoredCut]:
        """Return the gates, empty where no block needs them any more, and the blocks that are cut already."""
        key = self._numerics_key
        blocks = StoredCut(self.context.resume_store, key)
        if self._gates is None or blocks.complete(len(self.model.stack.blocks)):
            return {}, blocks
        gates = self._gates.read_or_compute(step)
        # A pass that ran out of memory has changed its micro-batch, and published gates have a digest now.
        if self._numerics_key != key:
            blocks = StoredCut(self.context.resume_store, self._numerics_key)
        return gates, blocks

    @property
    def _numerics_key(self) -> NumericsKey:
        of_model = self.model.numerics_key(self.calibration.windows if self.calibration else None)
        if self._gates is None:
            return of_model
        of_the_pass = {f"gates: {name}": value for name, value in self._gates.pass_key.items()}
        return {**of_model, **self._gates.digests, **of_the_pass}


_NOT_DETERMINISTIC = (
    "the model has an operation without a deterministic algorithm on this device: another run may compute "
    "gradients with other last bits, and a slightly different mask"
)
_ONE_DEVICE = (
    "a device had too little memory for its part of the gradients, so the first one computed them alone; "
    "free its memory, or leave it out"
)


@dataclass(frozen=True)
class GradientInputs:
    """The gradient norms that a recipe uses, and their source."""

    norms: frozenset[GradientNorm]  # empty for a recipe that uses no gradients
    selection: LayerSelection
    calibration: CalibrationSet | None  # never None where norms are to be computed
    file: GradientFile | None  # None where they are to be computed


@dataclass(frozen=True)
class GradientOutcome:
    """How the gradient norms were obtained, and the blocks that are pruned with them already."""

    finished_blocks: StoredBlocks
    schedule: Schedule | None  # None where this run computed no norms
    deterministic: bool | None  # None where this run computed no norms
    reused: bool  # found in the cache
    warnings: tuple[str, ...] = ()

    @property
    def numerics_key(self) -> NumericsKey:
        """Everything that decides the last bits of the pruned weights besides recipe, model and windows."""
        return self.finished_blocks.numerics_key


class GradientStage:
    """Returns the gradient norms: from a file, from the cache, or from a pass over the windows.

    The pass is skipped where every block is pruned already and no file of the norms is asked for.
    """

    name: ClassVar[Stage] = Stage.GRADIENTS

    def __init__(
        self,
        model: LoadedModel,
        inputs: GradientInputs,
        context: RunContext,
        *,
        save_to: Path | None = None,
    ) -> None:
        """`save_to`: a directory that computed norms are also written to."""
        self._model, self._inputs = model, inputs
        self._context, self._save_to = context, save_to
        self._shared: _SharedNorms | None = None
        self._devices = model.placement.devices

    def prepare(self) -> int | None:
        """Query the cache for the norms, and check the entries.

        None where the recipe uses no gradients, or reads them from a file. Raises what `_SharedNorms` raises.
        """
        inputs, cache = self._inputs, self._context.gradient_cache
        if not inputs.norms or inputs.file is not None or inputs.calibration is None:
            return None
        self._shared = _SharedNorms(
            self._model,
            self._model.stack,
            inputs.norms,
            inputs.calibration,
            self._context,
            selection=inputs.selection,
            later=cache.needed_later if cache else frozenset(),
        )
        return self._shared.gradient_pass.steps

    def run(self, step: Step) -> tuple[GradientNorms, GradientOutcome]:
        """Return the norms, empty where no block needs them any more, and how they were obtained.

        Norms from a file or the cache are always returned: they are read only where they are used.
        """
        key, shared = self._numerics_key, self._shared
        blocks = StoredBlocks(self._context.resume_store, key)
        if shared is None:
            file = self._inputs.file
            norms = file.read(self._inputs.norms) if file else {}
            return norms, GradientOutcome(blocks, schedule=None, deterministic=None, reused=False)
        is_complete = blocks.complete(len(self._model.stack.blocks))
        norms = {}
        if shared.reused or self._save_to or not is_complete:
            norms = shared.read_or_compute(step)
        if self._save_to:
            write_gradients(norms, self._provenance, self._save_to / FILE_NAME)
        # A pass that ran out of memory has changed its micro-batch, and published norms have a digest now.
        if self._numerics_key != key:
            blocks = StoredBlocks(self._context.resume_store, self._numerics_key)
        if shared.reused:
            return norms, GradientOutcome(blocks, schedule=None, deterministic=None, reused=True)
        warnings = {
            _NOT_DETERMINISTIC: self._context.deterministic and not shared.gradient_pass.deterministic,
            _ONE_DEVICE: self._devices != self._model.placement.devices,
        }
        return norms, GradientOutcome(
            blocks,
            shared.gradient_pass.schedule,
            shared.gradient_pass.deterministic,
            reused=False,
            warnings=tuple(text for text, holds in warnings.items() if holds),
        )

    @cached_property
    def _model_key(self) -> NumericsKey:
        calibration = self._inputs.calibration
        return self._model.numerics_key(calibration.windows if calibration else None)

    @cached_property
    def _of_file(self) -> NumericsKey:
        file = self._inputs.file
        return {} if file is None else {"gradient file": file.frozen.sha256 or file.frozen.digest()}

    @property
    def _numerics_key(self) -> NumericsKey:
        if self._shared is None:
            return {**self._model_key, **self._of_file}
        return {
            **self._model_key,
            **{f"gradients {norm}": digest for norm, digest in self._shared.digests.items()},
            **{f"gradients: {name}": value for name, value in self._shared.pass_key.items()},
        }

    @property
    def _provenance(self) -> Provenance:
        assert self._inputs.calibration is not None  # noqa: S101 - gradients are over its windows
        return Provenance(self._model.checkpoint.identity, self._inputs.calibration.fingerprint)
