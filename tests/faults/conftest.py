"""The fault suite: real processes, real faults, and a summary table of what the faults did to jobs."""

from collections.abc import Callable, Iterable
from dataclasses import astuple
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults.tally import Tally, Undisturbed, table, tally
from tests.stack import Stack, directory_store

Judge = Callable[[str, int, Iterable[UUID]], None]


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """A local directory: only some faults concern the store, and those use S3."""
    return directory_store(tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def judge(stack: Stack, undisturbed: Undisturbed, request: pytest.FixtureRequest) -> Judge:
    """Wait for the jobs in flight, and fail if one did not succeed or has a wrong result."""

    def judged(fault: str, injected: int, jobs: Iterable[UUID]) -> None:
        row = tally(fault, injected, stack, jobs, undisturbed)
        request.node.user_properties.append(("fault", astuple(row)))
        assert injected > 0
        assert (row.lost, row.wrong) == (0, 0), stack.logs()

    return judged


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])
    ]
    rows = [Tally(*row) for report in reports for name, row in report.user_properties if name == "fault"]
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write_line(table(rows))
