"""Export: the files that engines serve, each measured as that file next to the dense model.

A GGUF file is converted, quantised and measured by llama.cpp, the dense model in F16 by the same engine. A
checkpoint of compressed-tensors is measured through transformers, as is the dense model. Nothing is saved for
a resume: an attempt that begins again has the pruned model, and exports it anew.
"""

import math
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.input_importance import mean_squares, squared_gradients
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.checkpoint.files import CONFIG
from pruning.errors import InvalidInput, NumericalFailure
from pruning.estimate.work import EXPORT_LENGTH, EXPORT_WINDOWS
from pruning.evaluation.final_states import Recorder, differences_outside_blocks
from pruning.evaluation.perplexity import perplexity
from pruning.exports import compressed_tensors, gguf
from pruning.exports.answers import Speed
from pruning.exports.compressed_tensors import W4A16, Fp8
from pruning.exports.engine import Engine
from pruning.exports.types import ShareStep
from pruning.pipeline.evaluate import placed
from pruning.pipeline.models import ResolvedModel
from pruning.progress import Step
from pruning.recipe import Evaluation, ModelReference, Stage
from pruning.recipe.exports import (
    FOLDER,
    CompressedTensorsExport,
    Export,
    GgufExport,
    ImportanceKind,
    importances,
)
from pruning.report import ExportFacts, ExportRateFacts
from pruning.runtime.device import is_out_of_memory
from pruning.sandbox.reading import UntrustedReader

_PER_PART = 100
_SAME = 1e-3  # as a share: threads may sum in another order
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
        progress = _Progress(self._steps, step)
        done = _Done()
        with (
            self.model.checkpoint.files.opened() as dense,
            TemporaryDirectory(prefix=".exports-", dir=self.result.parent) as name,
        ):
            scratch = Path(name)
            if files := [export for export in self.exports if isinstance(export, GgufExport)]:
                with done.trying(files):
                    self._write_gguf(files, dense, scratch, progress, done)
            if others := [export for export in self.exports if isinstance(export, CompressedTensorsExport)]:
                with done.trying(others):
                    self._write_compressed_tensors(others, scratch, progress, done)
        found = (done.facts.get(export.name) for export in self.exports)
        return ExportOutcome(tuple(facts for facts in found if facts), tuple(done.warnings))

    def _write_gguf(
        self,
        exports: list[GgufExport],
        dense_model: Path,
        scratch: Path,
        progress: "_Progress",
        done: "_Done",
    ) -> None:
        engine = self._engine
        stem = stem_of(self.model.checkpoint.id) + ("-pruned" if self.is_pruned else "")
        dense = gguf.convert(
            dense_model, scratch / "dense.gguf", name="dense", engine=engine, step=progress.part()
        )
        plain = gguf.convert(
            self.result, scratch / "result.gguf", name=stem, engine=engine, step=progress.part()
        )
        windows = self.windows[:, : min(dense.context_length, plain.context_length)]
        importance = dict[ImportanceKind, gguf.Importance]()
        for kind in sorted(importances(exports)):
            with done.trying(
                [export for export in exports if export.reads_text and export.importance == kind]
            ):
                importance[kind] = self._importance(kind, plain.file, scratch / kind, progress)
        for export in exports:
            file = self.result / FOLDER / f"{stem}-{export.label.replace(':', '-')}.gguf"
            given = importance.get(export.importance) if export.reads_text else None
            if export.reads_text and given is None:
                continue
            with done.trying([export], file):
                written = self._quantized(plain, file, export, given, progress.part())
                measured = gguf.measure(
                    file, windows, reference=dense.file, speed=True, engine=engine, step=progress.part()
                )
                facts = self._gguf_facts(export, written, dense, measured, windows, given)
                _require_one_dense_perplexity(facts, done.facts.values())
                done.facts[export.name] = facts

    def _quantized(
        self,
        plain: gguf.Converted,
        file: Path,
        export: GgufExport,
        importance: gguf.Importance | None,
        share: ShareStep,
    ) -> gguf.WrittenFile:
        if export.type != "F16":
            return gguf.quantize(
                plain.file,
                file,
                export.type,
                importance=importance.file if importance else None,
                engine=self._engine,
                step=share,
            )
        if plain.overflow is not None:
            raise InvalidInput(
                f"F16 cannot hold the tensor {plain.overflow}, which has a weight beyond 65504 or no number; "
                "export BF16",
                field="exports",
            )
        shutil.copyfile(plain.file, file)
        share(1.0)
        return replace(plain, file=file)

    def _importance(
        self, kind: ImportanceKind, plain: Path, scratch: Path, progress: "_Progress"
    ) -> gguf.Importance:
        """Write the importance of each input of the result in the format of `llama-imatrix`."""
        assert self.calibration is not None  # noqa: S101 - an export reads it
        scratch.mkdir()
        share, placement = progress.part(), self.model.place_pruned(self.result)
        if kind == "gradients":
            found = squared_gradients(placement, self.calibration, scratch=scratch, step=_as_share(share))
        else:
            found = mean_squares(placement, self.calibration, step=_as_share(share))
        file = scratch / "importance.gguf"
        return gguf.write_importance(
            plain,
            file,
            found,
            origin=f"calibration windows, {kind}",
            engine=self._engine,
            step=lambda _: share(1.0),
        )

    def _gguf_facts(
        self,
        export: GgufExport,
        written: gguf.WrittenFile,
        dense: gguf.Converted,
        measured: gguf.Compared,
        windows: Tensor,
        importance: gguf.Importance | None,
    ) -> ExportFacts:
        reference = measured.reference
        assert reference is not None  # noqa: S101 - it was measured with one
        return ExportFacts(
            name=export.name,
            path=written.file.relative_to(self.result).as_posix(),
            bytes=written.bytes,
            dense_bytes=dense.bytes,
            sha256=written.sha256,
            evaluator=measured.evaluator,
            perplexity=measured.perplexity,
            dense_perplexity=reference.perplexity,
            kl=measured.kl,
            agreement=measured.agreement,
            windows=windows.shape[0],
            sequence_length=windows.shape[1],
            rates=(
                *_rate("prefill", measured.prefill, reference.prefill),
                *_rate("decode", measured.decode, reference.decode),
            ),
            types=dict(Counter(measured.types.values())),
            warnings=_without_importance(importance.missing if importance else ()),
        )

    def _write_compressed_tensors(
        self, exports: list[CompressedTensorsExport], scratch: Path, progress: "_Progress", done: "_Done"
    ) -> None:
        # Not validated: the caller may have put the result anywhere.
        reference = ModelReference.model_construct(id=str(self.result.resolve()), revision=None)
        result = resolve(reference, scratch=scratch, describe_files=self.reading.describe)
        states = scratch / "states.safetensors"
        dense_perplexity, head = self._measure_dense(states, progress.part())
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
                        step=_as_share(progress.part()),
                    )
                fidelity = measured.fidelity
                done.facts[export.name] = ExportFacts(
                    name=export.name,
                    path=directory.relative_to(self.result).as_posix(),
                    bytes=measured.bytes,
                    dense_bytes=self.model.checkpoint.weight_bytes,
                    evaluator=compressed_tensors.EVALUATOR,
                    perplexity=measured.perplexity,
                    dense_perplexity=dense_perplexity,
                    kl=fidelity.kl if fidelity else None,
                    agreement=fidelity.agreement if fidelity else None,
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
            compressed_tensors.export_fp8(result, directory, step=_as_share(share))
            return ()
        assert self.calibration is not None  # noqa: S101 - w4a16 reads it
        return compressed_tensors.export_w4a16(
            result,
            W4A16(export.weights_per_group),
            directory,
            placement=self.model.place_pruned(self.result),
            windows=self.calibration,
            step=_as_share(share),
        )

    def _measure_dense(self, states: Path, share: ShareStep) -> tuple[float, Mapping[str, Tensor] | None]:
        """Write the dense model's final states on the windows.

        Return its perplexity, and what its logits need and the result has another of; None: not comparable.
        """
        dense, recorder = self.model.place_dense(), Recorder(states, self.windows)
        with placed(dense) as at:
            measured = perplexity(
                at.model, self.windows, placement=at, observe=recorder, step=_as_share(share)
            )
        if recorder.close() is None:  # its logits depend on more than the last block's output
            return measured, None
        pruned = self.model.place_pruned(self.result)
        return measured, differences_outside_blocks(dense.model, pruned.model)

    @property
    def _engine(self) -> Engine:
        return Engine(all_layers=self.reading.all_layers)

    @property
    def _steps(self) -> int:
        files = sum(isinstance(export, GgufExport) for export in self.exports)
        others = len(self.exports) - files
        parts = 2 * len(self.exports) + (2 if files else 0) + (1 if others else 0)
        return _PER_PART * (parts + len(importances(self.exports)))


def stem_of(model: str) -> str:
    """Return a model's name for files, from its id: short, and without letters that some system refuses."""
    return _ODD.sub("-", model.rstrip("/").rpartition("/")[2])[:_MAX_STEM].strip("-.") or "model"


class _Done:
    """The exports that are written and measured, and why others are not."""

    def __init__(self) -> None:
        self.facts: dict[str, ExportFacts] = {}
        self.warnings: list[str] = []

    @contextmanager
    def trying(self, exports: Sequence[Export], target: Path | None = None) -> Iterator[None]:
        """Note a failure of the body that only these exports have, and delete `target`."""
        try:
            yield
        except (InvalidInput, NumericalFailure, RuntimeError, OSError, MemoryError) as error:
            if not isinstance(error, InvalidInput | NumericalFailure) and not is_out_of_memory(error):
                raise
            self.warnings += (f"{export.name} was not exported: {error}" for export in exports)
            if target is not None and target.is_dir():
                shutil.rmtree(target)
            elif target is not None:
                target.unlink(missing_ok=True)


class _Progress:
    """Counts the parts of the work as steps."""

    def __init__(self, steps: int, step: Step) -> None:
        self._steps, self._step, self._begun = steps, step, 0

    def part(self) -> ShareStep:
        """Begin the next part. Return what is called with the share of it that is done."""
        before, self._begun = self._begun, self._begun + _PER_PART

        def share(done: float) -> None:
            self._step(before + int(done * _PER_PART), self._steps)

        return share


def _rate(
    phase: Literal["prefill", "decode"], own: Speed | None, dense: Speed | None
) -> Iterator[ExportRateFacts]:
    if own and dense:
        yield ExportRateFacts(
            phase=phase,
            tokens_per_second=own.tokens_per_second,
            dense=dense.tokens_per_second,
            noise=max(own.spread, dense.spread),
        )


def _require_one_dense_perplexity(facts: ExportFacts, others: Iterable[ExportFacts]) -> None:
    """Raise InvalidInput where it is not that next to other files: a helper was taken over."""
    for other in others:
        if not math.isclose(facts.dense_perplexity, other.dense_perplexity, rel_tol=_SAME):
            raise InvalidInput(
                f"the dense model has the perplexity {facts.dense_perplexity:g} next to this file and "
                f"{other.dense_perplexity:g} next to {other.name}; the model may have taken over what "
                "measures it: do not use it",
                field="model.id",
            )


def _without_importance(modules: Sequence[str]) -> tuple[str, ...]:
    return (
        (
            f"{len(modules)} modules, such as {modules[0]}, have no tensor of their own inputs in the file: "
            "it was rounded without an importance",
        )
        if modules
        else ()
    )


def _as_share(share: ShareStep) -> Step:
    return lambda done, steps: share(done / steps)


def check_exports(
    exports: tuple[Export, ...],
    checkpoint: Checkpoint,
    model: PreTrainedModel,
    reading: UntrustedReader,
    step: Step,
) -> None:
    """Refuse exports that this installation, or the format, cannot write, before anything is computed.

    `model`: the result, without weights; where blocks are removed, with any of those that can stay. Raises
    InvalidInput with the field: 'exports' where the extra is missing or groups divide no row, 'model.id' for
    a model that a format cannot hold. `step`: as in a stage of one step, called while a helper works.
    """
    if any(isinstance(export, GgufExport) for export in exports):
        small = checkpoint.files.without(checkpoint.weight_files)
        with small.opened() as directory:
            if model is not checkpoint.skeleton:
                (directory / CONFIG).unlink()
                model.config.to_json_file(directory / CONFIG)
            engine = Engine(all_layers=reading.all_layers)
            gguf.check(directory, engine=engine, step=lambda _: step(0, 1))
    for export in exports:
        if isinstance(export, CompressedTensorsExport):
            scheme = Fp8() if export.scheme == "fp8" else W4A16(export.weights_per_group)
            compressed_tensors.check_export(checkpoint, scheme, model)
