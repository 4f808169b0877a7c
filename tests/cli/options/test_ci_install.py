"""The files under ci/ install a named wheel into an environment of its own, without the API key."""

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cli.options.ci_files import ACTION, TEMPLATE, scripts

systems = pytest.mark.parametrize("system", ["github", "gitlab"])
INSTALL = {"github": "INSTALL", "gitlab": "PRUNESERVE_INSTALL"}


@pytest.fixture
def away(tmp_path: Path) -> dict[str, str]:
    """The environment of a CI machine without the command, whose working directory is a stranger's."""
    programs = tmp_path / "bin"
    for directory in (programs, tmp_path / "work", tmp_path / "temp"):
        directory.mkdir()
    for name in ("pip", "venv", "ensurepip"):
        (tmp_path / "work" / f"{name}.py").write_text("open('taken', 'w').close()")
    python = programs / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PRUNESERVE_API_KEY": "a-key",
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }


def bash(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub and GitLab do, in the working directory of the test's machine."""
    work = Path(environment["RUNNER_TEMP"]).with_name("work")
    command = ["bash", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, env=environment, cwd=work, capture_output=True, text=True, check=False)


def installer(system: str) -> str:
    """The step of a CI file that installs the command."""
    if system == "github":
        return ACTION["runs"]["steps"][0]["run"]  # type: ignore[no-any-return]
    return TEMPLATE["script"][1]  # type: ignore[no-any-return]


TOLD = """
def tell():
    import shutil
    print("offered, beside", shutil.which("python"))
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel with a module, and a command that tells which Python is the first."""
    path = tmp_path / "pruneserve-0.1.0-py3-none-any.whl"
    about = "pruneserve-0.1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("offered.py", TOLD)
        archive.writestr(f"{about}/entry_points.txt", "[console_scripts]\npruneserve = offered:tell\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: pruneserve\nVersion: 0.1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


@pytest.mark.threat
@pytest.mark.slow
@systems
def test_a_wheel_is_installed_apart_once_its_digest_is_checked(
    system: str, wheel: Path, away: dict[str, str], tmp_path: Path
) -> None:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    refused = bash(installer(system), away | {INSTALL[system]: f"{wheel.as_uri()}#sha256={'ab' * 32}"})
    assert (refused.returncode, [*tmp_path.rglob("offered.py")]) == (1, [])
    given = away | {INSTALL[system]: f"{wheel.as_uri()}#sha256={digest}"}
    if system == "github":
        done = bash(installer(system), given)
        assert done.returncode == 0, done.stderr
        done = bash(ACTION["runs"]["steps"][1]["run"], given)
    else:
        done = bash("\n".join(TEMPLATE["script"]), given)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"offered, beside {tmp_path / 'bin' / 'python'}\n"
    (module,) = tmp_path.rglob("offered.py")
    assert module.is_relative_to(tmp_path / ("temp/pruneserve" if system == "github" else "work/.pruneserve"))
    assert not (tmp_path / "work" / "taken").exists()


@pytest.mark.threat
@systems
def test_what_pip_runs_does_not_get_the_key(system: str, away: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "python").write_text(
        f"""#!/bin/sh
        env >> {tmp_path}/seen
        for last; do :; done
        case "$*" in *"-m venv "*) mkdir -p "$last/bin"; cp "$0" "$last/bin/python"; esac
        """
    )
    # GitHub gives a step the variables that it names; the project's variables of GitLab are in every job.
    given = set(away) if system == "gitlab" else set(away) - {"PRUNESERVE_API_KEY"}
    assert "PRUNESERVE_API_KEY" not in ACTION["runs"]["steps"][0]["env"]
    done = bash(installer(system), {name: away[name] for name in given} | {INSTALL[system]: "a.whl"})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen").read_text().count("PIP_NO_INDEX=1") == 2
    assert "a-key" not in (tmp_path / "seen").read_text()


@pytest.mark.threat
@systems
def test_nothing_is_installed_by_name(system: str, away: dict[str, str]) -> None:
    refused = bash(installer(system), away)
    assert refused.returncode == 1
    assert "name a wheel in the input install" in refused.stderr


@pytest.mark.threat
def test_python_in_the_ci_files_imports_nothing_of_the_working_directory() -> None:
    for script in scripts():
        assert set(re.findall(r'\bpython"? (\S+)', script)) <= {"-I"}
