"""Measures a worker's machine once, when its first child starts, so that jobs can be estimated."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from jobs.database import engine_from, sessions
from jobs.fleet import machines
from jobs.settings import Settings
from pruning.errors import PruningError
from pruning.runtime.device import compute_device
from pruning.runtime.speed_probe import measure
from worker.identity import Identity

log = logging.getLogger(__name__)


def measure_once(settings: Settings, worker: Identity, queue: str) -> None:
    """Store the machine's speed in the worker's row, unless an earlier child has. Takes a second or two.

    If this fails, jobs run all the same, and their estimates assume another machine.
    """
    engine = engine_from(settings, pool_size=1)
    database = sessions(engine)
    try:
        with database.begin() as session:
            known = machines.of_worker(session, worker.name).measured
        if not known:
            machine = measure(compute_device(settings.device), seconds=0.1)
            with database.begin() as session:
                machines.measured(session, worker.name, queue, machine)
    except (SQLAlchemyError, PruningError, RuntimeError) as error:
        log.warning("could not measure the machine's speed (%s)", type(error).__name__)
    finally:
        engine.dispose()
