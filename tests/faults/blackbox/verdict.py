"""What became of the jobs of a scenario, and the table of all scenarios."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, fields

from tests.faults.blackbox.recipes import FULL, MEASUREMENTS, SHORT
from tests.faults.blackbox.service import ENDED, Answer, Job, Service

_GIVEN_BACK = {"lost", "handed_back", "worker_fault", "unreachable"}
"""How an attempt may end that is not the last one of its job."""


@dataclass
class Row:
    """A row of the table. `seconds` begin with the scenario and end with its last job."""

    scenario: str
    jobs: int = 0
    attempts: int = 0
    """The most of one job."""
    lost: int = 0
    """Jobs that have not succeeded, and rows that the database lacks."""
    second_results: int = 0
    """Further ends of a job, files of the same name, and rows that were not submitted."""
    failed_by_worker: int = 0
    bit_equal: int = 0
    seconds: float = 0.0


@dataclass
class Scenario:
    """The jobs of one scenario while it runs."""

    jobs: list[Job] = field(default_factory=list)
    most_attempts: int = 1
    """More than so many of one job are not plausible."""


class Judge:
    """Compares jobs with those of the same recipe that nothing disturbed."""

    def __init__(self, service: Service) -> None:
        """Run each recipe once, undisturbed."""
        self.record: Callable[[Row], None] = lambda row: None
        self._service = service
        self._seen: dict[Job, tuple[object, ...]] = {}
        service.wait_for_idle_worker()
        jobs = [service.submit(recipe) for recipe in (FULL, SHORT)]
        for job in jobs:
            shown = service.wait_for_end(job)
            assert shown["state"] == "succeeded", f"{shown}; {service.processes.ends_of_logs()}"
        self._undisturbed = {job.recipe: self._result(job) for job in jobs}
        self._seen |= {job: self._state(job) for job in jobs}

    @contextmanager
    def scenario(self, name: str) -> Iterator[Scenario]:
        """Wait for the jobs of a scenario, and fail unless each has succeeded once, with the right result."""
        self._service.wait_for_idle_worker()
        scenario, row, began = Scenario(), Row(name), time.monotonic()
        try:
            yield scenario
            faults = [fault for job in scenario.jobs for fault in self._add(row, job)]
            self._count_rows(row)
        finally:
            row.seconds = round(time.monotonic() - began, 1)
            self.record(row)
        right = Row(name, row.jobs, row.attempts, bit_equal=row.jobs, seconds=row.seconds)
        assert not faults, faults
        assert row == right
        assert 1 <= row.attempts <= scenario.most_attempts, row

    def look_again(self) -> None:
        """Fail if a job has changed since it was judged: by a process that came back late."""
        for job, seen in self._seen.items():
            assert self._state(job) == seen, f"{job.id} has changed since it was judged"

    def _add(self, row: Row, job: Job) -> list[str]:
        """Add a job to a row, and return what is wrong with its events and attempts."""
        shown = self._service.wait_for_end(job)
        attempts, events = shown["attempts"], self._service.events(job)
        ends = [event for event in events if event["data"].get("state") in ENDED]
        names = [artifact["name"] for artifact in self._service.artifacts(job)]
        row.jobs += 1
        row.attempts = max(row.attempts, len(attempts))
        row.lost += shown["state"] != "succeeded"
        row.second_results += max(0, len(ends) - 1) + len(names) - len(set(names))
        row.failed_by_worker += shown["state"] == "failed" and shown["error"]["cause"] == "worker"
        row.bit_equal += shown["state"] == "succeeded" and self._result(job) == self._undisturbed[job.recipe]
        self._seen[job] = self._state(job)
        return [f"{job.id}: {fault}" for fault in _faults(shown, attempts, events)]

    def _count_rows(self, row: Row) -> None:
        surplus = self._service.rows() - len(self._service.submitted)
        row.lost += max(0, -surplus)
        row.second_results += max(0, surplus)

    def _result(self, job: Job) -> tuple[object, ...]:
        """Return everything that must be equal: digests of files, and the figures of the evaluation."""
        shown, artifacts = self._service.show(job), self._service.artifacts(job)
        digests = sorted(
            (each["name"], each["name"] not in MEASUREMENTS and each["sha256"]) for each in artifacts
        )
        figures = [shown[name] for name in ("perplexity", "measured_sparsity", "parameters", "weight_bytes")]
        return digests, figures

    def _state(self, job: Job) -> tuple[object, ...]:
        shown, artifacts = self._service.show(job), self._service.artifacts(job)
        return shown["state"], shown["attempts"], artifacts, self._service.events(job)[-1]


def _faults(shown: Answer, attempts: Sequence[Answer], events: Sequence[Answer]) -> Iterator[str]:
    if [event["id"] for event in events] != list(range(1, len(events) + 1)):
        yield "its events are not numbered without gaps"
    if [event["data"]["state"] for event in events if event["data"].get("state") in ENDED] != ["succeeded"]:
        yield "its events do not have exactly one end"
    if [attempt["attempt"] for attempt in attempts] != list(range(1, shown["attempt"] + 1)):
        yield "its attempts are not numbered without gaps"
    outcomes = [attempt["outcome"] for attempt in attempts]
    if outcomes[-1:] != ["succeeded"] or not set(outcomes[:-1]) <= _GIVEN_BACK:
        yield f"its attempts ended as {outcomes}"


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table with a line per scenario."""
    cells = [[each.name.replace("_", " ") for each in fields(Row)]]
    cells += [[str(cell) for cell in astuple(row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    )
