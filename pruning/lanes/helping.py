"""Computes lanes of a run that another machine owns."""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from pruning.errors import PruningError
from pruning.gradients.gradient_pass import GradientPass, Step
from pruning.gradients.schedule import Schedule
from pruning.gradients.shards import BlockShards
from pruning.lanes.share import of_lane
from pruning.model.blocks import Stack
from pruning.model.placement import Placement
from pruning.recipe import GradientNorm
from pruning.resume.store import ResumeStore
from pruning.resume.writer import writer_for


class OfferedLanes(Protocol):
    """The lanes that another run has opened. Whatever a method raises ends the help."""

    @property
    def numerics_key(self) -> Mapping[str, Any]:
        """What the run's own pass has as its numerics key."""

    def take(self) -> int | None:
        """Return a lane to compute; None if there is none, or this machine has something else to do."""

    def finish(self, lane: int) -> None:
        """Take note that a lane's sums are durable."""


class OtherConditions(PruningError):
    """This machine would compute other bits than the one that owns the run."""


def compute_lanes(
    placement: Placement,
    windows: Tensor,
    stack: Stack,
    offered: OfferedLanes,
    resume_store: ResumeStore,
    step: Step,
) -> None:
    """Compute lanes as long as there are some.

    Raises `OtherConditions`, and what `GradientPass.run_lane` raises.
    """
    key = offered.numerics_key
    norms: list[GradientNorm] = key["norms"].split(",")
    helped = GradientPass(
        placement,
        windows,
        norms=norms,
        stack=stack,
        schedule=key["schedule"],
        deterministic=key["deterministic"],
        lanes=key["lanes"],
    )
    helped.schedule = Schedule(key["schedule"], key["micro_batch"])
    if different := sorted(name for name, value in helped.numerics_key.items() if key.get(name) != value):
        raise OtherConditions(
            f"this worker's {', '.join(different)} would give other bits than those of the job's own worker"
        )
    while (lane := offered.take()) is not None:
        section = of_lane(resume_store, lane)
        with writer_for(placement.device) as writer:
            shards = BlockShards(section, key, norms, writer, f"lane-{lane:02}-")
            helped.run_lane(lane, step, shards, section)
        offered.finish(lane)
