"""Write `<version>.sql`: a database of this version, with rows in every table, for `test_upgrade.py`.

Once, before the version is tagged: `python -m pytest tests/migrations/write_released.py`.
"""

import base64
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
from sqlalchemy.orm import Session

from cli.embedded.postgres import _binary as postgres_program
from jobs.lifecycle import attempt_files, lifecycle, owner_moves
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import backlog
from jobs.states import JobState
from jobs.storage import uploads
from jobs.storage.store import StoredFile
from tests.stack import Stack, signal_to
from tools.release import CHECKOUT, version_of

RELEASED = Path(__file__).parent
SECRET_KEY = base64.urlsafe_b64encode(bytes(32)).decode()
"""The key of the webhook secrets in the dump."""

NO_ROWS = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


def test_a_database_of_this_version_is_written(shared_stack: Stack) -> None:
    stack = shared_stack
    stack.environment["PRUNESERVE_SECRET_KEYS"] = SECRET_KEY
    processes = [stack.start_scheduler(), stack.start_worker()]
    ended = use_over_rest(stack, stack.start_api())
    for process in processes:  # so that its row remains
        signal_to(process, signal.SIGKILL, children=True)
    with stack.database.begin() as session:
        leave_unfinished(session, stack)
        assert owner_moves.delete(session, "ada", ended)
    url = stack.environment["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        tables = [name for (name,) in connection.execute(NO_ROWS)]
        empty = [name for name in tables if not connection.execute(f"SELECT FROM {name} LIMIT 1").rowcount]
    assert len(tables) > 25
    assert empty == []
    dump = [postgres_program("pg_dump"), "--no-owner", "--no-privileges", url]
    (RELEASED / f"{version_of(CHECKOUT)}.sql").write_text(anonymous(run(dump), stack))


def use_over_rest(stack: Stack, api: httpx.Client) -> UUID:
    """Make keys, files, endpoints and jobs of every kind, and return one of the jobs, which have ended."""

    def post(path: str, body: object, **headers: str) -> dict[str, Any]:
        answer = api.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    post("/v1/webhooks", {"url": "https://hooks.example.org/pruned"})
    post("/v1/keys", {"name": "CI", "scopes": ["jobs:read"]})
    text = {"content": b"a text to calibrate on", "headers": {"Content-Type": "text/plain"}}
    assert api.post("/v1/uploads?name=ours.txt", **text).is_success
    assert api.patch("/v1/shares/eve", json={"weight": 2}).is_success

    pruning = stack.spec().as_request()
    pruning |= {"name": "half", "labels": {"team": "ml"}, "gate": {"max_perplexity_increase": 1.0}}
    smaller = stack.spec(method=None, sparsity=None, structure={"mlp_channels": 0.25}).as_request()
    calibration = pruning["calibration"]
    jobs = [
        post("/v1/jobs", pruning, **{"Idempotency-Key": "once"}),
        post("/v1/jobs", smaller),
        post("/v1/jobs", stack.spec(method="magnitude").as_request()),
        post("/v1/jobs", {"model": pruning["model"], "norms": ["l1"], "calibration": calibration}),
    ]
    varied = {name: value for name, value in pruning.items() if name not in ("sparsity", "gate", "name")}
    sweep = post("/v1/sweeps", {"job": varied, "vary": {"sparsity": [0.25, 0.75]}})
    missing = stack.submit(stack.spec(model=str(stack.model.parent / "missing")))
    assert stack.wait_for_end(missing).state == JobState.FAILED
    assert {stack.wait_for_end(UUID(job["id"])).state for job in jobs} == {JobState.SUCCEEDED}
    stack.wait_until(lambda: api.get(f"/v1/sweeps/{sweep['id']}").json()["state"] != "running")
    post("/v1/zoo", {"job_id": jobs[0]["id"], "note": "for chat"})
    assert api.patch("/v1/queues/cpu", json={"paused": True}).is_success
    form = {"key": api.headers["Authorization"].removeprefix("Bearer "), "next": "/jobs"}
    assert api.post("/sign-in", data=form, headers={"Origin": str(api.base_url)}).has_redirect_location
    return UUID(jobs[2]["id"])


def leave_unfinished(session: Session, stack: Stack) -> None:
    """What passes soon: a job that runs, with a block and a file in the store, and files to delete."""
    queued = stack.submit(stack.spec(seed=1))
    backlog.record_needs(session, queued, None)
    claim = lifecycle.claim(session, queued, "worker", 3000)
    assert isinstance(claim, Claim)
    file = StoredFile(f"jobs/{queued}/model.safetensors", 1, "ab" * 32)
    assert attempt_files.record_sent_file(session, claim, "model.safetensors", file)
    assert attempt_files.record_block(session, claim, "prune", 0, file, {"numerics": 2})
    uploads.announce(session, "ada", "uploads/begun", size=1, quota=10**9)


def anonymous(dump: str, stack: Stack) -> str:
    """Take the names of this machine and the server's own settings out of a dump."""
    dump = dump.replace(str(stack.model.parent), "/srv/models").replace(
        str(stack.calibration.parent), "/srv/data"
    )
    dump = dump.replace(socket.gethostname(), "host-1")
    return re.sub(r"^(SET transaction_timeout|\\restrict|\\unrestrict|--).*\n", "", dump, flags=re.MULTILINE)


def run(command: list[Path | str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
