"""`make bench-api`: measures one API process with many jobs: response times, submits, delay of its events.

A real PostgreSQL is filled with jobs, and a real API process answers HTTP requests, one at a time. Then
several clients submit jobs at once. At last many streams are opened, jobs make progress, and each event is
timed from its timestamp in the database to the client.
"""

import argparse
import asyncio
import http.client
import itertools
import json
import math
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from uuid import UUID

import httpx
import psutil
from httpx_sse import EventSource
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

import migrations
from bench.service.seed_jobs import fill, rows_read
from cli.embedded.postgres import Postgres
from cli.embedded.process import LOOPBACK, free_port
from cli.embedded.services import Api
from jobs import queries
from jobs.access import api_keys
from jobs.database import engine_from, sessions
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError, StepFinished
from jobs.queries import JobFilter
from jobs.settings import Settings
from jobs.spec.gate import GateState
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import Job
from pruning.recipe import Stage

_OWNER = "ada"
_PAGE = 50
_PACED_CLIENTS = 32
_FOLLOWED = 50  # jobs that make progress; the streams are spread over them
_LISTS = {
    "everything": (JobFilter(), ""),
    "one state": (JobFilter(states=(JobState.FAILED,)), "state=failed"),
    "three states": (
        JobFilter(states=(JobState.QUEUED, JobState.RUNNING, JobState.FAILED)),
        "state=queued&state=running&state=failed",
    ),
    "method": (JobFilter(method="wanda"), "method=wanda"),
    "model": (JobFilter(model="org/model-7"), "model=org/model-7"),
    "gate": (JobFilter(gate=GateState.FAILED), "gate=failed"),
    "common label": (JobFilter(labels=(("branch", "main"),)), "label=branch%3Dmain"),
    "rare label": (JobFilter(labels=(("pipeline", "300"),)), "label=pipeline%3D300"),
    "method, label": (
        JobFilter(method="wanda", labels=(("branch", "main"),)),
        "method=wanda&label=branch%3Dmain",
    ),
}


@dataclass(frozen=True)
class Subject:
    """The service under measurement."""

    database: sessionmaker[Session]
    url: str
    headers: dict[str, str]
    process: psutil.Process


class Client:
    """A persistent connection. It costs this machine, which also runs the API, a fraction of httpx."""

    def __init__(self, service: Subject, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection(service.url.partition("://")[2], timeout=60)
        self._headers = {"Content-Type": "application/json", **headers}
        self.close = self._connection.close

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Send a request, and read all of its answer."""
        self._connection.request(method, path, body, {**self._headers, **(headers or {})})
        answer = self._connection.getresponse()
        answer.read()
        return answer


@contextmanager
def subject(jobs: int) -> Iterator[Subject]:
    """Start a database with `jobs` jobs and one API process."""
    with tempfile.TemporaryDirectory() as directory, Postgres(Path(directory) / "postgres") as postgres:
        migrations.upgrade(postgres.url)
        Path(directory, "store").mkdir()
        place = {
            "DATABASE_URL": postgres.url,
            "BROKER_URL": f"redis://{LOOPBACK}:1/0",
            "STORE_URL": f"file://{directory}/store",
        }
        engine = engine_from(Settings.model_validate(place))
        with engine.begin() as connection:
            fill(connection, _spec(), json.dumps(_report()), jobs=jobs)
        database = sessions(engine)
        with database.begin() as session:
            key = api_keys.create(session, _OWNER, "bench")
        unlimited = dict.fromkeys(
            ("PRUNESERVE_RATE_LIMIT_PER_MINUTE", "PRUNESERVE_MAX_QUEUED_JOBS"), "1000000"
        )
        with Api(Path(directory) / "api", free_port(), place | unlimited) as api:
            yield Subject(database, api.url, {"Authorization": f"Bearer {key}"}, psutil.Process(api.pid))
        engine.dispose()


def _spec() -> JobSpec:
    return JobSpec.model_validate({"recipe": {"model": "org/name", "method": "gblm", "sparsity": 0.5}})


def _report() -> dict[str, object]:
    """Return a report as long as that of a model of 32 blocks with 7 layers each."""
    layers = [
        {
            "name": f"model.layers.{block}.self_attn.{name}_proj",
            "block": block,
            "shape": [4096, 4096],
            "zeros": 8388608,
            "weights": 16777216,
            "sparsity": 0.5,
        }
        for block in range(32)
        for name in ("q", "k", "v", "o", "gate", "up", "down")
    ]
    return {"sparsity": {"overall": 0.5, "layers": layers}, "warnings": []}


def answers(service: Subject, requests: int) -> Table:
    """Time lists and single jobs, and count the rows that the lists' query plans read.

    The API's own CPU time is the cost of an answer whatever else runs on the machine.
    """
    heads = ("p50 ms", "p99 ms", "CPU ms", "rows of a page", "rows read")
    table = Table("", *heads, title="response times over HTTP")
    with closing(Client(service, service.headers)) as client:
        for name, (wanted, query) in _LISTS.items():
            times = _timed(service, requests, partial(client.ask, "GET", f"/v1/jobs?limit={_PAGE}&{query}"))
            with service.database.begin() as session:
                found = queries.newest(session, _OWNER, wanted, before=None, limit=_PAGE + 1)
                read = rows_read(session.connection(), queries.page(_OWNER, wanted, None, _PAGE + 1))
            table.add_row(f"list: {name}", *times, str(len(found)), str(read))
        with service.database.begin() as session:
            reported = select(Job.id).where(Job.owner == _OWNER, func.pg_column_size(Job.report) > 1000)
            ids = itertools.cycle(session.scalars(reported.limit(200)).all())
        shown = _timed(service, requests, lambda: client.ask("GET", f"/v1/jobs/{next(ids)}"))
        table.add_row("show", *shown, "", "")
        path = f"/v1/jobs/{next(ids)}"
        tag = {"If-None-Match": client.ask("GET", path).headers["ETag"] or ""}
        unchanged = _timed(service, requests, partial(client.ask, "GET", path, headers=tag))
        table.add_row("show, unchanged (304)", *unchanged, "", "")
    return table


def submits(service: Subject, requests: int) -> Table:
    """Submit jobs, from one client and from several at once, each of an owner of its own."""
    table = Table("clients", "submits a second", "p50 ms", "p99 ms", "CPU ms", title="submits")
    body = json.dumps(_spec().as_request()).encode()

    def submit(owner: str, count: int) -> list[float]:
        with service.database.begin() as session:
            headers = {"Authorization": f"Bearer {api_keys.create(session, owner, 'bench')}"}
        with closing(Client(service, headers)) as client:
            return [_seconds(partial(client.ask, "POST", "/v1/jobs", body)) for _ in range(count)]

    for clients in (1, 4, 16):
        cpu, began = _cpu(service), time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            owners = [f"{_OWNER}-{number}" for number in range(clients)]
            times = [*itertools.chain(*pool.map(submit, owners, [requests // clients] * clients))]
        rate = len(times) / (time.perf_counter() - began)
        late = [f"{1000 * _percentile(times, share):.1f}" for share in (0.5, 0.99)]
        table.add_row(str(clients), f"{rate:.0f}", *late, f"{1000 * (_cpu(service) - cpu) / len(times):.2f}")
    return table


def paced(service: Subject, per_second: float, seconds: float) -> str:
    """Submit so many jobs a second, whether or not the ones before were answered; say how that went."""
    with service.database.begin() as session:
        headers = {"Authorization": f"Bearer {api_keys.create(session, 'paced', 'bench')}"}
    body, began, count = (
        json.dumps(_spec().as_request()).encode(),
        time.perf_counter(),
        round(per_second * seconds),
    )
    clients: SimpleQueue[Client] = SimpleQueue()

    def submit(number: int) -> float | None:
        due, client = began + number / per_second, clients.get()
        time.sleep(max(0.0, due - time.perf_counter()))
        try:
            answer = client.ask("POST", "/v1/jobs", body)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            clients.put(client)
        return time.perf_counter() - due if answer.status == http.HTTPStatus.CREATED else None

    with ExitStack() as open_clients, ThreadPoolExecutor(_PACED_CLIENTS) as pool:
        for _ in range(_PACED_CLIENTS):
            clients.put(open_clients.enter_context(closing(Client(service, headers))))
        late = [*pool.map(submit, range(count))]
    took = time.perf_counter() - began
    answered = [each for each in late if each is not None]
    p50, p99 = (1000 * _percentile(answered, share) for share in (0.5, 0.99))
    return (
        f"{per_second:g} submits a second for {seconds:g} s: {len(answered)} of {count} answered with 201, "
        f"the last after {took:.1f} s; from when each was due p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    )


def _cpu(service: Subject) -> float:
    used = service.process.cpu_times()
    return float(used.user + used.system)


def _seconds(ask: Callable[[], http.client.HTTPResponse]) -> float:
    began = time.perf_counter()
    answer = ask()
    took = time.perf_counter() - began
    assert answer.status in (httpx.codes.OK, httpx.codes.CREATED, httpx.codes.NOT_MODIFIED), answer.reason
    return took


def _timed(service: Subject, requests: int, ask: Callable[[], http.client.HTTPResponse]) -> list[str]:
    before = _cpu(service)
    times = [_seconds(ask) for _ in range(requests)]
    cpu = (_cpu(service) - before) / requests
    return [f"{1000 * value:.1f}" for value in (_percentile(times, 0.5), _percentile(times, 0.99), cpu)]


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


async def delays(service: Subject, streams: int, rate: float, seconds: float) -> list[float]:
    """Return the delay from each event's database timestamp to each client that reads it, in seconds."""
    claims = [_running_job(service.database) for _ in range(_FOLLOWED)]
    ready = asyncio.Semaphore(0)
    found: list[float] = []
    async with httpx.AsyncClient(
        base_url=service.url,
        headers=service.headers,
        timeout=None,  # noqa: S113 - a stream is silent until something happens
        limits=httpx.Limits(max_connections=None),
        trust_env=False,
    ) as client:
        readers = [
            asyncio.create_task(_read(client, claim.job_id, ready, found))
            for claim in itertools.islice(itertools.cycle(claims), streams)
        ]
        for _ in readers:
            await ready.acquire()
        writer = threading.Thread(target=_write, args=[service.database, claims, rate, seconds])
        writer.start()
        await asyncio.to_thread(writer.join)
        await asyncio.gather(*readers)
    return found


def _running_job(database: sessionmaker[Session]) -> lifecycle.Claim:
    with database.begin() as session:
        job = owner_moves.create(session, _OWNER, _spec())
        claim = lifecycle.claim(session, job.id, "bench", 3600)
    assert claim is not None
    return claim


async def _read(
    client: httpx.AsyncClient, job_id: UUID, ready: asyncio.Semaphore, found: list[float]
) -> None:
    async with client.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        assert response.status_code == httpx.codes.OK, await response.aread()
        async for message in EventSource(response).aiter_sse():
            now = time.time()
            event = json.loads(message.data)
            if event["id"] == 2:  # "running": measure from here on
                ready.release()
            if event["data"]["kind"] == "progress":
                found.append(now - datetime.fromisoformat(event["at"]).timestamp())


def _write(
    database: sessionmaker[Session], claims: Sequence[lifecycle.Claim], rate: float, seconds: float
) -> None:
    began = time.monotonic()
    for number in range(round(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        with database.begin() as session:
            claim = claims[number % len(claims)]
            lifecycle.record(
                session, claim, StepFinished(attempt=1, stage=Stage.PRUNE, step=number, steps=number)
            )
    for claim in claims:
        with database.begin() as session:
            lifecycle.fail(session, claim, JobError(type="internal", message="the measurement has ended"))


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.service.api", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=500, help="requests of each kind")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50, help="events per second, over all jobs")
    parser.add_argument("--seconds", type=float, default=20, help="how long events are produced")
    parser.add_argument("--submits", type=float, default=100, help="submits per second, for a minute")
    options = parser.parse_args()
    console = Console()
    with subject(options.jobs) as service:
        console.print(f"{options.jobs} jobs", answers(service, options.requests), sep="\n")
        console.print(submits(service, 4 * options.requests))
        console.print(paced(service, options.submits, 60))
        found = asyncio.run(delays(service, options.streams, options.rate, options.seconds))
    late = {share: 1000 * _percentile(found, share) for share in (0.5, 0.99, 1.0)}
    console.print(
        f"{options.streams} streams, {options.rate:g} events a second, {len(found)} deliveries: "
        f"delay p50 {late[0.5]:.0f} ms, p99 {late[0.99]:.0f} ms, longest {late[1.0]:.0f} ms"
    )


if __name__ == "__main__":
    main()
