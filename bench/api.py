"""`make bench-api`: measures the response times of one API process with many jobs, and its submits a second.

A real PostgreSQL is filled with jobs, and a real API process answers HTTP requests, one at a time. Then
several clients submit jobs at once.
"""

import argparse
import http.client
import itertools
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

import migrations
from bench.seed_jobs import fill
from cli.embedded.postgres import Postgres
from cli.embedded.process import LOOPBACK, free_port
from cli.embedded.services import Api
from jobs.access import api_keys
from jobs.database import engine_from, sessions
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.tables import Job

_OWNER = "ada"
_PAGE = 50
_LISTS = {
    "everything": "",
    "one state": "state=failed",
    "three states": "state=queued&state=running&state=failed",
    "method": "method=wanda",
    "model": "model=org/model-7",
    "gate": "gate=failed",
    "common label": "label=branch%3Dmain",
    "rare label": "label=pipeline%3D300",
    "method, label": "method=wanda&label=branch%3Dmain",
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

    def ask(self, method: str, path: str, body: bytes | None = None) -> http.client.HTTPResponse:
        """Send a request, and read all of its answer."""
        self._connection.request(method, path, body, self._headers)
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
            key = api_keys.create(session, _OWNER, "bench")[1]
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
    """Time lists and single jobs.

    The API's own CPU time is the cost of an answer whatever else runs on the machine.
    """
    table = Table("", "p50 ms", "p99 ms", "CPU ms", title="response times over HTTP")
    with closing(Client(service, service.headers)) as client:
        for name, query in _LISTS.items():
            times = _timed(service, requests, partial(client.ask, "GET", f"/v1/jobs?limit={_PAGE}&{query}"))
            table.add_row(f"list: {name}", *times)
        with service.database.begin() as session:
            reported = select(Job.id).where(Job.owner == _OWNER, func.pg_column_size(Job.report) > 1000)
            ids = itertools.cycle(session.scalars(reported.limit(200)).all())
        shown = _timed(service, requests, lambda: client.ask("GET", f"/v1/jobs/{next(ids)}"))
        table.add_row("show", *shown)
    return table


def submits(service: Subject, requests: int) -> Table:
    """Submit jobs, from one client and from several at once, each of an owner of its own."""
    table = Table("clients", "submits a second", "p50 ms", "p99 ms", "CPU ms", title="submits")
    body = json.dumps(_spec().as_request()).encode()

    def submit(owner: str, count: int) -> list[float]:
        with service.database.begin() as session:
            headers = {"Authorization": f"Bearer {api_keys.create(session, owner, 'bench')[1]}"}
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


def _cpu(service: Subject) -> float:
    used = service.process.cpu_times()
    return float(used.user + used.system)


def _seconds(ask: Callable[[], http.client.HTTPResponse]) -> float:
    began = time.perf_counter()
    answer = ask()
    took = time.perf_counter() - began
    assert answer.status in (httpx.codes.OK, httpx.codes.CREATED), answer.reason
    return took


def _timed(service: Subject, requests: int, ask: Callable[[], http.client.HTTPResponse]) -> list[str]:
    before = _cpu(service)
    times = [_seconds(ask) for _ in range(requests)]
    cpu = (_cpu(service) - before) / requests
    return [f"{1000 * value:.1f}" for value in (_percentile(times, 0.5), _percentile(times, 0.99), cpu)]


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=500, help="requests of each kind")
    options = parser.parse_args()
    console = Console()
    with subject(options.jobs) as service:
        console.print(f"{options.jobs} jobs", answers(service, options.requests), sep="\n")
        console.print(submits(service, 4 * options.requests))


if __name__ == "__main__":
    main()
