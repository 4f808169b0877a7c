"""`pruneserve-worker`: a worker, which runs one job at a time until it gets SIGTERM."""

import argparse
import importlib.util
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import psutil

from jobs.broker import app
from jobs.database import connection_name, engine_from, sessions
from jobs.monitoring import logs
from jobs.monitoring.catalogue import HOST_MEMORY, JOB_MEMORY, JOB_MEMORY_LIMIT, GaugeFamily
from jobs.monitoring.metrics import Component
from jobs.monitoring.serving import ChildMetrics, Values, serve
from jobs.secret_files import WrongSettings, close_to_others, hide_from_children, program
from jobs.settings import settings
from jobs.storage.store import Store
from pruning.errors import PruningError
from pruning.runtime.process_memory import host_memory
from pruning.version import refuse_old_versions
from worker.health import heartbeat_file
from worker.identity import Identity
from worker.supervision.child_memory import MemoryUse
from worker.supervision.parent import Parent


@program
def main() -> None:
    """Check what every job needs, then take jobs."""
    argparse.ArgumentParser(prog="pruneserve-worker", description=__doc__).parse_args()
    if importlib.util.find_spec("torch") is None:
        sys.exit("a worker needs torch: in a checkout, pip install '.[torch]'")
    try:
        refuse_old_versions()
    except PruningError as error:
        sys.exit(str(error))
    logs.configure(Component.WORKER)  # Celery sets its own handlers up later
    hide_from_children()
    close_to_others(children_read_secrets=True)
    Store(settings().store_url)  # a wrong URL must fail the start, not every job
    # Heartbeat, watchdog and quarantine take turns on one connection, and wait for none that is in use.
    identity = Identity.new()
    name = connection_name("worker", identity.name)
    engine = engine_from(settings(), name=name, pool_size=1, max_overflow=2)
    parent = Parent(settings(), sessions(engine), identity)
    options = ["--loglevel=INFO", "--without-gossip", "--without-mingle"]
    quiet = ["--quiet"] if settings().log_format == "json" else []  # Celery greets in many lines
    try:
        with _served_metrics(identity, parent.held_memory), heartbeat_file(identity):
            with _ended_by_sigterm():
                queue = parent.wait_until_fit()
            identity.export()
            parent.connect_signals()
            options += [f"--hostname={identity.name}", f"--queues={queue}"]
            app.worker_main([*quiet, "worker", *options])
    finally:
        parent.stop()
        identity.remove_directory()
        engine.dispose()
    sys.exit(parent.exit_code)


@dataclass(frozen=True, slots=True)
class _MemoryGauges:
    """A source of gauges: the memory of job and host, as it is when Prometheus asks."""

    held: Callable[[], MemoryUse]

    def gauges(self) -> Iterable[tuple[GaugeFamily, Values]]:
        """Return the memory of job and host."""
        held, total = self.held(), host_memory()
        yield JOB_MEMORY, [((), held.held)]
        yield JOB_MEMORY_LIMIT, [((), held.allowed)]
        available = min(total, psutil.virtual_memory().available)
        yield HOST_MEMORY, [(("available",), available), (("total",), total)]


@contextmanager
def _served_metrics(identity: Identity, held: Callable[[], MemoryUse]) -> Iterator[None]:
    """Serve the metrics of this process and of its children, if the settings say where."""
    if not serve(Component.WORKER, settings().metrics_address, _MemoryGauges(held)):
        yield
        return
    try:
        children = ChildMetrics(identity.metrics_socket)
    except OSError as error:  # such as a path that is longer than the kernel allows
        raise WrongSettings(
            f"PRUNESERVE_METRICS_ADDRESS: no socket can be made at {identity.metrics_socket}: {error}"
        ) from error
    children.start()
    try:
        yield
    finally:
        children.stop()


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
