"""HTTP to one server: one request, one typed response or one typed error; downloads that resume."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from pruneserve_client.errors import (
    InvalidArgument,
    PruneServeError,
    Unavailable,
    UnexpectedResponse,
    error_of,
    may_pass,
)
from pruneserve_client.files import Downloadable, PartialFile, Progress, destination_in
from pruneserve_client.wire import (
    MAX_RESPONSE_BYTES,
    Body,
    Response,
    as_json,
    client_options,
    parse,
    query_params,
    refuse_encoded,
    retry,
)


class Transport:
    """A pool of connections to the server at `url`, authenticated by an API key."""

    def __init__(self, url: str, key: str) -> None:
        """Check both. Raises `InvalidArgument`, which never quotes the key."""
        try:
            self._http = httpx.Client(**client_options(url, key))
        except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
            # Of a malformed address httpx may quote a piece of a password, which a traceback would show.
            cause = None if isinstance(error, httpx.InvalidURL) else error
            raise InvalidArgument(
                "the environment's proxies (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY) or certificates "
                f"(SSL_CERT_FILE) cannot be used: {cause or 'an address is malformed'}"
            ) from cause
        self.url = url.rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, response: type[Response], **query: Any) -> Response:  # noqa: ANN401 - what httpx takes
        """Return the parsed response of a GET. Query parameters that are None or empty are left out."""
        with self.exchange("GET", path, params=query_params(query)) as received:
            return parse(response, body_of(received))

    def post(
        self,
        path: str,
        response: type[Response],
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the parsed response of a POST with a JSON body, or with none."""
        with self.exchange("POST", path, json=body, headers=headers) as received:
            return parse(response, body_of(received))

    @contextmanager
    def exchange(
        self,
        method: str,
        path: str,
        *,
        of_file: bool = False,
        **request: Any,  # noqa: ANN401 - what httpx takes
    ) -> Iterator[httpx.Response]:
        """Send a request and yield its successful response, whose body is still to be read.

        `of_file`: yield one with an encoding as well.

        Raises:
            InvalidArgument: a header or the body holds what HTTP or JSON cannot carry.
            Unavailable: the server does not answer, breaks off, or answers 429 or 5xx.
            Rejected: the server answers with another 4xx status.
            UnexpectedResponse: the response is not one of a PruneServe server.
        """
        built = self._build(method, path, **request)
        try:
            with closing(_send_request(self._http, built)) as response:
                if not response.is_success:
                    body = b""
                    with suppress(UnexpectedResponse):
                        body = body_of(response)
                    raise error_of(response, body)
                if not of_file:
                    refuse_encoded(response)
                yield response
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise InvalidArgument(f"the request cannot be sent: {error}") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} does not answer: {error or type(error).__name__}") from error

    def _build(self, method: str, path: str, *, json: Body | None = None, **parts: Any) -> httpx.Request:  # noqa: ANN401 - what httpx takes
        """Return a request to this server.

        Raises `UnexpectedResponse` for a URL of another one, which must not get the key.
        """
        try:
            built = self._http.build_request(method, path, json=as_json(json), **parts)
        except (TypeError, ValueError, httpx.InvalidURL) as error:
            raise InvalidArgument(f"the request cannot be sent: {error}") from error
        own = self._http.base_url
        if (built.url.scheme, built.url.raw_host, built.url.port) != (own.scheme, own.raw_host, own.port):
            raise UnexpectedResponse("the server names a file of another server, which gets no key")
        return built


def _send_request(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Return the response to a request, whose body is still to be read."""
    try:
        return client.send(request, stream=True)
    except (httpx.InvalidURL, UnicodeError) as error:  # httpx parses the target of a redirect
        raise UnexpectedResponse(f"the answer redirects to no address: {error}") from error


def body_of(response: httpx.Response) -> bytes:
    """Return a body that is not a file's. Raises `UnexpectedResponse` if it is encoded, or too long."""
    refuse_encoded(response)
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise UnexpectedResponse(
                f"the answer has more than {MAX_RESPONSE_BYTES} bytes; is the address right?"
            )
    return bytes(body)


def download_file(
    transport: Transport,
    file: Downloadable,
    directory: Path,
    on_bytes: Callable[[int], object],
    patience: float,
) -> Path:
    """Write the file into `directory`, under the name that the server gives it, and return its path.

    `patience`: for how many seconds nothing new may arrive.
    """
    destination = destination_in(directory, file.name)
    progress = Progress(on_bytes)

    def attempt() -> Path:
        with PartialFile(file, destination) as part:
            progress.update(part.size)
            if not part.complete:
                with transport.exchange(
                    "GET", file.url, headers=part.request_headers(), of_file=True
                ) as response:
                    part.begin(response)
                    progress.update(part.size)
                    # httpx itself unpacks without any limit.
                    for chunk in response.iter_raw():
                        part.write(chunk)
                        progress.update(part.size)
                        if part.too_long:
                            break
            return part.finish()

    while True:
        progress.grew = False
        try:
            # The server has answered: it has told of the file.
            return retry(attempt, patience, answered=True)
        except PruneServeError as error:
            # A long download may break off later than the patience ends: each piece begins it anew.
            if not (patience and progress.grew and may_pass(error, answered=True)):
                raise
