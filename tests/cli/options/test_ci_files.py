"""The files under ci/ use only options that the commands have."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from cli.main import app

CI = Path(__file__).parents[3] / "ci"


def scripts() -> Iterator[str]:
    for step in yaml.safe_load((CI / "github" / "action.yml").read_text())["runs"]["steps"]:
        yield step["run"]
    yield from yaml.safe_load((CI / "gitlab" / "pruneserve.yml").read_text())[".pruneserve"]["script"]


def options_of(command: str) -> set[str]:
    group = typer.main.get_command(app)
    return {name for parameter in group.commands[command].params for name in parameter.opts}  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ["run", "download"])
def test_every_option_in_the_ci_files_exists(command: str) -> None:
    calls = re.findall(
        rf"pruneserve {command} (.*?)(?:$|[&>|])", "\n".join(scripts()).replace("\\\n", ""), re.M
    )
    used = set(re.findall(r"(?<![\w-])--[a-z-]+", " ".join(calls)))
    assert used
    assert used <= options_of(command)


def test_every_input_of_the_action_is_used() -> None:
    action = yaml.safe_load((CI / "github" / "action.yml").read_text())
    script = action["runs"]["steps"][1]["run"]
    found = re.search(r"for option in (.*); do", script)
    assert found
    passed_on = found[1].split()
    assert {f"--{name}" for name in passed_on} <= options_of("run")
    assert set(action["inputs"]) == {*passed_on, "url", "api-key", "output", "install"}
    # No text of an input is part of a script, where it could say anything.
    assert not any("${{" in text for text in scripts())
