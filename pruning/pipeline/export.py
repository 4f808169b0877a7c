"""Export: the files that engines serve, each measured as that file next to the dense model.

A GGUF file is converted, quantised and measured by llama.cpp, the dense model in F16 by the same engine. A
checkpoint of compressed-tensors is measured through transformers, as is the dense model. A mask has the
figures of the result, which it makes bit for bit. Nothing is saved for a resume: an attempt that begins again
has the pruned model, and exports it anew.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from torch import Tensor
from transformers import PreTrainedModel

from pruning.checkpoint.checkpoint import Checkpoint, resolve_directory
from pruning.checkpoint.description import is_multimodal
from pruning.checkpoint.files import CONFIG
from pruning.errors import InvalidInput
from pruning.estimate.work import EXPORT_LENGTH, EXPORT_WINDOWS
from pruning.evaluation.final_states import Recorder, differences_outside_blocks, window_facts
from pruning.evaluation.perplexity import perplexity_over, window_losses
from pruning.exports import compressed_tensors, gguf
from pruning.exports.compressed_tensors import W4A16, Fp8
from pruning.exports.engine import Engine
from pruning.exports.types import ShareStep
from pruning.masks.packed import FILE_NAME as MASKS
from pruning.output.mask_patch import write_patch
from pruning.pipeline.evaluate import placed
from pruning.pipeline.export_gguf import GgufFiles
from pruning.pipeline.export_progress import STEPS_OF_PART, Exported, ExportProgress, as_step
from pruning.pipeline.models import ResolvedModel
from pruning.progress import Step
from pruning.recipe import Evaluation, Recipe, Stage, is_local, why_no_mask
from pruning.recipe.exports import (
    FOLDER,
    CompressedTensorsExport,
    Export,
    GgufExport,
    MaskExport,
    importances,
)
from pruning.report import ExportFacts, PerplexityFacts
from pruning.sandbox.reading import UntrustedReader

_OF_RESULT = "transformers, of the checkpoint that the mask makes bit for bit"  # evaluator
_ODD, _MAX_STEM = re.compile(r"[^A-Za-z0-9._-]+"), 100


def evaluation_windows(windows: Tensor, evaluation: Evaluation) -> Tensor:
    """Return the windows that exports are measured on, (windows, length).

    Those of the evaluation where the request says how many; otherwise the beginnings of its first.
    """
    return windows if evaluation.windows is not None else windows[:EXPORT_WINDOWS, :EXPORT_LENGTH]


@dataclass(frozen=True)
class ExportOutcome:
    """What was exported, and the warnings of what was not."""

    facts: tuple[ExportFacts, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportStage:
    """Writes and measures each export of the result."""

    name: ClassVar[Stage] = Stage.EXPORT

    model: ResolvedModel  # the dense one
    exports: tuple[Export, ...]
    result: Path  # the directory of the pruned model
    calibration: Tensor | None  # token ids (windows, length); None where no export reads text
    windows: Tensor  # that perplexity is measured on, (windows, length)
    quality: PerplexityFacts  # of the result
    reading: UntrustedReader
    wanted: bool  # False: the result is known to be of no use
    is_pruned: bool = True  # False: the result is the dense model

    def prepare(self) -> int | None:
        """Return the number of steps. None where nothing is exported."""
        return self._steps if self.exports and self.wanted else None

    def run(self, step: Step) -> ExportOutcome:
        """Export, and return what the report says of each, in the order of the request.

        An export that fails leaves a warning in place of its file: the pruned model is worth keeping without
        it. Raises OSError where the disk is full or helpers cannot be confined as required, and InvalidInput
        with the name of a file of the dense model that has changed since the run began.
        """
        if not self.exports:
            return ExportOutcome()
        if not self.wanted:
            return ExportOutcome(warnings=("nothing was exported: the perplexity exceeds the limit",))
        (self.result / FOLDER).mkdir()
        progress, done = ExportProgress(self._steps, step), Exported()
        with (
            self.model.checkpoint.files.opened() as dense,
            TemporaryDirectory(prefix=".exports-", dir=self.result.parent) as name,
        ):
            scratch = Path(name)
            if files := [export for export in self.exports if isinstance(export, GgufExport)]:
                with done.trying(files):
                    self._gguf_files(scratch, progress, done).write(files, dense)
            if others := [export for export in self.exports if isinstance(export, CompressedTensorsExport)]:
                with done.trying(others):
                    self._write_compressed_tensors(others, scratch, progress, done)
            for mask in (export for export in self.exports if isinstance(export, MaskExport)):
                self._write_mask(mask, dense, progress.part(), done)
        found = (done.facts.get(export.name) for export in self.exports)
        return ExportOutcome(tuple(facts for facts in found if facts), tuple(done.warnings))

    def _write_mask(self, export: MaskExport, dense: Path, share: ShareStep, done: Exported) -> None:
        checkpoint, quality = self.model.checkpoint, self.quality
        path = self.result / FOLDER / f"{self._stem}-mask.safetensors"
        # Others read the file: it shows no path of this machine.
        described = {"model": Path(checkpoint.id).name if is_local(checkpoint.id) else checkpoint.id}

        with done.trying([export], path):
            sha256 = write_patch(
                path,
                self.result / MASKS,
                dense,
                checkpoint.files,
                self.result,
                described=described | ({"commit": checkpoint.commit} if checkpoint.commit else {}),
                share=share,
            )
            done.facts[export.name] = ExportFacts(
                name=export.name,
                path=path.relative_to(self.result).as_posix(),
                bytes=path.stat().st_size,
                dense_bytes=checkpoint.weight_bytes,
                sha256=sha256,
                evaluator=_OF_RESULT,
                perplexity=quality.pruned,
                dense_perplexity=quality.dense,
                kl=quality.kl,
                agreement=quality.agreement,
                intervals=quality.intervals,
                window_losses=quality.window_losses,
                windows=quality.windows,
                sequence_length=quality.sequence_length,
            )

    def _gguf_files(self, scratch: Path, progress: ExportProgress, done: Exported) -> GgufFiles:
        return GgufFiles(
            model=self.model,
            result=self.result,
            stem=self._stem,
            calibration=self.calibration,
            windows=self.windows,
            engine=engine_for(self.reading),
            scratch=scratch,
            progress=progress,
            exported=done,
        )

    def _write_compressed_tensors(
        self, exports: list[CompressedTensorsExport], scratch: Path, progress: ExportProgress, done: Exported
    ) -> None:
        result = resolve_directory(self.result, scratch=scratch, describe_files=self.reading.describe)
        states = scratch / "states.safetensors"
        dense_losses, head = self._measure_dense(states, progress.part())
        for export in exports:
            directory = self.result / FOLDER / f"{export.format}-{export.scheme}"
            with done.trying([export], directory):
                warnings = self._write(export, result, directory, progress.part())
                with placed(self.model.place_export(directory)) as at:
                    measured = compressed_tensors.measure(
                        directory,
                        at,
                        self.windows,
                        states,
                        dense_head=head,
                        step=as_step(progress.part()),
                    )
                done.facts[export.name] = ExportFacts(
                    name=export.name,
                    path=directory.relative_to(self.result).as_posix(),
                    bytes=measured.bytes,
                    dense_bytes=self.model.checkpoint.weight_bytes,
                    evaluator=compressed_tensors.EVALUATOR,
                    perplexity=measured.perplexity,
                    dense_perplexity=perplexity_over(self.windows, dense_losses),
                    **window_facts(dense_losses, measured.losses, measured.fidelity),
                    windows=self.windows.shape[0],
                    sequence_length=self.windows.shape[1],
                    warnings=warnings,
                )

    def _write(
        self,
        export: CompressedTensorsExport,
        result: Checkpoint,
        directory: Path,
        share: ShareStep,
    ) -> tuple[str, ...]:
        if export.scheme == "fp8":
            compressed_tensors.export_fp8(result, directory, step=as_step(share))
            return ()
        assert self.calibration is not None  # noqa: S101 - w4a16 reads it
        with self.model.place_pruned(self.result).stage() as placement:
            return compressed_tensors.export_w4a16(
                result,
                W4A16(export.weights_per_group),
                directory,
                placement=placement,
                windows=self.calibration,
                step=as_step(share),
            )

    def _measure_dense(
        self, states: Path, share: ShareStep
    ) -> tuple[list[float], Mapping[str, Tensor] | None]:
        """Write the dense model's final states on the windows.

        Return its loss on each, and what its logits need and the result has another of; None: not comparable.
        """
        dense, recorder = self.model.place_dense(), Recorder(states, self.windows)
        with placed(dense) as at:
            measured = window_losses(
                at.model, self.windows, placement=at, observe=recorder, step=as_step(share)
            )
        if recorder.close() is None:  # its logits depend on more than the last block's output
            return measured, None
        pruned = self.model.place_pruned(self.result)
        return measured, differences_outside_blocks(dense.model, pruned.model)

    @property
    def _stem(self) -> str:
        return stem_of(self.model.checkpoint.id) + ("-pruned" if self.is_pruned else "")

    @property
    def _steps(self) -> int:
        files = sum(isinstance(export, GgufExport) for export in self.exports)
        others = sum(isinstance(export, CompressedTensorsExport) for export in self.exports)
        masks = len(self.exports) - files - others
        parts = 2 * (files + others) + masks + (4 if files else 0) + (1 if others else 0)
        return STEPS_OF_PART * (parts + len(importances(self.exports)))


def stem_of(model: str) -> str:
    """Return a model's name for files, from its id: short, and without letters that some system refuses."""
    return _ODD.sub("-", model.rstrip("/").rpartition("/")[2])[:_MAX_STEM].strip("-.") or "model"


def engine_for(reading: UntrustedReader) -> Engine:
    """Return what runs helpers with the confinement and the memory of those that read files."""
    return Engine(all_layers=reading.all_layers, job_memory_bytes=reading.job_memory_bytes)


def check_exports(
    exports: tuple[Export, ...],
    recipe: Recipe,
    checkpoint: Checkpoint,
    model: PreTrainedModel,
    reading: UntrustedReader,
    step: Step,
) -> None:
    """Refuse exports that this installation, or the format, cannot write, before anything is computed.

    `model`: the result, without weights. Raises InvalidInput with the field: 'exports' where the extra is
    missing, groups divide no row or the result is more than a mask, 'model.id' for a model that a format
    cannot hold. `step`: as in a stage of one step, called while a helper works.
    """
    served = [export for export in exports if not isinstance(export, MaskExport)]
    if len(served) < len(exports):
        reason = why_no_mask(dict(recipe))
        if checkpoint.quantisation is not None:
            reason = "mask is for the dense model's files, and these are quantised: leave mask out"
        if reason is not None:
            raise InvalidInput(reason, field="exports")
    if served and is_multimodal(checkpoint.config):
        raise InvalidInput(
            f"{checkpoint.architecture} holds more than text, and an export holds a text model; leave "
            "exports out, and convert the pruned checkpoint with the format's own tools",
            field="exports",
        )
    if any(isinstance(export, GgufExport) for export in exports):
        small = checkpoint.files.without(checkpoint.weight_files)
        with small.opened() as directory:
            if model is not checkpoint.skeleton:
                (directory / CONFIG).unlink()
                model.config.to_json_file(directory / CONFIG)
            gguf.check(
                directory,
                shapes=checkpoint.layout.shapes_of(model),
                engine=engine_for(reading),
                step=lambda _: step(0, 1),
            )
    for export in exports:
        if isinstance(export, CompressedTensorsExport):
            scheme = Fp8() if export.scheme == "fp8" else W4A16(export.weights_per_group)
            compressed_tensors.check_export(checkpoint, scheme, model)
