"""An outcome as Markdown, such as GitHub shows next to a run."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cli.options.quick import NOTE, is_quick
from cli.options.wording import called
from cli.render.escape import markdown
from cli.render.outcome import Outcome
from cli.render.report import measurements, report_of
from cli.render.views import change, measure, method_summary
from cli.terminal import Exit, duration, size
from pruneserve_client.models import JobDetail, Report, Verdict

_MARKS: dict[int, str] = {Exit.OK: "✅", Exit.CANCELLED: "⚪", Exit.TIMEOUT: "⏳"}


def write(outcome: Outcome, server: str, file: Path | None) -> None:
    """Write the summary to `file`, and append it to the step summary of GitHub Actions. Raises OSError."""
    text = page(outcome, server)
    if file:
        file.write_text(text, encoding="utf-8")
    if step := os.environ.get("GITHUB_STEP_SUMMARY"):
        # Other commands of the step may have written there.
        with Path(step).open("a", encoding="utf-8") as summary:
            summary.write(text)


def page(outcome: Outcome, server: str) -> str:
    """Return the summary: a title, what was measured against the gate, and what each stage took."""
    lines = [f"### {_MARKS.get(outcome.code, '❌')} PruneServe: {outcome.title}"]
    if outcome.problem:
        lines.append(markdown(outcome.problem))
    if job := outcome.job:
        if is_quick(job):
            lines.append(f"**{markdown(NOTE)}**")
        report = report_of(job)
        lines.append(_table(("", ""), _facts(job, report, server)))
        if job.gate:
            lines.append(_table(("gate", "limit", "measured", "margin", ""), _conditions(job.gate)))
        if report:
            lines.append(_table(("stage", "time", "peak memory"), _stages(report)))
    return "\n\n".join(lines) + "\n\n"


def _facts(job: JobDetail, report: Report | None, server: str) -> Iterator[tuple[str, ...]]:
    yield "job", f"[{job.id}](<{server}/jobs/{job.id}>)"
    yield "model", markdown(job.model)
    yield "method", markdown(method_summary(job))
    if job.perplexity:
        yield "perplexity", markdown(change(job.perplexity))
    yield from measurements(job, markdown)
    for warning in report.warnings if report else ():
        yield "warning", markdown(warning)
    if job.error:
        field = f"{called(job.error.field)}: " if job.error.field else ""
        yield "error", markdown(field + job.error.message)


def _conditions(gate: Verdict) -> Iterator[tuple[str, ...]]:
    for condition in gate.conditions:
        limit, measured = (measure(condition.name, value) for value in (condition.limit, condition.measured))
        margin = measure(condition.name, condition.margin, "+")
        yield (
            markdown(condition.name),
            limit,
            measured,
            margin,
            "passed" if condition.passed else "**missed**",
        )


def _stages(report: Report) -> Iterator[tuple[str, ...]]:
    for stage in report.stages:
        yield markdown(stage.name), duration(stage.seconds), size(stage.peak_memory_bytes)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
