"""What is sent and read: addresses, keys, bodies, responses; retries."""

import re
import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import httpx
from pydantic import ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_before_delay, wait_random_exponential

from pruneserve_client.base import Model
from pruneserve_client.errors import (
    InvalidArgument,
    PruneServeError,
    Unavailable,
    UnexpectedResponse,
    may_pass,
)

Response = TypeVar("Response", bound=Model)
Result = TypeVar("Result")
Body = Mapping[str, Any] | Model

PAGE = 100
PATIENCE_SECONDS = 120.0
POLL_SECONDS = 2.0
CHUNK_BYTES = 1 << 20
# Many times the longest response that is not a file.
MAX_RESPONSE_BYTES = 64 << 20

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
# The longest silence in an event stream: the server sends a comment every 15 seconds.
STREAM_TIMEOUT = httpx.Timeout(10.0, read=60.0)

_KEY = re.compile(r"[!-~]+")
_BACKOFF = wait_random_exponential(multiplier=0.5, max=10.0)
_KINDS = {
    ".txt": "text/plain",
    ".jsonl": "application/jsonl",
    ".safetensors": "application/x-safetensors",
}


def client_options(url: str, key: str) -> dict[str, Any]:
    """Return what an HTTP client of the server at `url` is made of.

    Raises `InvalidArgument`, which never quotes the key.
    """
    if not _is_http(url):
        raise InvalidArgument(
            f"the server's address must be like https://name or http://name:8642, not {url!r}"
        )
    if not _KEY.fullmatch(key):
        raise InvalidArgument(
            "the API key must be printable ASCII characters without spaces or line breaks, like ps_…"
        )
    address = httpx.URL(url)
    return {
        "base_url": url.rstrip("/"),
        "headers": {
            "Authorization": f"Bearer {key}",
            "Accept": "application/json",
            # httpx unpacks without any limit, so nothing is left to it.
            "Accept-Encoding": "identity",
        },
        "timeout": TIMEOUT,
        # httpx would send what is for this machine to a proxy of the environment: the key in clear.
        "trust_env": address.scheme == "https" or not _is_this_machine(address.host),
    }


def _is_this_machine(host: str) -> bool:
    """Whether a host is a loopback address in any notation that a socket takes (`127.1`), or `localhost`."""
    if f".{host.removesuffix('.')}".endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)  # which asks no resolver
    except (OSError, ValueError):
        return False
    address = ip_address(found[0][4][0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def query_params(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query parameters that are neither None nor empty; times as texts."""
    texts = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in query.items()
    }
    return {name: value for name, value in texts.items() if value not in (None, (), [], "")}


def as_json(body: Body | None) -> Mapping[str, Any] | None:
    """Return a body as plain JSON values."""
    return body.as_sent() if isinstance(body, Model) else body


def parse(model: type[Response], body: str | bytes) -> Response:
    """Return the body as `model`. Raises `UnexpectedResponse` for anything else."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise UnexpectedResponse(
            f"the response is not a PruneServe server's {model.__name__}; is the address right?",
            is_json=error.errors()[0]["type"] != "json_invalid",
        ) from error


def encoding_of(response: httpx.Response) -> str:
    """Return as what the body of a response is labelled, such as `zstd`; plain bytes are `identity`."""
    return str(response.headers.get("content-encoding", "")).strip().lower() or "identity"


def refuse_encoded(response: httpx.Response) -> None:
    """Raise `UnexpectedResponse` for a body with a content encoding, which the client has not asked for."""
    if encoding_of(response) != "identity":
        raise UnexpectedResponse(
            f"the answer is sent as {encoding_of(response)[:100]!r}, though the client takes no encoding; "
            "let no proxy compress what does not ask for it"
        )


def reachable(url: httpx.URL) -> bool:
    """Whether a connection to an address can be tried at all: http or https, a name that DNS can carry."""
    try:
        named = bool(
            url.host and url.raw_host.decode("ascii").encode("idna")
        )  # as httpx, and as a socket does
    except UnicodeError:
        return False
    return url.scheme in ("http", "https") and bool(named) and (url.port is None or 0 < url.port <= 65535)


def media_type(path: Path) -> str:
    """Return the media type of an upload by its file's name."""
    return _KINDS.get(path.suffix, "text/plain")


def ignore(_: object) -> None:
    """What is called where a caller wants to hear nothing."""


def retry(
    action: Callable[[], Result],
    patience: float,
    *,
    answered: bool = False,
    on_outage: Callable[[PruneServeError], object] = ignore,
) -> Result:
    """Return the result of `action`, retrying while what it raises `may_pass`.

    The waits grow, with jitter, to 10 seconds, or to what the server asks for. As soon as the next attempt
    would begin more than `patience` seconds after the first, `Unavailable` is raised. `on_outage` is called
    with the first error that is retried.
    """

    def tell(attempt: RetryCallState) -> None:
        error = attempt.outcome.exception() if attempt.outcome else None
        if isinstance(error, PruneServeError) and attempt.attempt_number == 1:
            on_outage(error)

    retrying = Retrying(
        retry=retry_if_exception(partial(may_pass, answered=answered)),
        stop=stop_before_delay(patience),
        wait=_wait,
        before_sleep=tell,
        retry_error_callback=_give_up,
    )
    result: Result = retrying(action)
    return result


def _wait(attempt: RetryCallState) -> float:
    error = attempt.outcome.exception() if attempt.outcome else None
    asked_for = error.retry_after if isinstance(error, Unavailable) else 0.0
    return max(float(_BACKOFF(attempt)), asked_for)


def _give_up(last: RetryCallState) -> NoReturn:
    error = last.outcome.exception() if last.outcome else None
    if isinstance(error, Unavailable):
        raise error
    # Something else has answered in the place of the server.
    raise Unavailable(str(error)) from error


def _is_http(url: str) -> bool:
    try:
        return reachable(httpx.URL(url))
    except (httpx.InvalidURL, UnicodeError):
        return False
