"""Resolve: read and check everything that the caller names, before the first expensive step.

`ResolvedRun` separates untrusted input (model, texts, gradient files, an earlier report) from the
computation. It can be pickled, and holds no weight, no open file and no network connection.
Zero-shot tasks are the exception: lm-evaluation-harness keeps them in objects of its own.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.gradient_files import GradientFile
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.data.calibration import CalibrationSet, calibration_set
from pruning.data.training import training_text
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.estimate import ModelShape, UnknownShape, shape_of_config
from pruning.evaluation.perplexity import evaluation_sets, predictions_in
from pruning.evaluation.zero_shot import Tasks
from pruning.exports.dequantized import dequantized
from pruning.files.frozen_file import AllowedRoots, FrozenFile, freeze, freeze_by_content
from pruning.methods.base import method_for
from pruning.methods.permutation import refuse_unwritable
from pruning.models.blocks import Stack, find_stack, prunable_stack
from pruning.models.memory import shape_of
from pruning.pipeline.baseline import refuse_other_measurement
from pruning.pipeline.evaluate import EvaluationInputs
from pruning.pipeline.export import check_exports
from pruning.pipeline.gradients import GradientInputs
from pruning.pipeline.models import LoadedModel, ResolvedModel
from pruning.pipeline.recover import RecoveryInputs
from pruning.pipeline.resources import DiskRoom, training_memory
from pruning.progress import Step
from pruning.recipe import (
    Evaluation,
    Recipe,
    Stage,
    StructureOptions,
    content_name,
    gradient_job,
    is_local,
    is_upload,
)
from pruning.recipe.exports import Export, reads_text
from pruning.recovery.parameters import trainable_parameters
from pruning.report import CalibrationFacts, DatasetFacts, Report
from pruning.resume.store import NumericsKey, ResumeStore, RunIdentityCheck
from pruning.runtime.device import compute_dtype, dtype_name
from pruning.sandbox.reading import UntrustedReader
from pruning.structure.plan import CutPlan


@dataclass(frozen=True)
class ResolvedRun:
    """Everything that a recipe and an evaluation refer to, read and checked for consistency."""

    model: ResolvedModel
    calibration: CalibrationSet | None  # None for a recipe that reads no text
    gradients: GradientInputs
    recovery: RecoveryInputs | None  # None for a recipe that distils nothing
    evaluation: EvaluationInputs

    @property
    def files(self) -> tuple[FrozenFile, ...]:
        """The files that are read again after they were checked: of the model, gradients and tasks."""
        gradients, tasks = self.gradients.file, self.evaluation.tasks
        return (
            *self.model.checkpoint.frozen.files,
            *self.model.checkpoint.originals.files,
            *([gradients.frozen] if gradients else []),
            *(tasks.files if tasks else []),
        )

    @property
    def windows(self) -> Tensor | None:
        """The calibration windows: int64 (samples, length)."""
        return self.calibration.windows if self.calibration else None

    @property
    def predictions(self) -> int:
        """The tokens that the evaluation predicts, on all texts."""
        return sum(predictions_in(text.windows) for text in self.evaluation.texts)

    @cached_property
    def calibration_facts(self) -> CalibrationFacts | None:
        """The calibration windows, for the report."""
        if self.calibration is None:
            return None
        windows = self.calibration.windows
        return CalibrationFacts(
            sets=tuple(
                DatasetFacts(
                    dataset=drawn.share.dataset,
                    weight=drawn.share.weight,
                    windows=drawn.windows.shape[0],
                    fingerprint=drawn.fingerprint,
                    notes=drawn.notes,
                )
                for drawn in self.calibration.sets
            ),
            windows=windows.shape[0],
            sequence_length=windows.shape[1],
            tokens=windows.numel(),
            fingerprint=self.calibration.fingerprint,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the model was dequantised from, and limits of texts and gradient file, for the report."""
        return (*self._quantisation_warnings(), *self._text_warnings(), *self._gradient_warnings())

    def _quantisation_warnings(self) -> tuple[str, ...]:
        quantisation = self.model.checkpoint.quantisation
        if quantisation is None:
            return ()
        return (
            f"the weights of the dense model are quantised ({quantisation}); they were dequantised to "
            "bfloat16, in which the result is stored",
        )

    def _text_warnings(self) -> tuple[str, ...]:
        datasets = {drawn.share.dataset for drawn in (self.calibration.sets if self.calibration else ())}
        datasets |= set(self.recovery.text.datasets if self.recovery else ())
        own = {dataset for dataset in datasets if is_local(dataset) or content_name(dataset)}
        shared = [Path(text.dataset).name for text in self.evaluation.texts if text.dataset in own]
        if not shared:
            return ()
        return (
            f"the perplexity on {', '.join(shared)} was measured on text that the model was calibrated "
            "on; it says little about other texts",
        )

    def _gradient_warnings(self) -> tuple[str, ...]:
        file = self.gradients.file
        if file is None or self.calibration is None:
            return ()
        if file.provenance.calibration == self.calibration.fingerprint:
            return ()
        return ("the gradients were computed on other calibration windows than the inputs were measured on",)


@dataclass(frozen=True)
class ResolveStage:
    """Reads and checks the model and files of a request, then loads the dense model's weights."""

    name: ClassVar[Stage] = Stage.RESOLVE

    recipe: Recipe
    evaluation: Evaluation
    exports: tuple[Export, ...]
    devices: tuple[torch.device, ...]  # that compute; see Placement
    roots: AllowedRoots
    hub_token: str | None
    reading: UntrustedReader
    baseline: Report | None
    resume_store: ResumeStore
    output: Path  # a directory on the disk that the pruned model is written to
    room: DiskRoom
    schedule: ScheduleChoice
    on_shape: Callable[[ModelShape], None]

    def prepare(self) -> int:
        """Return 1: the stage is one step."""
        return 1

    def run(self, step: Step) -> tuple[ResolvedRun, LoadedModel]:
        """Read and check everything that the request names, then load the dense model.

        Raises InvalidInput with the field, Unreachable where the Hub does not answer, PruningError for a full
        disk.
        """
        resolved = self._resolve(step)
        loaded = replace(resolved.model.load(), method_key=self._method_key)
        self.room.check(loaded, resolved.windows, resolved.predictions, self.schedule)
        self.on_shape(resolved.model.shape)
        step(1, 1)
        return resolved, loaded

    @property
    def _method_key(self) -> NumericsKey:
        if self.devices[0].type == "cpu" or not self.recipe.masks:  # no kernel runs, so none can fail
            return {}
        method, pattern = method_for(self.recipe.mask_method), self.recipe.pattern
        keys = [method.numerics_key(device, pattern) for device in self.devices]
        return {name: " or ".join(sorted({key[name] for key in keys})) for name in keys[0]}

    def _check_room(self, config: Mapping[str, Any], downloads: Mapping[Path, int]) -> None:
        """Refuse a model for which the disks have no room, before its weights are fetched."""
        try:
            shape = shape_of_config(config)
        except UnknownShape:  # checked once the model is loaded
            self.room.check_downloads(downloads)
            return
        self.on_shape(shape)
        self.room.check_before_download(self.evaluation, shape, downloads)

    def _resolve(self, step: Step) -> ResolvedRun:
        """Check the model and the gradient file, then read the texts, which may be downloads.

        A local model's weights are hashed here; none is loaded.
        """
        recipe, evaluation, identity = self.recipe, self.evaluation, RunIdentityCheck(self.resume_store)
        reference = identity.pinned(recipe.model)
        directory = self.resume_store.directory(self.name) / "dequantized"
        shutil.rmtree(directory, ignore_errors=True)  # of an earlier attempt, before there must be room
        checkpoint = resolve(
            reference,
            roots=self.roots.models,
            hub_token=self.hub_token,
            scratch=self.output.parent,
            describe_files=self.reading.describe,
            before_download=self._check_room,
            quantised=True,
        )
        if checkpoint.quantisation is not None:
            checkpoint = dequantized(checkpoint, directory, self.reading.describe, self.output.parent)
        model = checkpoint.skeleton if recipe.structure is None else _cut(checkpoint, recipe.structure)
        if self.exports:
            check_exports(self.exports, recipe, checkpoint, model, self.reading, step)
        stack = prunable_stack(model, recipe)
        if recipe.permute:
            refuse_unwritable(stack, recipe, checkpoint.layout)
        gradient_file = self._gradient_file(checkpoint)
        with self.reading.tokenizer(checkpoint.files) as tokenizer:
            reader = Reader(
                tokenizer,
                vocabulary=checkpoint.config.get_text_config().vocab_size,
                context_length=checkpoint.context_length,
                roots=self.roots.data,
                parse=self.reading.documents,
            )
            needs_text = recipe.reads_text or reads_text(self.exports)
            calibration = calibration_set(recipe.calibration, reader) if needs_text else None
            recovery = self._recovery(checkpoint, stack, reader, calibration)
            texts = () if recipe.norms else evaluation_sets(evaluation, reader)
        tasks = Tasks(evaluation, self.roots.tasks) if evaluation.tasks else None
        dtype = compute_dtype(recipe.dtype, checkpoint.stored_dtype, self.devices[0])
        layers = frozenset(layer.name for layer in stack.layers)
        resolved = ResolvedRun(
            ResolvedModel(checkpoint, layers, self.devices, dtype),
            calibration,
            GradientInputs(recipe.gradient_norms, recipe.layers, calibration, gradient_file),
            recovery,
            EvaluationInputs(evaluation, texts, tasks, checkpoint.tokenizer() if tasks else None),
        )
        if self.baseline is not None and texts:
            named = dict(zip(("", *evaluation.domains), texts, strict=True))
            refuse_other_measurement(self.baseline, resolved.model.facts, named)
        identity.commit(recipe.fingerprint(), resolved.model.facts, resolved.calibration_facts)
        return resolved

    def _recovery(
        self, checkpoint: Checkpoint, stack: Stack, reader: Reader, calibration: CalibrationSet | None
    ) -> RecoveryInputs | None:
        """Read the text of a training, after a check of the layout on disk, and decide how it uses memory."""
        if self.recipe.recovery is not None:
            checkpoint.layout.check(trainable_parameters(self.recipe, stack, Tensor.detach))
        options = self.recipe.distil
        if options is None:
            return None
        text = training_text(self.recipe, options, reader, calibration.windows if calibration else None)
        stored = dtype_name(checkpoint.stored_dtype)
        memory = training_memory(
            shape_of(find_stack(checkpoint.skeleton), stored_dtype=stored),
            shape_of(find_stack(stack.model), stored_dtype=stored) if self.recipe.structure else None,
            options,
            text.windows.shape[1],
            self.devices[0],
            compute_dtype(self.recipe.dtype, checkpoint.stored_dtype, self.devices[0]),
        )
        return RecoveryInputs(self.recipe, options, text, memory)

    def _gradient_file(self, checkpoint: Checkpoint) -> GradientFile | None:
        reference = self.recipe.gradients
        if reference is None:
            return None
        if is_upload(reference) or gradient_job(reference):
            raise InvalidInput(
                "only the service knows its files by their ids; give a path", field="gradients"
            )
        layers = find_stack(checkpoint.skeleton).layers
        content = content_name(reference)
        return GradientFile.checked(
            freeze_by_content(content, self.roots.data, field="gradients")
            if content
            else freeze(Path(reference), self.roots.data, field="gradients"),
            model=checkpoint.identity,
            layers={layer.name: (layer.outputs, layer.inputs) for layer in layers},
            norms=self.recipe.gradient_norms,
        )


def _cut(checkpoint: Checkpoint, structure: StructureOptions) -> PreTrainedModel:
    """Return the smaller model without weights. Raises InvalidInput with the field where there is none."""
    skeleton = checkpoint.skeleton
    return CutPlan.of(structure, skeleton, checkpoint.config_values).smaller_skeleton(skeleton)
