# Generated from pruneserve_client/asynchronous/transport.py by `make client`; do not edit.
"""HTTP to one server: one request, one typed response or one typed error."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import httpx

from pruneserve_client.errors import InvalidArgument, Unavailable, error_of
from pruneserve_client.wire import Body, Response, as_json, connection, given, parsed


class Transport:
    """A pool of connections to the server at `url`, authenticated by an API key."""

    def __init__(self, url: str, key: str) -> None:
        """Check both. Raises `InvalidArgument`, which never quotes the key."""
        self._http = httpx.Client(**connection(url, key))
        self.url = url.rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, response: type[Response], **query: Any) -> Response:  # noqa: ANN401 - what httpx takes
        """Return the parsed response of a GET. Query parameters that are None or empty are left out."""
        with self.exchange("GET", path, params=given(query)) as received:
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
            return self._http.build_request(method, path, json=as_json(json), **parts)
        except (TypeError, ValueError, httpx.InvalidURL) as error:
            raise InvalidArgument(f"the request cannot be sent: {error}") from error
