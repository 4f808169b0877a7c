import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from pruning.calibration.gradient_pass import gradient_norms
from pruning.errors import InvalidInput, NumericalFailure
from pruning.methods.prune_blocks import prune
from pruning.models.blocks import prunable_stack
from pruning.recipe import Recipe
from tests.pruning import naive
from tests.pruning.families import FAMILIES, five_windows, make
from tests.pruning.pruned import ignore_steps, pruned, pruned_by

METHODS = ["magnitude", "wanda", "gradient", "gblm", "ria"]
PATTERNS = ["unstructured", "2:4", "4:8"]


pytestmark = pytest.mark.usefixtures("two_windows_at_once")


def recipe(method: object, pattern: str = "unstructured", sparsity: float | None = None) -> Recipe:
    return Recipe(
        model="/any",
        method=method,
        pattern=pattern,
        sparsity=0.5 if pattern == "unstructured" and sparsity is None else sparsity,
    )


def as_matrix(model: PreTrainedModel, name: str, stored: Tensor) -> Tensor:
    layer = model.get_submodule(name.removesuffix(".weight"))
    return stored if isinstance(layer, nn.Linear) else stored.T


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_masks_in_float64_are_exactly_those_of_the_naive_calculation(
    family: str, method: str, pattern: str
) -> None:
    model = make(family, torch.float64)
    expected = naive.prune(
        model, five_windows(), blocks=FAMILIES[family].blocks, method=method, pattern=pattern, sparsity=0.5
    )
    found = pruned_by(recipe(method, pattern), model, five_windows()).masks
    assert list(found) == [f"{name}.weight" for name in expected.masks]
    for name, mask in expected.masks.items():
        assert torch.equal(as_matrix(model, f"{name}.weight", found[f"{name}.weight"]), mask), name


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("method", METHODS)
def test_float32_masks_agree_with_the_naive_calculation_in_9999_of_10000(method: str, pattern: str) -> None:
    model = make("llama")
    exact = naive.prune(
        make("llama", torch.float64),
        five_windows(),
        blocks="model.layers",
        method=method,
        pattern=pattern,
        sparsity=0.5,
    )
    found = pruned_by(recipe(method, pattern), model, five_windows()).masks
    equal = sum(int((found[f"{name}.weight"] == mask).sum()) for name, mask in exact.masks.items())
    assert equal >= 0.9999 * sum(mask.numel() for mask in exact.masks.values())


@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - {"llama", "gpt2"}))
def test_gblm_prunes_other_families_as_the_naive_calculation_does(family: str) -> None:
    model = make(family, torch.float64)
    expected = naive.prune(
        model,
        five_windows(),
        blocks=FAMILIES[family].blocks,
        method="gblm",
        pattern="unstructured",
        sparsity=0.6,
        norm="l2",
    )
    wanted = recipe({"name": "gblm", "norm": "l2"}, sparsity=0.6)
    found = pruned_by(wanted, model, five_windows()).masks
    for name, mask in expected.masks.items():
        assert torch.equal(as_matrix(model, f"{name}.weight", found[f"{name}.weight"]), mask), name


@pytest.mark.parametrize("method", ["gradient", "gblm"])
def test_inverse_scores_prune_as_the_naive_calculation_does(method: str) -> None:
    model = make("llama", torch.float64)
    expected = naive.prune(
        model,
        five_windows(),
        blocks="model.layers",
        method=method,
        pattern="unstructured",
        sparsity=0.5,
        inverse=True,
    )
    found = pruned_by(recipe({"name": method, "inverse": True}), model, five_windows()).masks
    for name, mask in expected.masks.items():
        assert torch.equal(found[f"{name}.weight"], mask), name


@pytest.mark.parametrize("family", FAMILIES)
def test_masked_weights_are_zero_and_all_others_are_unchanged(family: str) -> None:
    model = make(family)
    dense = {name: parameter.clone() for name, parameter in model.named_parameters()}
    masks = pruned_by(recipe("gblm"), model, five_windows()).masks
    for name, parameter in model.named_parameters():
        if name in masks:
            expected = dense[name].masked_fill(masks[name], 0)
            assert torch.equal(parameter, expected), name
            assert not torch.signbit(parameter[masks[name]]).any(), f"{name} has a zero of the sign -"
        else:
            assert torch.equal(parameter, dense[name]), name


def test_layers_are_reported_with_their_block_and_shape() -> None:
    result = pruned_by(recipe("wanda"), make("gpt2"), five_windows())
    reported = [(layer.name, layer.block, layer.shape, layer.zeros) for layer in result.layers]
    assert reported[:2] == [
        ("transformer.h.0.attn.c_attn", 0, (96, 32), 1536),
        ("transformer.h.0.attn.c_proj", 0, (32, 32), 512),
    ]
    assert [block for _, block, *_ in reported] == [0] * 4 + [1] * 4 + [2] * 4


def test_step_is_called_per_block_and_its_exception_ends_the_run() -> None:
    steps: list[tuple[int, int]] = []
    prune(make("llama"), recipe("wanda"), five_windows(), {}, step=lambda *at: steps.append(at))
    assert steps == [(1, 3), (2, 3), (3, 3)]

    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    model = make("llama")
    with pytest.raises(Cancelled):
        prune(model, recipe("wanda"), five_windows(), {}, step=cancel)
    assert (model.get_submodule("model.layers.1.mlp.up_proj").weight != 0).all()


def test_a_method_that_measures_nothing_needs_no_windows() -> None:
    assert prune(make("llama"), recipe("magnitude"), None, {}, step=ignore_steps).sparsity == pytest.approx(
        0.5, abs=0.002
    )


def test_a_pattern_that_does_not_divide_a_layer_is_refused_and_names_it() -> None:
    model = make("llama", intermediate_size=60)
    with pytest.raises(
        InvalidInput, match=r"4:8 .* 60 inputs of layer model\.layers\.0\.mlp\.down_proj"
    ) as refused:
        prunable_stack(model, recipe("gblm", "4:8"))
    assert refused.value.field == "pattern"


def test_scores_that_are_not_finite_name_the_layer() -> None:
    model = make("llama")
    norms = gradient_norms(model, five_windows(), norms=["l1"], step=ignore_steps)
    norms["l1"]["model.layers.1.mlp.up_proj"][3, 4] = torch.nan
    with pytest.raises(NumericalFailure, match=r"model\.layers\.1\.mlp\.up_proj"):
        prune(model, recipe("gblm"), five_windows(), norms, step=ignore_steps)


@pytest.mark.parametrize(
    "fields",
    [{"method": "wanda"}, {"method": "sparsegpt", "order": "layers"}, {"allocation": "owl"}],
    ids=str,
)
def test_a_layer_that_the_forward_pass_never_calls_is_named(fields: dict[str, str]) -> None:
    model = make("llama")
    model.get_submodule("model.layers.1").spare = nn.Linear(32, 32)
    with pytest.raises(InvalidInput, match=r"layer model\.layers\.1\.spare is never called") as refused:
        pruned(model, five_windows(), **{"method": "magnitude", **fields})
    assert refused.value.field == "layers.exclude"
