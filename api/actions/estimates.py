"""Estimates of what a job will take."""

from functools import partial

from api.actions import request_checks
from api.actions.model_shape import shape_of
from api.resources import AppResources
from api.schemas.jobs.requests import JobRequest
from api.schemas.workers import ClassEstimate, Estimate
from jobs import limits
from jobs.queue import workers
from jobs.queue.classes import nearest, smallest_that_fits
from jobs.queue.needs import Needs
from pruning.estimate import Estimate as EstimateOnMachine
from pruning.estimate import Machine, slowest_machine


async def estimate(resources: AppResources, owner: str, request: JobRequest) -> Estimate:
    """Estimate a job from its model's config, for each class of live workers.

    The stages are those of the smallest class that it fits, on its slowest worker; else of the slowest
    live worker.

    Raises what `shape_of` raises, and ServiceUnavailable while too many estimates wait for the Hub.
    """
    return await resources.hub.run(owner, partial(_estimate, resources, owner, request))


def _estimate(resources: AppResources, owner: str, request: JobRequest) -> Estimate:
    spec = request.spec()
    request_checks.check(spec, resources.settings)
    shape = shape_of(spec.recipe.model, owner, resources.settings)
    seen_within = limits.LEASE_SECONDS
    with resources.database.begin() as session:
        classes = workers.fleet(session, seen_within).classes
        by_class = workers.by_class(session, seen_within)
        live = workers.live(session, seen_within)
    needs = Needs.of(spec, shape, live)

    def on(those: list[Machine]) -> EstimateOnMachine:
        machine = slowest_machine(those, spec.recipe, shape)
        return EstimateOnMachine.of(spec.recipe, spec.evaluation, shape, machine, save_masks=spec.save_masks)

    chosen = smallest_that_fits(needs, classes)
    there = on(by_class.get(chosen or "", live))
    return Estimate(
        **{name: getattr(there, name) for name in EstimateOnMachine.model_fields},
        needs=needs,
        worker_class=chosen,
        classes=[
            ClassEstimate.of(name, needs, capacity, on(by_class[name]) if name in by_class else None)
            for name, capacity in nearest(needs, classes)
        ],
    )
