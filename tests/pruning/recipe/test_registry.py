"""Registries with plug-ins, whose distributions are real metadata on `sys.path`."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ValidationError

from pruning.data.text import Source, read_documents
from pruning.recipe import Calibration, MethodOptions
from pruning.recipe.datasets import DATASETS
from pruning.recipe.methods import Wanda
from pruning.recipe.registry import OptionsRegistry, PluginError, Registry, UnknownName

GROUP = "pruneserve.tests"


class Toy(MethodOptions):
    """A toy."""

    implementation = "nowhere:Nothing"
    name: Literal["toy"] = "toy"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Install a distribution `toys` with one entry point in a group, and the code of its module."""

    def installed(group: str, point: str, code: str) -> None:
        metadata = tmp_path / "toys-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{point}\n")
        (tmp_path / "toys.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "toys", raising=False)

    return installed


def methods() -> OptionsRegistry[MethodOptions]:
    registry = OptionsRegistry(GROUP, base=MethodOptions)
    registry.add(Wanda)
    return registry


def test_an_entry_is_found_by_name_and_listed_in_order_of_registration() -> None:
    registry = methods()
    assert registry.add(Toy) is Toy
    assert registry["toy"] is Toy
    assert list(registry) == ["wanda", "toy"]
    assert len(registry) == 2


@pytest.mark.parametrize(
    ("name", "hint"), [("wnda", "; did you mean 'wanda'?"), ("sparsegpt", ""), ("x" * 100_000, "")]
)
def test_an_unknown_name_is_answered_with_the_known_ones_and_a_near_one(name: str, hint: str) -> None:
    with pytest.raises(UnknownName) as caught:
        methods()[name]
    assert str(caught.value) == f"must be one of 'wanda'{hint}"
    assert name not in methods()


def test_a_name_is_given_once() -> None:
    registry = methods()
    registry.add(Wanda)  # the same again changes nothing
    with pytest.raises(ValueError, match="'wanda' is taken"):
        registry.register("wanda", Toy)


def test_a_plug_in_is_loaded_when_no_built_in_entry_answers(install: Callable[..., None]) -> None:
    install(
        GROUP,
        "plugged = toys:Plugged",
        "from typing import Literal\n"
        "from pruning import MethodOptions\n"
        "class Plugged(MethodOptions):\n"
        "    implementation = 'toys:Maths'\n"
        "    name: Literal['plugged'] = 'plugged'\n",
    )
    registry = methods()
    assert registry["wanda"] is Wanda
    assert "toys" not in sys.modules
    assert registry["plugged"].implementation == "toys:Maths"
    assert list(registry) == ["wanda", "plugged"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("", "has no attribute 'Plugged'"),
        ("Plugged = 3", "must be a class derived from MethodOptions"),
        ("from pruning.recipe.methods import Wanda as Plugged", "'name' of Wanda must default to 'plugged'"),
    ],
)
def test_a_plug_in_that_cannot_be_loaded_is_named_every_time(
    code: str, reason: str, install: Callable[..., None]
) -> None:
    install(GROUP, "plugged = toys:Plugged", code)
    registry = methods()
    for _ in range(2):
        with pytest.raises(PluginError, match="plugged = toys:Plugged") as caught:
            list(registry)
        assert reason in str(caught.value)
        assert "from toys" in str(caught.value)


def test_plug_ins_are_loaded_again_after_one_has_failed(install: Callable[..., None]) -> None:
    install(GROUP, "text = toys:text\nbroken = toys:broken", "")
    failures = iter([True, False])

    def load(point: EntryPoint) -> str:
        if point.name == "broken" and next(failures):
            raise RuntimeError("not yet")
        return "".join([point.value])  # equal, and another object each time

    registry: Registry[str] = Registry(GROUP, load)
    with pytest.raises(PluginError, match="not yet"):
        list(registry)
    assert dict(registry) == {"text": "toys:text", "broken": "toys:broken"}


def test_a_plug_ins_dataset_is_read_by_its_function(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        "pruneserve.datasets",
        "poems = toys:poems",
        "def poems(source):\n    return [f'A poem for {source.purpose}.']\n",
    )
    fresh: Registry[str] = Registry("pruneserve.datasets", load=lambda point: point.value)
    for name, function in DATASETS.registered.items():
        fresh.register(name, function)
    monkeypatch.setattr("pruning.recipe.datasets.DATASETS", fresh)
    monkeypatch.setattr("pruning.data.text.DATASETS", fresh)
    assert Calibration(dataset="poems").dataset == "poems"
    source = Source("poems", "evaluation", "evaluation.dataset")
    assert read_documents(source) == ["A poem for evaluation."]
    with pytest.raises(ValidationError, match="did you mean 'poems'"):
        Calibration(dataset="poem")
