"""Checks every request before it reaches a route: host, origin, content type and size."""

import asyncio
import math
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import rate_limit
from api.problems.base import Problem
from api.problems.catalogue import BodyTooLarge, BodyTooSlow, ForeignOrigin, UnknownHost, UnsupportedMediaType
from api.security.auth import COOKIE
from jobs.settings import Settings

# Media types of uploads, and the file name extension of each.
UPLOAD_TYPES = {
    "text/plain": "txt",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/x-safetensors": "safetensors",
}

_BODY_SECONDS = 60.0
# On average, after that time. The longest text takes less than the day after which an upload is given up.
_MIN_UPLOAD_BYTES_PER_SECOND = 4096

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# Probes use the process's own address, which no operator can list. They get the status alone, because a page
# in a browser can send the same request, under a name of its own that resolves to this address.
_PROBES = ("/healthz", "/readyz")
MAX_BODY_BYTES = 64 * 1024
"""Of a request that is not an upload."""
MAX_TEXT_BYTES = 256 * 2**20
"""Of one uploaded text."""
_UPLOADS = "/v1/uploads"
# By path prefix, the longest first.
_BODY_TYPES = {
    _UPLOADS: tuple(UPLOAD_TYPES),
    "/v1/": ("application/json",),
    "/": ("application/x-www-form-urlencoded",),
}

# Scripts and styles come from the service's own files only. `same-origin` and not `no-referrer`, with which
# browsers send 'Origin: null' from its own forms.
_RESPONSE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class RequestGuard:
    """ASGI middleware that refuses a request with a problem, or passes it on with a limit on its body."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._public = settings.public_url
        self._hosts = frozenset(host.lower() for host in settings.allowed_hosts) | _hosts_of(self._public)
        self._headers = _encoded(_RESPONSE_HEADERS | _strict_transport(self._public))
        self._max_norms = settings.quota_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = scope["scheme"]
        if self._public:
            # Cookies and redirects follow the scheme of the public URL, not that of the proxy's request.
            scope["scheme"] = urlsplit(self._public).scheme
        _drop_disguised_cookies(scope)
        headers = Headers(scope=scope)
        known = _host_name(headers.get("host", "")) in self._hosts
        scope.setdefault("state", {})["known_host"] = known
        problem = self._problem(scope, headers, connection, known=known)
        app = problem.response() if problem else self._app
        bounded = self._bounded(
            _with_timeout(receive, scope) if _has_body(headers) else receive, self._limit(scope)
        )
        try:
            await app(scope, bounded, _with_security_headers(scope, send, self._headers))
        finally:
            rate_limit.release(scope)

    def _problem(self, scope: Scope, headers: Headers, connection: str, *, known: bool) -> Problem | None:
        safe = scope["method"] in _SAFE_METHODS
        if safe and (known or scope["path"] in _PROBES):
            return None
        if not known:
            return UnknownHost()
        if not _same_origin(headers, self._public, connection):
            return ForeignOrigin()
        if _has_body(headers):
            expected = next(kind for path, kind in _BODY_TYPES.items() if scope["path"].startswith(path))
            if not _is_accepted(headers, expected):
                kinds = " or ".join(f"'{kind}'" for kind in expected)
                return UnsupportedMediaType(f"Send the body as {kinds}, without a content encoding.")
            if _declared_length(headers) > self._limit(scope):
                return BodyTooLarge(self._limit(scope))
        return None

    def _limit(self, scope: Scope) -> int:
        if not scope["path"].startswith(_UPLOADS):
            return MAX_BODY_BYTES
        is_text = UPLOAD_TYPES.get(media_type(Headers(scope=scope))) != "safetensors"
        return MAX_TEXT_BYTES if is_text else self._max_norms

    def _bounded(self, receive: Receive, limit: int) -> Receive:
        """Count the bytes received: a chunked body declares no length, and a declared one may be wrong."""
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLarge(limit)
            return message

        return bounded


def _drop_disguised_cookies(scope: Scope) -> None:
    """Drop the cookies with a byte that is not printable ASCII, which no cookie of the service has.

    Starlette strips names of U+00A0 and U+0085. With one in front of `__Host-`, a browser takes the cookie
    of another host of the domain, and it would be read in place of the service's own.
    """
    scope["headers"] = [
        (name, _printable_cookies(value) if name == b"cookie" else value) for name, value in scope["headers"]
    ]


def _printable_cookies(header: bytes) -> bytes:
    return b";".join(it for it in header.split(b";") if it.isascii() and it.decode().isprintable())


def _with_timeout(receive: Receive, scope: Scope) -> Receive:
    """Limit the time for a body: for all of it, or for the next chunk of an upload and by what has arrived.

    Only the waiting counts, and not how long the store takes.
    """
    loop = asyncio.get_running_loop()
    bytes_per_second = _MIN_UPLOAD_BYTES_PER_SECOND if scope["path"].startswith(_UPLOADS) else math.inf
    waited, earned, ended = 0.0, 0.0, False

    async def in_time() -> Message:
        nonlocal waited, earned, ended
        if ended:  # what comes now is the end of the connection
            return await receive()
        begun = loop.time()
        try:
            async with asyncio.timeout(_BODY_SECONDS - max(0.0, waited - earned)):
                message = await receive()
        except TimeoutError as error:
            raise BodyTooSlow(_BODY_SECONDS, _MIN_UPLOAD_BYTES_PER_SECOND) from error
        waited += loop.time() - begun
        earned += len(message.get("body", b"")) / bytes_per_second
        ended = not message.get("more_body", False)
        return message

    return in_time


def _host_name(host: str) -> str:
    """Return the `Host` header without its port, or nothing if it is not a host."""
    try:
        return urlsplit(f"//{host}").hostname or "" if host else ""
    except ValueError:
        return ""


def _hosts_of(public: str | None) -> frozenset[str]:
    return frozenset({_host_name(urlsplit(public).netloc)}) if public else frozenset()


def _strict_transport(public: str | None) -> dict[str, str]:
    """Return the header with which browsers use https alone for a year, if the service is public by https."""
    if not (public or "").startswith("https:"):
        return {}
    return {"Strict-Transport-Security": "max-age=31536000"}


def _same_origin(headers: Headers, public: str | None, connection: str) -> bool:
    """Whether a write comes from the service's own page, or from a program.

    Browsers send the origin with every write. Programs send none, and have no session cookie that another
    site could make them send. `connection`: its scheme; a proxy may speak https in front of http.
    """
    origin = headers.get("origin")
    if origin is None:
        return COOKIE not in headers.get("cookie", "")
    scheme, _, host = origin.partition("://")
    if public and host == urlsplit(public).netloc:
        return origin == public  # the same host by http is another site, which a host on the way can pose as
    return host == headers["host"] and scheme in ("https", connection)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _is_accepted(headers: Headers, expected: tuple[str, ...]) -> bool:
    return media_type(headers) in expected and headers.get("content-encoding", "identity") == "identity"


def media_type(headers: Headers) -> str:
    """Return the declared media type of the body, without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def body_size(headers: Headers, *, at_most: int) -> int:
    """Return how many bytes a body has, or may have where it declares no length."""
    return at_most if "transfer-encoding" in headers else min(at_most, _declared_length(headers))


def _declared_length(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    # The server has checked that these are digits. A number with more digits exceeds every limit.
    return int(length) if len(length) < 16 and length.isascii() and length.isdigit() else 2**63


def _encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in headers.items()}


def _with_security_headers(scope: Scope, send: Send, fixed: dict[bytes, bytes]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            names = {name for name, _ in given}
            wanted = fixed | _encoded(rate_limit.headers_of(scope))
            message["headers"] = given + [header for header in wanted.items() if header[0] not in names]
        await send(message)

    return send_with_headers
