"""A tree that is copied to a machine, and not installed, has a version all the same."""

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pruning.version
from pruning.models.placement import Placement
from pruning.report import Environment
from pruning.version import NOT_INSTALLED, NUMERICS, pruneserve_version
from tests.pruning.families import make


def test_an_installed_tree_has_the_version_of_its_distribution() -> None:
    assert pruneserve_version() == importlib.metadata.version("pruneserve")


def test_a_tree_that_is_not_installed_says_so(tmp_path: Path) -> None:
    (tmp_path / "pruning").mkdir()
    shutil.copy(pruning.version.__file__, tmp_path / "pruning")
    program = "from pruning.version import pruneserve_version; print(pruneserve_version())"
    without_installed_packages = [sys.executable, "-S", "-c", program]
    done = subprocess.run(
        without_installed_packages, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout.strip() == NOT_INSTALLED


def test_a_report_needs_no_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(pruning.version, "version", not_found)
    here = Environment.here(device="cpu", dtype="float32", threads=1, attention="sdpa")
    assert here.pruneserve == NOT_INSTALLED


def test_the_numerics_key_is_the_same_in_a_release_with_the_same_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Placement(make("llama")).numerics_key
    monkeypatch.setattr(pruning.version, "version", lambda name: "99.0")
    assert pruneserve_version() == "99.0"
    assert Placement(make("llama")).numerics_key == here
    assert here["numerics"] == NUMERICS
