"""Runs the tasks of exports in confined helpers (`pruning.exports.helper`), and takes only data from them."""

import errno
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

import torch

from pruning.byte_size import byte_size
from pruning.errors import InvalidInput
from pruning.exports.answers import (
    MAX_RESULT_BYTES,
    MAX_STEP_BYTES,
    Answer,
    Confined,
    Failure,
    Progress,
)
from pruning.exports.packages import converter
from pruning.exports.types import INPUTS, ShareStep
from pruning.files.frozen_file import TOO_MANY_OPEN_ERRNOS, too_many_open_files
from pruning.runtime.process_memory import free_memory
from pruning.sandbox.confine import SandboxLimits
from pruning.sandbox.fork_server import SandboxUnavailable, environment
from pruning.sandbox.frames import (
    END,
    ERROR,
    JSON,
    HelperExited,
    HelperTimeout,
    ProtocolViolation,
    RunConnection,
)

_HOUR = 3600
_LIMITS = SandboxLimits(cpu_seconds=200 * _HOUR, wall_seconds=24.0 * _HOUR, file_bytes=2**44)
SMALL_FILE = 2**26
"""More bytes than a vocabulary has, or what a file has beyond its tensors."""
_LEAST_MEMORY = 2**30  # the libraries of a helper, and one tensor after the other
_COMPUTING_MEMORY, _COMPUTED_TOKENS = 2**29, 1024  # logits, states and buffers of a file, for so many tokens
_SECONDS_TO_END = 2.0
_REMEDIES = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "raise the quota of this user",
    errno.EFBIG: "allow larger files",
    errno.ENOMEM: "give it more memory, or export a smaller type",
}
"""The errors of the system that a helper may report."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DIRECTORIES = re.compile(r"(?<!\w)/(?:(?:[^'\":]|:(?! ))*/)?")

_UNTIL_RESULT = {JSON: MAX_STEP_BYTES, ERROR: MAX_STEP_BYTES}
"""The bytes of frames by kind, at most."""

AnswerT = TypeVar("AnswerT", bound=Answer)


def ignore_steps(share: float) -> None:
    """Do nothing: a `step`."""


@dataclass(frozen=True)
class Engine:
    """How helpers are run."""

    limits: SandboxLimits = _LIMITS
    """The time is that of a whole task. The memory is in addition to the files of a task; see `run`."""
    all_layers: bool = False
    """Whether `SandboxUnavailable` is raised where the kernel does not confine a helper in every way."""
    job_memory_bytes: int | None = None
    """What this process and its helpers may hold together; None: what the machine has."""
    threads: int = field(default_factory=torch.get_num_threads)
    """As many as torch has, so that `OMP_NUM_THREADS` bounds both."""

    def run(
        self,
        task: str,
        about: Mapping[str, Any],
        answer: type[AnswerT],
        *,
        directory: Path,
        files: Mapping[str, Path],
        step: ShareStep = ignore_steps,
        writes: int = SMALL_FILE,
    ) -> AnswerT:
        """Return the validated answer of a task, whose helper may write into `directory`.

        `files`: what it may read, by the names under which it finds them. They are opened here, once: it
        reads these inodes whatever happens to their paths. Their contents are mapped and count as memory; all
        else may take as much again, `limits.memory_bytes` more, and never more than the job has free.
        `writes`: bytes of each file that it may write, at most.

        `step`: called with the share that is done, at least once a second; an exception that it raises ends
        the helper. Raises InvalidInput for what is wrong with the files, OSError with a number (ENOSPC,
        ENOMEM) for what the machine lacks, and `SandboxUnavailable`.
        """
        wheel = converter()
        with ExitStack() as opened:
            descriptors = {name: _opened(path, opened) for name, path in files.items()}
            limits = self._limits_for(descriptors.values(), writes)
            request = {
                "task": task,
                "about": about,
                "directory": str(directory),
                "files": descriptors,
                "converter": str(wheel),
                "limits": asdict(limits),
                "all_layers": self.all_layers,
            }
            process, connection = opened.enter_context(_helper(descriptors.values()))
            answers = _Answers(connection, limits, directory, step)
            try:
                answers.outside.send(JSON, json.dumps(request).encode())
                if (missing := answers.missing_layers()) and self.all_layers:
                    raise SandboxUnavailable(f"the kernel does not give a helper: {', '.join(missing)}")
                return answers.result(answer)
            except ProtocolViolation as failed:
                raise InvalidInput(
                    "the helper that exports answered what no helper of this version does; the file may have "
                    "taken it over: do not use it",
                    field="model.id",
                ) from failed
            except HelperExited as failed:
                raise _ended(process) from failed
            except HelperTimeout as failed:
                raise _too_long(f"{self.limits.wall_seconds:g} s") from failed

    def has_memory_for(self, files: Collection[Path], length: int) -> bool:
        """Whether the job has room for these files at once, and to compute a window of `length` with each.

        llama.cpp maps files, and copies the weights of some types into an order of its own.
        """
        computing = _COMPUTING_MEMORY * math.ceil(length / _COMPUTED_TOKENS)
        needed = sum(file.stat().st_size + computing for file in files)
        return needed + _LEAST_MEMORY <= free_memory(self.job_memory_bytes)

    def _limits_for(self, descriptors: Iterable[int], writes: int) -> SandboxLimits:
        """Raises OSError(ENOMEM) where the job has too little memory for the files."""
        mapped = sum(os.fstat(descriptor).st_size for descriptor in descriptors)
        free = free_memory(self.job_memory_bytes)
        if free < mapped + _LEAST_MEMORY:
            raise OSError(
                errno.ENOMEM,
                f"the export needs {byte_size(mapped + _LEAST_MEMORY)} of memory for its files, and "
                f"{byte_size(free)} are free; {_REMEDIES[errno.ENOMEM]}",
            )
        return replace(
            self.limits,
            memory_bytes=mapped + min(self.limits.memory_bytes + mapped, free),
            file_bytes=min(self.limits.file_bytes, writes),
        )


class _Answers:
    """What a helper sends, and what is believed of it."""

    def __init__(
        self, connection: socket.socket, limits: SandboxLimits, directory: Path, step: ShareStep
    ) -> None:
        """`directory`: its own, which no message names."""
        self.outside = RunConnection(connection, limits.wall_seconds, while_waiting=lambda: step(self._share))
        self._directory, self._step, self._share = directory, step, 0.0
        self._file_bytes, self._is_trusted_with_words = limits.file_bytes, False

    def missing_layers(self) -> Sequence[str]:
        """Return the layers of confinement that it lacks: its first answer."""
        kind, content = self.outside.receive(_UNTIL_RESULT)
        if kind == ERROR:
            raise self._error(_parsed(Failure, content))
        missing = tuple(_parsed(Confined, content).missing)
        self._is_trusted_with_words = "landlock" not in missing
        return missing

    def result(self, answer: type[AnswerT]) -> AnswerT:
        """Wait for the result, and report the steps until then. Raises the error of the task."""
        while True:
            kind, content = self.outside.receive({**_UNTIL_RESULT, END: MAX_RESULT_BYTES})
            if kind == END:
                result = _parsed(answer, content)
                self._step(1.0)
                return result
            if kind == ERROR:
                raise self._error(_parsed(Failure, content))
            self._share = max(self._share, _parsed(Progress, content).share)

    def _error(self, failure: Failure) -> Exception:
        """Without Landlock the helper could read other files, so its words are then withheld."""
        if (number := failure.errno) is not None:
            if number not in _REMEDIES:
                raise ProtocolViolation(f"the error {number}")
            if number in _FULL and _has_room(self._directory, self._file_bytes):
                return InvalidInput(
                    f"the helper that exports reports {os.strerror(number)!r}, and its disk has "
                    f"{byte_size(shutil.disk_usage(self._directory).free)} free; try again, and do not use "
                    "the model if it repeats",
                    field="model.id",
                )
            reason = f"the export cannot be written ({os.strerror(number)}); {_REMEDIES[number]}"
            return OSError(number, reason)
        if not self._is_trusted_with_words:
            return InvalidInput(
                "the export failed; details hidden: this worker's kernel has no Landlock", field=failure.field
            )
        return InvalidInput(self._without_paths(failure.message), field=failure.field)

    def _without_paths(self, message: str) -> str:
        """Leave the names of files alone, in one line."""
        printable = "".join(letter if letter.isprintable() else " " for letter in message)
        named = printable.replace(f"{self._directory}/", "").replace(f"{INPUTS}/", "")
        return _DIRECTORIES.sub("", named)


def _has_room(directory: Path, size: int) -> bool:
    """Whether a file of that size fits on the disk, as far as is known, and the quota allows a small one."""
    if shutil.disk_usage(directory).free < size:
        return False
    try:
        with TemporaryFile(dir=directory) as file:
            os.posix_fallocate(file.fileno(), 0, SMALL_FILE)
    except OSError:
        return False
    return True


def _parsed(answer: type[AnswerT], content: bytes) -> AnswerT:
    try:
        return answer.model_validate_json(content)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(f"no {answer.__name__}") from error


def _opened(path: Path, opened: ExitStack) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in TOO_MANY_OPEN_ERRNOS:
            raise
        raise too_many_open_files(path.name, "model.id") from error
    opened.callback(os.close, descriptor)
    return descriptor


@contextmanager
def _helper(files: Iterable[int]) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """Start a helper that inherits these open files, with the connection to it. It ends with the body."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            command = [sys.executable, "-P", "-m", "pruning.exports.helper"]
            process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, str(theirs.fileno()), str(os.getpid())],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *files],
                start_new_session=True,  # so that whatever it starts ends with it
            )
        try:
            yield process, ours
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _ended(process: subprocess.Popen[bytes]) -> Exception:
    """Say why a helper has closed its connection without an answer."""
    try:
        status = process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        return InvalidInput(
            "the helper that exports stopped answering; write the model again", field="model.id"
        )
    if status == -signal.SIGXCPU:
        return _too_long("its limit of processor time")
    if status == -signal.SIGKILL:
        return OSError(
            errno.ENOMEM,
            "the system killed the process that exports (SIGKILL), as it does where memory runs out",
        )
    if status < 0:
        return InvalidInput(
            f"the file ends the process that reads it (signal {-status}, {signal.strsignal(-status)}): write "
            "the model again, or give it more memory",
            field="model.id",
        )
    return InvalidInput(
        f"the process that exports ended with exit code {status}; repair its installation: in a checkout, "
        "pip install --force-reinstall '.[engines]'",
        field="exports",
    )


def _too_long(limit: str) -> Exception:
    return InvalidInput(
        f"the export takes longer than {limit}; export fewer types, or raise the limit", field="exports"
    )
