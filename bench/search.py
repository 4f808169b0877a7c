"""`make bench-search`: compares a `target` search with the best of a fine grid, on a real service.

An embedded service with one worker is asked for the sparsest SmolLM2-135M within a bound on its perplexity,
and then for a sweep over a grid around the answer, whose jobs have the same gate. A search promises a
sparsity that meets the bound, at most its tolerance below the best on the grid, and that gradients are
computed and the dense model is measured only once.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

import migrations
from bench.subject import add_options, checkpoint
from bench.wikipedia import prepare
from cli.embedded.postgres import Postgres
from cli.embedded.server import free_port
from cli.embedded.services import Api, Service, Worker
from cli.embedded.valkey import Valkey
from jobs.access import api_keys
from jobs.database import engine_from, sessions
from jobs.settings import Settings
from jobs.spec.gate import GateState
from jobs.tables import Job
from pruneserve_client import Client

_DIGITS = 4


@dataclass(frozen=True)
class Probe:
    """One job of a sweep: its sparsity and its results."""

    sparsity: float
    dense: float
    pruned: float
    cut_short: bool
    met: bool
    computed_gradients: bool  # otherwise they came from the cache
    measured_dense: bool  # otherwise the dense perplexity came from the cache
    seconds: float

    @classmethod
    def of(cls, job: Job) -> "Probe":
        """Read a job that has succeeded."""
        report = job.report
        assert report is not None, job.error
        perplexity = report["perplexity"]
        return cls(
            sparsity=job.sparsity,
            dense=perplexity["dense"],
            pruned=perplexity["pruned"],
            cut_short=perplexity["cut_short"],
            met=job.gate_state == GateState.PASSED,
            computed_gradients=not report["gradients_reused"],
            measured_dense=not report["dense_perplexity_reused"],
            seconds=sum(stage["seconds"] for stage in report["stages"]),
        )


@dataclass(frozen=True)
class Stack:
    """A running service."""

    client: Client
    database: sessionmaker[Session]

    def run_sweep(self, body: dict[str, Any]) -> list[Probe]:
        """Submit a sweep or search, wait until it ends, and return its jobs in order."""
        sweep = self.client.submit_sweep(body)
        while sweep.state == "running":
            time.sleep(1)
            sweep = self.client.sweep(sweep.id)
        assert sweep.state == "succeeded", sweep.error
        return self._probes(sweep.id)

    def _probes(self, sweep_id: UUID) -> list[Probe]:
        with self.database.begin() as session:
            jobs = session.scalars(select(Job).where(Job.sweep_id == sweep_id).order_by(Job.id))
            return [Probe.of(job) for job in jobs]


@contextmanager
def stack(roots: Sequence[Path]) -> Iterator[Stack]:
    """Run PostgreSQL, Valkey, API, dispatcher and one worker, which may read files under `roots`."""
    with ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
        postgres = running.enter_context(Postgres(directory / "postgres"))
        valkey = running.enter_context(Valkey(directory / "valkey"))
        migrations.upgrade(postgres.url)
        readable = ":".join(map(str, roots))
        place = {
            "DATABASE_URL": postgres.url,
            "BROKER_URL": valkey.url,
            "STORE_URL": f"file://{directory}/store",
        }
        settings = place | {
            "PRUNESERVE_WORK_DIR": str(directory / "work"),
            "PRUNESERVE_MODEL_ROOTS": readable,
            "PRUNESERVE_DATA_ROOTS": readable,
        }
        engine = engine_from(Settings.model_validate(place))
        running.callback(engine.dispose)
        database = sessions(engine)
        with database.begin() as session:
            key = api_keys.create(session, "bench", "bench")
        api = running.enter_context(Api(directory / "api", free_port(), settings))
        running.enter_context(Service("dispatcher", directory / "dispatcher", ["worker.dispatch"], settings))
        running.enter_context(Worker(directory / "worker", settings))
        yield Stack(running.enter_context(Client(api.url, key)), database)


def around(answer: float, step: float, reach: float) -> list[float]:
    """Return the multiples of `step` within `reach` of the answer and within (0, 1)."""
    first, last = (round((answer + side * reach) / step) for side in (-1, 1))
    return [round(n * step, _DIGITS) for n in range(first, last + 1) if 0 < n * step < 1]


def table(probes: Sequence[Probe], title: str) -> Table:
    """Return a table with a line per job."""
    columns = ("sparsity", "perplexity", "increase", "bound", "gradients", "dense model", "seconds")
    lines = Table(*columns, title=title)
    for probe in probes:
        at_least = "at least " if probe.cut_short else ""
        lines.add_row(
            f"{probe.sparsity:.4f}",
            f"{at_least}{probe.pruned:.3f}",
            f"{at_least}{probe.pruned / probe.dense - 1:.2%}",
            "met" if probe.met else "missed",
            "computed" if probe.computed_gradients else "reused",
            "measured" if probe.measured_dense else "reused",
            f"{probe.seconds:.0f}",
        )
    return lines


def main() -> None:
    """Parse the command line, search, sweep the grid, print both."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    add_options(parser)
    parser.add_argument("--method", default="gblm")
    parser.add_argument("--increase", type=float, default=0.05, help="the bound, over the dense perplexity")
    parser.add_argument("--tolerance", type=float, default=0.02)
    parser.add_argument(
        "--windows", type=int, default=8, help="calibration windows, and as many evaluation windows"
    )
    parser.add_argument("--length", type=int, default=256, help="tokens per window")
    parser.add_argument("--step", type=float, default=0.01, help="spacing of the grid")
    parser.add_argument(
        "--reach", type=float, default=0.04, help="how far the grid extends to both sides of the answer"
    )
    options = parser.parse_args()
    model, texts = checkpoint(options), options.texts.absolute()
    calibration, evaluation = prepare(texts)
    job = {
        "model": str(model),
        "method": options.method,
        "dtype": "float32",
        "calibration": {
            "dataset": str(calibration),
            "samples": options.windows,
            "sequence_length": options.length,
        },
        "evaluation": {
            "dataset": str(evaluation),
            "windows": options.windows,
            "sequence_length": options.length,
        },
    }
    bound = {"max_perplexity_increase": options.increase}
    console = Console()
    with stack([model.parent, texts]) as service:
        search = service.run_sweep({"job": job, "target": {**bound, "tolerance": options.tolerance}})
        console.print(table(search, f"search: at most {options.increase:.1%} over the dense model"))
        answer = max(probe.sparsity for probe in search if probe.met)
        same = {**job, "gate": bound, "stop_when_missed": True}
        sparsities = around(answer, options.step, options.reach)
        grid = service.run_sweep({"job": same, "vary": {"sparsity": sparsities}})
        console.print(table(grid, f"grid in steps of {options.step:g}"))
    jobs = search + grid
    best = max((probe.sparsity for probe in grid if probe.met), default=0.0)
    console.print(
        f"the search's answer {answer:.4f} lies {best - answer:.4f} below the best on the grid, {best:.4f}; "
        f"gradients were computed {sum(job.computed_gradients for job in jobs)} time(s), the dense model "
        f"measured {sum(job.measured_dense for job in jobs)} time(s), in {len(jobs)} jobs"
    )


if __name__ == "__main__":
    main()
