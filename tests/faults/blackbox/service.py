"""The calls of a client that does not give up: requests are repeated until the service has answered."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import psycopg
import redis

from tests.faults.blackbox.processes import TIMEOUT_SECONDS, Processes, kill_tree
from tests.faults.blackbox.recipes import request_of

Answer = dict[str, Any]
ENDED = {"succeeded", "failed", "cancelled"}


@dataclass(frozen=True)
class Job:
    """A submitted job."""

    id: str
    recipe: str
    key: str
    """The API key of its owner."""


class Service:
    """A whole service as a client, and an operator with the addresses of its servers, see it."""

    def __init__(self, processes: Processes) -> None:
        """Use the service of `processes`, which is started."""
        self.processes = processes
        self.submitted: list[Job] = []
        self._admin = (processes.data / "api-key").read_text().strip()
        url = (processes.data / "address").read_text().strip()
        self._client = httpx.Client(base_url=url, timeout=10, trust_env=False)
        self._owners = count(1)

    def call(
        self,
        method: str,
        path: str,
        key: str,
        body: Answer | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Send a request until it is answered, also while the API or its database is restarted."""
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                response = self._client.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code != 503:
                assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
                answer: Answer = response.json()
                return answer
            assert time.monotonic() < deadline, f"{method} {path}; {self.processes.ends_of_logs()}"
            time.sleep(0.1)

    def new_owner(self) -> str:
        """Return an API key of an owner without jobs, who finds nothing cached."""
        body = {"owner": f"owner-{next(self._owners)}", "name": "faults"}
        return str(self.call("POST", "/v1/keys", self._admin, body)["key"])

    def submit(self, recipe: str, key: str | None = None) -> Job:
        """Submit a job of a new owner, or of the one with this key."""
        key = key or self.new_owner()
        body = request_of(recipe, self.processes.models)
        answer = self.call("POST", "/v1/jobs", key, body, idempotency_key=str(uuid4()))
        job = Job(answer["id"], recipe, key)
        self.submitted.append(job)
        return job

    def show(self, job: Job) -> Answer:
        return self.call("GET", f"/v1/jobs/{job.id}", job.key)

    def artifacts(self, job: Job) -> list[Answer]:
        items: list[Answer] = self.call("GET", f"/v1/jobs/{job.id}/artifacts", job.key)["items"]
        return items

    def events(self, job: Job) -> list[Answer]:
        items: list[Answer] = []
        after = 0
        while page := self.call("GET", f"/v1/jobs/{job.id}/events?after={after}", job.key)["items"]:
            items += page
            after = page[-1]["id"]
        return items

    def wait_for(self, job: Job, reached: Callable[[Answer], bool], *, every: float = 0.0) -> Answer:
        """Wait for a state of a job. `every`: seconds; what passes soon must not be missed."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not reached(shown := self.show(job)):
            assert shown["state"] != "failed", shown["error"]
            assert time.monotonic() < deadline, f"{shown}; {self.processes.ends_of_logs()}"
            time.sleep(every)
        return shown

    def wait_for_stage(self, job: Job, stage: str, *, attempt: int = 1) -> bool:
        """Return whether the job was seen in a stage; not if it has ended before."""
        shown = self.wait_for(
            job,
            lambda shown: (
                shown["state"] in ENDED
                or (
                    shown["attempt"] == attempt
                    and shown["progress"] is not None
                    and shown["progress"]["stage"] == stage
                )
            ),
        )
        return shown["state"] not in ENDED

    def wait_for_end(self, job: Job) -> Answer:
        """Wait until the job has ended in any state."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (shown := self.show(job))["state"] not in ENDED and time.monotonic() < deadline:
            time.sleep(0.2)
        return shown

    def workers(self) -> list[Answer]:
        """Return the workers that the service lists."""
        items: list[Answer] = self.call("GET", "/v1/workers", self._admin)["items"]
        return items

    def idle_workers(self) -> set[str]:
        """Return the names of the workers that run nothing and could take a job."""
        return {item["name"] for item in self.workers() if item["state"] == "idle" and item["capacity"]}

    def wait_for_idle_worker(self, *, known: Collection[str] = ()) -> None:
        """Wait for an idle worker of another name than those known: one that died is listed for a while."""
        self.processes.wait_until(lambda: bool(self.idle_workers() - set(known)), "an idle worker")

    @contextmanager
    def another_worker(self, **environment: str) -> Iterator[psutil.Process]:
        """One more worker that is ready, and is killed at the end."""
        known = self.idle_workers()
        worker = self.processes.start_another("worker", **environment)
        self.wait_for_idle_worker(known=known)
        try:
            yield worker
        finally:
            kill_tree(worker)

    def rows(self) -> int:
        """Return how many jobs the database has."""
        with psycopg.connect(self._secret("DATABASE_URL"), connect_timeout=10) as connection:
            row = connection.execute("SELECT count(*) FROM jobs").fetchone()
            assert row is not None
            return int(row[0])

    @contextmanager
    def broker(self) -> Iterator["redis.Redis"]:
        """A connection to the broker, as an operator has it."""
        with redis.Redis.from_url(self._secret("BROKER_URL"), socket_timeout=60) as client:
            yield client

    def _secret(self, variable: str) -> str:
        environment = self.processes.find("scheduler").environ()
        return environment.get(variable) or Path(environment[f"{variable}_FILE"]).read_text().strip()
