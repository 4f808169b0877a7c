"""What every request must pass before any route sees it: its host, its origin, its content type, its size."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import rate_limit
from api.problems.problems import BodyTooLarge, ForeignOrigin, Problem, UnknownHost, UnsupportedMediaType
from api.security.auth import COOKIE
from jobs.settings import Settings

# What an upload may be sent as, and the ending that says the same.
UPLOAD_TYPES = {"text/plain": "txt", "application/jsonl": "jsonl", "application/x-ndjson": "jsonl"}

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_UPLOADS = "/v1/uploads"
# By the beginning of the path, the longest first.
_BODY_TYPES = {
    _UPLOADS: tuple(UPLOAD_TYPES),
    "/v1/": ("application/json",),
    "/": ("application/x-www-form-urlencoded",),
}

# Scripts and styles come from our own files only. `same-origin` and not `no-referrer`: under the latter a
# browser sends 'Origin: null' with our own forms.
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


class Guards:
    """ASGI middleware that refuses a request with a problem document, or passes it on with a bounded body."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Take the host names and the body limit from `settings`."""
        self._app = app
        self._hosts = frozenset(host.lower() for host in settings.allowed_hosts)
        self._max_body = settings.max_body_bytes
        self._max_upload = settings.max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._refusal(scope, headers)
        app = problem.response() if problem else self._app
        scope.setdefault("state", {})
        await app(scope, self._bounded(receive, self._limit(scope)), _hardened(scope, send))

    def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        if _host_name(headers.get("host", "")) not in self._hosts:
            return UnknownHost()
        if scope["method"] in _SAFE_METHODS:
            return None
        if not _same_origin(headers):
            return ForeignOrigin()
        if _has_body(headers):
            expected = next(kind for path, kind in _BODY_TYPES.items() if scope["path"].startswith(path))
            if not _readable(headers, expected):
                kinds = " or ".join(f"'{kind}'" for kind in expected)
                return UnsupportedMediaType(f"Send the body as {kinds}, without a content encoding.")
            if _declared_length(headers) > self._limit(scope):
                return BodyTooLarge(self._limit(scope))
        return None

    def _limit(self, scope: Scope) -> int:
        return self._max_upload if scope["path"].startswith(_UPLOADS) else self._max_body

    def _bounded(self, receive: Receive, limit: int) -> Receive:
        """Count what arrives: a chunked body declares no length, and a declared one may lie."""
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLarge(limit)
            return message

        return bounded


def _host_name(host: str) -> str:
    """The `Host` header without its port; empty where it is not a host."""
    try:
        return urlsplit(f"//{host}").hostname or "" if host else ""
    except ValueError:
        return ""


def _same_origin(headers: Headers) -> bool:
    """Whether a write comes from our own page, or from a program.

    Browsers name the origin of every write. A program sends none, and has no session cookie that another site
    could make it send along.
    """
    origin = headers.get("origin")
    if origin is None:
        return COOKIE not in headers.get("cookie", "")
    return origin.partition("://")[2] == headers["host"]


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _readable(headers: Headers, expected: tuple[str, ...]) -> bool:
    return media_type(headers) in expected and headers.get("content-encoding", "identity") == "identity"


def media_type(headers: Headers) -> str:
    """What the body is said to be, without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _declared_length(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    # The server has checked that these are digits; so many of them are too many, whatever they say.
    return int(length) if len(length) < 16 and length.isascii() and length.isdigit() else 2**63


def _hardened(scope: Scope, send: Send) -> Send:
    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in (_RESPONSE_HEADERS | rate_limit.headers_of(scope)).items():
                headers.setdefault(name, value)
        await send(message)

    return hardened
