"""What a job would take."""

from fastapi import APIRouter

from api.actions import allowed_paths
from api.actions.model_config import shape_of
from api.problems.problems import (
    BodyTooLarge,
    InvalidRequest,
    MalformedRequest,
    UnsupportedMediaType,
    documented,
)
from api.resources import Parts
from api.schemas.jobs import JobRequest
from api.security.auth import Reader
from jobs.fleet import machines
from pruning.estimate import Estimate

router = APIRouter(prefix="/v1/estimates", tags=["estimates"])


@router.post(
    "",
    summary="Estimate a job",
    responses=documented(MalformedRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest),
)
def estimate(wanted: JobRequest, who: Reader, parts: Parts) -> Estimate:
    """Memory, operations, time and output size of a job, from its model's config and the slowest live worker.

    The body is that of `POST /v1/jobs`, with the same checks. Nothing is stored, and no worker is asked.
    """
    spec = wanted.spec()
    allowed_paths.check(spec, parts.settings)
    shape = shape_of(spec.recipe.model, who.owner, parts.settings)
    with parts.database.begin() as session:
        machine = machines.slowest_live(session, parts.settings.lease_seconds)
    return Estimate.of(spec.recipe, spec.evaluation, shape, machine, save_masks=spec.save_masks)
