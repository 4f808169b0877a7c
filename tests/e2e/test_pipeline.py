"""A pipeline with a gate: the commands of CI, on a real service."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.embedded.services import Api
from cli.terminal import Exit
from jobs.tables import Job
from tests.stack import Stack

pytestmark = pytest.mark.nightly

TIMEOUT_SECONDS = 200
EXPORT = "compressed-tensors:fp8"


@dataclass
class Pipeline:
    """A CI job's checkout, a running service, and a job file for the small model."""

    stack: Stack
    directory: Path
    environment: dict[str, str]
    job_file: Path

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    def newest_job(self) -> Job:
        with self.stack.database.begin() as session:
            return session.query(Job).order_by(Job.id.desc()).first()


@pytest.fixture(scope="module")
def service(shared_stack: Stack) -> tuple[Stack, str, str]:
    """The running service, its address, and a key for it."""
    shared_stack.start_scheduler()
    shared_stack.start_worker()
    client = shared_stack.start_api()
    api = shared_stack.processes[-1]
    assert isinstance(api, Api)
    return shared_stack, api.url, client.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def pipeline(service: tuple[Stack, str, str], tmp_path: Path) -> Pipeline:
    stack, url, key = service
    directory = tmp_path / "checkout"
    directory.mkdir()
    spec = stack.spec().model_dump(mode="json", exclude={"gate"})
    (directory / "job.json").write_text(json.dumps(spec.pop("recipe") | spec))
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PRUNESERVE_URL": url,
        "PRUNESERVE_API_KEY": key,
        "GITHUB_STEP_SUMMARY": str(directory / "summary.md"),
    }
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        environment.pop(name, None)
    return Pipeline(stack, directory, environment, directory / "job.json")


def test_a_run_exits_with_its_gates_code_and_its_summary_shows_the_table(pipeline: Pipeline) -> None:
    base = (
        "pruneserve",
        "run",
        "--recipe",
        "job.json",
        "--model",
        str(pipeline.stack.model),
        "--sparsity",
        "0.5",
    )
    # The model is random, so pruning may barely change its perplexity: the report says which exit code is
    # right.
    done = pipeline.run(*base, "--max-increase", "5%", "--json")
    job = json.loads(done.stdout)
    measured = job["perplexity"]["pruned"] / job["perplexity"]["dense"] - 1
    assert done.returncode == (Exit.OK if measured <= 0.05 else Exit.GATE_MISSED), done.stderr
    (condition,) = job["gate"]["conditions"]
    assert condition["measured"] == pytest.approx(measured)
    assert (condition["interval"], condition["state"]) == (None, job["gate"]["state"])  # of 4 windows
    summary = (pipeline.directory / "summary.md").read_text()
    assert re.search(r"^\| max\\_perplexity\\_increase \| 5\.00% \| [-0-9.]+% \|", summary, re.MULTILINE)
    assert re.search(r"^\| gradients \| [0-9.]+ s \|", summary, re.MULTILINE)

    on_file = ("--export", EXPORT, "--gate-on", EXPORT, "--max-kl", "1e-9")
    missed = pipeline.run(*base, *on_file, "--junit", "junit.xml")
    assert missed.returncode == Exit.GATE_MISSED, missed.stderr
    assert "gradients done" in missed.stdout
    junit = (pipeline.directory / "junit.xml").read_text()
    assert 'failures="1"' in junit
    assert f'name="max_kl of {EXPORT}"' in junit
    assert re.search(rf"^{EXPORT} +[0-9.]+ kB +[0-9.]+ → ", missed.stdout, re.MULTILINE)
    listed = pipeline.run("pruneserve", "jobs", "--gate", "failed", "--json")
    assert json.loads(listed.stdout)[0]["id"] == str(pipeline.newest_job().id)


def test_a_model_is_compared_with_the_last_accepted_one_of_its_label(pipeline: Pipeline) -> None:
    run = ("pruneserve", "run", "--recipe", "job.json", "--label", "track=main", "--json")
    over = ("--baseline", "track=main", "--max-increase", "0%")
    refused = pipeline.run(*run, *over)
    assert refused.returncode == Exit.USAGE
    assert "--baseline (gate.baseline): is a label of which no job has passed its gate" in refused.stderr
    ids = [None]
    for gate in (("--max-increase", "1000%"), over, over):
        done = pipeline.run(*run, *gate)
        assert done.returncode == Exit.OK, done.stderr
        job = json.loads(done.stdout)
        assert job["gate"]["baseline"] == ids[-1]
        ids.append(job["id"])
    recipe = json.loads(pipeline.job_file.read_text())
    recipe["evaluation"]["windows"] = 3
    pipeline.job_file.write_text(json.dumps(recipe))
    other = pipeline.run(*run, *over, GITHUB_ACTIONS="true")
    assert other.returncode == Exit.FAILED
    why = "--baseline (gate.baseline): the baseline cannot be compared with: it was measured on 4 windows"
    assert f"failed::{why}" in other.stderr
