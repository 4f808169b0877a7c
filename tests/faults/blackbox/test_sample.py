"""A sample of the scenarios that `make faults` runs, in `scenarios_*.py`."""

import ast
from pathlib import Path

import pytest

from tests.faults.blackbox.scenarios_servers import flush_with_jobs_waiting
from tests.faults.blackbox.scenarios_stages import kill_in
from tests.faults.blackbox.service import Service
from tests.faults.blackbox.verdict import Judge

OURS = {
    *("api", "cli", "jobs", "migrations", "scheduler", "worker"),
    *("pruneserve_client", "pruning"),
}


@pytest.mark.slow
@pytest.mark.nightly
def test_a_killed_child_and_a_flushed_broker(service: Service, judge: Judge) -> None:
    kill_in(service, judge, "prune")
    with judge.scenario("broker flushed, 5 jobs waiting") as scenario:
        flush_with_jobs_waiting(service, scenario.jobs)


def test_the_harness_imports_nothing_of_the_service() -> None:
    """So that it judges any state of the service by what it does."""
    tests = Path(__file__).parents[2]
    files = [*Path(__file__).parent.glob("*.py"), tests / "small_model.py", tests / "limits.py"]
    assert not {name for file in files for name in _imported(file) if name.partition(".")[0] in OURS}
    assert not {name for file in files for name in _imported(file) if _of_other_tests(name)}


def _imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def _of_other_tests(name: str) -> bool:
    own = ("tests.faults.blackbox.", "tests.small_model", "tests.limits")
    return name.startswith("tests") and not name.startswith(own)
