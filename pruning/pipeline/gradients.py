"""Gradients: those that a recipe uses, from a file, from a cache, or from a pass over the windows.

`GateStage` returns the gradients of gates, by which units are ranked; `GradientStage` the norms of weights,
by which they are masked.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from torch import Tensor

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
    context: RunContext
    _pass: GradientPass | None = field(default=None, init=False)
    _shards: dict[GradientNorm, GradientShards] = field(default_factory=dict, init=False)

    def prepare(self) -> int | None:
        """Query the cache for the gates. None where the recipe does not rank by them.

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
            schedule=self.context.schedule,
            deterministic=self.context.deterministic,
        )
        if self.context.gradient_cache is not None:
            self._shards, _ = load_cached(
                self.context.gradient_cache, self._fingerprints, _GATES, self._consumers
            )
        return self._pass.steps

    def run(self, step: Step) -> GateOutcome:
        """Return the gates, and how far the cut has come with them."""
        key = self._numerics_key
        blocks = StoredCut(self.context.resume_store, key)
        reused = bool(self._shards)
        if self._pass is None or blocks.complete(len(self.model.stack.blocks)):
            return GateOutcome({}, blocks, reused)
        gates = self._shards["gates"].norms if reused else self._computed(self._pass, step)
        # A pass that ran out of memory has changed its micro-batch, and published gates have a digest now.
        if self._numerics_key != key:
            blocks = StoredCut(self.context.resume_store, self._numerics_key)
        return GateOutcome(gates, blocks, reused)

    def _computed(self, gradient_pass: GradientPass, step: Step) -> GradientNorms:
        computed = gradient_pass.run(step, self.context.resume_store)
        if self.context.gradient_cache is not None:
            self._shards, publish = store_norms(
                self.context.gradient_cache,
                self._fingerprints,
                computed,
                gradient_pass,
                self._consumers,
                self.context.resume_store,
            )
            self.context.publications.publish_when_verified(publish)
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
        self._cache, self._resume_store = context.gradient_cache, context.resume_store
        self._windows = inputs.calibration.windows if inputs.calibration else None
        self._pass: GradientPass | None = None
        self._shards: dict[GradientNorm, GradientShards] = {}  # that the cache has, or got from this run
        self._reused = False
        self._devices = model.placement.devices

    def prepare(self) -> int | None:
        """Query the cache for the norms, and check the entries.

        None where the recipe uses no gradients, or reads them from a file. Raises InvalidInput where the
        schedule does not fit the model, or the environment does not allow a deterministic pass.
        """
        if not self._inputs.norms or self._inputs.file is not None or self._windows is None:
            return None
        self._pass = self._pass_for(self._inputs.norms, self._windows)
        if self._cache is not None:
            self._shards, missing = load_cached(
                self._cache, self._fingerprints, self._inputs.norms, self._model.stack
            )
            self._reused = not missing
            if missing and missing != self._inputs.norms:
                self._pass = self._pass_for(missing, self._windows)
        return self._pass.steps

    def run(self, step: Step) -> tuple[GradientNorms, GradientOutcome]:
        """Return the norms, empty where no block needs them any more, and how they were obtained.

        Norms from a file or the cache are always returned: they are read only where they are used.
        """
        key = self._numerics_key
        blocks = StoredBlocks(self._resume_store, key)
        are_needed = not blocks.complete(len(self._model.stack.blocks))
        norms: GradientNorms = {}
        is_cheap = self._pass is None or self._reused
        if is_cheap or self._save_to or are_needed:
            norms = self._norms(step)
        if self._save_to and self._pass:
            write_gradients(norms, self._provenance, self._save_to / FILE_NAME)
        # A pass that ran out of memory has changed its micro-batch, and published norms have a digest now.
        if self._numerics_key != key:
            blocks = StoredBlocks(self._resume_store, self._numerics_key)
        if self._pass is None or self._reused:
            return norms, GradientOutcome(blocks, schedule=None, deterministic=None, reused=self._reused)
        warnings = {
            _NOT_DETERMINISTIC: self._context.deterministic and not self._pass.deterministic,
            _ONE_DEVICE: self._devices != self._model.placement.devices,
        }
        return norms, GradientOutcome(
            blocks,
            self._pass.schedule,
            self._pass.deterministic,
            reused=False,
            warnings=tuple(text for text, holds in warnings.items() if holds),
        )

    def _norms(self, step: Step) -> GradientNorms:
        wanted = self._inputs.norms
        if self._inputs.file is not None:
            return self._inputs.file.read(wanted)
        if self._pass is None:
            return {}
        found = {norm: shards.norms[norm] for norm, shards in self._shards.items()}
        computed = {} if self._reused else self._computed(self._pass, step)
        return {norm: {**found, **computed}[norm] for norm in wanted}

    def _computed(self, gradient_pass: GradientPass, step: Step) -> GradientNorms:
        computed = gradient_pass.run(step, self._resume_store)
        if self._cache is not None:
            shards, publish = store_norms(
                self._cache,
                self._fingerprints,
                computed,
                gradient_pass,
                self._model.stack,
                self._resume_store,
            )
            self._shards |= shards
            self._context.publications.publish_when_verified(publish)
        return computed

    def _pass_for(self, norms: Collection[GradientNorm], windows: Tensor) -> GradientPass:
        return GradientPass(
            self._model.placement,
            windows,
            norms=norms,
            stack=self._model.stack,
            schedule=self._context.schedule,
            deterministic=self._context.deterministic,
            model_key=self._model.cut_key,
        )

    @cached_property
    def _model_key(self) -> NumericsKey:
        return self._model.numerics_key(self._windows)

    @cached_property
    def _of_file(self) -> NumericsKey:
        file = self._inputs.file
        return {} if file is None else {"gradient file": file.frozen.sha256 or file.frozen.digest()}

    @property
    def _numerics_key(self) -> NumericsKey:
        of_shards = {
            f"gradients {norm}": shards.digest
            for norm, shards in self._shards.items()
            if norm in self._inputs.norms
        }
        of_the_pass = (
            self._pass.numerics_key if self._pass and len(of_shards) < len(self._inputs.norms) else {}
        )
        return {
            **self._model_key,
            **self._of_file,
            **of_shards,
            **{f"gradients: {name}": value for name, value in of_the_pass.items()},
        }

    @cached_property  # a pass that gives up a device publishes under what was asked for before
    def _fingerprints(self) -> dict[GradientNorm, str]:
        """Of the recipe's norms, and of those that other runs will need."""
        later = self._cache.needed_later if self._cache else frozenset()
        return {
            norm: fingerprint_of(
                norm,
                model=self._provenance.model,
                calibration=self._provenance.calibration,
                selection=self._inputs.selection,
                numerics_key=self._model.placement.numerics_key,
            )
            for norm in sorted(self._inputs.norms | later)
        }

    @property
    def _provenance(self) -> Provenance:
        assert self._inputs.calibration is not None  # noqa: S101 - gradients are over its windows
        return Provenance(self._model.checkpoint.identity, self._inputs.calibration.fingerprint)
