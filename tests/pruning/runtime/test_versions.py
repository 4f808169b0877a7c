"""Libraries that are too old are refused by name, before they are imported."""

import re
import tomllib
from pathlib import Path

import pytest

import pruning
from pruning import version as versions
from pruning.__main__ import main
from pruning.errors import PruningError
from pruning.version import OLDEST, refuse_old_versions

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def install_fakes(monkeypatch: pytest.MonkeyPatch, **found: str) -> None:
    monkeypatch.setattr(versions, "version", lambda name: found[name])


@pytest.mark.parametrize("torch", ["2.11.0", "2.11.0+cu130", "2.100.1", "3.0.0a0+git1a2b3c"])
def test_the_oldest_and_newer_versions_are_accepted(torch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    install_fakes(monkeypatch, torch=torch, transformers="5.17.0")
    refuse_old_versions()


@pytest.mark.parametrize(
    ("torch", "transformers", "refused"),
    [
        ("2.10.9+cu128", "5.24.0", "torch 2.10.9"),
        ("2.9.1", "5.24.0", "torch 2.9.1"),
        ("2.11.0", "5.16.4", "transformers 5.16.4"),
        ("2.11.0", "4.57.0", "transformers 4.57.0"),
    ],
)
def test_an_older_one_is_refused_by_name(
    torch: str, transformers: str, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_fakes(monkeypatch, torch=torch, transformers=transformers)
    with pytest.raises(PruningError, match=refused):
        refuse_old_versions()


def test_the_command_and_the_library_refuse_it_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_fakes(monkeypatch, torch="2.10.0", transformers="5.24.0")
    arguments = ["--model", "./model", "--method", "wanda", "--sparsity", "0.5", "--output", "pruned"]
    assert main(arguments) == 1
    assert "torch 2.10.0 is installed" in capsys.readouterr().err
    monkeypatch.delitem(vars(pruning), "prune", raising=False)
    with pytest.raises(PruningError, match=r"torch 2\.10\.0"):
        _ = pruning.prune


def test_the_package_asks_for_the_same_versions() -> None:
    requirements = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]["torch"]
    asked = dict(re.split(">=", requirement) for requirement in requirements)
    assert {name: asked[name] for name in OLDEST} == {
        name: ".".join(map(str, oldest)) for name, oldest in OLDEST.items()
    }
