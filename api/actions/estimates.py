"""Estimates of what a job will take."""

from contextlib import suppress
from functools import partial

from api.actions import checks
from api.problems.base import FieldError
from api.problems.catalogue import InvalidRequest, ServiceUnavailable
from api.resources import AppResources
from api.schemas.job_requests import JobRequest
from api.schemas.workers import Estimate, QueueEstimate
from jobs import limits
from jobs.queue import workers
from jobs.queue.resources import Needs, nearest_by_queue, smallest_that_fits
from jobs.settings import Settings
from jobs.spec import model_shape
from jobs.spec.model_shape import HubUnavailable, UnknownModelShape
from jobs.spec.preflight import model_unavailable_reason
from pruning.estimate import Estimate as EstimateOnMachine
from pruning.estimate import Machine, ModelShape, slowest_machine
from pruning.recipe import ModelReference


def shape_of(model: ModelReference, owner: str, settings: Settings) -> ModelShape:
    """Return the shape of a model, from its config alone.

    Raises InvalidRequest if the config is missing or does not describe the shape, and ServiceUnavailable if
    the Hub does not answer.
    """
    try:
        return model_shape.shape_of(model, owner, settings)
    except UnknownModelShape as reason:
        missing = None
        with suppress(OSError):  # this machine's disk fails, which says nothing about those of workers
            missing = model_unavailable_reason(model.id, settings.model_roots)
        message = missing or (
            f"the API cannot estimate this model ({reason}); submit the job, and its worker estimates it"
        )
        raise InvalidRequest(FieldError.of("model.id", message, model.id)) from reason
    except HubUnavailable as silent:
        raise ServiceUnavailable(
            "The Hub does not answer, so the model's config cannot be read. Try again later, or use a local "
            "model. The job itself can still be submitted."
        ) from silent


async def estimate(resources: AppResources, owner: str, request: JobRequest) -> Estimate:
    """Estimate a job from its model's config, for each queue of live workers.

    The stages are those of the smallest queue that it fits, on its slowest worker; else of the slowest
    live worker.

    Raises what `shape_of` raises, and ServiceUnavailable while too many estimates wait for the Hub.
    """
    return await resources.hub.run(owner, partial(_estimate, resources, owner, request))


def _estimate(resources: AppResources, owner: str, request: JobRequest) -> Estimate:
    spec = request.spec()
    checks.check_paths(spec, resources.settings)
    shape = shape_of(spec.recipe.model, owner, resources.settings)
    seen_within = limits.LEASE_SECONDS
    with resources.database.begin() as session:
        queues = workers.fleet(session, seen_within).queues
        machines = workers.machines_by_queue(session, seen_within)
        live = workers.live_machines(session, seen_within)
    needs = Needs.of(spec, shape, live)

    def on(those: list[Machine]) -> EstimateOnMachine:
        return spec.estimate(shape, slowest_machine(those, spec.recipe, shape))

    chosen = smallest_that_fits(needs, queues)
    there = on(machines.get(chosen or "", live))
    return Estimate(
        **{name: getattr(there, name) for name in EstimateOnMachine.model_fields},
        needs=needs,
        queue=chosen,
        queues=[
            QueueEstimate.of(name, needs, capacity, on(machines[name]) if name in machines else None)
            for name, capacity in nearest_by_queue(needs, queues)
        ],
    )
