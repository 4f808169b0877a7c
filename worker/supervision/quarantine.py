"""Keeps a worker that cannot run jobs from taking any, until its self-test passes.

A worker tests itself before it takes its first job, and before each test deletes what ended jobs left in its
work directory. From then on its row in the database says whether it is quarantined, in which it claims no
job: `jobs.queue.conditions` says when. It then tests itself every `limits.QUARANTINE_SECONDS`, and takes jobs
again, in a new child, once the test passes. A restart does the same.
"""

import logging
import re
import sys
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from jobs import limits
from jobs.database import Database, in_one_line
from jobs.queue import conditions, workers
from jobs.settings import Settings
from pruning.sandbox.fork_server import SandboxUnavailable, missing_sandbox_layers, sandbox_layer_status
from worker.self_test import (
    NO_GPUS,
    Gpus,
    SelfTestFailed,
    check_device_in_subprocess,
    check_without_device,
    is_answered,
    may_compute_on_gpu,
)

log = logging.getLogger(__name__)

_AMOUNT = re.compile(r"\d[\d.]*( [kMGT]?B\b)?")
_FIRST_PAUSE_SECONDS = 1.0  # a database that starts together with this worker is ready in seconds


def try_write(database: Database, write: Callable[[Session], object]) -> bool:
    """Write to the database. Where that fails, the next heartbeat or the end of the lease makes up."""
    try:
        with database.begin() as session:
            write(session)
    except SQLAlchemyError as error:
        log.warning("could not write to the database (%s)", in_one_line(error))
        return False
    return True


class Quarantine:
    """Supervises one worker, from threads of its parent process."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        worker: str,
        queue: str,
        *,
        clean_scratch: Callable[[], None],
        replace_child: Callable[[], None],
        child_fault: Callable[[], str | None],
    ) -> None:
        """`queue`: that of the worker until it has passed its self-test.

        `clean_scratch` deletes what ended jobs left in the work directory.

        `replace_child` ends the idle child, so that a new one starts. `child_fault` says why children can
        run no job, as far as their supervision knows.
        """
        self._settings = settings
        self._database = database
        self._worker = worker
        self._queue = queue
        self._gpus = NO_GPUS
        self._clean_scratch = clean_scratch
        self._replace_child = replace_child
        self._child_fault = child_fault
        self._logged: str | None = None  # once in the log is enough
        self._retesting = threading.Lock()
        self._stopped = threading.Event()

    def wait_until_fit(self) -> Gpus:
        """Return the GPUs once the self-test has passed. Until then the worker's row says why it takes none.

        Ends the process with exit code 0 if it is drained or stopped meanwhile.

        Each child tests the device as it starts, but for a broken GPU that is too late: the worker would say
        that it is ready, and take a job.
        """
        device = may_compute_on_gpu(self._settings.device)
        pause = _FIRST_PAUSE_SECONDS
        while (unfit := self._unfit(device=device)) is not None:
            if self._record(unfit):
                log.info("worker %s is drained: it ends", self._worker)
                sys.exit(0)
            if self._stopped.wait(min(pause, limits.QUARANTINE_SECONDS)):
                sys.exit(0)
            pause *= 2
        self._release()
        return self._gpus

    def follow(self, quarantined: bool) -> None:
        """Begin to test again and again, if the worker's row says that it is quarantined."""
        if quarantined and self._retesting.acquire(blocking=False):
            threading.Thread(target=self._retest, name="quarantine", daemon=True).start()

    def stop(self) -> None:
        """Test no more."""
        self._stopped.set()

    def _retest(self) -> None:
        try:
            log.error("worker %s is quarantined: it takes no jobs until its self-test passes", self._worker)
            while not self._stopped.wait(limits.QUARANTINE_SECONDS):
                unfit = self._unfit(device=True)
                if unfit is not None:
                    self._record(unfit)
                elif self._release():
                    self._replace_child()
                    log.info("worker %s has passed its self-test and takes jobs again", self._worker)
                    return
        finally:
            self._retesting.release()

    def _unfit(self, *, device: bool) -> SelfTestFailed | None:
        if is_answered(self._settings.work_dir):  # else the test says so, and to clean would never end
            self._clean_scratch()  # what is left there may be what fills the disk
        try:
            check_without_device(self._settings, self._database)
            if (fault := self._child_fault()) is not None:
                raise SelfTestFailed(fault)
            if device:
                self._gpus = check_device_in_subprocess(self._settings.device)
        except SelfTestFailed as unfit:
            kind = _AMOUNT.sub("", str(unfit))  # the free space changes from test to test
            if kind != self._logged:
                log.error("worker %s takes no jobs: %s", self._worker, unfit.in_full)
            self._logged = kind
            return unfit
        self._logged = None
        return None

    def _record(self, unfit: SelfTestFailed) -> bool:
        """Record why the worker takes no jobs. Returns whether it is being drained."""
        layers = _layers()
        draining = False

        def write(session: Session) -> None:
            nonlocal draining
            draining = workers.record_worker_heartbeat(session, self._worker, self._queue).draining
            conditions.quarantine(session, self._worker, str(unfit))
            if layers is not None:
                workers.record_sandbox(session, self._worker, layers)

        try_write(self._database, write)
        return draining

    def _release(self) -> bool:
        return try_write(self._database, lambda session: conditions.release(session, self._worker))


def _layers() -> dict[str, bool] | None:
    """Return which layers of the sandbox hold here; None where that cannot be tried."""
    try:
        return sandbox_layer_status(missing_sandbox_layers())
    except SandboxUnavailable:
        return None
