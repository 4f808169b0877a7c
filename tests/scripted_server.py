"""An HTTP server that answers each path with what a test says, and documents like those of the real API."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from tests.http_servers import QuietHandler, serving

NOW = "2026-01-02T03:04:05Z"

Answer = Callable[["Exchange"], None]
Document = dict[str, Any]


@dataclass
class Exchange:
    """One request, and the means to answer it well or badly."""

    handler: BaseHTTPRequestHandler

    @property
    def path(self) -> str:
        return self.handler.path

    @property
    def headers(self) -> Mapping[str, str]:
        return self.handler.headers

    @property
    def wants_stream(self) -> bool:
        return "text/event-stream" in self.headers["Accept"]

    def received(self) -> Any:
        return json.loads(self.handler.rfile.read(int(self.headers["Content-Length"])))

    def json(self, document: object, status: int = 200, kind: str = "application/json") -> None:
        self.body(json.dumps(document).encode(), status, kind)

    def body(
        self, content: bytes, status: int = 200, kind: str = "application/octet-stream", **headers: str
    ) -> None:
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(content)

    def stream(self, *events: Document) -> None:
        """Some events, after which the connection breaks."""
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "text/event-stream")
        self.handler.end_headers()
        for each in events:
            text = f"id: {each['id']}\nevent: {each['data']['kind']}\ndata: {json.dumps(each)}\n\n"
            self.handler.wfile.write(text.encode())

    def list_events(self, *events: Document, limit: int = 500) -> None:
        """The events after the one that the request names."""
        (after,) = parse_qs(urlsplit(self.path).query).get("after", ["0"])
        page = [each for each in events if each["id"] > int(after)][:limit]
        self.json({"items": page, "next_after": page[-1]["id"] if page else int(after)})


@dataclass
class ScriptedServer:
    """Answers each path (without its query) with what a test says."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def on(self, path: str, answer: Answer) -> None:
        self.answers[path] = answer

    def collect(self, path: str, document: object, status: int = 200) -> list[Any]:
        """Answer with a document, and return the bodies that will have come."""
        bodies: list[Any] = []

        def answer(it: Exchange) -> None:
            bodies.append(it.received())
            it.json(document, status)

        self.on(path, answer)
        return bodies

    def on_job(self, job_id: UUID, state: str, *events: Document, **more: object) -> None:
        """A job in a state, whose events are streamed, and listed to those who ask for no stream."""
        self.on(f"/v1/jobs/{job_id}", lambda it: it.json(job_document(job_id, state, **more)))
        self.on(
            f"/v1/jobs/{job_id}/events",
            lambda it: it.stream(*events) if it.wants_stream else it.list_events(*events),
        )


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    class Handler(QuietHandler):
        def _answer(self) -> None:
            scripted.requests.append((self.path, self.headers))
            scripted.answers[self.path.partition("?")[0]](Exchange(self))

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer

    with serving(Handler) as url:
        scripted = ScriptedServer(url)
        yield scripted


def state_event(number: int, state: str = "running", **more: object) -> Document:
    """The event that a job has moved to a state."""
    data = {"kind": "state", "state": state, "attempt": 1, "worker": None, "reason": None, "error": None}
    return {"id": number, "at": NOW, "data": data | more}


def job_document(job_id: UUID, state: str, **more: object) -> Document:
    """A job, as the API describes it by itself."""
    recipe = {"model": {"id": "org/name"}, "method": {"name": "gblm"}}
    times = ("running", "cancelling", "succeeded", "failed", "cancelled", "artifacts_expired")
    return {
        "id": str(job_id),
        "state": state,
        "model": "org/name",
        "method": "gblm",
        "pattern": "unstructured",
        "sparsity": 0.5,
        "measured_sparsity": None,
        "attempt": 1,
        "waiting": None,
        "progress": None,
        "perplexity": None,
        "gate": None,
        "error": None,
        "labels": {},
        "created_at": NOW,
        "queued_at": NOW,
        **dict.fromkeys(f"{name}_at" for name in times),
        "spec": recipe,
        "recipe_fingerprint": "0" * 64,
        "attempts": [],
        "report": None,
    } | more


def problem_document(detail: str, status: int, **errors: str) -> Document:
    """A refusal; `errors` maps fields to messages."""
    fields = [{"field": field, "message": message} for field, message in errors.items()]
    return {"type": "about:blank", "title": "", "status": status, "detail": detail, "errors": fields}


def error_document(message: str, field: str | None = None) -> Document:
    """Why a job failed."""
    return {"type": "invalid_input", "message": message, "field": field}


def sweep_document(sweep_id: UUID, state: str, *jobs: Document, **more: object) -> Document:
    """A sweep with its jobs."""
    return {
        "id": str(sweep_id),
        "state": state,
        "error": None,
        "request": {"job": {}},
        "search": None,
        "created_at": NOW,
        "ended_at": None,
        "jobs": list(jobs),
        "structures": {},
    } | more


def artifact_document(name: str, content: bytes, sha256: str, url: str) -> Document:
    """A file of a job."""
    return {
        "id": str(uuid4()),
        "name": name,
        "size": len(content),
        "sha256": sha256,
        "created_at": NOW,
        "url": url,
    }


def zoo_document(slug: str, *files: Document) -> Document:
    """An entry of the zoo with its files."""
    lineage = dict.fromkeys(("commit", "digest", "architecture", "parameters", "pruneserve", "succeeded_at"))
    return {
        "slug": slug,
        "url": f"/v1/zoo/{slug}",
        "page": f"/zoo/{slug}",
        "model": "org/name",
        "method": "gblm",
        "pattern": "unstructured",
        "sparsity": 0.5,
        "perplexity": {"dense": 10.0, "pruned": 11.0},
        "size": 1,
        "gate": None,
        "note": "",
        "promoted_by": "ada",
        "promoted_at": NOW,
        "measured_sparsity": 0.5,
        "evaluation": "wikitext2",
        "method_options": {},
        "structure": None,
        "lineage": lineage
        | {
            "job_id": str(uuid4()),
            "recipe_fingerprint": "0" * 64,
            "base_model": "org/name",
            "submitted_at": NOW,
        },
        "files": list(files),
        "load": "",
    }
