"""Runs the tasks of exports in confined helpers (`pruning.exports.helper`), and takes only data from them."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pruning.errors import InvalidInput
from pruning.exports.packages import converter
from pruning.exports.types import ShareStep
from pruning.sandbox.confine import SandboxLimits
from pruning.sandbox.fork_server import SandboxUnavailable, environment
from pruning.sandbox.frames import (
    ERROR,
    JSON,
    HelperExited,
    HelperTimeout,
    ProtocolViolation,
    RunConnection,
)

_HOUR = 3600
_LIMITS = SandboxLimits(cpu_seconds=200 * _HOUR, wall_seconds=24.0 * _HOUR, file_bytes=2**44)
_MAX_ANSWER_BYTES = 64 * 2**20
_SECONDS_BETWEEN_STEPS = 0.5
_SECONDS_TO_END = 2.0
_REMEDIES = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "raise the quota of this user",
    errno.EFBIG: "allow larger files",
    errno.ENOMEM: "give it more memory, or export a smaller type",
}


def ignore_steps(share: float) -> None:
    """Do nothing: a `step`."""


@dataclass(frozen=True)
class Engine:
    """How helpers are run."""

    limits: SandboxLimits = _LIMITS
    """The time is that of a whole task. The memory includes the files, which are mapped."""
    all_layers: bool = False
    """Whether `SandboxUnavailable` is raised where the kernel does not confine a helper in every way."""
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))

    def run(
        self,
        task: str,
        about: Mapping[str, Any],
        *,
        directory: Path,
        readable: Sequence[Path],
        step: ShareStep = ignore_steps,
    ) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Return the result of a task, whose helper may read `readable` and write into `directory`.

        `step`: called with the share that is done, at least twice a second; an exception that it raises ends
        the helper. Raises InvalidInput for what is wrong with the files, OSError with a number (ENOSPC,
        ENOMEM) for what the machine lacks, and `SandboxUnavailable`.
        """
        wheel = converter()
        request = {
            "task": task,
            "about": about,
            "directory": str(directory),
            "readable": [str(path) for path in _with_targets([wheel, *readable])],
            "converter": str(wheel),
            "limits": asdict(self._limits_for(readable)),
            "all_layers": self.all_layers,
        }
        with _helper() as (process, connection):
            helper = _Answers(RunConnection(connection, self.limits.wall_seconds), step)
            try:
                helper.outside.send(JSON, json.dumps(request).encode())
                missing = helper.next()
                if missing and self.all_layers:
                    raise SandboxUnavailable(f"the kernel does not give a helper: {', '.join(missing)}")
                helper.is_trusted_with_words = "landlock" not in missing
                return helper.result()
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

    def _limits_for(self, readable: Sequence[Path]) -> SandboxLimits:
        """Files are mapped, and a mapping counts as memory."""
        files = (file for path in readable for file in (path.iterdir() if path.is_dir() else (path,)))
        mapped = sum(file.stat().st_size for file in files if file.is_file())
        return replace(self.limits, memory_bytes=self.limits.memory_bytes + 2 * mapped)


class _Answers:
    """What a helper sends, and what is believed of it."""

    def __init__(self, outside: RunConnection, step: ShareStep) -> None:
        self.outside, self._step, self._share = outside, step, 0.0
        self.is_trusted_with_words = False

    def result(self) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Wait for the result, and report the steps until then. Raises the error of the task."""
        while "result" not in (answer := self.next()):
            self._share = min(1.0, max(self._share, float(answer["share"])))
        return answer["result"]

    def next(self) -> Any:  # noqa: ANN401 - whatever JSON can say
        while not self.outside.is_ready(_SECONDS_BETWEEN_STEPS):
            self._step(self._share)
        kind, content = self.outside.receive(_MAX_ANSWER_BYTES, JSON, ERROR)
        self._step(self._share)
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ProtocolViolation("no JSON") from error
        if kind == ERROR:
            raise self._error(answer)
        return answer

    def _error(self, answer: Mapping[str, Any]) -> Exception:
        """Without Landlock the helper could read other files, so its words are then withheld."""
        if number := answer.get("errno"):
            remedy = _REMEDIES.get(number, "look at the machine")
            return OSError(number, f"the export cannot be written ({os.strerror(number)}); {remedy}")
        if not self.is_trusted_with_words:
            return InvalidInput("the export failed; a kernel with Landlock is needed to say why")
        return InvalidInput(str(answer["message"]), field=answer.get("field"))


@contextmanager
def _helper() -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """Start a helper, with the connection to it. It ends with the body."""
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
                pass_fds=[theirs.fileno()],
            )
        try:
            yield process, ours
        finally:
            process.kill()
            process.wait()


def _with_targets(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the paths, and what the links in them point to: rights on a directory end at a link."""
    for path in paths:
        yield path
        for one in (path, *(path.iterdir() if path.is_dir() else ())):
            if one.is_symlink():
                yield one.resolve()


def _ended(process: subprocess.Popen[bytes]) -> Exception:
    """Say why a helper has closed its connection without an answer."""
    try:
        status = process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        return InvalidInput("the helper that exports stopped answering; write the model again")
    if status == -signal.SIGXCPU:
        return _too_long("its limit of processor time")
    if status == -signal.SIGKILL:
        return OSError(
            errno.ENOMEM,
            "the system killed the process that exports (SIGKILL), as it does where memory runs out",
        )
    if status < 0:
        name = signal.Signals(-status).name
        return InvalidInput(
            f"the file ends the process that reads it ({name}): write the model again, or give it more memory"
        )
    return InvalidInput(
        f"the process that exports ended with exit code {status}; repair its installation: in a checkout, "
        "pip install --force-reinstall '.[engines]'",
        field="exports",
    )


def _too_long(limit: str) -> Exception:
    return InvalidInput(f"the export takes longer than {limit}; export fewer types, or raise the limit")
