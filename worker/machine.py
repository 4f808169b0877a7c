"""Tests a new child's device, and measures the machine once, so that jobs can be estimated."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from jobs.database import connection_name, engine_from, sessions
from jobs.queue import conditions, workers
from jobs.settings import Settings
from pruning.errors import PruningError
from pruning.runtime.device import compute_devices, release_memory
from pruning.runtime.speed_probe import measure_machine
from worker.identity import Identity
from worker.self_test import SelfTestFailed, check_device

log = logging.getLogger(__name__)


def prepare(settings: Settings, worker: Identity) -> None:
    """Test the device, and store the machine's speed unless an earlier child has. Takes a second or two.

    A worker whose device fails the test is quarantined. If only the measurement fails, jobs run all the same,
    and their estimates assume another machine.
    """
    engine = engine_from(settings, name=connection_name("job", worker.name), pool_size=1)
    database = sessions(engine)
    try:
        check_device(settings.device)
        with database.begin() as session:
            known = workers.machine_of(session, worker.name).measured
        if not known:
            machine = measure_machine(*compute_devices(settings.device), seconds=0.1)
            release_memory()  # of large matrices; this process may wait long for its first job
            with database.begin() as session:
                workers.record_machine(session, worker.name, machine)
    except SelfTestFailed as unfit:
        log.error("this worker's device cannot be used: %s", unfit)
        with database.begin() as session:
            conditions.quarantine(session, worker.name, str(unfit))
    except (SQLAlchemyError, PruningError, RuntimeError) as error:
        log.warning("could not measure the machine's speed (%s)", type(error).__name__)
    finally:
        engine.dispose()
