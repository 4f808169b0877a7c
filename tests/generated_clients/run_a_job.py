"""Clients that others generate from our OpenAPI document compile, and run a job: `make generated-clients`."""

import json
import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.stack import Stack

HERE = Path(__file__).parent
GENERATORS = HERE.parents[1] / "build" / "generators"


def run(*command: str, cwd: Path, **environment: str) -> str:
    """Run a command that must succeed, and return all that it says."""
    variables = os.environ | environment
    done = subprocess.run(command, cwd=cwd, env=variables, stdout=-1, stderr=-2, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def api(stack: Stack) -> httpx.Client:
    stack.start_scheduler()
    stack.start_worker()
    return stack.start_api()


@pytest.fixture
def environment(api: httpx.Client, stack: Stack) -> dict[str, str]:
    """What both programs need: the address, a key and a job."""
    return {
        "URL": str(api.base_url).rstrip("/"),
        "KEY": api.headers["Authorization"].removeprefix("Bearer "),
        "JOB": json.dumps(stack.spec(method="magnitude").as_request()),
    }


@pytest.fixture
def document(api: httpx.Client, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(api.get("/v1/openapi.json", timeout=60).text)
    return path


def judge(printed: str, api: httpx.Client) -> None:
    """Compare what a program says of its job with what the API says."""
    said = json.loads(printed.splitlines()[-1])
    assert (said["state"], said["again"]) == ("succeeded", 201)
    jobs = api.get("/v1/jobs", params={"state": "succeeded"}).json()["items"]
    assert said["pruned"] in [job["perplexity"]["pruned"] for job in jobs]


@pytest.mark.parametrize("store_url", ["directory"], indirect=True)
def test_a_python_client_runs_a_job(
    api: httpx.Client, environment: dict[str, str], document: Path, tmp_path: Path
) -> None:
    python = str(GENERATORS / "bin" / "python")
    generator = [python, "-m", "openapi_python_client", "generate", "--path", str(document), "--meta", "none"]
    path = os.pathsep.join([str(GENERATORS / "bin"), os.environ["PATH"]])  # it formats with ruff
    said = run(*generator, "--output-path", str(tmp_path / "prune_serve_client"), cwd=tmp_path, PATH=path)
    # Bodies of plain text are the one thing that it cannot do.
    assert re.findall(r"WARNING parsing (\S+ \S+)", said) == ["POST /v1/uploads"]
    assert "Unable to" not in said
    run(python, "-m", "compileall", "-q", "prune_serve_client", cwd=tmp_path)
    (tmp_path / "program.py").write_text((HERE / "use_python_client.py").read_text())
    run(python, "-m", "mypy", "--strict", "--follow-imports", "silent", "program.py", cwd=tmp_path)
    judge(run(python, "program.py", cwd=tmp_path, **environment), api)


@pytest.mark.parametrize("store_url", ["directory"], indirect=True)
def test_a_typescript_client_runs_a_job(
    api: httpx.Client, environment: dict[str, str], document: Path, tmp_path: Path
) -> None:
    programs = GENERATORS / "node_modules" / ".bin"
    (tmp_path / "node_modules").symlink_to(GENERATORS / "node_modules")
    (tmp_path / "package.json").write_text((HERE / "package.json").read_text())
    run(str(programs / "openapi-typescript"), str(document), "--output", "schema.ts", cwd=tmp_path)
    (tmp_path / "program.ts").write_text((HERE / "use_typescript_client.ts").read_text())
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    run(str(programs / "tsc"), *options, "program.ts", "schema.ts", cwd=tmp_path)
    judge(run("node", "program.js", cwd=tmp_path, **environment), api)
