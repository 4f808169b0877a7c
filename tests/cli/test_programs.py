"""The installed programs, started beside files and packages that have the names of PruneServe's own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PROGRAMS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"]
# What Python and Celery import by themselves is in the way as well.
IN_THE_WAY = ("api", "cli", "jobs", "migrations", "pruning", "worker", "billiard", "celery", "pydantic")
FOREIGN = "raise SystemExit('foreign code ran')\n"

pytestmark = [pytest.mark.slow, pytest.mark.threat]


def run(name: str, *arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run an installed program in a directory, without what the tests' own environment says of paths."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(Path(sys.executable).with_name(name)), *arguments],
        cwd=directory,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def beside_foreign_code(tmp_path: Path) -> Path:
    for name in IN_THE_WAY:
        (tmp_path / f"{name}.py").write_text(FOREIGN)
    return tmp_path


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_a_program_runs_nothing_of_the_working_directory(program: str, beside_foreign_code: Path) -> None:
    done = run(program, "--help", directory=beside_foreign_code, DATABASE_URL="", STORE_URL="", BROKER_URL="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage" in done.stdout.lower()


@pytest.mark.parametrize("program", ["pruneserve-worker", "pruneserve-scheduler"])
def test_a_program_without_options_asks_for_its_settings(program: str, beside_foreign_code: Path) -> None:
    done = run(program, directory=beside_foreign_code, DATABASE_URL="", STORE_URL="")
    assert "DATABASE_URL" in done.stderr
    assert "foreign code" not in done.stderr


@pytest.mark.parametrize(
    ("content", "program", "said"),
    [
        (None, "pruneserve-manage", "cannot be read: No such file or directory"),
        ("", "pruneserve-scheduler", "is empty; write postgresql://user:password@host/name into it"),
        ('"postgresql://u:hush@db/x"', "pruneserve-worker", "must hold the value alone, without quotes"),
        ("u:hush@db/x", "pruneserve-api", "must be a URL such as postgresql://user:password@host/name"),
        ("postgresql://u:p@hush@db/x", "pruneserve-scheduler", "must have %40 in place of each @"),
    ],
)
def test_an_unusable_secret_is_named_without_a_traceback(
    content: str | None, program: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "database-url"
    if content is not None:
        file.write_text(content)
        file.chmod(0o600)
    arguments = ["new-key", "--owner", "ada"] if program == "pruneserve-manage" else []
    place = {"DATABASE_URL": "", "DATABASE_URL_FILE": str(file), "STORE_URL": "file:///store"}
    done = run(program, *arguments, directory=tmp_path, **place)
    assert done.returncode == 1
    assert f"error: DATABASE_URL_FILE: {file}" in done.stderr
    assert said in done.stderr
    assert not any(word in done.stderr for word in ("Traceback", "hush"))


@pytest.mark.parametrize("program", ["pruneserve-api", "pruneserve-scheduler", "pruneserve-worker"])
def test_an_invalid_store_url_is_one_line(program: str, tmp_path: Path) -> None:
    servers = {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "BROKER_URL": "redis://127.0.0.1:1/0"}
    done = run(program, directory=tmp_path, STORE_URL="/srv/store", **servers)
    assert done.returncode == 1
    said = "error: STORE_URL must be file:///directory or s3://bucket/prefix"
    assert done.stderr.splitlines()[-1] == said
    assert "Traceback" not in done.stderr


def test_a_scheduler_does_not_start_without_a_broker(tmp_path: Path) -> None:
    place = {
        "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x",
        "STORE_URL": f"file://{tmp_path}",
        "BROKER_URL": "",
    }
    done = run("pruneserve-scheduler", directory=tmp_path, **place)
    assert done.returncode == 1
    assert "error: BROKER_URL is not set; set it, or BROKER_URL_FILE" in done.stderr
