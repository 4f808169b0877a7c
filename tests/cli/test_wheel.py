"""The package as others install it: a wheel in a fresh environment, away from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement

from tests.cli.conftest import up
from tools.release import build_wheel

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
PACKAGES = [name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
GENERATED = ("__pycache__", "build", "*.egg-info")
PROJECT_OF_THE_CLIENT = {f"pruneserve_client/{name}" for name in ("pyproject.toml", "README.md", "LICENSE")}


def copy_of_the_checkout(directory: Path) -> Path:
    """A copy to build: setuptools writes into what it builds, and reads what an earlier build has left."""
    for name in PACKAGES:
        shutil.copytree(CHECKOUT / name, directory / name, ignore=shutil.ignore_patterns(*GENERATED))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, directory)
    return directory


def reproducible_client_wheel(source: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        return build_wheel(source / "pruneserve_client", source / "dist")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_checkout(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    return build_wheel(source, source / "dist")


@pytest.fixture(scope="module")
def client_wheel(source: Path) -> Path:
    return reproducible_client_wheel(source)


def test_everything_that_is_read_at_run_time_is_in_the_wheel(wheel: Path, tmp_path: Path) -> None:
    source = copy_of_the_checkout(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    for package in PACKAGES:
        for path in (source / package).rglob("*"):
            if path.is_file():
                name = str(path.relative_to(source))
                assert (name in packed) != (name in PROJECT_OF_THE_CLIENT)
    assert all(name.partition("/")[0].startswith((*PACKAGES, "pruneserve-")) for name in packed)
    assert any(name.endswith("licenses/LICENSE") for name in packed)


def test_the_same_files_give_the_same_wheel(client_wheel: Path, tmp_path: Path) -> None:
    source = copy_of_the_checkout(tmp_path / "source")
    for path in source.rglob("*"):
        os.utime(path, (0, 0))
    assert reproducible_client_wheel(source).read_bytes() == client_wheel.read_bytes()


def test_the_image_is_built_from_everything_that_is_installed() -> None:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in lines if line.startswith("!")} >= {*PACKAGES, "pyproject.toml"}


def test_the_client_has_a_wheel_of_its_own_with_few_dependencies(client_wheel: Path) -> None:
    with zipfile.ZipFile(client_wheel) as archive:
        packed = set(archive.namelist())
        metadata = next(name for name in packed if name.endswith("/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    required = {
        Requirement(line.partition(": ")[2]).name for line in lines if line.startswith("Requires-Dist")
    }
    assert required == {"httpx", "httpx-sse", "pydantic", "tenacity", "zstandard"}
    modules = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "pruneserve_client").rglob("*.py")}
    assert {name for name in packed if ".dist-info/" not in name} == modules | {"pruneserve_client/py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in packed)


def test_the_client_is_imported_without_the_service(client_wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(client_wheel) as archive:
        archive.extractall(tmp_path)
    program = """
import sys
absent = ("api", "cli", "jobs", "pruning", "worker", "fastapi", "sqlalchemy", "typer", "rich")
sys.modules |= dict.fromkeys(absent)
sys.path.insert(0, sys.argv[1])
import pruneserve_client
print(pruneserve_client.__file__)
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, tmp_path], check=True, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)


@pytest.mark.nightly
def test_the_installed_package_starts_the_whole_stack(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment)
    site_packages = Path(
        sysconfig.get_path("purelib", "venv", vars={"base": str(environment), "platbase": str(environment)})
    )
    # The dependencies of the environment that the tests run in, but not its editable install of the checkout:
    # what a .pth file adds to the path is not searched for further .pth files.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    subprocess.run([*install, "--ignore-installed", wheel], check=True, capture_output=True)

    where = "import api, cli, migrations; print(api.__file__, cli.__file__, migrations.__file__)"
    files = subprocess.run(
        [python, "-P", "-c", where], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert all(Path(file).is_relative_to(site_packages) for file in files.stdout.split())

    with up(tmp_path / "data", command=[str(environment / "bin" / "pruneserve")]) as running:
        address = f"http://127.0.0.1:{running.port}"
        with httpx.Client(base_url=address, timeout=60, trust_env=False) as browser:
            assert "PruneServe" in browser.get("/sign-in").text
            assert browser.get("/static/page.css").is_success
        listed = running.command("jobs")
        assert listed.returncode == 0, listed.stderr
