"""`pruneserve-scheduler`: the rounds of `scheduler.rounds`, and threads that work in the background.

`scheduler.retention` deletes what has expired, `scheduler.webhook_sender` sends webhooks,
`scheduler.sizing` estimates what new jobs need of a worker, and
`scheduler.metrics`, where metrics are served to Prometheus, reads those that are in the database.
"""

import argparse
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from jobs.database import Database, connection_name, engine_from, sessions
from jobs.monitoring import logs
from jobs.monitoring.metrics import Component
from jobs.monitoring.serving import serve
from jobs.secret_files import WrongSettings, close_to_others, hide_from_children, missing, program
from jobs.settings import Settings, settings
from jobs.storage.store import Store
from scheduler.background import Background
from scheduler.metrics import MetricsReader
from scheduler.retention import Retention
from scheduler.rounds import QueueListener, Scheduler
from scheduler.sizing import Sizing
from scheduler.webhook_sender import WebhookSender

log = logging.getLogger(__name__)


@program
def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    argparse.ArgumentParser(
        prog="pruneserve-scheduler", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    logs.configure(Component.SCHEDULER)
    hide_from_children()
    close_to_others()
    if settings().broker_url is None:  # or every round would fail on it
        raise WrongSettings(missing("BROKER_URL", "redis://…"))
    # One connection each for rounds and four of the threads.
    engine = engine_from(settings(), name=connection_name("scheduler"), pool_size=5)
    database = sessions(engine)
    scheduler = Scheduler(database)

    def stop(number: int, frame: FrameType | None) -> None:
        scheduler.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("the scheduler starts")
    with _background(scheduler, database, settings()):
        scheduler.run()
    engine.dispose()


@contextmanager
def _background(scheduler: Scheduler, database: Database, settings: Settings) -> Iterator[None]:
    """Run what works in threads. The last to start is the first to stop."""
    threads: list[Background] = []
    metrics = MetricsReader(database)
    if serve(Component.SCHEDULER, settings.metrics_address, metrics):
        threads.append(metrics)
    sizing = Sizing(database, settings)

    def wake() -> None:
        for each in (sizing, scheduler):
            each.wake()

    threads += [
        Retention(database, settings, Store(settings.store_url)),
        WebhookSender(database, settings),
        sizing,
        QueueListener(settings, wake),
    ]
    for thread in threads:
        thread.start()
    yield
    for thread in reversed(threads):
        thread.stop()


if __name__ == "__main__":
    main()
