"""Requests that nobody sends by mistake, made from the application's own routes, and how they are sent.

They are bytes, because a client library refuses to send the worst of them.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.app import create_app
from jobs.settings import Settings
from pruning.recipe import METHODS
from tests.api.drive import SMALLEST

_STREAMS = ("/stream", "/events")
"""Endings of paths whose answers do not end."""

STRANGE: Sequence[object] = (
    "\x00",
    "org/\x00",
    "\ud800",
    "\u202e",
    "../../etc/passwd",
    "/proc/self/environ",
    "/" * 500,
    "é" * 600,
    "'; DROP TABLE jobs; --",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "upload:00000000-0000-0000-0000-000000000000",
    "http://169.254.169.254/",
    float("nan"),
    float("inf"),
    -0.0,
    1e308,
    5e-324,
    10**400,
    -(10**400),
    2**63,
    -1,
    True,
    None,
    [],
    {},
    [[[[[[]]]]]],
    *METHODS,
)
_FIELDS = (
    "model",
    "method",
    "pattern",
    "sparsity",
    "calibration",
    "dtype",
    "evaluation",
    "labels",
    "gate",
    "url",
    "save_masks",
    "extra",
)
_INSIDE = (
    *_FIELDS,
    *("name", "id", "revision", "dataset", "samples", "sequence_length", "seed", "windows", "alpha", "norm"),
)
_QUERIES = (
    "state",
    "method",
    "model",
    "limit",
    "cursor",
    "after",
    "before",
    "token",
    "next",
    "label",
    "a",
    "b",
)
_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "Accept",
    "Cookie",
    "Host",
    "Origin",
    "Range",
    "If-None-Match",
)
_OFTEN = (("POST", "/v1/jobs"), ("GET", "/v1/jobs"), ("POST", "/sign-in"), ("GET", "/sign-in"))
"""What reads most of a request: every fourth goes to one of these."""
_PLANES = (0x80, 0x800, 0x10000, 0x110000)
"""Where the characters end that UTF-8 writes with one to four bytes."""
_BODIES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
)


@dataclass(frozen=True)
class HostileRequest:
    """The bytes, and whether the server can answer them: some never end, and the client hangs up."""

    content: bytes
    answered: bool = True


class HostileRequests:
    """An endless, seeded row of them."""

    def __init__(self, app: FastAPI, keys: Sequence[str], seed: int) -> None:
        """`keys`: API keys, one of which most requests carry."""
        self._targets = [
            (method, route.path)
            for route in iter_route_contexts(app.routes)
            for method in sorted(route.methods or ())
            if not route.path.endswith(_STREAMS)
        ]
        self._keys = keys
        self._random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret

    def __iter__(self) -> Iterator[HostileRequest]:
        while True:
            kind = self._random.random()
            if kind < 0.02:
                yield HostileRequest(
                    self._random.randbytes(self._random.randint(1, 300)) + b"\r\n\r\n", False
                )
            elif kind < 0.04:
                yield HostileRequest(self._framed(length=10**9), False)
            elif kind < 0.05:
                yield HostileRequest(self._framed(headers={"X-Long": "x" * 100_000}))
            else:
                yield HostileRequest(self._framed())

    def _framed(self, length: int | None = None, headers: dict[str, str] | None = None) -> bytes:
        method, template = self._random.choice(self._targets if self._random.random() < 0.75 else _OFTEN)
        if self._random.random() < 0.05:
            method = self._random.choice(["GET", "POST", "DELETE", "PATCH", "PUT", "TRACE", "X" * 50])
        body, content_type = self._body() if method != "GET" else (b"", "")
        lines = {"Host": "127.0.0.1", "Content-Length": str(len(body) if length is None else length)}
        if content_type:
            lines["Content-Type"] = content_type
        if self._random.random() < 0.9:
            lines["Authorization"] = f"Bearer {self._random.choice(self._keys)}"
        if self._random.random() < 0.3:
            lines[self._random.choice(_HEADERS)] = _in_a_header(self._bytes())
        head = [f"{method} {self._path(template)} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in (lines | (headers or {})).items()]
        return "\r\n".join([*head, "", ""]).encode("latin-1") + body

    def _path(self, template: str) -> str:
        parts = [self._segment() if "{" in part else part for part in template.split("/")]
        query = {self._random.choice(_QUERIES): self._bytes() for _ in range(self._random.randint(0, 3))}
        path = "/".join(parts)
        return f"{path}?{urlencode(query)}" if query else path

    def _segment(self) -> str:
        if self._random.random() < 0.5:
            return str(UUID(int=self._random.getrandbits(128)))
        return quote(self._bytes(), safe="")[:2000]

    def _body(self) -> tuple[bytes, str]:
        kind = self._random.random()
        if kind < 0.1:
            return self._random.randbytes(self._random.randint(0, 200)), self._random.choice(_BODIES)
        if kind < 0.15:
            return b"[" * 20_000, _BODIES[0]
        if kind < 0.3:
            form = {self._random.choice((*_FIELDS, "key", "next", "csrf")): self._bytes() for _ in range(4)}
            return urlencode(form).encode(), _BODIES[1]
        if kind < 0.35:
            return json.dumps(self._value()).encode(), _BODIES[0]
        changes = {self._random.choice(_FIELDS): self._value() for _ in range(self._random.randint(0, 3))}
        recipe = SMALLEST | changes
        document = recipe if self._random.random() < 0.7 else {"recipe": recipe, "jobs": [recipe] * 3}
        return json.dumps(document).encode(), _BODIES[0]

    def _value(self, depth: int = 2) -> object:
        """Return a value, or a list or an object of such; some objects name a method."""
        kind = self._random.random()
        if depth == 0 or kind < 0.5:
            return self._random.choice((self._random.choice(STRANGE), self._text()))
        values = [self._value(depth - 1) for _ in range(self._random.randint(0, 4))]
        if kind < 0.6:
            return values
        fields = {self._random.choice(_INSIDE): value for value in values}
        return fields | {"name": self._random.choice([*METHODS])} if kind < 0.75 else fields

    def _text(self) -> str:
        """Return one of the strange values, or a random text, lone surrogates included."""
        if self._random.random() < 0.5:
            return str(self._random.choice(STRANGE))
        plane = self._random.choice(_PLANES)
        return "".join(chr(self._random.randrange(plane)) for _ in range(self._random.randint(0, 50)))

    def _bytes(self) -> bytes:
        """Return such a text, or random bytes, which are hardly ever UTF-8."""
        if self._random.random() < 0.3:
            return self._random.randbytes(self._random.randint(0, 60))
        return self._text().encode("utf-8", "surrogatepass")


def _in_a_header(value: bytes) -> str:
    """Return what can stand in one line of a header."""
    return value.translate(None, b"\r\n\x00").decode("latin-1")


@dataclass
class Outcome:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    """The first lines of those that were answered with 503 and Retry-After."""

    def add(self, request: HostileRequest, status: int, head: str) -> None:
        """Count an answer. A 5xx is a fault, except a 503 that says when to come back."""
        self.statuses[status] += 1
        if status == 503 and "retry-after:" in head.lower():
            self.busy.append(request.content.split(b"\r\n", 1)[0].decode("latin-1")[:200])
        elif status >= 500:
            self.faults.append(f"{status} for {request.content[:500]!r}")


def hostile_requests(settings: Settings, keys: Sequence[str], seed: int) -> HostileRequests:
    """Return those for the routes of the application."""
    return HostileRequests(create_app(settings), keys, seed)


async def send(
    port: int,
    requests: Iterator[HostileRequest],
    *,
    connections: int = 16,
    sent: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Send them over some connections at once. `sent` is called with the number so far."""
    outcome = Outcome()
    numbered = enumerate(requests, 1)

    async def one_client() -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for number, request in numbered:
            if connection is None:
                connection = await asyncio.open_connection("127.0.0.1", port)
            if not await _exchange(connection, request, outcome):
                connection[1].close()
                connection = None
            sent(number)
        if connection is not None:
            connection[1].close()

    await asyncio.gather(*(one_client() for _ in range(connections)))
    return outcome


async def _exchange(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: HostileRequest, outcome: Outcome
) -> bool:
    """Send one request and read its answer. Return whether the connection can be used again."""
    reader, writer = connection
    try:
        writer.write(request.content)
        await writer.drain()
        if not request.answered:
            return False
        async with asyncio.timeout(60):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status = int(head.split(" ", 2)[1])
            outcome.add(request, status, head)
            lines = {
                line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head.split("\r\n")
            }
            if status in (204, 304) or request.content.startswith(b"HEAD "):
                pass  # its headers are those of an answer with a body, which does not follow
            elif "content-length" in lines:
                await reader.readexactly(int(lines["content-length"]))
            elif lines.get("transfer-encoding") == "chunked":
                await reader.readuntil(b"0\r\n\r\n")
        return lines.get("connection") != "close"
    except (ConnectionError, asyncio.IncompleteReadError):
        return False  # it may hang up on what is not HTTP
    except (TimeoutError, asyncio.LimitOverrunError) as error:
        outcome.faults.append(f"{type(error).__name__} for {request.content[:500]!r}")
        return False
