import os
import re
import shutil
import subprocess
from inspect import signature
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.problems.base import Problem
from cli.main import up
from jobs.database import Database
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store
from tests.api.drive import Jobs, MakeKey, Server
from tests.jobs.queue.fleet import register

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
PARAMETER = re.compile(r"\{\w+\}|(?<=/)[A-Z]+(?![A-Za-z])")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the examples use curl and jq")
def test_every_command_of_the_documentation_works(
    server: Server, jobs: Jobs, database: Database, make_key: MakeKey, settings: Settings, tmp_path: Path
) -> None:
    with database.begin() as session:
        register(session, "worker-1")  # so that there is a queue
    path = tmp_path / "config.json"
    path.write_text("{}")
    stored = Store(settings.store_url).put_file("config.json", path)
    jobs.succeed(jobs.running(), [FinishedArtifact("config.json", stored.key, stored.size, stored.sha256)])

    setup, *commands = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert "export URL" in setup
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        env=os.environ | {"URL": server.url, "KEY": make_key()},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "pruned" / "config.json").read_text() == "{}"


def test_the_examples_use_the_port_of_pruneserve_up() -> None:
    setup = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[0]
    assert f"export URL=http://127.0.0.1:{signature(up).parameters['port'].default} " in setup


def test_the_documentation_lists_every_kind_of_problem_and_no_other() -> None:
    table = PAGE.read_text().rpartition("| --- |")[2]
    listed = re.findall(r"^\| \d+ \| `([a-z-]+)`", table, re.MULTILINE)
    assert sorted(listed) == sorted(problem.slug for problem in Problem.__subclasses__())


def test_the_documentation_names_no_operation_that_does_not_exist(anonymous: TestClient) -> None:
    paths = anonymous.get("/v1/openapi.json").json()["paths"]
    there = {(method.upper(), PARAMETER.sub("*", path)) for path in paths for method in paths[path]}
    named = {
        (method, PARAMETER.sub("*", path))
        for page in PAGE.parent.glob("*.md")
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^`?]*)", page.read_text())
    }
    assert len(named) > 5
    assert named <= there
