"""What is wrong with a job's files, as far as this machine has them: without torch, and without the network.

Only what is certain to fail is named. The worker checks everything by itself: the API may run on a
machine without the files, so a root that is missing or empty here says nothing.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.spec.job import JobSpec
from pruning.errors import InvalidInput
from pruning.estimate import out_of_bounds_value
from pruning.files.formats import InvalidTextLine, text_of_line
from pruning.files.frozen_file import FrozenFile, freeze
from pruning.recipe import UNIT_KINDS, StructureOptions, UnitKind, is_local
from pruning.recipe.units import count_of

_CONFIG = "config.json"
_MAX_CONFIG_BYTES = 2**20
_FIRST_BYTES = 2**16
_NO_CONFIG = (
    "its directory has no config.json, or one that is a link out of the directories that the service may "
    "read, as in a cache of the Hub: copy the model with what its links lead to (`cp -rL`)"
)
_NO_FILE = "there is no such file that a job may read"


@dataclass(frozen=True, slots=True)
class Fault:
    """A field of the request with which the job is certain to fail, and why."""

    field: str
    message: str
    value: str | int | None = None
    """What the field says; None where the message says it."""


@dataclass(frozen=True, slots=True)
class FileRoots:
    """The directories of this machine that may have files of jobs."""

    models: tuple[Path, ...]
    data: tuple[Path, ...]


def faults(spec: JobSpec, file_roots: FileRoots) -> Iterator[Fault]:
    """Yield what is wrong with the model, its context, its cut and the texts. Opens files; may be slow."""
    yield from _model_faults(spec, file_roots)
    for field, dataset in spec.texts:
        if _is_on_this_machine(dataset, file_roots.data):
            yield from _text_faults(Path(dataset), file_roots.data, field)
    gradients = spec.recipe.gradients
    if gradients is None or not _is_on_this_machine(gradients, file_roots.data):
        return
    if _frozen(Path(gradients), file_roots.data) is None:
        yield Fault("gradients", _NO_FILE, str(Path(gradients)))


def model_unavailable_reason(directory: str, roots: Sequence[Path]) -> str | None:
    """Say why no job can read a model there. None if one can, or this machine has no files there."""
    if not _is_on_this_machine(directory, roots) or _config(Path(directory, _CONFIG), roots) is not None:
        return None
    missing = _is_missing(Path(directory), roots)
    reason = "this directory does not exist" if missing else _NO_CONFIG
    return f"there is no model that a job may read: {reason}"


def _model_faults(spec: JobSpec, file_roots: FileRoots) -> Iterator[Fault]:
    model = spec.recipe.model.id
    if not _is_on_this_machine(model, file_roots.models):
        return
    if reason := model_unavailable_reason(model, file_roots.models):
        yield Fault("model.id", reason, model)
        return
    config = _config(Path(model, _CONFIG), file_roots.models)
    if spec.recipe.structure is not None:
        yield from _structure_faults(spec.recipe.structure, config or {})
    context = _context(config or {})
    if context is None:
        return
    for purpose, length in (
        ("calibration", spec.recipe.calibration.sequence_length),
        ("evaluation", spec.evaluation.sequence_length),
    ):
        if length is not None and length > context:
            yield Fault(
                f"{purpose}.sequence_length", f"must be at most {context}, the model's context", length
            )


def _structure_faults(structure: StructureOptions, config: dict[str, Any]) -> Iterator[Fault]:
    """Yield cuts of what the model does not have, as far as the config says it, in the words of a worker."""
    for name, kind in UNIT_KINDS.items():
        if structure.amount(name) is not None and (reason := _refused_units(structure, kind, config)):
            yield Fault(f"structure.{name}", reason)


def _refused_units(structure: StructureOptions, kind: UnitKind, config: dict[str, Any]) -> str | None:
    if (reason := kind.always_refused(config)) is not None:
        return reason
    dense = kind.count(config)
    if dense is None:
        return None
    try:
        _, kept = structure.left(kind.name, dense)
    except ValueError as error:
        return str(error)
    return kind.reason_against(kept, dense, config, (structure.amount(kind.name) or 0) < 1)


def _text_faults(path: Path, roots: Sequence[Path], field: str) -> Iterator[Fault]:
    file = _frozen(path, roots)
    if file is None:
        yield Fault(field, _NO_FILE, str(path))
    elif path.suffix == ".jsonl" and (reason := _not_jsonl(file)):
        yield Fault(field, reason, str(path))


def _not_jsonl(file: FrozenFile) -> str | None:
    """Say why the first lines of a file are no JSON lines with a text. None: they are."""
    with file.opened() as path, path.open("rb") as opened:
        head = opened.read(_FIRST_BYTES)
    lines = head.split(b"\n")
    whole = lines if len(head) < _FIRST_BYTES else lines[:-1]
    for number, line in enumerate(whole, start=1):
        try:
            text_of_line(line)
        except InvalidTextLine as error:
            return f"line {number}: {error}"
    return None


def _config(path: Path, roots: Sequence[Path]) -> dict[str, Any] | None:
    """Read a config. None: there is no such file. An empty one says nothing, as does one that is not JSON."""
    file = _frozen(path, roots)
    if file is None:
        return None
    with file.opened() as same, same.open("rb") as opened:
        return _parsed(opened.read(_MAX_CONFIG_BYTES))


def _parsed(content: bytes) -> dict[str, Any]:
    """Parse a config. One with numbers out of bounds, which a worker refuses, says nothing here."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) and out_of_bounds_value(values) is None else {}


def _context(config: dict[str, Any]) -> int | None:
    """Return the context of a model as transformers reads it. None: no bound, or another name for it."""
    value = config.get("max_position_embeddings")
    if value is None and config.get("model_type") == "gpt2":
        value = config.get("n_positions")
    return count_of(value)


def _frozen(path: Path, roots: Sequence[Path]) -> FrozenFile | None:
    try:
        return freeze(path, roots, field="")
    except InvalidInput:
        return None


def _is_missing(directory: Path, roots: Sequence[Path]) -> bool:
    """Whether there is no such directory below the roots. False where links lead out of them."""
    try:
        real = directory.resolve()
        return any(real.is_relative_to(root.resolve()) for root in roots) and not real.exists()
    except (OSError, RuntimeError):  # a name that is too long, a loop of links, no permission
        return False


def _is_on_this_machine(reference: str, roots: Sequence[Path]) -> bool:
    """Whether a path is below a root that has any files on this machine."""
    if not is_local(reference):
        return False
    path = Path(os.path.normpath(reference))
    return any(path.is_relative_to(os.path.normpath(root)) and _has_files(root) for root in roots)


def _has_files(root: Path) -> bool:
    try:
        with os.scandir(root) as entries:
            return next(entries, None) is not None
    except OSError:
        return False
