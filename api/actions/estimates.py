"""Estimates of what a job will take."""

from functools import partial

from api.actions import allowed_paths
from api.actions.model_config import shape_of
from api.resources import AppResources
from api.schemas.jobs import JobRequest
from jobs.fleet import machines
from pruning.estimate import Estimate


async def estimate(resources: AppResources, owner: str, request: JobRequest) -> Estimate:
    """Estimate a job from its model's config and the slowest live worker.

    Raises what `shape_of` raises, and ServiceUnavailable while too many estimates wait for the Hub.
    """
    return await resources.hub.run(owner, partial(_estimate, resources, owner, request))


def _estimate(resources: AppResources, owner: str, request: JobRequest) -> Estimate:
    spec = request.spec()
    allowed_paths.check(spec, resources.settings)
    shape = shape_of(spec.recipe.model, owner, resources.settings)
    with resources.database.begin() as session:
        machine = machines.slowest_live(session, resources.settings.lease_seconds)
    return Estimate.of(spec.recipe, spec.evaluation, shape, machine, save_masks=spec.save_masks)
