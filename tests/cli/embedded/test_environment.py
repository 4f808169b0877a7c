"""`pruneserve up` refuses an environment in which its processes would import what is not PruneServe's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.embedded import environment
from cli.embedded.environment import require_own_environment
from cli.terminal import CommandFailed, Exit
from pruneserve_entry import PACKAGES

CHECKOUT = Path(__file__).parents[3]


def test_our_own_environment_will_do() -> None:
    require_own_environment()


def test_every_package_that_the_service_installs_is_checked() -> None:
    rooms = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")}
    assert set(PACKAGES) == rooms - {"pruneserve_entry"}


@pytest.mark.threat
@pytest.mark.parametrize("file", ["jobs/__init__.py", "worker.py"])
def test_a_foreign_package_is_named_with_its_file(tmp_path: Path, file: str) -> None:
    foreign = tmp_path / "elsewhere" / file
    foreign.parent.mkdir(parents=True)
    foreign.write_text("raise RuntimeError('imported')\n")
    up = [sys.executable, "-m", "cli.main", "up", "--data", str(tmp_path / "data")]
    refused = subprocess.run(
        up,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "elsewhere")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == Exit.FAILED
    assert str(foreign) in refused.stderr
    assert "environment of its own" in refused.stderr
    assert "imported'" not in refused.stderr
    assert not (tmp_path / "data").exists()


def test_another_distribution_with_the_same_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        environment, "packages_distributions", lambda: {"worker": ["pruneserve", "other-app"]}
    )
    with pytest.raises(
        CommandFailed, match=r"other-app installs a package 'worker' too, over .*worker/__init__\.py"
    ):
        require_own_environment()
