"""Measures which lines the tests run, as a plugin of pytest: `PYTEST_PLUGINS=tests.lines`, see `make test`.

In Python 3.11 the tracer of coverage.py is called for each line of every package, and a test that runs Python
takes two fifths more of the processor by it. SlipCover puts a probe before each line of this repository
instead, and nothing into other packages. What it has seen becomes coverage.py's data, so that this reports it
and knows what to leave out, by pyproject.toml.
"""

import os
from io import StringIO
from pathlib import Path

import pytest
from coverage import Coverage, CoverageData
from slipcover import FileMatcher, ImportManager, Slipcover

CHECKOUT = Path(__file__).parents[1]

# SlipCover can take probes out again once they have been passed some times. It looks for the functions in
# question in the frames of all threads then, in the middle of what a test runs; a probe costs less than that.
_NEVER = 2**31 - 1

_seen = Slipcover(d_miss_threshold=_NEVER, exclude_lines=[])
_report = Coverage(data_file=CHECKOUT / ".coverage", config_file=CHECKOUT / "pyproject.toml")
_packages = [CHECKOUT / package for package in _report.get_option("run:source")]
_omitted = _report.get_option("run:omit")
_is_worker = "PYTEST_XDIST_WORKER" in os.environ
_verdict: list[str] = []


def _begin() -> None:
    """Put probes into what this process imports from now on; those that tests start are not measured."""
    ImportManager(_seen, FileMatcher(_packages, _omitted)).__enter__()
    if not _is_worker:
        for left_behind in CHECKOUT.glob(".coverage.*"):
            left_behind.unlink()


_begin()


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """A test may start pytest in another directory. The other processes of this run have started by now."""
    os.environ.pop("PYTEST_PLUGINS", None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what this process has seen. The one that started the others, which have ended, adds it up."""
    data = CoverageData(str(CHECKOUT / ".coverage"), suffix=True)
    files = _seen.get_coverage()["files"]
    data.add_lines({str((CHECKOUT / name).resolve()): seen["executed_lines"] for name, seen in files.items()})
    data.touch_files(
        str(path) for package in _packages for path in package.rglob("*.py")
    )  # that nothing imports, too
    data.write()
    if _is_worker:
        return
    _report.combine([str(CHECKOUT)])
    total = _report.report(file=StringIO(), omit=_omitted)
    least = float(_report.get_option("report:fail_under"))
    _verdict.append(f"The tests run {total:.2f} % of the lines; at least {least:g} % are required.")
    if total < least:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _verdict:
        terminalreporter.section("lines")
        terminalreporter.write_line(line)
