"""The package as others install it: a wheel in a fresh environment, away from the checkout."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import up

CHECKOUT = Path(__file__).parents[2]
ROOMS = ("api", "cli", "jobs", "migrations", "pruneserve_client", "pruning", "worker")
OF_THE_CLIENT_ALONE = {"pruneserve_client/pyproject.toml", "pruneserve_client/README.md"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # From a copy: setuptools writes beside what it builds, and reads what an earlier build has left there.
    source = tmp_path_factory.mktemp("source")
    for name in ROOMS:
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", source / "dist", source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (source / "dist").glob("*.whl")
    return wheel


def test_everything_that_is_read_at_run_time_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    for room in ROOMS:
        for path in (CHECKOUT / room).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = str(path.relative_to(CHECKOUT))
                assert (name in packed) != (name in OF_THE_CLIENT_ALONE)
    assert all(name.partition("/")[0].startswith((*ROOMS, "pruneserve-")) for name in packed)
    assert any(name.endswith("licenses/LICENSE") for name in packed)


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
        with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False) as browser:
            assert "PruneServe" in browser.get("/sign-in").text
            assert browser.get("/static/page.css").is_success
        listed = running.command("jobs")
        assert listed.returncode == 0, listed.stderr
