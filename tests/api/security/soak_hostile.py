"""`make soak-hostile`: a million hostile requests to one API process. Seeded; `--requests` bounds a part.

Prints the answers by status, the growth of the process's memory behind the first twentieth of the requests,
and how long `/readyz` took meanwhile. Exits with 1 for any 5xx but a 503 with Retry-After, for memory that
grew by more than a tenth, and for a 99th percentile of `/readyz` over 100 ms.
"""

import argparse
import asyncio
import http.client
import os
import tempfile
import threading
import time
from pathlib import Path

import psutil
from cryptography.fernet import Fernet
from pydantic import SecretStr

import migrations
from cli.embedded.postgres import Postgres
from jobs.access import api_keys
from jobs.database import engine_from, sessions
from jobs.settings import Settings
from tests.api.drive import Server
from tests.api.security.hostile import Outcome, hostile_requests, send

_GROWTH = 1.1
_SECONDS = 0.1
_BETWEEN_PROBES = 0.05


class Probe(threading.Thread):
    """Asks `/readyz` again and again, as a load balancer does, and notes the seconds that it took."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self._port = port
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_BETWEEN_PROBES):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            started = time.perf_counter()
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
            self.seconds.append(time.perf_counter() - started if status in (200, 503) else float("inf"))
            connection.close()

    def end(self) -> float:
        """Stop, and return the 99th percentile."""
        self._ended.set()
        self.join()
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.api.security.soak_hostile", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Postgres(Path(directory) / "postgres") as postgres:
        migrations.upgrade(postgres.url)
        settings = Settings(
            database_url=SecretStr(postgres.url),
            broker_url=SecretStr("redis://127.0.0.1:1/0"),
            store_url=f"file://{directory}/store",
            secret_keys=(SecretStr(Fernet.generate_key().decode()),),
            rate_limit_per_minute=10**9,
            max_failed_sign_ins_per_minute=10**9,
        )
        with sessions(engine_from(settings)).begin() as session:
            keys = [api_keys.create(session, "ada", "all", api_keys.SCOPES), "pk_not-a-key"]
        os.environ["HF_HUB_OFFLINE"] = "1"  # the Hub's seconds are not the server's
        server = Server.start(settings, Path(directory) / "api.log")
        try:
            raise SystemExit(_soak(server, settings, keys, options.requests, options.seed))
        finally:
            server.process.kill()


def _soak(server: Server, settings: Settings, keys: list[str], count: int, seed: int) -> str | None:
    port = int(server.url.rpartition(":")[2])
    process = psutil.Process(server.process.pid)
    memory: list[int] = []

    def sent(number: int) -> None:
        if number % max(1, count // 20) == 0:
            memory.append(process.memory_info().rss)
            print(f"{number} requests, {memory[-1] / 1e6:.0f} MB", flush=True)

    probe = Probe(port)
    probe.start()
    outcome = asyncio.run(send(port, iter(hostile_requests(settings, keys, seed)), count, sent=sent))
    return _verdict(outcome, memory[-1] / memory[0], probe.end())


def _verdict(outcome: Outcome, growth: float, seconds: float) -> str | None:
    """Print the figures; return what is wrong, or None."""
    print(f"answers: {dict(sorted(outcome.statuses.items()))}")
    print(
        f"memory at the end: {growth:.2f} times that after a twentieth; /readyz p99: {seconds * 1000:.0f} ms"
    )
    wrong = outcome.faults[:20]
    if growth > _GROWTH:
        wrong.append(f"the memory grew by more than {_GROWTH - 1:.0%}")
    if seconds > _SECONDS:
        wrong.append(f"/readyz took more than {_SECONDS * 1000:.0f} ms")
    return "\n".join(wrong) or None


if __name__ == "__main__":
    main()
