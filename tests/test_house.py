"""What each package can do without, and rules that no linter has. `make lint` checks which imports which."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
WAKE_UP_TIMEOUT = 60.0
PACKAGES = ("api", "scheduler", "worker", "pruning", "jobs", "cli", "pruneserve_client")

WITHOUT_TORCH = '''
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    """As on a machine where the extra `torch` is not installed.

    Nor is what takes a second to load, which the API does with the first picture.
    """

    names = {"torch", "transformers", "safetensors", "datasets", "accelerate", "pyarrow", "matplotlib"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
'''


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """An environment variable that makes every Python process one without torch."""
    path = tmp_path / "path"
    path.mkdir()
    (path / "sitecustomize.py").write_text(WITHOUT_TORCH)
    return {"PYTHONPATH": str(path)}


def test_the_architecture_page_names_every_folder() -> None:
    architecture = (CHECKOUT / "docs" / "architecture.md").read_text()
    folders = {path.parent for package in PACKAGES for path in (CHECKOUT / package).glob("*/*.py")}
    assert {folder.name for folder in folders if f"`{folder.name}/`" not in architecture} == set()


def test_every_page_of_the_documentation_that_a_file_names_exists() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    missing = {
        f"{name}: {page}"
        for name in tracked.stdout.splitlines()
        if not name.endswith((".png", ".json"))
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", (CHECKOUT / name).read_text(errors="replace"))
        if not (CHECKOUT / page).exists()
    }
    assert not missing


def test_every_suppressed_finding_states_its_reason() -> None:
    bare = [
        f"{path.relative_to(CHECKOUT)}:{number}"
        for folder in (*PACKAGES, "bench", "ci", "migrations", "tests", "tools")
        for path in (CHECKOUT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"#\s*noqa(?!: [A-Z0-9, ]+ - \S)", line)
    ]
    assert not bare


def test_whole_packages_can_be_imported_without_torch(without_torch: dict[str, str]) -> None:
    # Not what runs when it is imported: entry points and Alembic's environment.
    source = """
import importlib, pkgutil
for name in ("api", "jobs", "scheduler", "migrations", "pruning.recipe", "cli", "pruneserve_client"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if module.name.rpartition(".")[2] not in ("__main__", "env") and ".versions" not in module.name:
            importlib.import_module(module.name)
"""
    settings = {"DATABASE_URL": "postgresql://x@y/z", "BROKER_URL": "redis://x", "STORE_URL": "file:///x"}
    done = _python(source, without_torch | settings)
    assert done.returncode == 0, done.stderr


def test_the_public_names_of_the_library_load_nothing_before_they_are_used(
    without_torch: dict[str, str],
) -> None:
    code = "import sys, pruning; from pruning import Recipe, InvalidInput; print(*sorted(sys.modules))"
    done = _python(code, without_torch)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "rich", "fastapi", "sqlalchemy", "httpx", "pruning.api", "pruning.estimate"}


def _python(source: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-c", source]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
