"""What a pipeline decides by: a job's figures by name, as outputs on GitHub and as variables on GitLab."""

import os
from pathlib import Path

from cli.terminal import clean
from pruneserve_client.models import JobDetail


def figures(job: JobDetail, server: str) -> dict[str, str]:
    """Return the job's id, address and state and, as far as they are known, its figures."""
    known: dict[str, object] = {"job": job.id, "url": f"{server}/jobs/{job.id}", "state": job.state}
    if job.perplexity:
        dense, pruned = job.perplexity.dense, job.perplexity.pruned
        known |= {"dense-perplexity": dense, "perplexity": pruned}
        known["increase"] = pruned / dense - 1 if dense and pruned is not None else None
    known |= {"sparsity": job.measured_sparsity, "gate": job.gate and job.gate.state}
    return {name: _text(value) for name, value in known.items() if value is not None}


def write(job: JobDetail | None, server: str, dotenv: Path | None) -> None:
    """Append the figures to the outputs of a step of GitHub, if it is one; write `dotenv`. Raises OSError."""
    named = figures(job, server) if job else {}
    if outputs := os.environ.get("GITHUB_OUTPUT"):
        # Other commands of the step may have written there.
        with Path(outputs).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in named.items())
    if dotenv:
        lines = [f"PRUNED_{name.upper().replace('-', '_')}={value}\n" for name, value in named.items()]
        dotenv.write_text("".join(lines), encoding="utf-8")


def _text(value: object) -> str:
    """Return a value on one line: a line break of the server's would begin a variable of its own."""
    return f"{value:.6g}" if isinstance(value, float) else clean(value).partition("\n")[0]
