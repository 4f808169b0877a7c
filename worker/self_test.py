"""`python -m worker.self_test`: whether this machine can run jobs. Exits with 1, and says why, if it cannot.

A worker tests itself before it takes jobs, and again while it is quarantined. The test writes into the work
directory, the one of temporary files and the cache of the Hub's files, checks the free disk, looks into the
directories that jobs may read, sends a file to the store and back, asks the database, tries which layers of
the sandbox hold, and computes on the device that the operator declared.
`python -m worker.self_test cpu` tests that device only, without settings, and prints what its GPUs have free.
"""

import errno
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

import migrations
from jobs import limits
from jobs.database import SCHEMA_DIGEST, Database, connection_name, engine_from, in_one_line, sessions
from jobs.monitoring.logs import SecretRedactor
from jobs.settings import Settings, settings
from jobs.storage.errors import StoreError
from jobs.storage.store import Store
from pruning.byte_size import byte_size
from pruning.files.frozen_file import is_of_the_machine
from pruning.sandbox.fork_server import SandboxUnavailable, missing_sandbox_layers

WORK_DIRECTORY = "work directory (PRUNESERVE_WORK_DIR)"
TEMPORARY_DIRECTORY = "directory of temporary files (TMPDIR)"
HUB_CACHE = "cache of the Hub's files (HF_HOME)"

_MOUNT_AGAIN = (
    "mount it again, restart containers that bind it, and check the process or server that it is mounted from"
)
_REMEDIES = {
    errno.EROFS: "mount it for writing again, and check the kernel's log for the disk",
    errno.EACCES: "give the worker's user access to it",
    errno.EPERM: "give the worker's user access to it",
    errno.ENFILE: "raise the system's limit of open files",
    errno.EMFILE: "raise the worker's limit of open files",
    errno.ENOTDIR: "make it a directory",
    errno.EEXIST: "make it a directory",
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room on its disk, or raise the quota of the worker's user",
    errno.ENOTCONN: _MOUNT_AGAIN,
    errno.ESTALE: _MOUNT_AGAIN,
    errno.EHOSTDOWN: _MOUNT_AGAIN,
    errno.ETIMEDOUT: f"wait where the disk is overloaded; otherwise {_MOUNT_AGAIN}",
}

_ANSWER_SECONDS = 30.0
_hanging: dict[Path, Thread] = {}
"""Tests of directories that have not come back: no more than one for each."""

_MIN_FREE_INODES = 1000  # a job makes a file for each block, and for each file of its model
_PROBE = b"PruneServe was here\n" * 1024
_DEVICE_TIMEOUT_SECONDS = 180.0


def code_of(number: int) -> str:
    """Return what the system calls an error: `ENOSPC`."""
    return errno.errorcode.get(number, f"error {number}")


def with_remedy(number: int) -> str:
    """Return an error of the system, in brackets, and what to do: it follows what cannot be used."""
    remedy = _REMEDIES.get(number, "check the disk, and the kernel's log for it")
    return f"({code_of(number)}, {os.strerror(number)}); {remedy}"


class SelfTestFailed(Exception):
    """This worker cannot run jobs now. The message is shown to users and operators."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        """`detail`: what only operators may read."""
        super().__init__(message)
        self.detail = detail

    @property
    def in_full(self) -> str:
        """The message with the detail."""
        return f"{self}: {self.detail}" if self.detail else str(self)


def check_without_device(configured: Settings, database: Database) -> None:
    """Test everything that needs no torch. Raises `SelfTestFailed`."""
    check_directories(configured)
    check_hub_cache()
    check_free_disk(configured)
    check_roots(configured)
    check_store(configured)
    check_database(database)
    check_sandbox(configured)


def check_directories(configured: Settings) -> None:
    """Write a file into the work directory, and where claims are recorded. Raises `SelfTestFailed`."""
    temporary = Path(tempfile.gettempdir())
    for directory, name in ((configured.work_dir, WORK_DIRECTORY), (temporary, TEMPORARY_DIRECTORY)):
        try:
            _answered(_write_into, directory)
        except OSError as error:
            message = f"its {name} cannot be written {with_remedy(error.errno or errno.EIO)}"
            raise SelfTestFailed(message, detail=str(directory)) from error


def is_answered(directory: Path) -> bool:
    """Whether the file system of a directory answers, be it with an error."""
    try:
        _answered(_look_into, directory)
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def hub_cache() -> Path:
    """Return the directory of the Hub's cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def check_hub_cache() -> None:
    """Write a file into the cache of the Hub's files; offline, look into it. Raises `SelfTestFailed`.

    Offline, one that is missing is no fault: local models and texts need none.
    """
    from huggingface_hub import constants

    cache, offline = hub_cache(), constants.HF_HUB_OFFLINE
    use, used = (_look_into, "read") if offline else (_write_into, "written")
    try:
        _answered(use, cache)
    except OSError as error:
        if offline and not (is_of_the_machine(error) or os.path.exists(cache)):  # noqa: PTH110 - Path's raises
            return
        message = f"its {HUB_CACHE} cannot be {used} {with_remedy(error.errno or errno.EIO)}"
        if not offline:
            message += "; or set HF_HUB_OFFLINE=1 if no job needs more than it holds"
        raise SelfTestFailed(message, detail=str(cache)) from error


def check_free_disk(configured: Settings) -> None:
    """Check that enough of the disk is free. The work directory must exist. Raises `SelfTestFailed`."""
    free, least = shutil.disk_usage(configured.work_dir).free, limits.MIN_FREE_DISK_BYTES
    if free < least:
        raise SelfTestFailed(
            f"its disk has {byte_size(free)} free, and {byte_size(least)} must stay free; "
            f"make room on the disk of its {WORK_DIRECTORY}",
            detail=str(configured.work_dir),
        )
    if lacking := lacking_inodes(configured.work_dir):
        message = f"the disk of its {WORK_DIRECTORY} has {lacking}"
        raise SelfTestFailed(message, detail=str(configured.work_dir))


def lacking_inodes(directory: Path) -> str | None:
    """Return how many inodes a disk has free, and what to do; None if it has enough, or no limit."""
    disk = os.statvfs(directory)
    if not disk.f_files or disk.f_favail >= _MIN_FREE_INODES:
        return None
    return (
        f"{disk.f_favail} of {disk.f_files} inodes free (`df -i`), and {_MIN_FREE_INODES} must stay free: "
        "delete files on it, or make it with more inodes"
    )


def check_roots(configured: Settings) -> None:
    """Look into each directory that jobs may read. Raises `SelfTestFailed` where its mount fails.

    One that is missing or empty is no fault of the worker: its owners may have removed what it held.
    """
    roots = {
        "PRUNESERVE_MODEL_ROOTS": configured.model_roots,
        "PRUNESERVE_DATA_ROOTS": configured.data_roots,
        "PRUNESERVE_TASK_ROOTS": configured.task_roots,
    }
    for variable, directories in roots.items():
        for directory in directories:
            try:
                _answered(_look_into, directory)
            except OSError as error:
                if is_of_the_machine(error):
                    message = (
                        f"a directory of {variable} cannot be read {with_remedy(error.errno or errno.EIO)}"
                    )
                    raise SelfTestFailed(message, detail=str(directory)) from error


def _look_into(directory: Path) -> None:
    with os.scandir(directory) as entries:
        next(entries, None)


def _write_into(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    _write_and_read(directory / f".self-test-{secrets.token_hex(8)}")


def _answered(use: Callable[[Path], None], directory: Path) -> None:
    """Raise what the file system raises; TimeoutError where it does not answer, as a hard mount of NFS."""
    errors = list[Exception]()

    def test() -> None:
        try:
            use(directory)
        except Exception as error:  # the caller raises it
            errors.append(error)

    timeout = TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    if directory in _hanging and _hanging[directory].is_alive():
        raise timeout
    thread = Thread(target=test, name=f"test of {directory}", daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS)
    if thread.is_alive():
        _hanging[directory] = thread
        raise timeout
    if errors:
        raise errors[0]


def check_store(configured: Settings) -> None:
    """Send a file to the store and read it back. Raises `SelfTestFailed`."""
    probe = configured.work_dir / f".self-test-{secrets.token_hex(8)}"
    key = f"self-test/{secrets.token_hex(8)}"
    try:
        store = Store(configured.store_url)
        probe.write_bytes(_PROBE)
        store.put_file(key, probe)
        returned = b"".join(store.stream(key))
        store.delete(key)
    except StoreError as error:
        raise SelfTestFailed(f"the store cannot be used ({error})", detail=_said(error.__cause__)) from error
    except (OSError, ValueError) as error:
        message = f"the store cannot be used ({type(error).__name__})"
        raise SelfTestFailed(message, detail=_said(error)) from error
    finally:
        with suppress(OSError):  # a read-only disk refuses it even where there is no file
            probe.unlink()
    if returned != _PROBE:
        raise SelfTestFailed("the store returned other bytes than it was given")


def _said(cause: BaseException | None) -> str:
    """Return what the system or a library says, in one line and without secrets: a store may quote any."""
    return SecretRedactor.for_this_process().redact(str(cause or "").partition("\n")[0])


def check_database(database: Database) -> None:
    """Ask the database whether it has the schema of this version. Raises `SelfTestFailed`."""
    try:
        with database.begin() as session:
            found = session.scalar(text(SCHEMA_DIGEST))
    except SQLAlchemyError as error:
        message = f"the database cannot be used ({type(error).__name__})"
        raise SelfTestFailed(message, detail=in_one_line(error)) from error
    if found != migrations.schema_digest():
        raise SelfTestFailed(
            "the database has the schema of another version of PruneServe; run the migrations of this "
            "worker's version, or replace the worker"
        )


def check_sandbox(configured: Settings) -> None:
    """Test that the kernel confines readers of untrusted files as required. Raises `SelfTestFailed`."""
    try:
        missing = missing_sandbox_layers()
    except SandboxUnavailable as error:
        raise SelfTestFailed(f"its installation is broken ({error.strerror})") from error
    if missing and configured.sandbox == "require":
        raise SelfTestFailed(
            f"its kernel does not give the whole sandbox ({', '.join(missing)})", detail=str(missing)
        )


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs that share a worker's jobs."""

    count: int
    free_bytes: int
    """Memory that is free on that of them which has least; 0 without one."""


NO_GPUS = Gpus(0, 0)


def check_device(device: str) -> Gpus:
    """Compute on the declared devices, and return the GPUs. Raises `SelfTestFailed`. Imports torch."""
    try:
        from pruning.errors import PruningError
        from pruning.runtime.device import free_memory, usable_devices
    except (ImportError, OSError) as error:
        raise SelfTestFailed(f"its installation is broken ({type(error).__name__})") from error
    try:
        found = [used for used in usable_devices(device) if used.type == "cuda"]
    except PruningError as error:
        raise SelfTestFailed(str(error)) from error
    return Gpus(len(found), min(map(free_memory, found), default=0))


def may_compute_on_gpu(device: str, *, devices: Path = Path("/dev")) -> bool:
    """Whether the declared device is not a CPU; with 'auto', whether `devices` has an NVIDIA GPU's file."""
    return any(devices.glob("nvidia[0-9]*")) if device == "auto" else device != "cpu"


def check_device_in_subprocess(device: str) -> Gpus:
    """Run `check_device` in a new process, which imports torch itself. Raises `SelfTestFailed`."""
    command = [sys.executable, "-P", "-m", "worker.self_test", device]
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own setting
            command, capture_output=True, text=True, timeout=_DEVICE_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SelfTestFailed(f"its device did not answer within {_DEVICE_TIMEOUT_SECONDS:.0f} s") from error
    except OSError as error:
        raise SelfTestFailed(f"its installation is broken ({type(error).__name__})") from error
    if done.returncode:
        message = done.stdout.strip().splitlines()
        raise SelfTestFailed(
            message[-1] if message else f"the test of its device ended with {done.returncode}"
        )
    return Gpus(**json.loads(done.stdout.splitlines()[-1]))


def _write_and_read(path: Path) -> None:
    """Raises OSError where the file cannot be written, or holds other bytes than were written."""
    try:
        with path.open("xb") as file:
            file.write(_PROBE)
            file.flush()
            os.fsync(file.fileno())
        if path.read_bytes() != _PROBE:
            raise OSError(errno.EIO, "other bytes than were written")
    finally:
        path.unlink(missing_ok=True)


def main() -> None:
    """Test the named device, or everything. The first failure ends the process with 1 and its message."""
    try:
        if len(sys.argv) > 1:
            sys.stdout.write(f"{json.dumps(asdict(check_device(sys.argv[1])))}\n")
        else:
            _check_everything(settings())
    except SelfTestFailed as unfit:
        sys.stdout.write(f"{unfit.in_full}\n")
        sys.exit(1)


def _check_everything(configured: Settings) -> None:
    engine = engine_from(configured, name=connection_name("self-test"), pool_size=1)
    try:
        check_without_device(configured, sessions(engine))
    finally:
        engine.dispose()
    check_device(configured.device)


if __name__ == "__main__":
    main()
