"""A mask as a patch: one file that makes a result of its dense model, where kept weights are unchanged.

A patch is the file of masks, one bit per weight, whose metadata names the dense model and has the SHA-256 of
each of its files, and of what the file is in the result. These are the files that make up the model: weights
and their index, configs, tokenizer, licences. Card and report describe the run, and are no part of it.

Nothing here needs torch. A patch comes from anywhere, and can set weights to zero, no more: its names are
looked up among the files and tensors of the dense model, none is opened, and every file that is written is
compared with its digest.
"""

import errno
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import file_digest, sha256
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from pydantic import BaseModel, Json, ValidationError

from pruning.byte_size import byte_size
from pruning.checkpoint.files import ModelFiles, all_files, companions, copy_companion, weight_files
from pruning.errors import InvalidInput, PruningError
from pruning.output.directory import atomic_directory
from pruning.output.safetensors_file import SafetensorsFile
from pruning.recipe import Text

_FORMAT = "pruneserve mask 1"
_PIECE_BYTES = 1 << 24  # copied at a time; of every dtype a multiple of eight elements
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SHOWN = 100  # characters of a name from a patch, in a message

_SHA256 = re.compile("[0-9a-f]{64}")
_Pieces = Iterator[tuple[bytes, bytes]]  # of a file, as it is and with the masked weights zero


class _Metadata(BaseModel):
    """What a patch says of the models before and after it."""

    format: Literal["pruneserve mask 1"]
    model: Text
    commit: Text | None = None  # of a model of the Hub
    # Not validated one by one, which takes kilobytes for each that is wrong: they are compared.
    files: Json[dict[str, Any]]  # by name: SHA-256 before and after
    shapes: Json[dict[str, Any]]  # of the masks

    @property
    def base(self) -> str:
        """The dense model, for messages."""
        return f"{self.model} at commit {self.commit}" if self.commit else self.model


def apply_mask(base: Path, mask: Path, output: Path) -> None:
    """Make the checkpoint of a job from its dense model and the mask that it exported.

    Its files are the job's, byte for byte, except card and report, which are not written. Weights are read
    and written once, some megabytes at a time; torch is not needed.

    Parameters
    ----------
    base
        The directory of the dense model, as the job has read it.
    mask
        The file of the export `mask`.
    output
        A directory, which must not exist; it appears complete or not at all.

    Raises
    ------
    InvalidInput
        With field 'base', for another model; with field 'mask', for a file that is damaged or no mask of this
        model; with field 'output', where the output exists or cannot be made.
    PruningError
        With field 'output', where the disk is full.
    """
    with _named("mask"):
        patch = SafetensorsFile.open(mask)
        metadata = _metadata(patch)
    with _named("base"):
        names = all_files(base)
        weights = {name: SafetensorsFile.open(base / name) for name in weight_files(base, names)}
    _refuse_other_files(metadata, weights, {*weights, *companions(names)})
    _refuse_other_tensors(metadata, patch, weights.values())
    size = sum((base / name).stat().st_size for name in metadata.files)
    try:
        with atomic_directory(output) as directory:
            if shutil.disk_usage(directory).free < size:
                raise OSError(errno.ENOSPC, "too little is free")
            for name in (*sorted(metadata.files.keys() - weights), *sorted(weights)):  # small ones first
                found = _write(name, base, directory, weights.get(name), patch)
                _compare(name, found, metadata)
    except OSError as error:
        if error.errno not in _FULL:
            raise InvalidInput(
                f"{output} cannot be made: {error.strerror}: {error.filename}; give a new directory, where "
                "you may write",
                field="output",
            ) from error
        raise PruningError(
            f"the disk of {output} is full: the result has {byte_size(size)}; make room, or give a directory "
            "on another disk",
            field="output",
        ) from error


def write_patch(
    path: Path,
    masks: Path,
    base: Path,
    files: ModelFiles,
    result: Path,
    *,
    described: Mapping[str, str],
    share: Callable[[float], object],
) -> str:
    """Write the patch of a result, and return its SHA-256. It is applied in memory first.

    `masks`: the file that `write_model` has written; `base`: the directory of the dense model's `files`;
    `described`: `model` and, of a Hub model, `commit`. `share` is called after each file with the share done.

    Raises InvalidInput with field 'exports' where kept weights are not the dense model's, and with field
    'model.id' for a file of the dense model that has changed.
    """
    source, digests = SafetensorsFile.open(masks), dict[str, tuple[str, str]]()
    weights = weight_files(base, [file.name for file in files.files])
    for number, file in enumerate(files.files, 1):
        after = _sha256(result / file.name)
        if file.name in weights:
            pieces = _masked(SafetensorsFile.open(base / file.name), source)
            found = _digests(pieces, lambda piece: None)
        else:
            found = _sha256(base / file.name), after
        if found[0] != file.sha256:
            raise file.changed_error()
        if found[1] != after:
            raise InvalidInput(
                f"kept weights in {file.name} are not the dense model's, and a mask holds only which weights "
                "are zero",
                field="exports",
            )
        digests[file.name] = found
        share(number / len(files.files))
    metadata = {"format": _FORMAT, **described, "files": json.dumps(digests), **source.metadata}
    patch = SafetensorsFile.create(path, {name: source.byte_count(name) for name in source.names}, metadata)
    patch.copy_tensors(source, {name: name for name in source.names})
    return _sha256(path)


@contextmanager
def _named(field: str) -> Iterator[None]:
    """While active, an error of a file that is read is one of this field."""
    try:
        yield
    except (InvalidInput, OSError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        raise InvalidInput(str(error), field=field) from error


def _metadata(patch: SafetensorsFile) -> _Metadata:
    try:
        return _Metadata.model_validate(patch.metadata)
    except ValidationError as error:
        where = ".".join(str(part)[:_SHOWN] for part in error.errors()[0]["loc"])
        raise InvalidInput(
            f"{patch.path.name} is damaged, or no mask of an export: its metadata has no valid {where!r}",
            field="mask",
        ) from error


def _refuse_other_files(metadata: _Metadata, weights: Iterable[str], known: set[str]) -> None:
    """Refuse a patch for a model of other files. `weights`, `known`: those of the given one."""
    for name in sorted({*weights, *metadata.files}):
        if name not in metadata.files or name not in known:
            has, lacks = ("mask", "model") if name in metadata.files else ("model", "mask")
            raise InvalidInput(
                f"the mask is for {metadata.base}, and this is another model: the {has} has "
                f"{name[:_SHOWN]!r}, and the {lacks} has no such file",
                field="base",
            )
        match metadata.files[name]:
            case [str() as before, str() as after] if _SHA256.fullmatch(before) and _SHA256.fullmatch(after):
                pass
            case _:
                raise InvalidInput(
                    f"the mask is damaged: it has no two SHA-256 of {name[:_SHOWN]!r}; get the mask again",
                    field="mask",
                )


def _refuse_other_tensors(
    metadata: _Metadata, patch: SafetensorsFile, weights: Iterable[SafetensorsFile]
) -> None:
    """Refuse a patch that names a tensor that the model lacks, or has in another shape."""
    known = {
        name: file.header[name]["shape"] for file in weights for name in file.names if file.has_elements(name)
    }
    for name in patch.names:
        shape = metadata.shapes.get(name, [])
        if known.get(name) != shape or patch.byte_count(name) != -(-prod(shape) // 8):
            raise InvalidInput(
                f"{patch.path.name} is damaged, or for another model: {name[:_SHOWN]!r} is not a mask of a "
                "tensor of this one",
                field="mask",
            )


def _write(
    name: str, base: Path, directory: Path, weights: SafetensorsFile | None, patch: SafetensorsFile
) -> tuple[str, str]:
    """Write a file of the result, and return its SHA-256 before and after."""
    source, target = base / name, directory / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if weights is None:
        with _named("base"):
            copy_companion(source, target)
        return _sha256(source), _sha256(target)
    with target.open("xb") as file:
        return _digests(_masked(weights, patch), file.write)


def _compare(name: str, found: tuple[str, str], metadata: _Metadata) -> None:
    """Refuse a file of another model, or a result that is not the job's."""
    before, after = metadata.files[name]
    if found[0] != before:
        raise InvalidInput(
            f"the mask is for {metadata.base}, and this is another model: its {name} has the SHA-256 "
            f"{found[0]} in place of {before}",
            field="base",
        )
    if found[1] != after:
        raise InvalidInput(
            f"the mask is damaged: {name} would have the SHA-256 {found[1]} in place of {after}; get the "
            "mask again",
            field="mask",
        )


def _masked(file: SafetensorsFile, patch: SafetensorsFile) -> _Pieces:
    """Yield the bytes of a weight file in pieces, as they are and with the masked weights +0.0.

    Zero is all bits zero in every float format, so the format need not be known.
    """
    names = {*patch.names}
    with file.path.open("rb") as source, patch.path.open("rb") as masks:
        for name in file.names:
            if name in names:
                for piece in _read(source, file.offset(name) - source.tell()):
                    yield piece, piece
                masks.seek(patch.offset(name))
                size = file.byte_count(name) // prod(file.header[name]["shape"])
                for piece in _read(source, file.byte_count(name)):
                    elements = np.frombuffer(piece, f"u{size}")
                    bits = np.frombuffer(masks.read(-(-len(elements) // 8)), np.uint8)
                    kept = np.unpackbits(~bits, count=len(elements))
                    yield piece, (elements * kept).tobytes()
        for piece in _read(source, file.path.stat().st_size - source.tell()):
            yield piece, piece


def _read(file: BinaryIO, count: int) -> Iterator[bytes]:
    """Yield the next bytes of a file in pieces."""
    while count > 0:
        if not (piece := file.read(min(count, _PIECE_BYTES))):
            raise InvalidInput("a weight file has become shorter while it was read", field="base")
        count -= len(piece)
        yield piece


def _digests(pieces: _Pieces, use: Callable[[bytes], object]) -> tuple[str, str]:
    """Return the SHA-256 of a file, and of its masked form, which is passed to `use` in pieces."""
    before, after = sha256(), sha256()
    for piece, masked in pieces:
        before.update(piece)
        after.update(masked)
        use(masked)
    return before.hexdigest(), after.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
