"""HTTP to one server: one request, one typed response or one typed error."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from pruneserve_client.base import Model
from pruneserve_client.errors import InvalidArgument, Unavailable, UnexpectedResponse, error_of

Response = TypeVar("Response", bound=Model)
Body = Mapping[str, Any] | Model

_KEY = re.compile(r"[!-~]+")


class Transport:
    """A pool of connections to the server at `url`, authenticated by an API key."""

    def __init__(self, url: str, key: str) -> None:
        """Check both. Raises `InvalidArgument`, which never quotes the key."""
        if not _is_http(url):
            message = f"the server's address must be like https://name or http://name:8642, not {url!r}"
            raise InvalidArgument(message)
        if not _KEY.fullmatch(key):
            raise InvalidArgument(
                "the API key must be printable ASCII characters without spaces or line breaks, like ps_…"
            )
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=httpx.Timeout(30.0, connect=10.0),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, response: type[Response], **query: Any) -> Response:  # noqa: ANN401 - what httpx takes
        """Return the parsed response of a GET. Query parameters that are None or empty are left out."""
        given = {name: value for name, value in query.items() if value not in (None, (), [], "")}
        with self.exchange("GET", path, params=given) as received:
            return parsed(response, received.read())

    def post(
        self,
        path: str,
        response: type[Response],
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the parsed response of a POST with a JSON body, or with none."""
        with self.exchange("POST", path, json=body, headers=headers) as received:
            return parsed(response, received.read())

    @contextmanager
    def exchange(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:  # noqa: ANN401 - what httpx takes
        """Send a request and yield its successful response, whose body is still to be read.

        Raises:
            InvalidArgument: a header or the body holds what HTTP or JSON cannot carry.
            Unavailable: the server does not answer, breaks off, or answers 429 or 5xx.
            Rejected: the server answers with another 4xx status.
        """
        built = self._built(method, path, **request)
        try:
            with closing(self._http.send(built, stream=True)) as response:
                if not response.is_success:
                    response.read()
                    raise error_of(response)
                yield response
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise InvalidArgument(f"the request cannot be sent: {error}") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} does not answer: {error or type(error).__name__}") from error

    def _built(self, method: str, path: str, *, json: Body | None = None, **parts: Any) -> httpx.Request:  # noqa: ANN401 - what httpx takes
        try:
            sent = json.as_sent() if isinstance(json, Model) else json
            return self._http.build_request(method, path, json=sent, **parts)
        except (TypeError, ValueError, httpx.InvalidURL) as error:
            raise InvalidArgument(f"the request cannot be sent: {error}") from error


def _is_http(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeEncodeError):
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host) and (parsed.port or 0) <= 65535


def parsed(model: type[Response], body: str | bytes) -> Response:
    """Return the body as `model`. Raises `UnexpectedResponse` for anything else."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise UnexpectedResponse(
            f"the response is not a PruneServe server's {model.__name__}; is the address right?"
        ) from error
