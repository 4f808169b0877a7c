"""The GPU check: its list at toy size, and what becomes of checks that fail, hang, die or find no time."""

import json
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.gpu_check import child
from bench.gpu_check.__main__ import main, progress, run_plan, summary
from bench.gpu_check.context import Context
from bench.gpu_check.gradients import require_same_bits
from bench.gpu_check.plan import PLAN, Check
from bench.gpu_check.process import Surroundings, child_environment
from bench.gpu_check.result import Figure, Findings, verdict_of
from pruning.calibration.window_norms import GradientNorms

ROOT = Path(__file__).parents[3]
# Of the packages that only the service and its tests use.
SERVICE = ("alembic", "celery", "fastapi", "kombu", "matplotlib", "psycopg", "sqlalchemy", "valkey")


FILES = {"summary.md", "summary.json", "log.txt", "details.tar.gz"}


def details(out: Path) -> set[str]:
    """Return the names of the files that are packed."""
    with tarfile.open(out / "details.tar.gz") as packed:
        return set(packed.getnames())


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(1800)  # fifteen processes, each of which imports torch
def test_the_whole_list_passes_at_toy_size_without_what_a_bare_machine_lacks(tmp_path: Path) -> None:
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    # Python reads it when it starts, and imports no module whose entry is None.
    (hiding / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({SERVICE}))\n")
    # A larger budget stretches the limits: other tests keep this machine busy.
    command = [sys.executable, "-m", "bench.gpu_check", "--device", "cpu", "--budget", "6000"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--scratch", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(hiding)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == FILES
    results = json.loads((out / "summary.json").read_text())
    assert details(out) == {f"{check.file}.{ending}" for check in PLAN for ending in ("json", "log")}
    table = (out / "summary.md").read_text()
    for check, result in zip(PLAN, results, strict=True):
        assert (
            f"| {result['seconds']:.1f} s, host {result['findings']['peak_memory']['host']:.2f} GB |" in table
        )
        assert f"== {check.file}\n" in (out / "log.txt").read_text()
    assert {result["verdict"] for result in results} == {"passed", "recorded"}
    for result in results:
        assert result["findings"]["figures"], result["name"]
        assert result["findings"]["device"].startswith("cpu")
        assert {"python", "torch", "transformers"} <= result["findings"]["versions"].keys()
    notes = [figure["note"] for result in results for figure in result["findings"]["figures"]]
    assert sum("extrapolated from" in note for note in notes) == 7
    assert not list(tmp_path.glob("gpu-check-*"))  # nothing is left of the scratch directories


CHILD = """
import argparse, os, signal, subprocess, sys, time
from dataclasses import replace
from pathlib import Path
from bench.gpu_check.result import Figure, Findings, write_json

parser = argparse.ArgumentParser()
parser.add_argument("function")
for name in ("device", "size", "findings", "scratch"):
    parser.add_argument("--" + name, type=Path)
options = parser.parse_args()
found = Findings({"torch": "1"}, "a device", (Figure("speed", 3.0, "at least 2", True),), "40%")
if options.function == "misses":
    print("what it has seen")
    found = replace(found, figures=(Figure("speed", 1.0, "at least 2", False),))
write_json(options.findings, found)
if options.function == "raises":
    sys.exit("the reason")
if options.function == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
if options.function == "hangs":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("PLACE").write_text(str(child.pid))
    time.sleep(600)
"""


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    """Checks whose process runs no torch, and does what its function's name says."""
    program = tmp_path / "child.py"
    program.write_text(CHILD.replace("PLACE", str(tmp_path / "grandchild")))
    environment = child_environment(os.environ, ROOT)
    out, own = tmp_path / "out", tmp_path / "details"
    out.mkdir()
    own.mkdir()
    return Surroundings(out, own, tmp_path, "cpu", "toy", environment, command=(sys.executable, str(program)))


def check(number: int, function: str, seconds: float = 60) -> Check:
    return replace(PLAN[0], number=number, name=function, function=function, seconds=seconds)


def test_a_check_that_fails_or_dies_does_not_stop_the_next(surroundings: Surroundings) -> None:
    names = ("raises", "dies", "misses", "succeeds")
    results = list(run_plan([check(*each) for each in enumerate(names)], 240, surroundings))
    assert [result.verdict for result in results] == ["failed", "failed", "failed", "passed"]
    assert (results[0].error, results[0].log) == ("exit code 1", "the reason")
    assert results[1].error == "ended by signal 9"
    assert all(result.findings.figures for result in results)  # what they had measured before the end
    stored = json.loads((surroundings.out / "summary.json").read_text())
    assert [result["verdict"] for result in stored] == [result.verdict for result in results]


def test_four_files_come_after_every_check(surroundings: Surroundings) -> None:
    running = run_plan([check(0, "raises"), check(1, "succeeds")], 120, surroundings)
    for count in (1, 2):
        next(running)
        assert {path.name for path in surroundings.out.iterdir()} == FILES
        assert len(json.loads((surroundings.out / "summary.json").read_text())) == count
        assert len(details(surroundings.out)) == 2 * count
    assert (surroundings.out / "log.txt").read_text() == "== 00-raises\nthe reason\n\n== 01-succeeds\n"
    assert "| 1 | **succeeds**" in (surroundings.out / "summary.md").read_text()


@pytest.mark.slow
def test_only_the_checks_that_are_named_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--device", "cpu", "--budget", "600", "--out", str(tmp_path), "--only", "first-reset"]
    assert main(options) == 0
    (result,) = json.loads((tmp_path / "summary.json").read_text())
    assert result["name"] == "first-reset"
    assert (tmp_path / "summary.md").read_text() == capsys.readouterr().out
    assert details(tmp_path) == {"01-first-reset.json", "01-first-reset.log"}


def test_the_summary_has_seconds_and_peak_memory_of_each_check(surroundings: Surroundings) -> None:
    (result,) = run_plan([check(0, "succeeds")], 60, surroundings)
    found = replace(result.findings, peak_memory={"host": 3.251, "device": 12.5})
    table = "\n".join(summary([replace(result, seconds=4.25, findings=found)]))
    assert "| 4.2 s, host 3.25 GB, device 12.50 GB |" in table


def test_the_memory_of_a_device_is_sampled_once_it_is_initialised(monkeypatch: pytest.MonkeyPatch) -> None:
    free, initialised = [90, 30, 60], []
    monkeypatch.setattr(child, "_INTERVAL_SECONDS", 0.001)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: bool(initialised))

    def mem_get_info(device: torch.device) -> tuple[int, int]:
        if len(free) == 1:
            raise RuntimeError  # a context that an error has broken ends the samples
        return free.pop(0) * 10**9, 100 * 10**9

    monkeypatch.setattr(torch.cuda, "mem_get_info", mem_get_info)
    sampled = child.SampledMemory(torch.device("cuda"))
    assert sampled.peak().keys() == {"host"}
    initialised.append(True)
    while len(free) > 1:
        time.sleep(0.001)
    time.sleep(0.1)
    assert sampled.peak()["device"] == 70
    assert 0.01 < sampled.peak()["host"] < 100


def test_a_hanging_check_is_killed_with_its_children_and_keeps_its_figures(
    surroundings: Surroundings,
) -> None:
    started = time.monotonic()
    hanging, following = run_plan([check(0, "hangs", 5), check(1, "succeeds")], 65, surroundings)
    assert hanging.verdict == "failed"
    assert hanging.error == "killed after its limit of 5 s"
    assert hanging.findings.figures == (Figure("speed", 3.0, "at least 2", True),)
    assert time.monotonic() - started < 300  # and not the 600 that it would have slept
    assert is_gone(int((surroundings.out.parent / "grandchild").read_text()))
    assert following.verdict == "passed"
    assert "| how far it came | 40% |" in "\n".join(summary([hanging, following]))


def test_a_check_that_hangs_leaves_where_its_threads_were(surroundings: Surroundings) -> None:
    program = surroundings.out / "hanging.py"
    program.write_text(
        "import faulthandler, time\n"
        "from bench.gpu_check.result import TRACEBACK_SIGNAL\n"
        "def waits_for_the_device():\n"
        "    time.sleep(600)\n"
        "faulthandler.register(TRACEBACK_SIGNAL)\n"
        "waits_for_the_device()\n"
    )
    at = replace(surroundings, command=(sys.executable, str(program)))
    (hanging,) = run_plan([check(0, "hangs", 8)], 8, at)
    assert hanging.error.startswith("killed after its limit of ")
    assert "in waits_for_the_device" in hanging.log


def test_the_output_alone_says_why_a_check_has_failed(surroundings: Surroundings) -> None:
    raising, missing = run_plan([check(0, "raises"), check(1, "misses")], 120, surroundings)
    lines = list(summary([raising, missing]))
    assert any("| failed: exit code 1: the reason |" in line for line in lines)
    logs = lines[lines.index("The end of raises's log:") :]
    assert [line for line in logs if line] == [
        *("The end of raises's log:", "```", "the reason", "```"),
        *("The end of misses's log:", "```", "what it has seen", "```"),
    ]
    assert progress(missing).endswith(" s: speed")


def test_differing_bits_are_reported_by_place_and_size(tmp_path: Path) -> None:
    at = Context(torch.device("cpu"), "toy", tmp_path, tmp_path / "findings.json", Findings({}))
    expected: GradientNorms = {"l1": {"a": torch.ones(2), "b": torch.ones(2)}}
    found: GradientNorms = {"l1": {"a": torch.ones(2), "b": torch.tensor([1.0, 1.5])}}
    require_same_bits(at, "equal", expected, expected)
    require_same_bits(at, "unequal", found, expected)
    equal, unequal = at.findings.figures
    assert (equal.met, equal.note) == (True, "")
    assert not unequal.met
    assert unequal.note.startswith("1 of 2 tensors differ, the first, l1 of b, by a relative 0.35,")


def is_gone(process: int) -> bool:
    """Whether the process has ended; one that its parent has not waited for yet is a zombie."""
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_check_for_which_no_time_is_left_is_not_run(surroundings: Surroundings) -> None:
    first, second = run_plan([check(0, "succeeds"), check(1, "succeeds", 1000)], 120, surroundings)
    assert (first.verdict, second.verdict) == ("passed", "not run: budget")
    assert json.loads((surroundings.out / "summary.json").read_text())[1]["verdict"] == "not run: budget"


def test_a_check_gets_what_the_checks_before_it_have_left(surroundings: Surroundings) -> None:
    first, second = run_plan([check(0, "succeeds", 100), check(1, "succeeds", 100)], 200, surroundings)
    assert first.limit <= 100 < second.limit <= 200 - first.seconds


def test_a_larger_budget_stretches_every_limit(surroundings: Surroundings) -> None:
    (only,) = run_plan([check(0, "succeeds", 30)], 300, surroundings)
    assert 30 < only.limit <= 300


@pytest.mark.parametrize(
    ("met", "error", "verdict"),
    [
        ([True, None], "", "passed"),
        ([None, None], "", "recorded"),
        ([], "", "recorded"),
        ([True, False], "", "failed"),
        ([True], "exit code 1", "failed"),
    ],
)
def test_one_missed_bound_or_an_error_fails_a_check(met: list[bool | None], error: str, verdict: str) -> None:
    figures = tuple(Figure("a figure", 1.0, met=each) for each in met)
    assert verdict_of(Findings({}, figures=figures), error) == verdict


def test_the_parent_process_imports_only_the_standard_library_and_no_torch() -> None:
    program = "import sys, bench.gpu_check.__main__; print(*sys.modules)"
    # Without the packages of this environment: an import of any of them would fail.
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "bench.gpu_check.plan" in done.stdout.split()
    assert "torch" not in done.stdout.split()


def test_packages_that_the_command_is_given_are_found_by_its_checks() -> None:
    environment = child_environment({"PYTHONPATH": "packages"}, ROOT)
    assert environment["PYTHONPATH"] == os.pathsep.join((str(ROOT), "packages"))


def test_the_plan_takes_540_seconds_and_its_page_names_every_check() -> None:
    assert sum(check.seconds for check in PLAN) == 540
    assert [check.number for check in PLAN] == list(range(15))
    page = (ROOT / "docs" / "performance.md").read_text()
    missing = [check.name for check in PLAN if f"| {check.number} | `{check.name}` |" not in page]
    assert not missing
