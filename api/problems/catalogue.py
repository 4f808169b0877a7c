"""Every problem that the service responds with, each with advice on what to do."""

from http import HTTPStatus
from uuid import UUID

from api.problems.base import FieldError, Problem
from jobs.states import JobState

RETRY_AFTER_SECONDS = 5
_QUEUE_RETRY_SECONDS = 60


class MalformedRequest(Problem):
    """The body cannot be parsed."""

    status = HTTPStatus.BAD_REQUEST
    slug = "malformed-request"
    advice = "The body is not valid JSON."


class UnknownHost(Problem):
    """DNS rebinding, or a deployment whose host name is not configured."""

    status = HTTPStatus.BAD_REQUEST
    slug = "unknown-host"
    advice = "This service has no such host name. Its operator lists the names in PRUNESERVE_ALLOWED_HOSTS."


class NotAuthenticated(Problem):
    """No API key or page session, or one that is not valid any more."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "not-authenticated"
    advice = "Send a valid API key in the header 'Authorization: Bearer <key>'."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class ScopeMissing(Problem):
    """A valid key without the scope that the route needs."""

    status = HTTPStatus.FORBIDDEN
    slug = "scope-missing"
    advice = "This API key lacks the scope for this request."


class ForeignOrigin(Problem):
    """A write that a page of another site may have sent."""

    status = HTTPStatus.FORBIDDEN
    slug = "foreign-origin"
    advice = "A write from a browser must come from this service's own page."


class NotFound(Problem):
    """It does not exist, or belongs to another owner: the response is the same."""

    status = HTTPStatus.NOT_FOUND
    slug = "not-found"
    advice = "There is no such resource, or it belongs to another owner."


class MethodNotAllowed(Problem):
    """The address exists, but not with this HTTP method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    slug = "method-not-allowed"
    advice = "This address does not support the method. The header 'Allow' lists those that it supports."


class RangeNotSatisfiable(Problem):
    """The range begins beyond the end of the file."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    slug = "range-not-satisfiable"
    advice = "The file has fewer bytes. 'Content-Range' says how many."

    def __init__(self, size: int) -> None:
        super().__init__(headers={"Content-Range": f"bytes */{size}"})


class JobEnded(Problem):
    """The job has ended, so it cannot be cancelled."""

    status = HTTPStatus.CONFLICT
    slug = "job-ended"
    advice = "The job has ended; there is nothing to cancel."

    def __init__(self, state: JobState) -> None:
        super().__init__(f"The job has already {_PAST[state]}; there is nothing to cancel.")


class NotRetriable(Problem):
    """The job has neither failed nor been cancelled, so it cannot be retried."""

    status = HTTPStatus.CONFLICT
    slug = "not-retriable"
    advice = "Only a failed or cancelled job can be retried."

    def __init__(self, state: JobState) -> None:
        super().__init__(f"The job is {state}. Only a failed or cancelled job can be retried.")


_PAST = {
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "been cancelled",
}


class NotDeletable(Problem):
    """The job has not ended, or something needs it."""

    status = HTTPStatus.CONFLICT
    slug = "not-deletable"
    advice = (
        "Only a job that has ended can be deleted, and none that is in the zoo, in a sweep that runs, or "
        "needed by a job that has not ended."
    )


class NotPromotable(Problem):
    """A job without a result, or whose files have been deleted, cannot be shown in the zoo."""

    status = HTTPStatus.CONFLICT
    slug = "not-promotable"
    advice = "Only a job that has succeeded and whose files are still stored can be shown in the zoo."


class UploadInUse(Problem):
    """A job that has not ended needs the upload."""

    status = HTTPStatus.CONFLICT
    slug = "upload-in-use"
    advice = "A job that has not ended needs this upload. Cancel the job, or wait until it has ended."

    def __init__(self, job_id: UUID | None = None) -> None:
        super().__init__(
            f"The job {job_id} needs this upload. Cancel it, or wait until it has ended." if job_id else None
        )


class QuotaExceeded(Problem):
    """The owner has as much of something as is allowed."""

    status = HTTPStatus.CONFLICT
    slug = "quota-exceeded"
    advice = "You have as much of this as is allowed. Delete some."

    def __init__(self, detail: str) -> None:
        """`detail` names the limit. The rest of the body is not read, so the connection must be closed."""
        super().__init__(detail, headers={"Connection": "close"})


class BodyTooSlow(Problem):
    """The body has not arrived in time."""

    status = HTTPStatus.REQUEST_TIMEOUT
    slug = "body-too-slow"
    advice = "The request body has not arrived in time. Send it again."

    def __init__(self, seconds: float, upload_rate: int) -> None:
        """`upload_rate`: in bytes a second. The rest is not read, so the connection must be closed."""
        super().__init__(
            f"The request body has not arrived within {seconds:g} seconds. An upload may take longer, at "
            f"{upload_rate} bytes a second or more, with no pause of that length. Send it again.",
            headers={"Connection": "close"},
        )


class BodyTooLarge(Problem):
    """The body has more bytes than any valid request."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    slug = "body-too-large"
    advice = "The request body is too large."

    def __init__(self, limit: int) -> None:
        """`limit` is in bytes. The rest of the body is not read, so the connection must be closed."""
        super().__init__(f"The request body may have at most {limit} bytes.", headers={"Connection": "close"})


class UnsupportedMediaType(Problem):
    """The body has a media type that this address does not accept."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    slug = "unsupported-media-type"
    advice = "Send the body as 'Content-Type: application/json', without a content encoding."


class InvalidRequest(Problem):
    """Some fields of the request cannot be accepted."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "invalid-request"
    advice = "Some fields of the request cannot be accepted. 'errors' names each with the reason."

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(errors=errors)


BODY_PROBLEMS = (MalformedRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest)
"""The problems of every request with a JSON body."""


class IdempotencyKeyReused(Problem):
    """Two different requests with one key: one of them would be lost silently."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "idempotency-key-reused"
    advice = "This Idempotency-Key was sent before with another body. Use a new key for a new request."


class RateLimited(Problem):
    """More requests were sent than the limit allows."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "rate-limited"
    title = "Too many requests"
    advice = "You have sent too many requests. Try again after 'Retry-After' seconds."

    def __init__(self, retry_after: int, detail: str | None = None) -> None:
        """`retry_after` is the number of seconds until the next request is granted."""
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class QueueFull(Problem):
    """The owner has as many queued jobs as is allowed."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "queue-full"
    advice = "You have too many queued jobs. Wait until some have started, or cancel some."

    def __init__(self, queued: int, allowed: int, new: int) -> None:
        these = f", and this has {new}" if new > 1 else ""
        super().__init__(
            f"You have {queued} queued jobs{these}; the limit is {allowed}. "
            "Wait until some have started, or cancel some.",
            headers={"Retry-After": str(_QUEUE_RETRY_SECONDS)},
        )


class ArtifactsExpired(Problem):
    """The files of the job were deleted after their retention period."""

    status = HTTPStatus.GONE
    slug = "artifacts-expired"
    advice = "The files of this job were deleted after their retention period. Submit the job again."


class NotConfigured(Problem):
    """The operator has not configured a part of the service."""

    status = HTTPStatus.NOT_IMPLEMENTED
    slug = "not-configured"
    advice = "Webhooks need PRUNESERVE_SECRET_KEYS, which the operator of this service has not set."


class ServiceUnavailable(Problem):
    """The database, the store or another service does not respond."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "unavailable"
    title = "Temporarily unavailable"
    advice = "The service is temporarily unavailable. Nothing was changed; try again shortly."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


DISK_FULL = "The database's disk is full, so changes may fail; the operator must make room."
"""The detail of `ServiceUnavailable` while PostgreSQL refuses to write."""


class InternalError(Problem):
    """A bug in the service."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    slug = "internal-error"
    advice = "The service has failed. Its log has the details; report it to the operator."
