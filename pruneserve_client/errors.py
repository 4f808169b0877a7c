"""The errors of the client. Messages may hold the server's own text: escape them before you print them."""

from collections.abc import Mapping

import httpx
from pydantic import ValidationError

from pruneserve_client.models import FieldError, ProblemDocument


class PruneServeError(Exception):
    """A request that did not succeed."""


class InvalidArgument(PruneServeError):
    """An address, key, value, proxy or certificate that no request can use. Nothing reached the server."""


class Unavailable(PruneServeError):
    """The server did not answer, or answered 429 or 5xx. The same request may succeed later."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        """`retry_after` is the number of seconds that the server asks to wait, 0 if it asks for none."""
        super().__init__(message)
        self.retry_after = retry_after


class DamagedDownload(Unavailable):
    """The checksum of a downloaded file is not the one that the server has announced."""


class Rejected(PruneServeError):
    """The server refused the request with a 4xx status. Sent again, it would be refused again."""

    def __init__(self, message: str, *, status: int, problem: ProblemDocument | None) -> None:
        """`problem` is the server's problem document (RFC 9457), if it sent one; its `type` is stable."""
        super().__init__(message)
        self.status = status
        self.problem = problem


class NotAuthenticated(Rejected):
    """401: the API key is missing, unknown, expired or revoked."""


class NotPermitted(Rejected):
    """403: the API key lacks the scope."""


class NotFound(Rejected):
    """404: no such job, sweep, key or file under this API key."""


class Conflict(Rejected):
    """409: the job or sweep is not in a state that allows this."""


class InvalidRequest(Rejected):
    """422: a field of the request is invalid; `problem.errors` names each."""


class UnexpectedResponse(PruneServeError):
    """The response is not one of a PruneServe server; the address is probably wrong."""

    def __init__(self, message: str, *, is_json: bool = True) -> None:
        """`is_json`: whether it is JSON, at least as far as it was read."""
        super().__init__(message)
        self.is_json = is_json


class UnsafeName(PruneServeError):
    """The server names a file with a path that leads out of the directory of the download."""


class InvalidSignature(PruneServeError):
    """A message that claims to be a webhook's, and does not prove it. Do not act on it."""


class NoStream(PruneServeError):
    """The response is not an event stream; something between client and server may not pass streams on."""


def may_pass(error: BaseException, *, answered: bool = False) -> bool:
    """Whether the same request may succeed later.

    `answered`: the server has answered at this address. What is no answer of it then comes from something in
    between, such as the page of a proxy while the server is restarted.
    """
    match error:
        case Rejected(problem=None) | UnexpectedResponse(is_json=False):
            return answered
    return isinstance(error, Unavailable)


_REJECTIONS: Mapping[int, type[Rejected]] = {
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
}


def error_of(response: httpx.Response, body: bytes) -> Unavailable | Rejected:
    """Return the error for an unsuccessful response."""
    status = response.status_code
    problem = _problem(body)
    message = f"HTTP {status} without a problem document: is this address a PruneServe server?"
    if problem is not None:
        message = summary(problem) + "".join(f"\n  {it.field}: {reason(it)}" for it in problem.errors or ())
    if status == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
        return Unavailable(message, retry_after=_seconds(response.headers.get("retry-after", "")))
    return _REJECTIONS.get(status, Rejected)(message, status=status, problem=problem)


def summary(problem: ProblemDocument) -> str:
    """Return the detail of a problem, without the sentence that refers to its document."""
    return problem.detail.removesuffix(" 'errors' names each with the reason.")


def reason(error: FieldError) -> str:
    """Return what is wrong with a field of a request, and the value if the server has sent it."""
    return f"{error.message}; got {error.value}" if error.value is not None else error.message


def _problem(body: bytes) -> ProblemDocument | None:
    try:
        return ProblemDocument.model_validate_json(body)
    except ValidationError:
        return None


def _seconds(text: str) -> float:
    """Return the seconds of a Retry-After header; a date, which our server never sends, counts as none."""
    return float(text) if text.isdecimal() else 0.0
