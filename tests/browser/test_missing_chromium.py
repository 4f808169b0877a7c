"""A machine without Chromium: the last line of the tests says so, and `.ci/run` installs it or fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
BROWSERS = {"chromium", "google-chrome"}
BASH = shutil.which("bash") or "bash"


@pytest.fixture
def without_chromium(tmp_path: Path) -> Path:
    """A directory with links to every program of this machine but a browser."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for directory in os.environ["PATH"].split(os.pathsep):
        for program in Path(directory).glob("*"):
            link = programs / program.name
            if program.name not in BROWSERS and not link.is_symlink():
                link.symlink_to(program)
    return programs


def test_the_last_line_names_the_skipped_tests_and_the_remedy(without_chromium: Path, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_unconfigure\n")
    (tmp_path / "test_page.py").write_text(
        "from tests.browser.chromium import launched\n"
        "def test_one():\n    with launched(): ...\n"
        "def test_two():\n    with launched(): ...\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "1", str(tmp_path)]
    environment = os.environ | {"PATH": str(without_chromium), "PYTHONPATH": str(CHECKOUT)}
    for ours in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[ours]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == (
        "2 tests did NOT run: they need Chromium. Install it: apt-get install chromium"
    )


@pytest.mark.parametrize(
    ("user", "has_apt", "runs"), [("0", True, True), ("0", False, False), ("1000", True, False)]
)
def test_ci_installs_chromium_or_fails(tmp_path: Path, user: str, has_apt: bool, runs: bool) -> None:
    dirname = shutil.which("dirname")
    assert dirname is not None
    (tmp_path / "dirname").symlink_to(dirname)
    ran = tmp_path / "ran"
    browser = tmp_path / "chromium"
    programs = {
        "id": f"echo {user}",
        "git": "echo 0000009",  # the commit, which chooses the share of the nightly tests
        "make": f'echo "make $*" >> {ran}',
    }
    if has_apt:
        # As the package does: it brings a program of that name.
        made = f'echo "#!{BASH}" > {browser}; {shutil.which("chmod")} +x {browser}'
        programs["apt-get"] = f'echo "apt-get $*" >> {ran}; [ "$1" = update ] || {{ {made}; }}'
    for name, lines in programs.items():
        (tmp_path / name).write_text(f"#!{BASH}\n{lines}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [BASH, str(CHECKOUT / ".ci" / "run")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    called = ran.read_text().splitlines() if ran.exists() else []
    if runs:
        assert done.returncode == 0, done.stderr
        assert called[0].startswith("apt-get update")
        assert called[1].endswith(" chromium")
        assert called[2:] == ["make --jobs 2 NIGHTLY=2/7 lint test"]
    else:
        assert done.returncode == 1
        assert "apt-get install chromium" in done.stderr
        assert called == []
