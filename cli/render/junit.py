"""The end of a job as JUnit XML: one test is the job, and one each condition of its gate."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from cli.client.models import Job
from cli.render.escape import xml
from cli.render.outcome import Ending
from cli.render.views import measure
from cli.terminal import Exit

# How the job itself ended, in JUnit's words; a missed gate fails the tests of its conditions.
_OUTCOMES: dict[int, str | None] = {
    Exit.FAILED: "failure",
    Exit.CANCELLED: "skipped",
    Exit.OK: None,
    Exit.GATE_MISSED: None,
}


def write(ending: Ending, file: Path) -> None:
    """Write `file`. Raises OSError."""
    ET.ElementTree(suite(ending)).write(file, encoding="utf-8", xml_declaration=True)


def suite(ending: Ending) -> ET.Element:
    """The test suite `pruneserve`."""
    cases = [_job(ending), *_conditions(ending.job)]
    root = ET.Element("testsuite", name="pruneserve", tests=str(len(cases)))
    for outcome, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        root.set(count, str(sum(case.find(outcome) is not None for case in cases)))
    root.extend(cases)
    return root


def _job(ending: Ending) -> ET.Element:
    job = ending.job
    case = ET.Element("testcase", classname="pruneserve", name="job")
    if job:
        case.set("name", xml(f"{job.method} {job.pattern} {job.sparsity:g} on {job.model}"))
    if job and job.report:
        case.set("time", f"{sum(stage.seconds for stage in job.report.stages):.3f}")
    if outcome := _OUTCOMES.get(ending.code, "error"):
        reason = job.error.message if job and job.error else ending.problem or ending.title
        ET.SubElement(case, outcome, message=xml(reason))
    return case


def _conditions(job: Job | None) -> Iterator[ET.Element]:
    for it in job.gate.conditions if job and job.gate else ():
        case = ET.Element("testcase", classname="pruneserve.gate", name=xml(it.name))
        if not it.passed:
            measured, limit = (measure(it.name, value) for value in (it.measured, it.limit))
            ET.SubElement(case, "failure", message=xml(f"measured {measured}, the limit is {limit}"))
        yield case
