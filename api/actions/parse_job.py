"""Validates the fields of a job that did not arrive as the body of `POST /v1/jobs`."""

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.schemas.jobs.requests import JobRequest


def parse_job(fields: Mapping[str, Any], *parents: str) -> JobRequest:
    """Validate the fields of a job, which stand under `parents` in the body.

    Raises RequestValidationError, as FastAPI does for the body of `POST /v1/jobs`.
    """
    try:
        return JobRequest.model_validate(fields)
    except ValidationError as error:
        errors = [{**item, "loc": ("body", *parents, *item["loc"])} for item in error.errors()]
        body: Mapping[str, Any] = fields
        for parent in reversed(parents):
            body = {parent: body}
        raise RequestValidationError(errors, body=body) from error
