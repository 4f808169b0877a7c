"""Runs one check in a process of its own, which is killed with all its children when its time is over."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.gpu_check.plan import Check
from bench.gpu_check.result import TRACEBACK_SIGNAL, Findings, Result, verdict_of

# A crash in a library leaves the Python lines that led to it in the log.
_CHILD = (sys.executable, "-X", "faulthandler", "-m", "bench.gpu_check.child")
_LINES_OF_LOG = 40
_TRACEBACK_SECONDS = 2


@dataclass(frozen=True)
class Surroundings:
    """What all checks of one command share."""

    out: Path  # where the four files are written
    details: Path  # where each check's own files are, until they are packed
    scratch: Path | None  # where shards and models are written; None: the system's temporary directory
    device: str
    size: str
    environment: Mapping[str, str]
    command: tuple[str, ...] = _CHILD


def run_check(check: Check, limit: float, at: Surroundings) -> Result:
    """Run a check for at most `limit` seconds. An error, a crash and a time-out are results like others."""
    started = time.monotonic()
    findings, log = at.details / f"{check.file}.findings.json", at.details / f"{check.file}.log"
    with _scratch(at.scratch) as scratch, log.open("wb") as output:
        arguments = (check.function, "--device", at.device, "--size", at.size)
        error = _run(
            (*at.command, *arguments, "--findings", str(findings), "--scratch", str(scratch)),
            limit,
            dict(at.environment),
            output.fileno(),
        )
    found = Findings.read(findings)
    findings.unlink(missing_ok=True)
    verdict = verdict_of(found, error)
    return Result(
        check.number,
        check.name,
        check.proves,
        at.size,
        verdict,
        round(time.monotonic() - started, 2),
        round(limit, 2),
        error,
        _tail(log) if verdict == "failed" else "",
        found,
    )


def _run(command: tuple[str, ...], limit: float, environment: dict[str, str], output: int) -> str:
    """Return what went wrong; empty for a process that exits with 0 in time."""
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        process.send_signal(TRACEBACK_SIGNAL)  # its log says where each of its threads hangs
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TRACEBACK_SECONDS)
        return f"killed after its limit of {limit:.0f} s"
    finally:
        # Also when this process is asked to stop: nothing of a check may outlive it and hold the device.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if code < 0:
        return f"ended by signal {-code}"
    return f"exit code {code}" if code else ""


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    """A directory that is gone before the next check begins, which may need the space."""
    path = Path(tempfile.mkdtemp(prefix="gpu-check-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LINES_OF_LOG:])


def child_environment(environment: Mapping[str, str], root: Path) -> dict[str, str]:
    """Return the environment of a check: the repository's `root` comes first.

    cuBLAS is deterministic only with a workspace of fixed size, which must be set before torch is imported.
    Nothing may reach for the Hub. Plug-ins of pytest that the machine happens to have may not break check 2.
    What a process has printed is in its log even when it is killed.
    """
    earlier = environment.get("PYTHONPATH")
    paths = [str(root), *([earlier] if earlier else [])]
    return {
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        **environment,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(paths),
    }
