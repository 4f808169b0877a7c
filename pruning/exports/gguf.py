"""GGUF files of a checkpoint: converted, quantised and measured by llama.cpp, without the service.

Each file is written under a temporary name next to its own, and renamed once it is whole. The native code and
the converter run in confined helpers (`pruning.exports.engine`).
"""

import hashlib
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from torch import Tensor

from pruning.errors import InvalidInput, NumericalFailure
from pruning.exports.engine import Engine, ignore_steps
from pruning.exports.types import OUTPUT, ShareStep, gguf_type

_MAX_LOSS = 500.0  # nats; a perplexity beyond is none
_CONVERTED = ("F32", "F16", "BF16")


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


@dataclass(frozen=True)
class Quantised(WrittenFile):
    """A GGUF file of some type."""

    types: Mapping[str, str]
    """Of each tensor, by its name: some have another type than the file, such as rows that do not fit it."""


@dataclass(frozen=True)
class Speed:
    """Tokens per second, a median, and the range of the runs as a share of it."""

    tokens_per_second: float
    spread: float


@dataclass(frozen=True)
class Computed:
    """What llama.cpp computes with a file."""

    perplexity: float
    prefill: Speed | None
    decode: Speed | None


@dataclass(frozen=True)
class Compared(Computed):
    """What llama.cpp computes with a file, and how far it is from a reference."""

    evaluator: str
    types: Mapping[str, str]
    """Of each tensor, by its name."""
    kl: float | None
    """Of the reference's predictions from the file's, in nats; None without a reference."""
    agreement: float | None
    """The share of positions at which both find the same token the most probable one."""
    reference: Computed | None


def check(model: Path, *, engine: Engine | None = None) -> None:
    """Check by config and tokenizer whether the checkpoint in the directory `model` can be converted.

    The directory needs no weights. Raises InvalidInput as `convert`.
    """
    about = {"model": str(model), "type": "F16", "name": model.name}
    with TemporaryDirectory(prefix="pruneserve-check-") as directory:
        (engine or Engine()).run("check", about, directory=Path(directory), readable=[model])


def convert(
    model: Path,
    target: Path,
    *,
    dtype: str = "F16",
    name: str | None = None,
    engine: Engine | None = None,
    step: ShareStep = ignore_steps,
) -> Converted:
    """Write the checkpoint in the directory `model`, whose links are followed, as a GGUF file.

    `dtype`: of the matrices; F32, F16 or BF16. `name`: of the model, in the file. Raises InvalidInput if
    llama.cpp's converter does not know the family, or llama.cpp reads a text as other token ids than
    transformers; see `Engine.run` for the rest.
    """
    if dtype not in _CONVERTED:
        raise InvalidInput(
            f"{dtype!r} is no dtype of a conversion; use one of {', '.join(_CONVERTED)}", field="dtype"
        )
    about = {"model": str(model), "type": dtype, "name": name or model.name}
    with _output(target) as directory:
        found = (engine or Engine()).run("convert", about, directory=directory, readable=[model], step=step)
        written = _finish(directory, target)
    rules = found["rules"]
    return Converted(written.file, written.bytes, written.sha256, None if rules is None else str(rules))


def write_importance(
    source: Path,
    target: Path,
    importance: Mapping[str, Tensor],
    *,
    origin: str,
    engine: Engine | None = None,
) -> WrittenFile:
    """Write an importance matrix for the GGUF file `source`, which `llama-quantize --imatrix` reads.

    `importance`: by a module's name in transformers, (inputs,): the mean squares of its inputs, or the column
    sums of squared gradients. An expert's is `<experts>.<number>.<matrix>`. `origin`: what it is of, for the
    file. Raises InvalidInput if the sizes are not the tensors', or a name is none of the model's.
    """
    with _output(target) as directory:
        vectors = directory / "importance.npz"
        arrays: dict[str, Any] = {
            name: vector.detach().double().cpu().numpy() for name, vector in importance.items()
        }
        np.savez(vectors, **arrays)
        about = {"file": str(source), "importance": str(vectors), "origin": origin}
        found = (engine or Engine()).run("importance", about, directory=directory, readable=[source])
        if missing := found["missing"]:
            raise InvalidInput(
                f"{source.name} has no tensor for {missing[0]}, of which an importance is given",
                field="importance",
            )
        return _finish(directory, target)


def quantize(
    source: Path,
    target: Path,
    type_name: str,
    *,
    importance: Path | None = None,
    engine: Engine | None = None,
    step: ShareStep = ignore_steps,
) -> Quantised:
    """Write the GGUF file `source`, of 16 or 32 bits, as another type.

    `importance`: a file that `write_importance` or `llama-imatrix` wrote. Raises InvalidInput for an unknown
    type, for one that needs an importance and has none, and for a damaged file; see `Engine.run`.
    """
    gguf_type(type_name, has_importance=importance is not None)
    engine = engine or Engine()
    about = {
        "file": str(source),
        "type": type_name,
        "importance": str(importance) if importance else None,
        "threads": engine.threads,
    }
    readable = [source, *([importance] if importance else [])]
    with _output(target) as directory:
        found = engine.run("quantize", about, directory=directory, readable=readable, step=step)
        written = _finish(directory, target)
    return Quantised(written.file, written.bytes, written.sha256, _types(found))


def measure(
    file: Path,
    windows: Tensor,
    *,
    reference: Path | None = None,
    speed: bool = False,
    engine: Engine | None = None,
    step: ShareStep = ignore_steps,
) -> Compared:
    """Measure a GGUF file over token ids, int64 (windows, length).

    `reference`: the dense model's GGUF file, usually in F16, which llama.cpp computes with in the same way.
    `speed`: whether tokens per second are measured, of the reference too.
    """
    engine = engine or Engine()
    about = {
        "file": str(file),
        "reference": str(reference) if reference else None,
        "windows": windows.tolist(),
        "threads": engine.threads,
        "speed": speed,
    }
    readable = [file, *([reference] if reference else [])]
    with TemporaryDirectory(prefix="pruneserve-measure-") as directory:
        found = engine.run("measure", about, directory=Path(directory), readable=readable, step=step)
    return _compared(found, has_reference=reference is not None)


def _compared(found: Mapping[str, Any], *, has_reference: bool) -> Compared:
    def mean(name: str) -> float:
        value = math.fsum(float(window[name]) for window in found["windows"]) / len(found["windows"])
        if not abs(value) < _MAX_LOSS:
            raise NumericalFailure(f"llama.cpp computes a mean {name} of {value:g} with the file")
        return value

    speeds = [{phase: Speed(**values) for phase, values in one.items()} for one in found["speeds"]]
    own, dense = (*speeds, {}, {})[:2]
    none = {"prefill": None, "decode": None}
    return Compared(
        evaluator=str(found["evaluator"]),
        types=_types(found),
        perplexity=math.exp(mean("loss")),
        kl=max(0.0, mean("kl")) if has_reference else None,
        agreement=mean("agreement") if has_reference else None,
        reference=Computed(math.exp(mean("reference_loss")), **{**none, **dense}) if has_reference else None,
        **{**none, **own},
    )


def _types(found: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in found["types"].items()}


@contextmanager
def _output(target: Path) -> Iterator[Path]:
    """Make a directory on the disk of `target`, for the body."""
    with TemporaryDirectory(prefix=".export-", dir=target.parent) as directory:
        yield Path(directory)


def _finish(directory: Path, target: Path) -> WrittenFile:
    """Give the output its name, once its content is on the disk."""
    with (directory / OUTPUT).open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return WrittenFile((directory / OUTPUT).replace(target), target.stat().st_size, digest)
