"""An outcome as JUnit XML: one test case for the job, one for each condition of its gate, and properties."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from xml.etree import ElementTree as ET

from cli.render.escape import xml
from cli.render.figures import figures
from cli.render.outcome import Outcome
from cli.render.report import report_of
from cli.render.views import measure, method_summary
from cli.terminal import Exit
from pruneserve_client.models import JobDetail

# The element that says how the job itself ended; a missed gate fails the cases of its conditions instead.
_ELEMENTS: dict[int, str | None] = {
    Exit.FAILED: "failure",
    Exit.CANCELLED: "skipped",
    Exit.OK: None,
    Exit.GATE_MISSED: None,
}


def write(outcome: Outcome, server: str, file: Path) -> None:
    """Write `file`. Raises OSError."""
    ET.ElementTree(suite(outcome, server)).write(file, encoding="utf-8", xml_declaration=True)


def suite(outcome: Outcome, server: str) -> ET.Element:
    """Return the test suite `pruneserve`. What the job took is the time of its case; conditions take none."""
    cases = [_job(outcome), *_conditions(outcome.job)]
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


def _job(outcome: Outcome) -> ET.Element:
    job = outcome.job
    case = ET.Element("testcase", classname="pruneserve", name="job")
    if job:
        case.set("name", xml(f"{method_summary(job)} on {job.model}"))
    if job and (report := report_of(job)):
        case.set("time", f"{sum(stage.seconds for stage in report.stages):.3f}")
    if element := _ELEMENTS.get(outcome.code, "error"):
        reason = job.error.message if job and job.error else outcome.problem or outcome.title
        ET.SubElement(case, element, message=xml(reason))
    return case


def _conditions(job: JobDetail | None) -> Iterator[ET.Element]:
    for condition in job.gate.conditions if job and job.gate else ():
        case = ET.Element("testcase", classname="pruneserve.gate", name=xml(condition.name), time="0")
        if not condition.passed:
            measured, limit = (
                measure(condition.name, value) for value in (condition.measured, condition.limit)
            )
            ET.SubElement(case, "failure", message=xml(f"measured {measured}, the limit is {limit}"))
        yield case
