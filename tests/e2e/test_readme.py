"""Every command of the README, and one with a recipe, on the service that it starts, with a small model."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PRUNESERVE, SETTINGS, up
from tests.small_model import write_small_model

CHECKOUT = Path(__file__).parents[2]
PORT = "8642"

pytestmark = pytest.mark.slow


def blocks(page: str = "README.md") -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", (CHECKOUT / page).read_text(), re.MULTILINE | re.DOTALL)


def test_the_readme_begins_with_two_commands_that_make_knows() -> None:
    first, *others = blocks()
    targets = re.findall(r"^make ([a-z-]+) ", first, re.MULTILINE)
    assert len(targets) == len(first.splitlines()) == 2
    assert not any("make " in block for block in others)
    for target in targets:
        known = subprocess.run(
            ["make", "-n", target], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert known.returncode == 0, known.stderr


def test_every_other_command_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, start, *commands = blocks()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    write_small_model(tmp_path / ".demo" / "models" / "SmolLM2-135M-Instruct", context=512)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, command in (("pruneserve", PRUNESERVE), ("python", [sys.executable])):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (programs / name).chmod(0o755)

    export, typed = start.splitlines()
    assert export == commands[0].splitlines()[0]
    program, name, *arguments = shlex.split(typed)
    assert (program, name) == ("pruneserve", "up")
    with up(tmp_path / "share" / "pruneserve", *arguments) as running:
        with_a_recipe = blocks("docs/cli.md")[0]
        script = "\n".join([export, *commands, with_a_recipe]).replace(PORT, str(running.port))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env=os.environ | SETTINGS | {"PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{running.logs()}"
    for directory in ("smaller", "pruned"):
        assert (tmp_path / directory / "model.safetensors").exists()
    assert "quick: 16 windows" in done.stdout
    assert (tmp_path / "result.md").read_text().startswith("### ✅")
