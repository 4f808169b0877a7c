"""GGUF files of a checkpoint: converted, quantised and measured by llama.cpp, without the service.

Each file is written under a temporary name next to its own, and renamed once it is whole. The native code and
the converter run in confined helpers (`pruning.exports.engine`).
"""

import hashlib
import json
import math
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from torch import Tensor

from pruning.checkpoint.files import INDEX, MODEL_CARD, WEIGHTS, all_files, companions, weight_files
from pruning.errors import InvalidInput, NumericalFailure
from pruning.evaluation.final_states import Fidelity
from pruning.exports.answers import (
    ConversionAnswer,
    FileMeasurement,
    MeasurementAnswer,
    QuantisationAnswer,
    Speed,
    Speeds,
)
from pruning.exports.engine import SMALL_FILE, Engine, ignore_steps
from pruning.exports.sparse_files import MOST_BYTES_OF_ELEMENT
from pruning.exports.types import OUTPUT, ShareStep, gguf_type

_MAX_LOSS = 100.0  # nats; a perplexity beyond is none
_ROUNDING = 1e-3  # nats by which a KL may be below zero
_CHECK_SECONDS = 600.0
# Such files in a helper.
_REFERENCE, _IMPORTANCE, _WINDOWS, _SHAPES = "reference", "importance", "windows", "shapes"


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written."""

    file: Path
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Converted(WrittenFile):
    """A GGUF file of 16 or 32 bits."""

    rules: str | None
    """By which llama.cpp splits a text before it merges tokens; None where the kind of tokenizer has none."""
    dtype: str
    """Of the matrices: BF16 in place of F16 where that cannot hold every weight."""
    overflow: str | None
    """A tensor that F16 cannot hold."""
    context_length: int
    """Up to which llama.cpp computes what transformers does."""


@dataclass(frozen=True)
class Quantised(WrittenFile):
    """A GGUF file of some type."""

    types: Mapping[str, str]
    """Of each tensor, by its name: some have another type than the file, such as rows that do not fit it."""
    missing: tuple[str, ...]
    """The modules that have no tensor of their own in the file, whose importance is left out."""


@dataclass(frozen=True)
class Computed:
    """What llama.cpp computes with a file."""

    losses: Sequence[float]
    """The mean of each window, in nats."""
    prefill: Speed | None
    decode: Speed | None

    @property
    def perplexity(self) -> float:
        """The perplexity over all windows."""
        return math.exp(fmean(self.losses))


@dataclass(frozen=True)
class Compared(Computed):
    """What llama.cpp computes with a file, and how far it is from a reference."""

    types: Mapping[str, str]
    """Of each tensor, by its name."""
    fidelity: Fidelity
    """To the reference's predictions."""


@dataclass(frozen=True)
class Measured:
    """What llama.cpp computes with some files and their reference."""

    evaluator: str
    reference: Computed
    files: tuple[Compared, ...]


def check(
    model: Path,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    engine: Engine | None = None,
    step: ShareStep = ignore_steps,
) -> None:
    """Check by config and tokenizer whether the checkpoint in the directory `model` can be converted.

    The directory needs no weights. `shapes`: of their tensors, by name in the checkpoint; whether llama.cpp
    loads a file with these is checked too. Raises InvalidInput as `convert`.
    """
    engine = engine or Engine()
    limits = replace(engine.limits, wall_seconds=min(_CHECK_SECONDS, engine.limits.wall_seconds))
    files = _small_files(model, all_files(model))
    about = {"type": "F16", "name": "model", "shapes": None if shapes is None else _SHAPES}
    most = SMALL_FILE
    with _output(model) as directory:
        if shapes is not None:
            files[_SHAPES] = directory / _SHAPES
            files[_SHAPES].write_text(json.dumps({name: [*shape] for name, shape in shapes.items()}))
            most += MOST_BYTES_OF_ELEMENT * sum(map(math.prod, shapes.values()))
        replace(engine, limits=limits).run(
            "check", about, ConversionAnswer, directory=directory, files=files, step=step, writes=most
        )


def convert(
    model: Path,
    target: Path,
    *,
    dtype: Literal["F32", "F16", "BF16"] = "F16",
    name: str | None = None,
    engine: Engine | None = None,
    step: ShareStep = ignore_steps,
) -> Converted:
    """Write the checkpoint in the directory `model`, whose links are followed, as a GGUF file.

    `dtype`: of the matrices; F16 becomes BF16 where it cannot hold every weight. `name`: of the model, in the
    file. Raises InvalidInput if llama.cpp's converter does not know the family, or llama.cpp reads a text as
    other token ids than transformers; see `Engine.run` for the rest.
    """
    names = all_files(model)
    weights = enumerate(weight_files(model, names), start=1)
    files = _small_files(model, names)
    # The converter finds weights by standard names alone.
    parts = {f"model-{number:05}{WEIGHTS}": model / name for number, name in weights}
    files |= parts
    most = 2 * _size(parts) + 2**30
    about = {"type": dtype, "name": name or model.name}
    with _output(target) as directory:
        found = (engine or Engine()).run(
            "convert", about, ConversionAnswer, directory=directory, files=files, step=step, writes=most
        )
        written = _finish(directory, target, most)
    return Converted(**vars(written), **dict(found))


def _small_files(model: Path, names: Collection[str]) -> dict[str, Path]:
    """Return the config and the tokenizer, by name. The converter would print the card in the file."""
    return {name: model / name for name in companions(names) if name not in (INDEX, MODEL_CARD)}


def quantize(
    source: Path,
    target: Path,
    type_name: str,
    *,
    importance: Mapping[str, Tensor] | None = None,
    engine: Engine | None = None,
    step: ShareStep = ignore_steps,
) -> Quantised:
    """Write the GGUF file `source`, of 16 or 32 bits, as another type.

    `importance`: by a module's name in transformers, (inputs,): the mean squares of its inputs, or the column
    sums of squared gradients. An expert's is `<experts>.<number>.<matrix>`. Raises InvalidInput for an
    unknown type, for one that needs an importance and has none, if the sizes are not the tensors' or no name
    is one of the model's, and for a damaged file; see `Engine.run`.
    """
    gguf_type(type_name, has_importance=importance is not None)
    engine = engine or Engine()
    about = {
        "file": source.name,
        "type": type_name,
        "importance": None if importance is None else _IMPORTANCE,
        "threads": engine.threads,
    }
    files = {source.name: source}
    with _output(target) as directory:
        if importance is not None:
            files[_IMPORTANCE] = directory / "importance.npz"
            arrays: dict[str, Any] = {
                name: vector.detach().double().cpu().numpy() for name, vector in importance.items()
            }
            np.savez(files[_IMPORTANCE], **arrays)
        most = _size(files) + SMALL_FILE
        found = engine.run(
            "quantize", about, QuantisationAnswer, directory=directory, files=files, step=step, writes=most
        )
        return Quantised(**vars(_finish(directory, target, most)), types=found.types, missing=found.missing)


def measure(
    files: Sequence[Path],
    windows: Tensor,
    *,
    reference: Path,
    speed: bool = False,
    engine: Engine | None = None,
    step: ShareStep = ignore_steps,
) -> Measured:
    """Measure GGUF files over token ids, int64 (windows, length). They are in memory together.

    `files`: each with a name of its own; none where only the reference is measured.
    `reference`: the dense model's GGUF file, usually in F16, which llama.cpp computes with in the same way.
    `speed`: whether tokens per second are measured, of the reference too. Raises NumericalFailure where a
    perplexity is none.
    """
    engine = engine or Engine()
    named = {file.name: file for file in files}
    about = {
        "files": list(named),
        "reference": _REFERENCE,
        "windows": _WINDOWS,
        "threads": engine.threads,
        "speed": speed,
    }
    with _output(reference) as directory:
        ids = directory / "windows.npy"
        np.save(ids, windows.cpu().numpy())
        inputs = {**named, _REFERENCE: reference, _WINDOWS: ids}
        found = engine.run("measure", about, MeasurementAnswer, directory=directory, files=inputs, step=step)
    if len(found.files) != len(files):
        raise NumericalFailure(f"llama.cpp has measured {len(found.files)} files of {len(files)}")
    dense, *speeds = found.speeds or [None] * (1 + len(files))
    if len(speeds) != len(files):
        raise NumericalFailure(
            f"llama.cpp has measured the speed of {1 + len(speeds)} files of {1 + len(files)}"
        )
    return Measured(
        found.evaluator,
        _computed(_checked("reference_loss", found.reference_losses, len(windows)), dense),
        tuple(
            _compared(of_file, len(windows), own) for of_file, own in zip(found.files, speeds, strict=True)
        ),
    )


def _compared(found: FileMeasurement, windows: int, speeds: Speeds | None) -> Compared:
    computed = _computed(_checked("loss", [window.loss for window in found.windows], windows), speeds)
    kl = _checked("kl", [window.kl for window in found.windows], windows, least=-_ROUNDING)
    agreement = _checked("agreement", [window.agreement for window in found.windows], windows)
    return Compared(**vars(computed), types=found.types, fidelity=Fidelity(kl, agreement))


def _checked(name: str, values: Sequence[float], windows: int, *, least: float = 0.0) -> list[float]:
    """Return the values of so many windows. Raises NumericalFailure for what no model has."""
    if len(values) != windows:
        raise NumericalFailure(f"llama.cpp has measured {len(values)} windows of {windows}")
    for value in values:
        if not least <= value <= _MAX_LOSS:
            raise NumericalFailure(f"llama.cpp computes a {name} of {value:g} with the file")
    return [*values]


def _computed(losses: Sequence[float], speeds: Speeds | None) -> Computed:
    if speeds is None:
        return Computed(losses, None, None)
    return Computed(losses, speeds.prefill, speeds.decode)


@contextmanager
def _output(target: Path) -> Iterator[Path]:
    """Make a directory next to `target`, for the body."""
    with TemporaryDirectory(prefix=".export-", dir=target.parent) as directory:
        yield Path(directory)


def _size(files: Mapping[str, Path]) -> int:
    return sum(file.stat().st_size for file in files.values())


def _finish(directory: Path, target: Path, most: int) -> WrittenFile:
    """Give the output, of at most so many bytes, its name, once its content is on the disk."""
    output = directory / OUTPUT
    found = output.lstat() if os.path.lexists(output) else None  # a helper may have left a link or a pipe
    if found is None or not (stat.S_ISREG(found.st_mode) and 0 < found.st_size <= most):
        raise InvalidInput("the helper that exports has written no file of a possible size", field="model.id")
    with output.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return WrittenFile(output.replace(target), found.st_size, digest)
