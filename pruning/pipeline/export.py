"""Export: the files that engines serve, each measured as that file next to the dense model.

A GGUF file is converted, quantised and measured by llama.cpp, the dense model in F16 by the same engine. A
checkpoint of compressed-tensors is measured through transformers, as is the dense model. Nothing is saved for
a resume: an attempt that begins again has the pruned model, and exports it anew.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

from torch import Tensor

from pruning.calibration.input_importance import mean_squares
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput, NumericalFailure
from pruning.estimate.work import EXPORT_LENGTH, EXPORT_WINDOWS
from pruning.evaluation.final_states import Recorder, differences_outside_blocks
from pruning.evaluation.perplexity import perplexity
from pruning.exports import compressed_tensors, gguf
from pruning.exports.compressed_tensors import W4A16, Fp8
from pruning.exports.engine import Engine
from pruning.exports.types import ShareStep
from pruning.pipeline.evaluate import placed
from pruning.pipeline.models import ResolvedModel
from pruning.progress import Step
from pruning.recipe import Evaluation, ModelReference, Stage
from pruning.recipe.exports import FOLDER, CompressedTensorsExport, Export, GgufExport, reads_text
from pruning.report import ExportFacts, ExportRateFacts
from pruning.runtime.device import is_out_of_memory

_PER_PART = 100


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
    wanted: bool = True  # False: the result is known to be of no use
    engine: Engine = field(default_factory=Engine)

    def prepare(self) -> int | None:
        """Return the number of steps. None where nothing is exported."""
        return self._steps if self.exports and self.wanted else None

    def run(self, step: Step) -> ExportOutcome:
        """Export, and return what the report says of each, in the order of the request.

        An export that fails leaves a warning in place of its file: the pruned model is worth keeping without
        it. Raises OSError where the disk is full, and InvalidInput with the name of a file of the dense model
        that has changed since the run began.
        """
        if not self.exports:
            return ExportOutcome()
        if not self.wanted:
            return ExportOutcome(warnings=("nothing was exported: the perplexity exceeds the limit",))
        (self.result / FOLDER).mkdir()
        progress = _Progress(self._steps, step)
        done = _Done()
        with (
            self.model.checkpoint.files.opened(),
            TemporaryDirectory(prefix=".exports-", dir=self.result.parent) as name,
        ):
            scratch = Path(name)
            if files := [export for export in self.exports if isinstance(export, GgufExport)]:
                with done.trying(files):
                    self._write_gguf(files, scratch, progress, done)
            if others := [export for export in self.exports if isinstance(export, CompressedTensorsExport)]:
                with done.trying(others):
                    self._write_compressed_tensors(others, scratch, progress, done)
        found = (done.facts.get(export.name) for export in self.exports)
        return ExportOutcome(tuple(facts for facts in found if facts), tuple(done.warnings))

    def _write_gguf(
        self, exports: list[GgufExport], scratch: Path, progress: "_Progress", done: "_Done"
    ) -> None:
        dense, plain = scratch / "dense.gguf", scratch / "result.gguf"
        with self._dense_directory(scratch) as directory:
            gguf.convert(directory, dense, name=self._stem, engine=self.engine, step=progress.part())
        converted = gguf.convert(
            self.result, plain, name=self._stem, engine=self.engine, step=progress.part()
        )
        importance = self._importance(plain, scratch, progress) if reads_text(exports) else None
        for export in exports:
            file = self.result / FOLDER / f"{self._stem}-{export.type}.gguf"
            written: gguf.WrittenFile
            with done.trying([export], file):
                if export.type == "F16":
                    written = replace(converted, file=shutil.copyfile(plain, file))
                    progress.part()(1.0)
                else:
                    written = gguf.quantize(
                        plain,
                        file,
                        export.type,
                        importance=importance if export.reads_text else None,
                        engine=self.engine,
                        step=progress.part(),
                    )
                measured = gguf.measure(
                    file, self.windows, reference=dense, speed=True, engine=self.engine, step=progress.part()
                )
                done.facts[export.name] = self._gguf_facts(export, written, dense, measured)

    def _importance(self, plain: Path, scratch: Path, progress: "_Progress") -> Path:
        """Write the importance of each input of the result, as `llama-imatrix` does."""
        assert self.calibration is not None  # noqa: S101 - an export reads it
        share = progress.part()
        squares = mean_squares(
            self.model.place_pruned(self.result),
            self.calibration,
            step=lambda done, steps: share(done / steps),
        )
        file = scratch / "importance.gguf"
        gguf.write_importance(plain, file, squares, origin="calibration windows", engine=self.engine)
        return file

    def _gguf_facts(
        self, export: GgufExport, written: gguf.WrittenFile, dense: Path, measured: gguf.Compared
    ) -> ExportFacts:
        reference = measured.reference
        assert reference is not None  # noqa: S101 - it was measured with one
        return ExportFacts(
            name=export.name,
            path=written.file.relative_to(self.result).as_posix(),
            bytes=written.bytes,
            dense_bytes=dense.stat().st_size,
            sha256=written.sha256,
            evaluator=measured.evaluator,
            perplexity=measured.perplexity,
            dense_perplexity=reference.perplexity,
            kl=measured.kl,
            agreement=measured.agreement,
            windows=self.windows.shape[0],
            sequence_length=self.windows.shape[1],
            rates=(
                *_rate("prefill", measured.prefill, reference.prefill),
                *_rate("decode", measured.decode, reference.decode),
            ),
            types=dict(Counter(measured.types.values())),
        )

    def _write_compressed_tensors(
        self, exports: list[CompressedTensorsExport], scratch: Path, progress: "_Progress", done: "_Done"
    ) -> None:
        # Not validated: the caller may have put the result anywhere.
        reference = ModelReference.model_construct(id=str(self.result.resolve()), revision=None)
        result = resolve(reference, scratch=scratch)
        states = scratch / "states.safetensors"
        dense_perplexity, head = self._measure_dense(states, progress.part())
        for export in exports:
            directory = self.result / FOLDER / f"{export.format}-{export.scheme}"
            with done.trying([export], directory):
                warnings = self._write(export, result, directory, progress.part())
                measured = compressed_tensors.measure(
                    directory,
                    self.windows,
                    states,
                    dtype=self.model.dtype,
                    device=self.model.device,
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
            W4A16(export.group_size),
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

    @contextmanager
    def _dense_directory(self, scratch: Path) -> Iterator[Path]:
        """Yield a directory of the dense model: links to its weights, and copies of the rest without code."""
        directory = scratch / "dense"
        checkpoint = self.model.checkpoint
        checkpoint.files.without(checkpoint.weight_files).copy_to(directory)
        for file in checkpoint.files.named(checkpoint.weight_files).files:
            (directory / file.name).parent.mkdir(parents=True, exist_ok=True)
            (directory / file.name).symlink_to(file.root / file.path)
        yield directory
        shutil.rmtree(directory)

    @cached_property
    def _stem(self) -> str:
        """The model's name, for files."""
        return self.model.checkpoint.id.rstrip("/").rpartition("/")[2]

    @property
    def _steps(self) -> int:
        files = sum(isinstance(export, GgufExport) for export in self.exports)
        others = len(self.exports) - files
        parts = 2 * len(self.exports) + (2 if files else 0) + (1 if others else 0)
        importance = any(isinstance(export, GgufExport) and export.reads_text for export in self.exports)
        return _PER_PART * (parts + importance)


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
        except (InvalidInput, NumericalFailure, RuntimeError, OSError) as error:
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
    phase: Literal["prefill", "decode"], own: gguf.Speed | None, dense: gguf.Speed | None
) -> Iterator[ExportRateFacts]:
    if own and dense:
        yield ExportRateFacts(
            phase=phase,
            tokens_per_second=own.tokens_per_second,
            dense=dense.tokens_per_second,
            noise=max(own.spread, dense.spread),
        )


def _as_share(share: ShareStep) -> Step:
    return lambda done, steps: share(done / steps)


def check_exports(exports: tuple[Export, ...], checkpoint: Checkpoint, scratch: Path) -> None:
    """Refuse exports that this installation, or the format, cannot write, before anything is computed.

    `scratch`: a directory for copies of the small files. Raises InvalidInput with the field: 'exports' where
    the extra is missing, 'model.id' for a model that a format cannot hold.
    """
    if any(isinstance(export, GgufExport) for export in exports):
        with TemporaryDirectory(prefix=".exports-", dir=scratch) as name:
            checkpoint.files.without(checkpoint.weight_files).copy_to(Path(name))
            gguf.check(Path(name))
    for export in exports:
        if isinstance(export, CompressedTensorsExport):
            scheme = Fp8() if export.scheme == "fp8" else W4A16(export.group_size)
            compressed_tensors.check_export(checkpoint, scheme)
