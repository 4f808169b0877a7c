"""`pruneserve-worker`: a worker, which runs one job at a time until it gets SIGTERM.

With `--one-job` it claims at most one job, and ends once it has run it, or where it finds none that it could
take. Its exit code is 0 in both cases, and its log says which it was.
"""

import argparse
import importlib.util
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from jobs.broker import app
from jobs.database import connection_name, engine_from, sessions
from jobs.monitoring import logs
from jobs.monitoring.figures import Part
from jobs.secret_files import close_to_others, hide_from_children
from jobs.settings import settings
from jobs.storage.store import Store
from pruning.errors import PruningError
from pruning.pipeline import refuse_old_versions
from worker.health import beating
from worker.identity import Identity
from worker.supervision.figures import served_figures
from worker.supervision.parent import Parent


def main() -> None:
    """Check what every job needs, then take jobs."""
    parser = argparse.ArgumentParser(
        prog="pruneserve-worker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--one-job", action="store_true", help="run one job and end; end at once where none waits"
    )
    arguments = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        sys.exit("a worker needs torch: in a checkout, pip install '.[torch]'")
    try:
        refuse_old_versions()
    except PruningError as error:
        sys.exit(str(error))
    logs.begin(Part.WORKER)  # Celery sets its own handlers up later
    hide_from_children()
    close_to_others(children_read_secrets=True)
    Store(settings().store_url)  # a wrong URL must fail the start, not every job
    # Heartbeat, watchdog and quarantine take turns on one connection, and wait for none that is in use.
    identity = Identity.new(one_job=arguments.one_job)
    name = connection_name("worker", identity.name)
    engine = engine_from(settings(), name=name, pool_size=1, max_overflow=2)
    parent = Parent(settings(), sessions(engine), identity)
    figures = served_figures(settings(), identity, parent.held_memory)
    options = ["--loglevel=INFO", "--without-gossip", "--without-mingle"]
    quiet = ["--quiet"] if settings().log == "json" else []  # Celery greets in many lines
    try:
        with beating(identity):
            with _ended_by_sigterm():
                queue = parent.wait_until_fit()
            replace(identity, queue=queue).export()
            parent.connect_signals()
            options += [f"--hostname={identity.name}", f"--queues={queue}"]
            app.worker_main([*quiet, "worker", *options])
    finally:
        parent.stop()
        figures.stop()
        identity.remove_shutdown_flag()
        engine.dispose()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """While Celery does not handle SIGTERM yet, let it end this process in order."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    main()
