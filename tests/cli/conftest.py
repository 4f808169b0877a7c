"""Servers for the commands to talk to: one that misbehaves on demand, and a whole `pruneserve up`."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from cli.client.data_directory import DataDirectory
from cli.embedded.server import free_port

PATIENCE_SECONDS = 120.0

Answer = Callable[["Exchange"], None]


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

    def json(self, document: object, status: int = 200, kind: str = "application/json") -> None:
        self.body(json.dumps(document).encode(), status, kind)

    def body(self, content: bytes, status: int = 200, kind: str = "application/octet-stream") -> None:
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(content)))
        self.handler.end_headers()
        self.handler.wfile.write(content)

    def stream(self, *events: dict[str, Any]) -> None:
        """Some events, after which the connection breaks."""
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "text/event-stream")
        self.handler.end_headers()
        for event in events:
            text = f"id: {event['id']}\nevent: {event['data']['kind']}\ndata: {json.dumps(event)}\n\n"
            self.handler.wfile.write(text.encode())


@dataclass
class ScriptedServer:
    """Answers each path (without its query) with what a test says."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def on(self, path: str, answer: Answer) -> None:
        self.answers[path] = answer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            scripted.requests.append((self.path, self.headers))
            scripted.answers[self.path.partition("?")[0]](Exchange(self))

        do_GET = do_POST = _answer  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        scripted = ScriptedServer(f"http://127.0.0.1:{http.server_port}")
        threading.Thread(target=http.serve_forever, args=[0.01], daemon=True).start()
        yield scripted
        http.shutdown()


def event(number: int, kind: str = "state", **data: object) -> dict[str, Any]:
    return {"id": number, "at": "2026-01-02T03:04:05Z", "data": data | {"kind": kind}}


def job_document(job_id: UUID, state: str, **more: object) -> dict[str, Any]:
    return {
        "id": str(job_id),
        "state": state,
        "model": "org/name",
        "method": "gblm",
        "pattern": "unstructured",
        "sparsity": 0.5,
        "attempt": 1,
        "progress": None,
        "perplexity": None,
        "error": None,
        "created_at": "2026-01-02T03:04:05Z",
    } | more


@pytest.fixture
def job_id() -> UUID:
    return uuid4()


@dataclass
class Up:
    """A `pruneserve up`, and commands that talk to it as a person's would."""

    data: DataDirectory
    port: int
    process: subprocess.Popen[str]

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        place = {"PRUNESERVE_URL": f"http://127.0.0.1:{self.port}"}
        key = ["--key-file", str(self.data.api_key)]
        return subprocess.run(
            [*PRUNESERVE, *arguments, *key],
            env=os.environ | place | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def succeed(self, *arguments: str) -> str:
        done = self.command(*arguments)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.logs()}"
        return done.stdout

    def wait_until_ready(self) -> None:
        patience = time.monotonic() + PATIENCE_SECONDS
        while not self.data.address.exists():
            assert self.process.poll() is None, self.logs()
            assert time.monotonic() < patience, self.logs()
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in self.data.root.glob("*/*.log"))


SETTINGS = {
    "PRUNESERVE_DEVICE": "cpu",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    # Shorter than in life: after a kill, the dispatcher waits for a lease before it takes a job back.
    "PRUNESERVE_HEARTBEAT_SECONDS": "2",
    "PRUNESERVE_LEASE_SECONDS": "10",
}
PRUNESERVE = [sys.executable, "-m", "cli.main"]


@contextmanager
def up(
    data: Path, *arguments: str, port: int | None = None, command: Sequence[str] = PRUNESERVE
) -> Iterator[Up]:
    """A `pruneserve up` that is ready, stopped at the end if it still runs."""
    port = port or free_port()
    process = subprocess.Popen(
        [*command, "up", "--data", str(data), "--port", str(port), *arguments],
        env=os.environ | SETTINGS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Up(DataDirectory(data), port, process)
    try:
        running.wait_until_ready()
        yield running
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)
