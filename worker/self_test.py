"""`python -m worker.self_test`: whether this machine can run jobs. Exits with 1, and says why, if it cannot.

A worker tests itself before it takes jobs, and again while it is quarantined. The test writes into the work
directory, looks at the free disk, sends a file to the store and back, asks the database, tries which layers
of the sandbox hold, and computes on the device that the operator declared. `python -m worker.self_test cpu`
tests that device only, without settings, and prints what its GPUs have free.
"""

import errno
import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from jobs import limits
from jobs.database import connection_name, engine_from, sessions
from jobs.settings import Settings, settings
from jobs.states import Cause
from jobs.storage.errors import StoreError
from jobs.storage.store import Store
from pruning.byte_size import byte_size
from pruning.pipeline import SandboxUnavailable, missing_sandbox_layers
from worker.remedies import WORK_DIRECTORY, with_remedy

_PROBE = b"PruneServe was here\n" * 1024
_LONGEST_SECONDS = 180.0


class Unfit(Exception):
    """This worker cannot run jobs now. The message is shown to users and operators."""

    def __init__(self, message: str, cause: Cause = Cause.WORKER, *, detail: str = "") -> None:
        """`cause`: the worker, or something outside that it needs. `detail`: what only operators may read."""
        super().__init__(message)
        self.cause = cause
        self.detail = detail


def check_without_device(configured: Settings, database: sessionmaker[Session]) -> None:
    """Test everything that needs no torch. Raises `Unfit`."""
    check_work_directory(configured)
    check_free_disk(configured)
    check_store(configured)
    check_database(database)
    check_sandbox(configured)


def check_work_directory(configured: Settings) -> None:
    """Write a file into the work directory and read it back. Raises `Unfit`."""
    directory = configured.work_dir
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write_and_read(directory / f".self-test-{secrets.token_hex(8)}")
    except OSError as error:
        said = f"its {WORK_DIRECTORY} cannot be written {with_remedy(error.errno or errno.EIO)}"
        raise Unfit(said, detail=str(directory)) from error


def check_free_disk(configured: Settings) -> None:
    """See that enough of the disk is free. The work directory must exist. Raises `Unfit`."""
    free, least = shutil.disk_usage(configured.work_dir).free, limits.MIN_FREE_DISK_BYTES
    if free < least:
        raise Unfit(
            f"its disk has {byte_size(free)} free, and {byte_size(least)} must stay free; "
            f"make room on the disk of its {WORK_DIRECTORY}",
            detail=str(configured.work_dir),
        )


def check_store(configured: Settings) -> None:
    """Send a file to the store and read it back. Raises `Unfit`."""
    probe = configured.work_dir / f".self-test-{secrets.token_hex(8)}"
    key = f"self-test/{secrets.token_hex(8)}"
    try:
        store = Store(configured.store_url)
        probe.write_bytes(_PROBE)
        store.put_file(key, probe)
        returned = b"".join(store.stream(key))
        store.delete(key)
    except StoreError as error:
        raise Unfit(f"the store cannot be used ({error})", Cause.OUTSIDE) from error
    except (OSError, ValueError) as error:
        raise Unfit(f"the store cannot be used ({type(error).__name__})", Cause.OUTSIDE) from error
    finally:
        probe.unlink(missing_ok=True)
    if returned != _PROBE:
        raise Unfit("the store returned other bytes than it was given", Cause.OUTSIDE)


def check_database(database: sessionmaker[Session]) -> None:
    """Ask the database. Raises `Unfit`."""
    try:
        with database.begin() as session:
            session.execute(text("SELECT FROM jobs LIMIT 0"))
    except SQLAlchemyError as error:
        raise Unfit(f"the database cannot be used ({type(error).__name__})", Cause.OUTSIDE) from error


def check_sandbox(configured: Settings) -> None:
    """See that the kernel confines readers of untrusted files as the operator demands. Raises `Unfit`."""
    try:
        missing = missing_sandbox_layers()
    except SandboxUnavailable as error:
        raise Unfit(f"its installation is broken ({error.strerror})") from error
    if missing and configured.sandbox == "require":
        raise Unfit(f"its kernel does not give the whole sandbox ({', '.join(missing)})", detail=str(missing))


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs that share a worker's jobs."""

    count: int
    free_bytes: int
    """Memory that is free on that of them which has least; 0 without one."""


NO_GPUS = Gpus(0, 0)


def check_device(device: str) -> Gpus:
    """Compute on the declared device, or devices, and return its GPUs. Raises `Unfit`. Imports torch."""
    try:
        from pruning.errors import PruningError
        from pruning.pipeline import free_memory, usable_devices
    except (ImportError, OSError) as error:
        raise Unfit(f"its installation is broken ({type(error).__name__})") from error
    try:
        found = [used for used in usable_devices(device) if used.type == "cuda"]
    except PruningError as error:
        raise Unfit(str(error)) from error
    return Gpus(len(found), min(map(free_memory, found), default=0))


def may_compute_on_gpu(device: str, *, devices: Path = Path("/dev")) -> bool:
    """Whether the declared device is no CPU; with 'auto', whether `devices` has an NVIDIA GPU's file."""
    return any(devices.glob("nvidia[0-9]*")) if device == "auto" else device != "cpu"


def check_device_apart(device: str) -> Gpus:
    """Do what `check_device` does in a new process, which imports torch afresh. Raises `Unfit`."""
    command = [sys.executable, "-P", "-m", "worker.self_test", device]
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own setting
            command, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unfit(f"its device did not answer within {_LONGEST_SECONDS:.0f} s") from error
    except OSError as error:
        raise Unfit(f"its installation is broken ({type(error).__name__})") from error
    if done.returncode:
        said = done.stdout.strip().splitlines()
        raise Unfit(said[-1] if said else f"the test of its device ended with {done.returncode}")
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
    except Unfit as unfit:
        sys.stdout.write(f"{unfit}\n")
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
