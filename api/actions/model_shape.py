"""The shape of a model, and the problem that a request has without it."""

from api.problems.problem import FieldError
from api.problems.problems import InvalidRequest, ServiceUnavailable
from jobs.settings import Settings
from jobs.spec import model_shape
from jobs.spec.model_shape import HubSilent, NoShape
from jobs.spec.preflight import model_unavailable_reason
from pruning.estimate import ModelShape
from pruning.recipe import ModelReference


def shape_of(model: ModelReference, owner: str, settings: Settings) -> ModelShape:
    """Return the shape of a model, from its config alone.

    Raises InvalidRequest if the config is missing or does not describe the shape, and ServiceUnavailable if
    the Hub does not answer.
    """
    try:
        return model_shape.shape_of(model, owner, settings)
    except NoShape as reason:
        message = model_unavailable_reason(model.id, settings.model_roots) or (
            f"the API cannot estimate this model ({reason}); submit the job, and its worker estimates it"
        )
        raise InvalidRequest(FieldError.of("model.id", message, model.id)) from reason
    except HubSilent as silent:
        raise ServiceUnavailable(
            "The Hub does not answer, so the model's config cannot be read. Try again later, or use a local "
            "model. The job itself can still be submitted."
        ) from silent
