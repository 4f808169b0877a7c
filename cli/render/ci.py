"""An outcome for CI systems: a Markdown summary, JUnit XML, an annotation, and figures as variables."""

import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.filesize import decimal as size

from cli.options.errors import error_of
from cli.options.request import QUICK_NOTE, is_quick
from cli.render.methods import method_summary
from cli.render.outcome import Outcome
from cli.render.views import (
    EXPORT_COLUMNS,
    conditions_of,
    export_row,
    measure,
    measured,
    measurements,
    missed_conditions,
    perplexity_of,
    report_of,
    state_of,
    verdict,
    warnings_of,
)
from cli.terminal import Exit, clean, duration, err
from pruneserve_client.models import JobDetail, Report

# What begins markup anywhere in a line of Markdown, HTML or GitHub's extensions: emphasis, code, links, tags,
# cells, mentions, emoji, formulas, and addresses that become links by themselves.
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|&~#:!@$]|(?<=www)\.", re.IGNORECASE)

# Besides control characters, which `clean` shows as escapes, XML files cannot hold these.
_NOT_IN_XML = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


def markdown(text: object) -> str:
    """Return the text for one cell of a Markdown table, without any markup of its own."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(clean(text).split()))


def xml(text: object) -> str:
    """Return the text without characters that XML forbids. The XML writer escapes the markup."""
    return clean(text).translate(_NOT_IN_XML)


def figures(job: JobDetail, server: str) -> dict[str, str]:
    """Return the job's id, address and state and, as far as they are known, its figures."""
    known: dict[str, object] = {"job": job.id, "url": f"{server}/jobs/{job.id}", "state": job.state}
    dense, pruned = _perplexities(job)
    known |= {"dense-perplexity": dense, "perplexity": pruned}
    known["increase"] = pruned / dense - 1 if dense and pruned is not None else None
    known |= {"sparsity": job.measured_sparsity, "gate": job.gate and job.gate.state}
    return {name: _one_line(value) for name, value in known.items() if value is not None}


def _perplexities(job: JobDetail) -> tuple[float | None, float | None]:
    """Return the perplexities of the dense model and of what the gate is on: an export or the result."""
    if job.gate is None or job.gate.export is None:
        return (job.perplexity.dense, job.perplexity.pruned) if job.perplexity else (None, None)
    report = report_of(job)
    for export in report.exports if report else ():
        if export.name == job.gate.export:
            return export.dense_perplexity, export.perplexity
    return None, None


def report(
    outcome: Outcome, server: str, *, summary: Path | None, junit: Path | None, dotenv: Path | None
) -> bool:
    """Write the files that were asked for, and those of a step of GitHub; print the annotation.

    One that cannot be written costs no other. Return whether all were written.
    """
    page, named = summary_page(outcome, server), figures(outcome.job, server) if outcome.job else {}
    outputs = "".join(f"{name}={value}\n" for name, value in named.items())
    variables = "".join(f"PRUNED_{name.upper().replace('-', '_')}={value}\n" for name, value in named.items())
    texts = [(summary, page, "w"), (junit, junit_text(outcome, server), "w"), (dotenv, variables, "w")]
    for name, text in (("GITHUB_STEP_SUMMARY", page), ("GITHUB_OUTPUT", outputs)):
        # Other commands of the step may have written there.
        texts.append((Path(of_step) if (of_step := os.environ.get(name)) else None, text, "a"))
    written = [_write(file, text, mode) for file, text, mode in texts if file]
    annotate(outcome)
    return all(written)


def _write(file: Path, text: str, mode: str) -> bool:
    try:
        if mode == "w":  # the others are GitHub's own
            _refuse_link(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open(mode, encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        err.print(f"error: the result could not be written: {clean(error)}")
        return False
    return True


def _refuse_link(file: Path) -> None:
    """Raise OSError for a relative path that a link leads elsewhere: a checkout may be a stranger's."""
    written = Path(os.path.normpath(Path.cwd().resolve() / file))
    if not file.is_absolute() and written.resolve() != written:
        raise OSError(f"{file} is a link, or behind one: give the path that it leads to")


def _one_line(value: object) -> str:
    """Return a value on one line: a line break from the server would begin another variable."""
    return f"{value:.6g}" if isinstance(value, float) else clean(value).partition("\n")[0]


_MESSAGE_DELIMITERS = "%\r\n"
_PROPERTY_DELIMITERS = _MESSAGE_DELIMITERS + ":,"


def annotate(outcome: Outcome) -> None:
    """Print the annotation, unless the gate has passed or this is not a step of GitHub Actions.

    An inconclusive gate that passes is a warning, and so is that there is none.
    """
    job = outcome.job
    missed = missed_conditions(job)
    passed = outcome.code == Exit.OK and job and job.gate and not missed
    if os.environ.get("GITHUB_ACTIONS") != "true" or passed:
        return
    reasons = [outcome.problem, error_of(job), *missed]
    message = "; ".join(filter(None, reasons)) or outcome.title
    title = _escaped(f"PruneServe: {outcome.title}", _PROPERTY_DELIMITERS)
    kind = "warning" if outcome.code == Exit.OK else "error"
    err.print(f"::{kind} title={title}::{_escaped(message, _MESSAGE_DELIMITERS)}")


def _escaped(text: str, ends: str) -> str:
    """Return the text as a part of a command: what would end that part is written in percent."""
    return "".join(f"%{ord(one):02X}" if one in ends else one for one in clean(text))


_MARKS: dict[int, str] = {Exit.OK: "✅", Exit.CANCELLED: "⚪", Exit.TIMEOUT: "⏳", Exit.INCONCLUSIVE: "❔"}


def summary_page(outcome: Outcome, server: str) -> str:
    """Return the summary: a title, what was measured against the gate, and what each stage took."""
    lines = [f"### {_MARKS.get(outcome.code, '❌')} PruneServe: {outcome.title}"]
    if outcome.problem:
        lines.append(markdown(outcome.problem))
    if job := outcome.job:
        if is_quick(job):
            lines.append(f"**{QUICK_NOTE}**")
        report = report_of(job)
        lines.append(_markdown_table(("", ""), _job_rows(job, report, server, stale=outcome.stale)))
        if job.gate:
            lines.append(_markdown_table(("gate", "limit", "measured", "margin", ""), _condition_rows(job)))
        if report and report.exports:
            rows = (tuple(map(markdown, export_row(export))) for export in report.exports)
            lines.append(_markdown_table(EXPORT_COLUMNS, rows))
        if report:
            lines.append(_markdown_table(("stage", "time", "peak memory"), _stage_rows(report)))
    return "\n\n".join(lines) + "\n\n"


def _job_rows(
    job: JobDetail, report: Report | None, server: str, *, stale: bool
) -> Iterator[tuple[str, ...]]:
    yield "job", f"[{job.id}](<{server}/jobs/{job.id}>)"
    if not job.ended:
        yield "state", markdown(state_of(job, stale=stale))
    yield "model", markdown(job.model)
    yield "method", markdown(method_summary(job, job.spec.structure))
    if job.perplexity:
        yield "perplexity", markdown(perplexity_of(job, job.perplexity))
    if job.gate and (baseline := job.gate.baseline):
        yield "baseline", f"[{baseline}](<{server}/jobs/{baseline}>)"
    yield from measurements(job, markdown)
    for warning in warnings_of(report) if report else ():
        yield "warning", markdown(warning)
    if job.error:
        yield "error", markdown(error_of(job))


def _condition_rows(job: JobDetail) -> Iterator[tuple[str, ...]]:
    for name, condition in conditions_of(job):
        limit = measure(condition.name, condition.limit)
        margin = measure(condition.name, condition.margin, "+")
        state = "passed" if condition.state == "passed" else f"**{markdown(verdict(condition))}**"
        yield markdown(name), limit, measured(condition), margin, state


def _stage_rows(report: Report) -> Iterator[tuple[str, ...]]:
    for stage in report.stages:
        yield markdown(stage.name), duration(stage.seconds), size(stage.peak_memory_bytes)


def _markdown_table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# The element for the outcome of the job; a gate fails the test cases of its conditions instead.
_ELEMENTS: dict[int, str | None] = {
    Exit.FAILED: "failure",
    Exit.CANCELLED: "skipped",
    Exit.OK: None,
    Exit.GATE_MISSED: None,
    Exit.INCONCLUSIVE: None,
}


def junit_text(outcome: Outcome, server: str) -> str:
    """Return the outcome as JUnit XML."""
    suite = ET.tostring(junit_suite(outcome, server), encoding="unicode")
    return f"<?xml version='1.0' encoding='utf-8'?>\n{suite}"


def junit_suite(outcome: Outcome, server: str) -> ET.Element:
    """Return the test suite `pruneserve`. What the job took is the time of its case; conditions take none."""
    cases = [_job_case(outcome), *_condition_cases(outcome)]
    root = ET.Element("testsuite", name="pruneserve", tests=str(len(cases)))
    root.set("time", cases[0].get("time", "0"))
    if outcome.job:
        root.set("timestamp", f"{outcome.job.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}")
        properties = ET.SubElement(root, "properties")
        for name, value in figures(outcome.job, server).items():
            ET.SubElement(properties, "property", name=name, value=xml(value))
    for element, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        root.set(count, str(sum(case.find(element) is not None for case in cases)))
    root.extend(cases)
    return root


def _job_case(outcome: Outcome) -> ET.Element:
    job = outcome.job
    case = ET.Element("testcase", classname="pruneserve", name="job")
    if job:
        case.set("name", xml(f"{method_summary(job, job.spec.structure)} on {job.model}"))
    if job and (report := report_of(job)):
        case.set("time", f"{sum(stage.seconds for stage in report.stages):.3f}")
    element = _ELEMENTS.get(outcome.code, "error")
    if outcome.code == Exit.GATE_MISSED and not missed_conditions(job):
        element = "failure"  # no condition says so: there is no verdict, or it is of a newer server
    if element:
        reason = error_of(job) or outcome.problem or outcome.title
        _add_reason(case, element, reason)
    return case


def _add_reason(case: ET.Element, element: str, reason: str) -> None:
    """Add the element that says why a case has not passed. GitLab shows its text, others its `message`."""
    ET.SubElement(case, element, message=xml(reason)).text = xml(reason)


def _condition_cases(outcome: Outcome) -> Iterator[ET.Element]:
    for name, condition in conditions_of(outcome.job):
        case = ET.Element("testcase", classname="pruneserve.gate", name=xml(name), time="0")
        reason = f"measured {measured(condition)}, the limit is {measure(condition.name, condition.limit)}"
        if condition.state == "inconclusive":
            reason = f"{verdict(condition)}: {reason}"
        if condition.state == "inconclusive" and outcome.inconclusive == "pass":
            ET.SubElement(case, "system-out").text = xml(reason)
        elif condition.state != "passed":
            _add_reason(case, "failure", reason)
        yield case
