"""The metrics of a worker: its parent serves them, with those of its children."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

from jobs.monitoring.catalogue import HOST_MEMORY, JOB_MEMORY, JOB_MEMORY_LIMIT, Gauges
from jobs.monitoring.children import FromChildren
from jobs.monitoring.figures import Part
from jobs.monitoring.port import Values, serve
from jobs.secret_files import WrongSettings
from jobs.settings import Settings
from pruning.pipeline import host_memory
from worker.identity import Identity
from worker.supervision.held_memory import HeldMemory


@dataclass(frozen=True, slots=True)
class Memory:
    """A source of gauges: the memory of the host, as it is when Prometheus asks."""

    held: Callable[[], HeldMemory]

    def gauges(self) -> Iterable[tuple[Gauges, Values]]:
        """Return the memory of job and machine."""
        held = self.held()
        total = host_memory()
        yield JOB_MEMORY, [((), held.held)]
        yield JOB_MEMORY_LIMIT, [((), held.allowed)]
        available = min(total, psutil.virtual_memory().available)
        yield HOST_MEMORY, [(("available",), available), (("total",), total)]


class ServedFigures:
    """Stops taking figures in."""

    def __init__(self, from_children: FromChildren | None) -> None:
        self._from_children = from_children

    def stop(self) -> None:
        if self._from_children is not None:
            self._from_children.stop()


def served_figures(settings: Settings, identity: Identity, held: Callable[[], HeldMemory]) -> ServedFigures:
    """Serve the worker's figures, if the settings say where."""
    if not serve(Part.WORKER, settings.metrics, Memory(held)):
        return ServedFigures(None)
    try:
        from_children = FromChildren(identity.figures)
    except OSError as error:  # a path longer than the kernel takes, say
        raise WrongSettings(
            f"PRUNESERVE_METRICS: no socket can be made at {identity.figures}: {error}"
        ) from error
    from_children.start()
    return ServedFigures(from_children)
