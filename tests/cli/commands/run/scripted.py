"""`pruneserve run` at a server whose answers are written down."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from uuid import UUID

from typer.testing import CliRunner, Result

from cli.main import app
from tests.scripted_server import ScriptedServer, job_document, state_event

JOB = ("run", "--model", "org/name", "--sparsity", "0.5")
HOSTILE = (
    "::error::no\n::set-output name=a::b ##[warning]x | a **b** `c` <img src=x> [d](http://e.org) "
    "www.e.org\x1b[2J\ufffe"
)


def verdict(measured: float | None, limit: float = 0.05, **more: object) -> dict[str, Any]:
    margin = None if measured is None else limit - measured
    passed = margin is not None and margin >= 0
    condition = {"name": "max_perplexity_increase", "limit": limit, "measured": measured, "margin": margin}
    condition |= {"state": "passed" if passed else "failed", **more}
    return {"state": condition["state"], "conditions": [condition]}


INCONCLUSIVE = verdict(0.06, state="inconclusive", interval={"low": 0.048, "high": 0.073}, required_sample=96)


def serve(server: ScriptedServer, job_id: UUID, state: str, **more: object) -> None:
    """A server that takes the job, tells two events of it, and then that it has ended."""
    server.on("/v1/jobs", lambda it: it.json(job_document(job_id, "queued"), 201))
    server.on_job(job_id, state, state_event(1, "queued"), state_event(2, state), **more)


def run(place: dict[str, str], *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, [*JOB, *arguments], env=place | environment)


def parsed(junit: Path) -> ET.Element:
    return ET.parse(junit).getroot()  # noqa: S314 - it was written a moment ago
