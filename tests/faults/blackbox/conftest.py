"""One service for all scenarios, and the table of what each did to jobs."""

from collections.abc import Iterator
from dataclasses import astuple

import pytest

from tests.faults.blackbox.processes import Processes
from tests.faults.blackbox.recipes import write_inputs
from tests.faults.blackbox.service import Service
from tests.faults.blackbox.verdict import Judge, Row, table

_ROW = "a scenario"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of `pruneserve up`, with one worker."""
    processes = Processes(tmp_path_factory.mktemp("service"))
    write_inputs(processes.models)
    try:
        processes.start()
        yield Service(processes)
    finally:
        processes.stop()


@pytest.fixture(scope="session")
def session_judge(service: Service) -> Iterator[Judge]:
    judge = Judge(service)
    yield judge
    judge.look_again()


@pytest.fixture
def judge(session_judge: Judge, request: pytest.FixtureRequest) -> Judge:
    session_judge.record = lambda row: request.node.user_properties.append((_ROW, astuple(row)))
    return session_judge


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])
    ]
    rows = [Row(*row) for report in reports for name, row in report.user_properties if name == _ROW]
    if rows:
        terminalreporter.section("scenarios")
        terminalreporter.write_line(table(rows))
