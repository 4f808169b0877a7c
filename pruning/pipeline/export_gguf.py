"""The GGUF files of the stage `export`: converted, quantised and measured by llama.cpp."""

import math
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from pruning.calibration.input_importance import mean_squares, squared_gradients
from pruning.errors import InvalidInput
from pruning.evaluation.final_states import window_facts
from pruning.evaluation.perplexity import window_losses
from pruning.exports import gguf
from pruning.exports.answers import MAX_MEASURED_WINDOWS, Speed
from pruning.exports.engine import Engine
from pruning.exports.limits import cannot
from pruning.exports.types import ShareStep
from pruning.pipeline.export_progress import (
    EXPORT_ERRORS,
    Exported,
    ExportProgress,
    as_step,
    is_of_one_export,
)
from pruning.pipeline.models import ResolvedModel
from pruning.recipe.exports import FOLDER, GgufExport, ImportanceKind, importances
from pruning.report import ExportFacts, ExportRateFacts

_SAME = 1e-3  # as a share: threads may sum in another order
_COMPARED, _ROUNDING = 2, 0.02  # windows, and nats of one: F16 and float32 differ by less than 0.001


@dataclass(frozen=True)
class _Written:
    """A file that is written and not yet measured."""

    export: GgufExport
    file: gguf.WrittenFile


@dataclass(frozen=True)
class GgufFiles:
    """Writes and measures GGUF files of the result."""

    model: ResolvedModel  # the dense one
    result: Path  # the directory of the pruned model
    stem: str  # of the files' names
    calibration: Tensor | None  # token ids (windows, length); None where no export reads text
    windows: Tensor  # that the files are measured on, (windows, length)
    engine: Engine
    scratch: Path
    progress: ExportProgress
    exported: Exported

    def write(self, exports: Sequence[GgufExport], dense_model: Path) -> None:
        """Write and measure the files. `dense_model`: the directory of the dense model.

        Raises InvalidInput where llama.cpp computes another model than transformers.
        """
        dense = self._convert(dense_model, self.scratch / "dense.gguf", "dense")
        plain = self._convert(self.result, self.scratch / "result.gguf", self.stem)
        windows = self.windows[:, : min(dense.context_length, plain.context_length)]
        self._require_one_model(plain.file, windows[:_COMPARED])
        for group in self._that_fit_together(self._quantize_all(exports, plain), dense, windows):
            share = self.progress.part(len(group))
            try:
                self._measure(group, dense, windows, share)
            except EXPORT_ERRORS as error:
                if not is_of_one_export(error):
                    raise
                self._measure_one_by_one(group, dense, windows, share)

    def _convert(self, model: Path, file: Path, name: str) -> gguf.Converted:
        return gguf.convert(model, file, name=name, engine=self.engine, step=self.progress.part())

    def _require_one_model(self, plain: Path, windows: Tensor) -> None:
        """Raise InvalidInput where the result has other losses in llama.cpp than in transformers.

        The latter computes in float32: bfloat16 alone can change the loss of a short window as much.
        """
        exact = replace(self.model, dtype=torch.promote_types(self.model.dtype, torch.float32))
        step = as_step(self.progress.part())
        with exact.place_pruned(self.result).stage() as at:
            ours = window_losses(at.model, windows, placement=at, step=step)
        found = gguf.measure([], windows, reference=plain, engine=self.engine, step=self.progress.part())
        for own, other in zip(ours, found.reference.losses, strict=True):
            if abs(own - other) > _ROUNDING:
                raise cannot(
                    f"llama.cpp computes another model: a loss of {other:.3f} nats where transformers has "
                    f"{own:.3f} on the same tokens"
                )

    def _quantize_all(self, exports: Sequence[GgufExport], plain: gguf.Converted) -> list[_Written]:
        importance = dict[ImportanceKind, Mapping[str, Tensor]]()
        for kind in sorted(importances(exports)):
            with self.exported.trying([one for one in exports if one.reads_text and one.importance == kind]):
                importance[kind] = self._importance(kind)
        written = []
        for export in exports:
            given = importance.get(export.importance) if export.reads_text else None
            if export.reads_text and given is None:
                continue
            target = self.result / FOLDER / f"{self.stem}-{export.label.replace(':', '-')}.gguf"
            with self.exported.trying([export], target):
                written.append(_Written(export, self._quantize(plain, target, export.type, given)))
        return written

    def _importance(self, kind: ImportanceKind) -> Mapping[str, Tensor]:
        """Return the importance of each input of the result, by layer name."""
        assert self.calibration is not None  # noqa: S101 - an export reads it
        share, scratch = self.progress.part(), self.scratch / kind
        scratch.mkdir()
        with self.model.place_pruned(self.result).stage() as placement:
            if kind == "gradients":
                return squared_gradients(placement, self.calibration, scratch=scratch, step=as_step(share))
            return mean_squares(placement, self.calibration, step=as_step(share))

    def _quantize(
        self, plain: gguf.Converted, file: Path, type_name: str, importance: Mapping[str, Tensor] | None
    ) -> gguf.WrittenFile:
        share = self.progress.part()
        if type_name != "F16":
            return gguf.quantize(
                plain.file, file, type_name, importance=importance, engine=self.engine, step=share
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

    def _that_fit_together(
        self, written: Sequence[_Written], dense: gguf.Converted, windows: Tensor
    ) -> Iterator[list[_Written]]:
        """Divide files into groups that are in memory with the dense one, which is computed once for each.

        What is measured of a group has to fit into one answer too.
        """
        group, (count, length) = list[_Written](), windows.shape
        for one in written:
            files = [dense.file, *(other.file.file for other in group), one.file.file]
            fits = (len(group) + 1) * count <= MAX_MEASURED_WINDOWS
            if group and not (fits and self.engine.has_memory_for(files, length)):
                yield group
                group = []
            group.append(one)
        if group:
            yield group

    def _measure_one_by_one(
        self, group: Sequence[_Written], dense: gguf.Converted, windows: Tensor, share: ShareStep
    ) -> None:
        """Measure what can be measured of a group that has failed together."""
        for one in group:
            with self.exported.trying([one.export], one.file.file):
                self._measure([one], dense, windows, lambda _: share(1.0))

    def _measure(
        self, group: Sequence[_Written], dense: gguf.Converted, windows: Tensor, share: ShareStep
    ) -> None:
        files = [one.file.file for one in group]
        measured = gguf.measure(
            files, windows, reference=dense.file, speed=True, engine=self.engine, step=share
        )
        self._require_one_dense_perplexity(measured.reference.perplexity)
        for one, of_file in zip(group, measured.files, strict=True):
            self.exported.facts[one.export.name] = ExportFacts(
                name=one.export.name,
                path=one.file.file.relative_to(self.result).as_posix(),
                bytes=one.file.bytes,
                dense_bytes=dense.bytes,
                sha256=one.file.sha256,
                evaluator=measured.evaluator,
                perplexity=of_file.perplexity,
                dense_perplexity=measured.reference.perplexity,
                **window_facts(measured.reference.losses, of_file.losses, of_file.fidelity),
                windows=windows.shape[0],
                sequence_length=windows.shape[1],
                rates=(
                    *_rate("prefill", of_file.prefill, measured.reference.prefill),
                    *_rate("decode", of_file.decode, measured.reference.decode),
                ),
                types=dict(Counter(of_file.types.values())),
                warnings=_without_importance(one.file),
            )

    def _require_one_dense_perplexity(self, found: float) -> None:
        """Raise InvalidInput where it is not that next to earlier files: a helper was taken over."""
        for other in self.exported.facts.values():
            if not math.isclose(found, other.dense_perplexity, rel_tol=_SAME):
                raise InvalidInput(
                    f"the dense model has the perplexity {found:g} next to these files and "
                    f"{other.dense_perplexity:g} next to {other.name}; the model may have taken over what "
                    "measures it: do not use it",
                    field="model.id",
                )


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


def _without_importance(file: gguf.WrittenFile) -> tuple[str, ...]:
    modules = file.missing if isinstance(file, gguf.Quantised) else ()
    return (
        (
            f"{len(modules)} modules, such as {modules[0]}, have no tensor of their own inputs in the file: "
            "it was rounded without an importance",
        )
        if modules
        else ()
    )
