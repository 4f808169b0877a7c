"""Resumable state: an interrupted run continues at the first block that is not finished.

Two things are saved. Each finished block of a stage is written as a shard (a safetensors file) and counts as
finished once the store has committed it. The activations that the next block takes as input are saved as a
checkpoint on this machine's disk, the newest only: they save recomputation where they are present, and
nothing is lost where they are not.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pruning.recipe.stages import Stage

NumericsKey = Mapping[str, str | int | float | bool | None]
"""All that decides the last bits of a stage besides the recipe: dtype, device, threads, micro-batch, …"""


class ActivationCheckpoint:
    """The state between two blocks of one stage, on this machine's disk: the newest only."""

    def __init__(self, directory: Path | None, numerics_key: NumericsKey) -> None:
        """A state of other conditions is none. Without a directory, nothing is ever kept."""
        self._directory = directory
        self._numerics_key = _canonical(numerics_key)

    def save(self, block: int, tensors: Mapping[str, Tensor]) -> None:
        """Keep the state at the boundary where `block` is the next to be worked on, in place of any earlier.

        At no moment is there less than one whole state on the disk.
        """
        if self._directory is None:
            return
        partial = self._directory / "activations.partial"
        contents = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(contents, partial, metadata={"block": str(block), "numerics_key": self._numerics_key})
        earlier = list(self._directory.glob("activations-*.safetensors"))
        kept = partial.replace(self._directory / f"activations-{sha256_of(partial)}.safetensors")
        for path in earlier:
            if path != kept:
                path.unlink(missing_ok=True)

    def load(self) -> tuple[int, dict[str, Tensor]] | None:
        """The block that is next, and the state before it, on the CPU. None: there is none that is whole."""
        if self._directory is None:
            return None
        # There are two where a run has ended between keeping the one and dropping the other.
        found = sorted(self._directory.glob("activations-*.safetensors"), key=_written_at, reverse=True)
        return next((state for state in map(self._read, found) if state is not None), None)

    def drop(self) -> None:
        """Free the disk: the stage has ended."""
        for path in [] if self._directory is None else self._directory.glob("activations*"):
            path.unlink(missing_ok=True)

    def _read(self, path: Path) -> tuple[int, dict[str, Tensor]] | None:
        try:
            if path.stem != f"activations-{sha256_of(path)}":
                return None
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata()
                if metadata["numerics_key"] != self._numerics_key:
                    return None
                return int(metadata["block"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError):
            return None


class ResumeStore(Protocol):
    """The finished blocks of a run's stages, and where this machine keeps them.

    Whatever `begin` and `commit` raise ends the run.
    """

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, Path]:
        """Start a stage, or take it up: the shards of its finished blocks, on this machine, by block.

        Only those that were kept under the same conditions, with the checksum that was noted then. All others
        will be computed again, and kept in place of what there is. Any of the blocks may be missing.
        """

    def directory(self, stage: Stage) -> Path:
        """Where the stage's shards are to be written, each under a name of its own."""

    def commit(self, stage: Stage, block: int, file: Path) -> None:
        """Make the shard of a finished block durable; it lies in `directory(stage)` and stays there.

        Returns when the block counts as finished, whatever happens to this process or its machine.
        """

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        """The state at the boundary of the last finished block, of a stage that has begun."""


class EphemeralResumeStore:
    """For a run that is not to be taken up: its shards last as long as the directory that it was given."""

    def __init__(self, directory: Path) -> None:
        """`directory`: an empty one."""
        self._directory = directory

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, Path]:
        """Nothing is finished yet."""
        return {}

    def directory(self, stage: Stage) -> Path:
        """The stage's own."""
        return _made(self._directory / stage)

    def commit(self, stage: Stage, block: int, file: Path) -> None:
        """The file stays where it is."""

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        """None is kept."""
        return ActivationCheckpoint(None, {})


class DirectoryResumeStore:
    """A run that can be taken up on the same machine, from a directory that only one run uses at a time.

    Beside each shard lies a note with its checksum and its conditions; a shard without one does not count.
    """

    def __init__(self, directory: Path) -> None:
        """`directory` is made if it is not there."""
        self._directory = directory
        self._numerics_key: dict[Stage, dict[str, Any]] = {}

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, Path]:
        """See `ResumeStore.begin`."""
        self._numerics_key[stage] = dict(numerics_key)
        finished = {}
        for path in self.directory(stage).glob("*.note.json"):
            note = json.loads(path.read_text())
            shard = path.with_name(note["file"])
            unchanged = note["numerics_key"] == dict(numerics_key)
            if unchanged and shard.is_file() and sha256_of(shard) == note["sha256"]:
                finished[int(note["block"])] = shard
        return finished

    def directory(self, stage: Stage) -> Path:
        """The stage's own."""
        return _made(self._directory / stage)

    def commit(self, stage: Stage, block: int, file: Path) -> None:
        """Write the note, which appears whole or not at all."""
        with ThreadPoolExecutor(1) as thread:  # one computes while the other waits for the disk
            checksum = thread.submit(sha256_of, file)
            _flush(file)
        note = {
            "block": block,
            "file": file.name,
            "sha256": checksum.result(),
            "numerics_key": self._numerics_key[stage],
        }
        path = self.directory(stage) / f"{block}.note.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(note))
        _flush(partial)
        partial.replace(path)

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        """In the stage's directory."""
        return ActivationCheckpoint(self.directory(stage), self._numerics_key[stage])

    def discard(self) -> None:
        """Free the disk of a run that has succeeded."""
        for stage in Stage:
            shutil.rmtree(self._directory / stage, ignore_errors=True)
        with suppress(OSError):  # there is more in it than ours
            self._directory.rmdir()


def sha256_of(path: Path) -> str:
    """64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _canonical(numerics_key: NumericsKey) -> str:
    return json.dumps(dict(numerics_key), sort_keys=True)


def _written_at(path: Path) -> int:
    return path.stat().st_mtime_ns


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _flush(path: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
