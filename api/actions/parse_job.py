"""Validates requests that did not arrive as the body of their route, such as those of the form."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.schemas.jobs.requests import JobRequest

Request = TypeVar("Request", bound=BaseModel)


def parse_request(model: type[Request], fields: Mapping[str, Any], *parents: str) -> Request:
    """Validate the fields of a request, which are under `parents` in the body.

    Raises RequestValidationError, as FastAPI does for the body of the model's route.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        errors = [{**item, "loc": ("body", *parents, *item["loc"])} for item in error.errors()]
        body: Mapping[str, Any] = fields
        for parent in reversed(parents):
            body = {parent: body}
        raise RequestValidationError(errors, body=body) from error


def parse_job(fields: Mapping[str, Any], *parents: str) -> JobRequest:
    """Validate the fields of a job as `parse_request` does."""
    return parse_request(JobRequest, fields, *parents)
