"""The tutorial "Add a method" of CONTRIBUTING.md, followed to the letter in a package outside of the tree."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.small_model import write_small_model

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[1]
BLOCK = re.compile(
    r'^```(?:python|toml) title="(?P<title>[^"]+)"\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)
COMMANDS = re.compile(r"^```sh\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def section() -> str:
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    return text.partition("## Add a method\n")[2].partition("\n### ")[0]


@pytest.fixture(scope="module")
def project(section: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tutorial's files, and the package that they make, installed into `installed`."""
    project = tmp_path_factory.mktemp("tempered")
    for block in BLOCK.finditer(section):
        path = project / block["title"]
        path.parent.mkdir(exist_ok=True)
        path.write_text(block["text"])
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*install, "--target", "installed", "."], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    write_small_model(project / "model", blocks=2)
    return project


def run(project: Path, command: Sequence[str]) -> str:
    """What the command prints in the project's directory, where the package is installed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(project / "installed"), str(CHECKOUT)))}
    done = subprocess.run(
        [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_of_the_tutorial_test_the_method_and_prune_with_it(project: Path, section: str) -> None:
    commands = COMMANDS.search(section)
    assert commands is not None
    for line in commands["text"].replace("\\\n", " ").splitlines():
        interpreter, *arguments = line.split()
        assert interpreter == "python"
        run(project, arguments)
    report = json.loads((project / "pruned" / "pruning_report.json").read_text())
    assert report["recipe"]["method"] == {"name": "tempered", "power": 0.7}
    zeros, weights = (
        sum(layer[key] for layer in report["sparsity"]["layers"]) for key in ("zeros", "weights")
    )
    assert zeros == weights / 2


def test_a_plug_ins_options_are_validated_without_torch(project: Path) -> None:
    code = """
import sys
from pydantic import ValidationError
from pruning import METHODS, Recipe
given = {"model": "org/name", "method": {"name": "tempered", "power": 2.0}, "sparsity": 0.5}
recipe = Recipe.model_validate(given)
assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
assert recipe.model_dump()["method"] == given["method"]
assert recipe.fingerprint() != Recipe.model_validate(given | {"method": "tempered"}).fingerprint()
assert list(METHODS)[-1] == "tempered"
try:
    Recipe.model_validate(given | {"method": {"name": "tempered", "power": 5}})
except ValidationError as error:
    assert error.errors()[0]["loc"] == ("method", "power")
assert "torch" not in sys.modules
"""
    run(project, ["-c", code])
