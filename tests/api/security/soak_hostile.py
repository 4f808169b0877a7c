"""`make soak-hostile`: a million hostile requests to one API process. Seeded; `--requests` bounds a part.

Prints the answers by status, the process's memory, and how long `/readyz` took meanwhile. Exits with 1 for
any 5xx but a 503 with Retry-After, for a 99th percentile of `/readyz` over 100 ms, and for memory that at any
time after the warm-up was more than a tenth above that at its end.

The warm-up is the first 20,000 requests, or half of a shorter part. Until then the process has loaded what it
loads with the first request of a kind, all of its threads and connections have been used, and what it keeps
on purpose has come to its bound.
"""

import argparse
import asyncio
import http.client
import itertools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from cryptography.fernet import Fernet
from pydantic import SecretStr

import migrations
from cli.embedded.postgres import Postgres
from jobs import limits
from jobs.access import api_keys
from jobs.database import engine_from, sessions
from jobs.settings import Settings
from tests.api.drive import Server
from tests.api.security.hostile import HostileRequest, Outcome, hostile_requests, send

_WARM_UP = 20_000
_SAMPLE_EVERY = 1000
_GROWTH = 1.1
_SECONDS = 0.1
_BETWEEN_PROBES = 0.05


class Probe:
    """Asks `/readyz` again and again, as a load balancer does, in a process that does nothing else."""

    def __init__(self, port: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, pipe = context.Pipe()
        self._process = context.Process(target=_probe, args=(port, pipe), daemon=True)
        self._process.start()

    def end(self) -> float:
        """Stop, and return the 99th percentile of the seconds that it took."""
        self._pipe.send(None)
        seconds: list[float] = self._pipe.recv()
        self._process.join()
        return sorted(seconds)[int(len(seconds) * 0.99)]


def _probe(port: int, pipe: Connection) -> None:
    """Note the seconds until a message arrives, then send them."""
    seconds: list[float] = []
    while not pipe.poll(_BETWEEN_PROBES):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            started = time.perf_counter()
            try:
                connection.request("GET", "/readyz")
                answered = connection.getresponse().status in (200, 503)
            except (OSError, http.client.HTTPException):
                answered = False
            seconds.append(time.perf_counter() - started if answered else float("inf"))
    pipe.send(seconds)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.api.security.soak_hostile", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end earlier, after so long")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Postgres(Path(directory) / "postgres") as postgres:
        migrations.upgrade(postgres.url)
        Path(directory, "store").mkdir()
        settings = Settings(
            database_url=SecretStr(postgres.url),
            broker_url=SecretStr("redis://127.0.0.1:1/0"),
            store_url=f"file://{directory}/store",
            secret_keys=(SecretStr(Fernet.generate_key().decode()),),
            rate_limit_per_minute=10**9,
        )
        limits.MAX_FAILED_SIGN_INS_PER_MINUTE = 10**9
        with sessions(engine_from(settings)).begin() as session:
            keys = [api_keys.create(session, "ada", "all", api_keys.SCOPES)[1], "pk_not-a-key"]
        os.environ["HF_HUB_OFFLINE"] = "1"  # the Hub's seconds are not the server's
        os.environ["MALLOC_ARENA_MAX"] = "2"  # as in the image
        with Server.running(settings, Path(directory) / "api.log") as server:
            requests = iter(hostile_requests(settings, keys, options.seed))
            raise SystemExit(_soak(server, requests, options.requests, 60 * options.minutes))


class Memory:
    """The resident memory of a process by the number of requests that have been sent to it."""

    def __init__(self, process: int) -> None:
        self._process = psutil.Process(process)
        self._taken: dict[int, int] = {}

    def take(self, number: int) -> None:
        """Note and print it, after every thousandth request."""
        if number % _SAMPLE_EVERY == 0:
            self._taken[number] = self._process.memory_info().rss
            print(f"{number} requests, {self._taken[number] / 1e6:.0f} MB", flush=True)

    def growth(self) -> tuple[int, float]:
        """Return the requests of the warm-up, and the most memory since relative to that at its end."""
        warm_up = min(_WARM_UP, max(self._taken) // 2)
        since = [bytes_ for number, bytes_ in sorted(self._taken.items()) if number >= warm_up]
        return warm_up, max(since) / since[0]


def _soak(server: Server, requests: Iterator[HostileRequest], count: int, seconds: float) -> str | None:
    port = int(server.url.rpartition(":")[2])
    memory, probe = Memory(server.process.pid), Probe(port)
    ends_at = time.monotonic() + seconds
    until_then = itertools.takewhile(lambda _: time.monotonic() < ends_at, requests)
    outcome = asyncio.run(send(port, itertools.islice(until_then, count), sent=memory.take))
    return _verdict(outcome, *memory.growth(), probe.end())


def _verdict(outcome: Outcome, warm_up: int, growth: float, seconds: float) -> str | None:
    """Print the figures; return what is wrong, or None."""
    print(f"answers: {dict(sorted(outcome.statuses.items()))}")
    for busy in outcome.busy[:20]:
        print(f"503: {busy}")
    print(f"most memory after a warm-up of {warm_up} requests: {growth:.2f} times that at its end")
    print(f"/readyz p99: {seconds * 1000:.0f} ms")
    wrong = outcome.faults[:20]
    if growth > _GROWTH:
        wrong.append(f"the memory grew by more than {_GROWTH - 1:.0%}")
    if seconds > _SECONDS:
        wrong.append(f"/readyz took more than {_SECONDS * 1000:.0f} ms")
    return "\n".join(wrong) or None


if __name__ == "__main__":
    main()
