"""Refusals as RFC 9457 problem documents, each with a text that says what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from fastapi import HTTPException, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from jobs.states import JobState

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
_QUEUE_MOVES_SECONDS = 60


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(examples=["sparsity"], description="Dotted path in the body, or a parameter's name.")
    message: str = Field(examples=["must be less than 1"], description="What is wrong with its value.")


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document. `type` is stable: programs may branch on it."""

    type: str = Field(
        examples=["urn:pruneserve:problem:invalid-request"], description="Which kind of problem this is."
    )
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request, and what to do about it.")
    errors: list[FieldError] | None = Field(None, description="Each field that cannot be accepted.")


class Problem(HTTPException):
    """A refusal. A subclass gives it a name, a status and a text that says what to do."""

    status: ClassVar[HTTPStatus]
    slug: ClassVar[str]
    title: ClassVar[str]
    advice: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`detail` says more than the class's own advice where there is more to say."""
        super().__init__(self.status, detail or self.advice, headers=dict(headers or {}))
        self.errors = list(errors) if errors else None

    def document(self) -> ProblemDocument:
        """The body of the answer."""
        return ProblemDocument(
            type=f"urn:pruneserve:problem:{self.slug}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            errors=self.errors,
        )

    def response(self) -> Response:
        """The answer."""
        body = self.document().model_dump(exclude_none=True)
        return JSONResponse(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


class MalformedRequest(Problem):
    """The body could not be read at all."""

    status = HTTPStatus.BAD_REQUEST
    slug = "malformed-request"
    title = "Malformed request"
    advice = "The body is not valid JSON."


class UnknownHost(Problem):
    """DNS rebinding, or a deployment that was not told its own name."""

    status = HTTPStatus.BAD_REQUEST
    slug = "unknown-host"
    title = "Unknown host"
    advice = "This service does not answer under that host name; PRUNESERVE_ALLOWED_HOSTS lists its names."


class NotAuthenticated(Problem):
    """No key, no session, or one that does not count any more."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "not-authenticated"
    title = "Not authenticated"
    advice = "Send a valid API key in the header 'Authorization: Bearer <key>'."

    def __init__(self) -> None:
        """Name the scheme, as RFC 9110 asks of a 401."""
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class ScopeMissing(Problem):
    """A valid key that may not do this."""

    status = HTTPStatus.FORBIDDEN
    slug = "scope-missing"
    title = "Scope missing"
    advice = "This API key lacks the scope for this request."


class ForeignOrigin(Problem):
    """A write that another site's page may have caused."""

    status = HTTPStatus.FORBIDDEN
    slug = "foreign-origin"
    title = "Foreign origin"
    advice = "A write from a browser must come from this service's own page."


class NotFound(Problem):
    """Not there, or another owner's: the answers do not differ."""

    status = HTTPStatus.NOT_FOUND
    slug = "not-found"
    title = "Not found"
    advice = "There is no such resource under this API key."


class MethodNotAllowed(Problem):
    """The path exists, but not for this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    slug = "method-not-allowed"
    title = "Method not allowed"
    advice = "The header 'Allow' lists the methods of this resource."


class JobEnded(Problem):
    """A move that an ended job cannot make."""

    status = HTTPStatus.CONFLICT
    slug = "job-ended"
    title = "Job ended"
    advice = "The job has ended."

    def __init__(self, state: JobState) -> None:
        """Say how the job ended."""
        super().__init__(f"The job has already {_PAST[state]}; there is nothing left to cancel.")


class NotRetriable(Problem):
    """A retry of a job that has not come to a bad end."""

    status = HTTPStatus.CONFLICT
    slug = "not-retriable"
    title = "Not retriable"
    advice = "Only a failed or a cancelled job can be queued again."

    def __init__(self, state: JobState) -> None:
        """Say what the job is instead."""
        super().__init__(f"The job is {state}: only a failed or a cancelled one can be queued again.")


_PAST = {
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "been cancelled",
}


class NotPresentable(Problem):
    """A job without a result, or whose files have been deleted, cannot be shown in the zoo."""

    status = HTTPStatus.CONFLICT
    slug = "not-presentable"
    title = "Not presentable"
    advice = "Only a job that has succeeded and whose files are still stored can be shown in the zoo."


class UploadInUse(Problem):
    """A job that has not ended would lose its text."""

    status = HTTPStatus.CONFLICT
    slug = "upload-in-use"
    title = "Upload in use"
    advice = "A job that has not ended needs this upload. Cancel the job, or wait for its end."

    def __init__(self, job_id: UUID | None = None) -> None:
        """Name the job."""
        super().__init__(
            f"The job {job_id} needs this upload. Cancel it, or wait for its end." if job_id else None
        )


class QuotaExceeded(Problem):
    """What an owner may have is bounded."""

    status = HTTPStatus.CONFLICT
    slug = "quota-exceeded"
    title = "Quota exceeded"
    advice = "You have as much of this as you may. Delete some."

    def __init__(self, detail: str) -> None:
        """Name the limit. What is left of the body stays unread, so the connection cannot go on."""
        super().__init__(detail, headers={"Connection": "close"})


class BodyTooLarge(Problem):
    """More bytes than any valid request has."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    slug = "body-too-large"
    title = "Body too large"
    advice = "The request body is too large."

    def __init__(self, limit: int) -> None:
        """Name the limit. What is left of the body stays unread, so the connection cannot go on."""
        super().__init__(f"The request body may have at most {limit} bytes.", headers={"Connection": "close"})


class UnsupportedMediaType(Problem):
    """A body in a form that this resource does not read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    slug = "unsupported-media-type"
    title = "Unsupported media type"
    advice = "Send the body as 'Content-Type: application/json', without a content encoding."


class InvalidRequest(Problem):
    """A request that can be read, with fields that cannot be accepted."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "invalid-request"
    title = "Invalid request"
    advice = "Some fields of the request cannot be accepted; 'errors' names each with the reason."

    def __init__(self, *errors: FieldError) -> None:
        """One error per field."""
        super().__init__(errors=errors)


class IdempotencyKeyReused(Problem):
    """Two different requests under one key: one of them would be lost silently."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "idempotency-key-reused"
    title = "Idempotency key reused"
    advice = "This Idempotency-Key was sent before with another body. Use a new key for a new request."


class RateLimited(Problem):
    """More requests under one key than it is granted."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "rate-limited"
    title = "Too many requests"
    advice = "This API key has sent too many requests. Try again after 'Retry-After' seconds."

    def __init__(self, retry_after: int) -> None:
        """Say in how many seconds the next request is granted."""
        super().__init__(headers={"Retry-After": str(retry_after)})


class QueueFull(Problem):
    """More queued jobs of one owner than the service keeps."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "queue-full"
    title = "Queue full"
    advice = "Too many jobs of this owner are queued. Wait until some have begun, or cancel some."

    def __init__(self, queued: int, allowed: int) -> None:
        """Say how many there are, and how many there may be."""
        super().__init__(
            f"{queued} jobs of this owner are queued, and {allowed} may be. "
            "Wait until some have begun, or cancel some.",
            headers={"Retry-After": str(_QUEUE_MOVES_SECONDS)},
        )


class ArtifactsExpired(Problem):
    """The files of a job that has succeeded long ago."""

    status = HTTPStatus.GONE
    slug = "artifacts-expired"
    title = "Artifacts expired"
    advice = "The files of this job were kept for a while and are deleted. Submit the job again."


class NotConfigured(Problem):
    """A part of the service that its operator has not set up."""

    status = HTTPStatus.NOT_IMPLEMENTED
    slug = "not-configured"
    title = "Not configured"
    advice = "Webhooks need PRUNESERVE_SECRET_KEYS, which the operator of this service has not set."


class ServiceUnavailable(Problem):
    """A part that this request needs does not answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "unavailable"
    title = "Temporarily unavailable"
    advice = "The service cannot do this at the moment. Nothing was changed; try again shortly."

    def __init__(self, detail: str | None = None) -> None:
        """Say when to come back."""
        super().__init__(detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


class InternalError(Problem):
    """A mistake of ours."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    slug = "internal-error"
    title = "Internal error"
    advice = "Something went wrong inside the service; its log has the details."


Responses = dict[int | str, dict[str, Any]]


def documented(*problems: type[Problem]) -> Responses:
    """OpenAPI's `responses` for the refusals that a route can answer with."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    by_status: Responses = {}
    for problem in problems:
        response = by_status.setdefault(
            int(problem.status), {"content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}}
        )
        response["description"] = " · ".join(filter(None, [response.get("description"), problem.title]))
        response["content"][MEDIA_TYPE]["examples"][problem.slug] = {
            "value": {
                "type": f"urn:pruneserve:problem:{problem.slug}",
                "title": problem.title,
                "status": int(problem.status),
                "detail": problem.advice,
            }
        }
    return by_status
