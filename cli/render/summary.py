"""The end of a job as a Markdown page, such as GitHub shows beside a run."""

import os
from collections.abc import Iterator
from pathlib import Path

from cli.client.models import Job, Verdict
from cli.render.escape import markdown
from cli.render.outcome import Ending
from cli.render.views import change, measure
from cli.terminal import Exit, duration, size

_MARKS: dict[int, str] = {Exit.OK: "✅", Exit.CANCELLED: "⚪", Exit.TIMEOUT: "⏳"}


def write(ending: Ending, server: str, file: Path | None) -> None:
    """To `file`, and to the summary of the step that GitHub runs, if it does. Raises OSError."""
    text = page(ending, server)
    if file:
        file.write_text(text, encoding="utf-8")
    if step := os.environ.get("GITHUB_STEP_SUMMARY"):
        # Others may have written there.
        with Path(step).open("a", encoding="utf-8") as summary:
            summary.write(text)


def page(ending: Ending, server: str) -> str:
    """A title, what was measured against the gate, and what it cost."""
    lines = [f"### {_MARKS.get(ending.code, '❌')} PruneServe: {ending.title}"]
    if ending.problem:
        lines.append(markdown(ending.problem))
    if ending.job:
        lines.append(_table(("", ""), _facts(ending.job, server)))
        if ending.job.gate:
            lines.append(_table(("gate", "limit", "measured", "margin", ""), _conditions(ending.job.gate)))
        if ending.job.report:
            lines.append(_table(("stage", "time", "peak memory"), _stages(ending.job)))
    return "\n\n".join(lines) + "\n\n"


def _facts(job: Job, server: str) -> Iterator[tuple[str, ...]]:
    yield "job", f"[{job.id}](<{server}/jobs/{job.id}>)"
    yield "model", markdown(job.model)
    yield "method", f"{markdown(job.method)}, {markdown(job.pattern)}, sparsity {job.sparsity:g}"
    if job.perplexity:
        yield "perplexity", markdown(change(job.perplexity))
    if job.report:
        yield "zeros", f"{job.report.sparsity.overall:.2%} of the weights in the pruned layers"
        for warning in job.report.warnings:
            yield "warning", markdown(warning)
    if job.error:
        at = f"{job.error.field}: " if job.error.field else ""
        yield "error", markdown(at + job.error.message)


def _conditions(gate: Verdict) -> Iterator[tuple[str, ...]]:
    for it in gate.conditions:
        limit, measured = (measure(it.name, value) for value in (it.limit, it.measured))
        passed = "passed" if it.passed else "**missed**"
        yield markdown(it.name), limit, measured, measure(it.name, it.margin, "+"), passed


def _stages(job: Job) -> Iterator[tuple[str, ...]]:
    for stage in job.report.stages if job.report else ():
        yield markdown(stage.name), duration(stage.seconds), size(stage.peak_memory_bytes)


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
