"""Gives every request an id, a span, and a measured time to the first byte, also when it fails."""

import re
import time
from http import HTTPStatus
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.monitoring import traces
from jobs.monitoring.catalogue import REQUEST_SECONDS
from jobs.monitoring.logs import bind_request, new_request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNTRACED = ("GET", "HEAD", "OPTIONS")  # they begin nothing that continues elsewhere
_METHOD_LABELS = {"GET": "GET", "HEAD": "GET", "POST": "POST", "DELETE": "DELETE"}


class RequestMonitor:
    """ASGI middleware around all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, responded = time.perf_counter(), False
        headers, span = Headers(scope=scope), None
        request_id = _request_id(headers)
        new_request(request_id)

        async def send_measured(message: Message) -> None:
            nonlocal responded
            if message["type"] == "http.response.start":
                responded = True
                _record(scope["method"], message["status"], time.perf_counter() - started)
                if (principal := scope.get("state", {}).get("principal")) is not None:
                    bind_request(owner=principal.owner)
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
                traces.record_response(span, _name(scope), message["status"])
            await send(message)

        try:
            if scope["method"] in _UNTRACED:
                await self._app(scope, receive, send_measured)
            else:
                # Not its parent: a client, with or without a key, would decide about sampling.
                with traces.span(scope["method"], link=headers.get("traceparent")) as span:
                    await self._app(scope, receive, send_measured)
        except Exception:  # the response is made outside of this middleware
            if not responded:
                _record(scope["method"], HTTPStatus.INTERNAL_SERVER_ERROR, time.perf_counter() - started)
            raise


def _request_id(headers: Headers) -> str:
    """Return the id that a proxy or client has given the request, if it is a short word; else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _name(scope: Scope) -> str:
    """Return the method with the path as the route has it: no id, and no text chosen by a client."""
    route = getattr(scope.get("route"), "path", "")
    return f"{scope['method']} {route}".rstrip()


def _record(method: str, status: int, seconds: float) -> None:
    REQUEST_SECONDS.record(
        seconds, method=_METHOD_LABELS.get(method, "other"), status=f"{min(max(status // 100, 2), 5)}xx"
    )
