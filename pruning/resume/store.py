"""Resumable state: an interrupted run continues at the first block that is not finished.

Two things are saved. Each finished block of a stage is written as a shard (a safetensors file) and counts as
finished once the store has committed it. The activations that the next block takes as input are saved as a
checkpoint on this machine's disk, the newest only: they save recomputation where they are present, and
nothing is lost where they are not. A resumed run has the recipe, model and windows of its first attempt, or
is refused.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, Field, ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pruning.errors import InvalidInput
from pruning.files.frozen_file import FrozenFile
from pruning.recipe import ModelReference, Stage
from pruning.report import CalibrationFacts, ModelFacts
from pruning.resume.hashed_file import HashedFile, save_tensors, sha256_of

_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{40,64}")


def changed_numerics(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of an earlier key whose values have changed, by name.

    Digests are omitted: they identify the results of earlier stages, which change only because those stages
    are computed again. So are names that one key lacks: whether norms are computed or found in a cache. A run
    may compute gradients of gates, and later norms in the same stage: neither takes the other's place.
    """
    of_gates = [key["norms"] == "gates" for key in (before, now) if "norms" in key]
    if len(set(of_gates)) > 1:
        return {}
    return {
        name: before[name]
        for name in now
        if name in before and before[name] != now[name] and not _DIGEST.fullmatch(str(before[name]))
    }


def unqualified_name(name: str) -> str:
    """Return a name without the prefix of its stage, such as that of `gradients: micro_batch`."""
    return name.rpartition(": ")[2]


NumericsKey = Mapping[str, str | int | float | bool | None]
"""What decides the bits of a stage in addition to the recipe: dtype, device, threads, micro-batch, …"""

COMMON_CONDITIONS = frozenset(
    {
        *("device", "dtype", "threads", "attention", "processor", "torch", "transformers", "numerics"),
        *("triton", "cudnn", "attention backend"),  # on CUDA only
    }
)
"""The names in the key of `pruning.models.placement.Placement`, which all stages of a run have in common."""


class _Note(BaseModel):
    """Metadata next to a shard, written once the shard is durable."""

    block: int
    file: str = Field(pattern=r"^[^./\x00][^/\x00]*$")
    sha256: str
    numerics_key: dict[str, Any]


class ActivationCheckpoint:
    """The activations between two blocks of one stage, on this machine's disk: the newest only."""

    def __init__(self, directory: Path | None, numerics_key: NumericsKey) -> None:
        """A checkpoint under another key is ignored. Without a directory nothing is ever saved."""
        self._directory = directory
        self._numerics_key = _canonical(numerics_key)

    def save(self, block: int, tensors: Mapping[str, Tensor]) -> None:
        """Save the input of `block`, the next one, in place of any earlier checkpoint.

        At any moment there is a complete checkpoint on the disk.
        """
        if self._directory is None:
            return
        partial = self._directory / "activations.partial"
        metadata = {"block": str(block), "numerics_key": self._numerics_key}
        written = save_tensors(tensors, partial, metadata)
        earlier = list(self._directory.glob("activations-*.safetensors"))
        current = partial.replace(self._directory / f"activations-{written.sha256}.safetensors")
        for path in earlier:
            if path != current:
                path.unlink(missing_ok=True)

    def load(self) -> tuple[int, dict[str, Tensor]] | None:
        """Return the next block and its input, on the CPU; None if there is no intact checkpoint."""
        if self._directory is None:
            return None
        # There are two if the run was interrupted between saving one and deleting the other.
        found = sorted(self._directory.glob("activations-*.safetensors"), key=_mtime_ns, reverse=True)
        return next((state for state in map(self._read, found) if state is not None), None)

    def drop(self) -> None:
        """Delete the checkpoint, after the stage has ended."""
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
                return int(metadata["block"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safetensors' files cannot be iterated
        except (OSError, SafetensorError):
            return None


class ResumeStore(Protocol):
    """The finished blocks of the stages of a run. An exception from any method ends the run."""

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, HashedFile]:
        """Start or resume a stage. Return the shards of its finished blocks by block, on this machine.

        Only shards that were committed under the same numerics key and whose checksum matches are returned.
        All other blocks are computed and committed again. Any block may be missing.
        """

    def directory(self, stage: Stage) -> Path:
        """Return the directory in which the shards of a stage are written, each under its own name."""

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        """Make the shard of a finished block durable. It is in `directory(stage)`, and stays there.

        When this returns, the block counts as finished, whatever happens to this process or machine. It may
        be called on another thread than the other methods.
        """

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        """Return the activation checkpoint of a stage that has begun."""


class EphemeralResumeStore:
    """Store for runs that cannot be resumed: its shards exist as long as its directory."""

    def __init__(self, directory: Path) -> None:
        """`directory`: an empty one."""
        self._directory = directory

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, HashedFile]:
        return {}

    def directory(self, stage: Stage) -> Path:
        return _ensure_directory(self._directory / stage)

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        """Do nothing: the file stays where it is."""

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return ActivationCheckpoint(None, {})


class DirectoryResumeStore:
    """Store for runs that can be resumed on the same machine, in a directory that one run uses at a time.

    Each shard has a note with its checksum and its numerics key; a shard without a note does not count.
    """

    def __init__(self, directory: Path, report: Callable[[str], None] = lambda line: None) -> None:
        """`directory` is created if it does not exist. `report`: called with why blocks are recomputed."""
        self._directory = directory
        self._report = report
        self._reported: set[str] = set()
        self._numerics_key: dict[Stage, dict[str, Any]] = {}

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, HashedFile]:
        self._numerics_key[stage] = dict(numerics_key)
        finished = {}
        lost, before = 0, dict[str, Any]()
        for path in self.directory(stage).glob("*.note.json"):
            note = _read(path)
            if note is None:
                continue
            if otherwise := changed_numerics(note.numerics_key, numerics_key):
                lost, before = lost + 1, otherwise | before
            shard = path.with_name(note.file)
            unchanged = note.numerics_key == dict(numerics_key)
            if unchanged and shard.is_file() and sha256_of(shard) == note.sha256:
                finished[note.block] = HashedFile(shard, note.sha256)
        if lost:
            changes = [
                f"{unqualified_name(name)} was {_quoted(before[name])}, is {numerics_key[name]}"
                for name in before
            ]
            self._report_once(f"{stage}: {'; '.join(changes)}", f"{lost} finished blocks are computed again")
        return finished

    def _report_once(self, why: str, what: str) -> None:
        if why not in self._reported:
            self._reported.add(why)
            self._report(f"{why}: {what}")

    def directory(self, stage: Stage) -> Path:
        return _ensure_directory(self._directory / stage)

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        """Flush the shard to the disk, then write its note atomically."""
        _flush(file.path)
        note = _Note(
            block=block, file=file.path.name, sha256=file.sha256, numerics_key=self._numerics_key[stage]
        )
        path = self.directory(stage) / f"{block}.note.json"
        partial = path.with_suffix(".partial")
        partial.write_text(note.model_dump_json())
        _flush(partial)
        partial.replace(path)

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return ActivationCheckpoint(self.directory(stage), self._numerics_key[stage])

    def discard(self) -> None:
        """Delete everything, after the run has succeeded."""
        for stage in Stage:
            shutil.rmtree(self._directory / stage, ignore_errors=True)
        with suppress(OSError):  # it has other files
            self._directory.rmdir()


def _read(path: Path) -> _Note | None:
    """Return a note, or None where it is invalid: its block is computed again."""
    try:
        return _Note.model_validate_json(path.read_bytes())
    except ValidationError:
        return None


def _quoted(value: object) -> str:
    """Return an untrusted value of a note, escaped against terminal and CI command injection."""
    return ascii(value)[:200].replace("##", r"#\x23")


def _canonical(numerics_key: NumericsKey) -> str:
    return json.dumps(dict(numerics_key), sort_keys=True)


def _mtime_ns(path: Path) -> int:
    return path.stat().st_mtime_ns


def _ensure_directory(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _flush(path: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


class GuardedResumeStore:
    """Another store, with the run's files checked before each commit.

    Otherwise a later attempt, once the files are restored, would continue from blocks that were computed from
    other weights.
    """

    def __init__(self, store: ResumeStore, files: Sequence[FrozenFile]) -> None:
        self._store = store
        self._files = files

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, HashedFile]:
        return self._store.begin(stage, numerics_key)

    def directory(self, stage: Stage) -> Path:
        return self._store.directory(stage)

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        """Raise InvalidInput with the field of a file that has changed; otherwise commit."""
        for frozen in self._files:
            frozen.check()
        self._store.commit(stage, block, file)

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return self._store.activation_checkpoint(stage)


_MIN_WORK_RATIO = 10
"""Work since the last checkpoint, in multiples of the time to save one, after which one is due."""

# Rate at which the first checkpoint is assumed to be copied, written and hashed; later ones are measured.
_ASSUMED_BYTES_PER_SECOND = 4e8


class SaveThrottle:
    """Limits checkpoints to a tenth of a stage's time.

    So the work that a killed stage repeats is bounded too: ten times the time to save a checkpoint, and the
    block in which the checkpoint became due.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: in seconds."""
        self._clock = clock
        self._work_began = clock()
        self._cost: float | None = None

    def is_due(self, size: int) -> bool:
        """Whether enough time has passed since the last checkpoint to save one of `size` bytes."""
        cost = size / _ASSUMED_BYTES_PER_SECOND if self._cost is None else self._cost
        return self._clock() - self._work_began >= _MIN_WORK_RATIO * cost

    @contextmanager
    def saving(self) -> Iterator[None]:
        """While active, a checkpoint is saved; its time is measured."""
        began = self._clock()
        yield
        self._work_began = self._clock()
        self._cost = self._work_began - began


@dataclass(frozen=True)
class RunIdentity:
    """Everything that must not change between the attempts of one run."""

    recipe: str  # the fingerprint
    commit: str | None  # of a model on the Hub
    digest: str | None  # of one in a directory
    calibration: str | None  # the fingerprint of the windows


class RunIdentityCheck:
    """Compares the identity of a run with the one that its first attempt committed to the resume store."""

    def __init__(self, resume_store: ResumeStore) -> None:
        self._resume_store = resume_store
        found = resume_store.begin(Stage.RESOLVE, {}).get(0)
        self._before = None if found is None else RunIdentity(**json.loads(found.path.read_text()))

    def pinned(self, reference: ModelReference) -> ModelReference:
        """Return the model at the commit that the first attempt resolved its branch to."""
        if self._before is None or self._before.commit is None:
            return reference
        return reference.model_copy(update={"revision": self._before.commit})

    def commit(self, recipe: str, model: ModelFacts, calibration: CalibrationFacts | None) -> None:
        """Commit the identity of a new run. Raise InvalidInput with the field if a resumed run differs."""
        fingerprint = calibration.fingerprint if calibration else None
        now = RunIdentity(recipe, model.commit, model.digest, fingerprint)
        if self._before is None:
            path = self._resume_store.directory(Stage.RESOLVE) / "identity.json"
            path.write_text(json.dumps(asdict(now)))
            self._resume_store.commit(Stage.RESOLVE, 0, HashedFile.of(path))
            return
        for name, field in (
            ("recipe", "recipe"),
            ("commit", "model.id"),
            ("digest", "model.id"),
            ("calibration", "calibration"),
        ):
            before, after = getattr(self._before, name), getattr(now, name)
            other_exports = name == "calibration" and None in (before, after)  # which alone read text
            if before != after and not other_exports:
                raise InvalidInput(
                    f"the {name} of this run was {before} when it began and is {after} now: start a new run",
                    field=field,
                )
