"""Turns every exception into a problem document.

It quotes no more of the request than the values that it refuses, and those only as `FieldError` shows them,
and leaks no stack trace.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from psycopg.errors import DiskFull
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.problems.base import FieldError, Problem
from api.problems.catalogue import (
    DISK_FULL,
    IdempotencyKeyReused,
    InternalError,
    InvalidRequest,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    QueueFull,
    ServiceUnavailable,
)
from api.schemas.job_requests import JobRequest
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle import owner_moves
from jobs.lifecycle.idempotency import KeyReused
from jobs.storage.errors import StoreError
from jobs.storage.owned_files import UnknownReference

log = logging.getLogger(__name__)

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def install(app: FastAPI, respond: Callable[[Request, Problem], Response]) -> None:
    """Handle every exception with the response that `respond` renders for its problem."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = as_problem(error)
        if isinstance(problem, MethodNotAllowed):
            # The framework names the methods of the first route with this path, and not of all of them.
            problem.headers = {"Allow": ", ".join(_allowed_methods(request))}
        return respond(request, problem)

    for kind in (
        HTTPException,
        RequestValidationError,
        owner_moves.QueueFull,
        UnknownReference,
        KeyReused,
        *DATABASE_UNAVAILABLE,
        StoreError,
        Exception,
    ):
        app.add_exception_handler(kind, handle)


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods that some route supports at the address of a request."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] == Match.FULL
            for route in request.app.routes
        )
    ]


def as_problem(error: Exception) -> Problem:
    """Return the problem for an exception of the service, the framework or the database."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _from_validation(error)
    if isinstance(error, HTTPException):
        return _from_framework(error)
    return _from_service(error)


def _from_service(error: Exception) -> Problem:
    if isinstance(error, owner_moves.QueueFull):
        return QueueFull(error.queued, error.allowed, error.new)
    if isinstance(error, KeyReused):
        return IdempotencyKeyReused(str(error))
    if isinstance(error, UnknownReference):
        return InvalidRequest(FieldError.of(error.field, error.message, error.named))
    if isinstance(error, DATABASE_UNAVAILABLE):
        log.warning("the database is unavailable: %s", type(error.__cause__ or error).__name__)
        return ServiceUnavailable(DISK_FULL if isinstance(error.__cause__, DiskFull) else None)
    if isinstance(error, StoreError):
        log.warning("the store is unavailable: %s", error)
        return ServiceUnavailable("The artifact store does not answer. Try again shortly.")
    return InternalError()


def _from_framework(error: HTTPException) -> Problem:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound("There is nothing at this address.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed()
    if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return MalformedRequest("The request cannot be parsed.")
    return InternalError()


_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}|[0-9]{1,6}")

# Pydantic's own messages for these name its classes or quote the input.
_MESSAGES = {
    "dict_type": "must be an object",
    "extra_forbidden": "is not a field of this request",
    "missing": "is required",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be an integer",
    "int_type": "must be an integer",
    "list_type": "must be a list",
    "string_type": "must be a string",
    "tuple_type": "must be a list",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
}
_PATTERNS = {r"^[!-~]+$": "must be printable ASCII characters without spaces"}
# Objects with a dataset and other fields: a client may give the dataset's name alone.
_TEXT_FIELDS = frozenset({"calibration", "evaluation"})
# The input of the one is what lacks the field; an unknown field may hold anything.
_ERRORS_WITHOUT_VALUE = frozenset({"missing", "extra_forbidden", "required"})
_MAX_ERRORS = 100
"""What is shown of a request: one of 64 kB can have 20,000, which would hold the event loop."""
_LENGTHS = frozenset({"string_too_long", "string_too_short", "too_long", "too_short"})


def _field_names() -> Iterator[str]:
    schema = JobRequest.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        yield from model.get("properties", ())


_FIELDS = frozenset(_field_names())


def _from_validation(error: RequestValidationError) -> Problem:
    found: Sequence[Any] = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return MalformedRequest()
    return InvalidRequest(
        *(
            FieldError.of(_field(item["loc"], error.body), _message(item), _value(item))
            for item in found[:_MAX_ERRORS]
        )
    )


def _value(item: Mapping[str, Any]) -> object:
    """Return the value that an error is about. An empty object, which is never shown, means none."""
    is_whole_body = tuple(item["loc"]) == ("body",)  # secret fields cannot be distinguished there
    return {} if is_whole_body or item["type"] in _ERRORS_WITHOUT_VALUE else item["input"]


def _field(location: Sequence[int | str], body: object) -> str:
    """Return `("body", "method", "gblm", "alpha")` as `method.alpha`. An odd name becomes `?`."""
    place, *path = location
    if place == "body":
        path = list(_within(body, path))
    parts = (str(part) for part in path)
    return ".".join(part if _PLAIN_NAME.fullmatch(part) else "?" for part in parts) or str(place)


def _within(body: object, path: Sequence[int | str]) -> Iterator[int | str]:
    """Yield the steps of `path` that are fields, without those that pydantic adds for variants of a union.

    No body is itself a union, so the first step is always a field, even one that the body lacks.
    """
    for number, step in enumerate(path):
        match body:
            case dict() if step in body:
                body = body[step]
            case list() if isinstance(step, int) and step < len(body):
                body = body[step]
            case _ if number > 0 and step not in _FIELDS:
                continue
        yield step


def _message(item: Mapping[str, Any]) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        name = str(item["loc"][-1])
        near = get_close_matches(name, _FIELDS - {name}, n=1, cutoff=0.8)
        return _MESSAGES[kind] + (f"; did you mean {near[0]}?" if near else "")
    if kind in _MESSAGES:
        hinted = kind in ("model_type", "model_attributes_type") and item["loc"][-1] in _TEXT_FIELDS
        return _MESSAGES[kind] + (', such as {"dataset": "builtin"}' if hinted else "")
    if kind == "string_pattern_mismatch" and (said := _PATTERNS.get(item["ctx"]["pattern"])):
        return said
    if kind in _LENGTHS:
        return _length_message(item)
    message = str(item["msg"]).removeprefix("Value error, ")
    return re.sub(r"^(Input|String) should ", "must ", message)


def _length_message(item: Mapping[str, Any]) -> str:
    limits = item["ctx"]
    bound, number = (
        ("at most", limits["max_length"]) if "max_length" in limits else ("at least", limits["min_length"])
    )
    # Pydantic counts "items" of a string as well if its length is checked after a validator.
    unit = "character" if isinstance(item["input"], str) else "item"
    return f"must have {bound} {number} {unit}{'' if number == 1 else 's'}"
