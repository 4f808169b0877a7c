"""Drives jobs as a worker would, and runs the API as a process."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import httpx
from fastapi.testclient import TestClient

from cli.embedded.process import LOOPBACK, free_port
from jobs import limits
from jobs.access.api_keys import SCOPES
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError, StepFinished
from jobs.queue import backlog
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import Cause, JobState
from jobs.sweeps import sweeps
from pruning.recipe import Stage
from tests.claims import claimed, take
from tests.limits import with_limits

SMALLEST = {"model": "org/name", "method": "gblm", "sparsity": 0.5}

LLAMA = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 32,
    "vocab_size": 100,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}
"""The config.json of a small model."""

ORIGIN = {"Origin": "http://testserver"}
"""Of a browser that shows the page of a `TestClient`."""

MakeKey = Callable[..., str]
ClientOf = Callable[..., TestClient]
Serve = Callable[..., int]


@dataclass(frozen=True)
class Jobs:
    """What a worker does to jobs."""

    database: Database

    def queued(
        self,
        owner: str = "ada",
        *,
        exports: Sequence[str] = (),
        domains: Mapping[str, str] = MappingProxyType({}),
        **recipe: object,
    ) -> UUID:
        evaluation = {"domains": dict(domains)}
        spec = JobSpec.model_validate(
            {"recipe": SMALLEST | recipe, "exports": exports, "evaluation": evaluation}
        )
        with self.database.begin() as session:
            job_id = owner_moves.create(session, owner, spec).id
            backlog.record_needs(session, job_id, None)
            return job_id

    def running(self, owner: str = "ada", **asked: object) -> lifecycle.Claim:
        return self.claim(self.queued(owner, **asked))

    def claim(self, job_id: UUID) -> lifecycle.Claim:
        return take(self.database, job_id, "worker", 3000)

    def progress(self, claim: lifecycle.Claim, stage: str, step: int, steps: int) -> None:
        with self.database.begin() as session:
            event = StepFinished(
                attempt=claim.attempt, stage=Stage(stage), step=step, steps=steps, seconds_left=60.0
            )
            assert lifecycle.record(session, claim, event)

    def succeed(
        self,
        claim: lifecycle.Claim,
        artifacts: Sequence[lifecycle.FinishedArtifact] = (),
        *,
        pruned: float | None = 63.1,
        fidelity: Mapping[str, object] = MappingProxyType({}),
        domains: Mapping[str, object] = MappingProxyType({}),
        structure: Mapping[str, object] | None = None,
        recovery: Mapping[str, object] | None = None,
        exports: Sequence[Mapping[str, object]] = (),
        warnings: Sequence[str] = (),
    ) -> None:
        layers = [
            {
                "name": f"model.layers.0.mlp.{name}",
                "block": 0,
                "zeros": zeros,
                "weights": 10,
                "sparsity": zeros / 10,
            }
            for name, zeros in (("up_proj", 4), ("down_proj", 6))
        ]
        report = {
            "perplexity": {"dense": 26.8, "pruned": pruned, **fidelity},
            "domains": dict(domains),
            "sparsity": {"overall": 0.5, "layers": layers},
            "structure": structure,
            "recovery": recovery,
            "exports": exports,
            "warnings": warnings,
        }
        with self.database.begin() as session:
            assert lifecycle.succeed(session, claim, report, artifacts)

    def fail(self, claim: lifecycle.Claim, message: str) -> None:
        with self.database.begin() as session:
            error = JobError(type="invalid_input", message=message, field="model.id", cause=Cause.REQUEST)
            assert lifecycle.fail(session, claim, error)


DENSE = 20.0
JOB = {"model": "org/name", "method": "gblm"}
"""Of a sweep or a search, which choose the sparsity."""


def perplexity(sparsity: float) -> float:
    """Of a model pruned to this sparsity, in tests of sweeps: it grows."""
    return DENSE * (1 + sparsity**2)


def report_of(claim: lifecycle.Claim) -> dict[str, Any]:
    sparsity = claim.spec.recipe.sparsity
    return {
        "perplexity": {"dense": DENSE, "pruned": perplexity(sparsity)},
        "sparsity": {"overall": sparsity, "layers": []},
        "zero_shot": None,
        "warnings": [],
    }


def submit_sweep(client: TestClient, **body: object) -> dict[str, Any]:
    answer = client.post("/v1/sweeps", json={"job": JOB} | body)
    assert answer.status_code == 201, answer.text
    sweep: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/sweeps/{sweep['id']}"
    return sweep


def pages_of(client: TestClient, path: str, **query: object) -> list[list[dict[str, Any]]]:
    """The items on every page, from the first to the last."""
    found, cursor = [], None
    while True:
        answer = client.get(path, params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


@dataclass(frozen=True)
class SweepRunner:
    """Ends every queued job of a sweep as a worker would: with its report, or as failed where it has none."""

    database: Database
    report_of: Callable[[lifecycle.Claim], Mapping[str, object] | None]
    ended: list[UUID] = field(default_factory=list)

    def run(self, sweep_id: str, client: TestClient) -> dict[str, Any]:
        """Return the sweep once it has ended."""
        while True:
            sweep: dict[str, Any] = client.get(f"/v1/sweeps/{sweep_id}").json()
            if sweep["state"] != "running":
                return sweep
            for job in sweep["jobs"]:
                if job["state"] == JobState.QUEUED:
                    self.end(UUID(job["id"]))
            with self.database.begin() as session:
                sweeps.advance(session)

    def end(self, job_id: UUID) -> None:
        with self.database.begin() as session:
            claim = claimed(session, job_id, "worker", 3000)
            report = self.report_of(claim)
            if report is None:
                assert lifecycle.fail(session, claim, JobError(type="invalid_input", message="no such cut"))
            else:
                assert lifecycle.succeed(session, claim, report, [])
        self.ended.append(job_id)


@dataclass(frozen=True)
class Server:
    """`python -m api` on a port of its own."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    @contextmanager
    def running(cls, settings: Settings, log: Path) -> Iterator["Server"]:
        """Start it, wait until it answers, and kill it at the end. `log` takes what it says."""
        port = free_port()
        environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "BROKER_URL": settings.broker_url.get_secret_value(),
            "STORE_URL": settings.store_url,
            "PRUNESERVE_SECRET_KEYS": ":".join(key.get_secret_value() for key in settings.secret_keys),
            "PRUNESERVE_RATE_LIMIT_PER_MINUTE": str(settings.rate_limit_per_minute),
            **with_limits(MAX_FAILED_SIGN_INS_PER_MINUTE=limits.MAX_FAILED_SIGN_INS_PER_MINUTE),
        }
        command = [sys.executable, "-m", "api", "--port", str(port)]
        with log.open("wb") as file:
            process = subprocess.Popen(command, env=os.environ | environment, stdout=file, stderr=file)
        server = cls(f"http://{LOOPBACK}:{port}", process, log)
        try:
            server._wait_until_it_answers()
            yield server
        finally:
            process.kill()
            process.wait()

    def _wait_until_it_answers(self) -> None:
        while True:
            assert self.process.poll() is None, self.log.read_text()
            try:
                httpx.get(f"{self.url}/healthz", timeout=60)
            except httpx.ConnectError:
                time.sleep(0.05)
            else:
                return


def scopes_but(*left_out: str) -> list[str]:
    return [scope for scope in SCOPES if scope not in left_out]
