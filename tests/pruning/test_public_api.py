import ast
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import pruning
from pruning import InvalidInput, LayerSelection, Recipe, gradient_norms, prune, prune_to_directory
from pruning.methods.prune_blocks import prune as prune_blockwise
from tests.pruning.families import VOCABULARY, five_windows, make
from tests.small_model import write_small_model

LIBRARY = Path(__file__).parents[2] / "docs" / "library.md"


@pytest.mark.parametrize("name", pruning.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(pruning, name) is not None
    assert name in dir(pruning)


def test_type_checkers_see_every_public_name() -> None:
    source = ast.parse(Path(pruning.__file__).read_text())
    imported = {
        alias.name for node in ast.walk(source) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert set(pruning.__all__) <= imported
    assert Path(pruning.__file__).with_name("py.typed").exists()


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'pruning' has no attribute 'Wanda'"):
        pruning.Wanda  # noqa: B018 - reading it is the test


def test_the_snippets_of_the_library_page_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small_model(tmp_path / "model", blocks=2)
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"^```python\n(.*?)^```$", LIBRARY.read_text(), re.MULTILINE | re.DOTALL)
    assert len(snippets) == 9
    names: dict[str, object] = {}
    for snippet in snippets:
        exec(compile(snippet, str(LIBRARY), "exec"), names)  # noqa: S102 - of this repository
    assert (tmp_path / "pruned" / "pruning_report.json").exists()
    assert len(list((tmp_path / "dense" / "exports").glob("*.gguf"))) == 1


def test_gradients_that_are_not_given_are_computed_for_the_selected_layers() -> None:
    recipe = Recipe(model="/any", method="gblm", sparsity=0.5, layers=LayerSelection(include=("*.mlp.*",)))
    steps: list[tuple[int, int]] = []
    computed = prune(make("llama"), recipe, five_windows(), step=lambda *step: steps.append(step))
    norms = gradient_norms(make("llama"), five_windows(), layers=recipe.layers)
    given = prune_blockwise(make("llama"), recipe, five_windows(), norms, step=lambda done, total: None)
    assert computed.masks.keys() == given.masks.keys()
    assert all(torch.equal(computed.masks[name], given.masks[name]) for name in given.masks)
    assert steps == [(done, len(steps)) for done in range(1, len(steps) + 1)]


UNUSABLE = [
    torch.zeros(4, dtype=torch.int64),
    torch.zeros((4, 8), dtype=torch.int32),
    torch.zeros((0, 8), dtype=torch.int64),
    torch.zeros((4, 1), dtype=torch.int64),
    torch.full((4, 8), -1),
    torch.full((4, 8), VOCABULARY),
]


@pytest.mark.parametrize("windows", UNUSABLE)
def test_windows_that_cannot_be_used_have_no_gradients(windows: torch.Tensor) -> None:
    with pytest.raises(InvalidInput, match="windows") as caught:
        gradient_norms(make("llama"), windows)
    assert caught.value.field == "windows"


@pytest.mark.parametrize("windows", [None, *UNUSABLE])
def test_windows_that_cannot_be_used_are_refused_before_the_model_is_changed(
    windows: torch.Tensor | None,
) -> None:
    model = make("llama")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(InvalidInput, match="windows") as caught:
        prune(model, Recipe(model="/any", method="wanda", sparsity=0.5), windows)
    assert caught.value.field == "windows"
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("missing", [True, False], ids=["no norms", "another shape"])
def test_gradients_that_lack_a_layer_are_refused_before_the_model_is_changed(missing: bool) -> None:
    model, last = make("llama"), "model.layers.2.mlp.down_proj"
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    l1 = dict(gradient_norms(model, five_windows())["l1"])
    norm = l1.pop(last)
    with pytest.raises(InvalidInput, match=rf"no l1 norms of layer {re.escape(last)}") as caught:
        prune(
            model,
            Recipe(model="/any", method="gblm", sparsity=0.5),
            five_windows(),
            gradients={"l1": l1 if missing else {**l1, last: norm.T}},
        )
    assert caught.value.field == "gradients"
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


_HALF = {"method": "wanda", "sparsity": 0.5}
_CUT = {"structure": {"mlp_channels": 0.25}}


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        (_CUT, "structure", "for structure call prune_to_directory"),
        (_CUT | _HALF, "structure", "for structure call prune_to_directory"),
        ({"norms": ["l1"]}, "norms", "for norms call gradient_norms"),
        ({"method": "none"}, "method", "method none prunes nothing"),
        (_HALF | {"allocation": "gradient"}, "gradients", "needs the norms l2, which"),
        (_HALF | {"recovery": {"distil": True}}, "recovery.distil", "prune_to_directory does"),
    ],
)
def test_prune_refuses_what_it_would_leave_out(fields: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        prune(make("llama"), Recipe.model_validate({"model": "/any", **fields}), five_windows(), gradients={})
    assert caught.value.field == field


def test_a_directory_is_not_pruned_for_norms_alone(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"model": "/any", "norms": ["l1"]})
    with pytest.raises(InvalidInput, match="call keep_gradients") as caught:
        prune_to_directory(recipe, tmp_path / "out")
    assert caught.value.field == "norms"
