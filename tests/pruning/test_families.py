"""Every architecture: gradient norms against autograd, every method, and a round trip through the disk."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    Gemma3nForCausalLM,
    Gemma3nTextConfig,
    Gemma4ForCausalLM,
    Gemma4TextConfig,
    PreTrainedModel,
    Zamba2Config,
    Zamba2ForCausalLM,
)

from pruning.calibration.gradient_pass import gradient_norms
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput
from pruning.methods.prune_blocks import prune
from pruning.output.writer import write_model
from pruning.recipe import METHODS, ModelReference, Recipe
from tests.pruning import naive
from tests.pruning.families import (
    ALL_FAMILIES,
    EACH_FAMILY,
    EVERY_CHANGE,
    FAMILIES,
    UNREACHED_EXPERTS,
    make,
    with_unreached_experts,
)
from tests.pruning.pruned import ignore_steps, pruned_by
from tests.pruning.runs import tensors_of
from tests.tiers import nightly

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
ROUTERS = ("shared_expert_gate", "feed_forward.router")

RECIPES = {
    **{name: {"method": name} for name in METHODS if name != "none"},
    "admm": {"method": "admm"},
    "gblm 2:4": {"method": "gblm", "pattern": "2:4"},
    "wanda 2:4, permute": {"method": "wanda", "pattern": "2:4", "permute": True},
    "gblm, refit, gradient": {"method": "gblm", "refit": True, "allocation": "gradient"},
}

# With every change each recipe on two families, and each of those families with several recipes.
WITH_EVERY_CHANGE = {
    (EVERY_CHANGE[(number + further) % len(EVERY_CHANGE)], kind)
    for number, kind in enumerate(RECIPES)
    for further in (0, 3)
}
FAMILIES_AND_RECIPES = [
    pytest.param(family, kind, marks=() if (family, kind) in WITH_EVERY_CHANGE else pytest.mark.nightly)
    for family in ALL_FAMILIES
    for kind in RECIPES
]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkpoint]:
    """Makes and caches a family's checkpoint, as `save_pretrained` writes it. Read only."""
    made: dict[str, Checkpoint] = {}

    def checkpoint(family: str) -> Checkpoint:
        if family not in made:
            directory = tmp_path_factory.mktemp("families") / family
            make(family).save_pretrained(directory)
            made[family] = resolve(ModelReference(id=str(directory)))
        return made[family]

    return checkpoint


def recipe_of(kind: str) -> Recipe:
    fields = RECIPES[kind]
    return Recipe.model_validate(
        {"model": "/any", "sparsity": None if "pattern" in fields else 0.5, **fields}
    )


def expected_layers(model: PreTrainedModel, family: str) -> set[str]:
    """Return the names of all linear modules in blocks (but shared experts' gates) and of all experts."""
    modules = {name for block in naive.layers_of(model, ALL_FAMILIES[family].blocks) for name in block}
    experts = {
        name
        for parameter, tensor in model.named_parameters()
        if tensor.dim() == 3
        for name in naive.matrices_of(model, parameter, tensor)
    }
    return {name for name in modules if not name.endswith(ROUTERS)} | experts


def assert_norms_are_those_of_autograd(family: str, dtype: torch.dtype, windows: Tensor) -> None:
    model = make(family, dtype)
    norms = gradient_norms(model, windows, norms=["l1", "l2"], step=ignore_steps)
    for norm in ("l1", "l2"):
        expected = naive.gradient_norms(model, windows, norm)
        assert norms[norm].keys() == expected_layers(model, family)
        for name, found in norms[norm].items():
            assert (found.shape, found.dtype) == (expected[name].shape, dtype)
            assert (found - expected[name]).norm() <= 1e-6 * expected[name].norm(), (norm, name)
        assert sum(float(found.sum()) for found in norms[norm].values()) > 0


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_every_layer_has_the_norms_that_autograd_gives(family: str, three_windows: Tensor) -> None:
    assert_norms_are_those_of_autograd(family, torch.float64, three_windows)


@pytest.mark.parametrize("family", [family if family == "llama" else nightly(family) for family in FAMILIES])
def test_every_layer_has_the_norms_of_autograd_in_float32(family: str, three_windows: Tensor) -> None:
    assert_norms_are_those_of_autograd(family, torch.float32, three_windows)


@pytest.mark.parametrize(("family", "kind"), FAMILIES_AND_RECIPES)
def test_a_model_is_pruned_saved_and_loaded(
    family: str,
    kind: str,
    stored: Callable[[str], Checkpoint],
    three_windows: Tensor,
    tmp_path: Path,
) -> None:
    checkpoint, recipe = stored(family), recipe_of(kind)
    model = checkpoint.load(torch.float32, CPU)
    result = pruned_by(recipe, model, three_windows)
    write_model(checkpoint, result, tmp_path, save_masks=False)

    assert {layer.name for layer in result.layers} == expected_layers(model, family)
    assert result.sparsity == pytest.approx(0.5, abs=0.02)
    before, after = tensors_of(Path(checkpoint.id)), tensors_of(tmp_path)
    assert after.keys() == before.keys()
    zeros = 0
    for name, dense in before.items():
        gone = (after[name] == 0) & (dense != 0)
        zeros += int(gone.sum())
        assert after[name].dtype == dense.dtype
        assert not torch.signbit(after[name][gone]).any(), f"{name} has a negative zero"
        if not (recipe.computes_weights or recipe.permute):
            assert torch.equal(after[name], dense.masked_fill(gone, 0))
    assert zeros == sum(layer.zeros for layer in result.layers)

    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = model(input_ids=three_windows).logits
        assert torch.isfinite(logits).all()
        assert torch.equal(reloaded(input_ids=three_windows).logits, logits)


@pytest.mark.parametrize("family", ["mixtral", "llama"])
def test_experts_are_pruned_in_float64_too(
    family: str, stored: Callable[[str], Checkpoint], three_windows: Tensor, tmp_path: Path
) -> None:
    checkpoint = stored(family)
    model = checkpoint.load(torch.float64, CPU)
    result = pruned_by(recipe_of("gblm"), model, three_windows)
    write_model(checkpoint, result, tmp_path, save_masks=False)
    assert {tensor.dtype for tensor in tensors_of(tmp_path).values()} == {torch.float32}


@pytest.mark.parametrize("kind", sorted(RECIPES.keys() - {"magnitude"}))
def test_experts_that_no_token_reaches_are_pruned_by_magnitude_and_named(
    kind: str, three_windows: Tensor
) -> None:
    model, recipe = with_unreached_experts(), recipe_of(kind)
    wanted = Recipe(model="/any", method="magnitude", pattern=recipe.pattern, sparsity=recipe.sparsity)
    by_magnitude = prune(with_unreached_experts(), wanted, None, {}, step=ignore_steps).masks
    dense = with_unreached_experts()

    result = pruned_by(recipe, model, three_windows)

    unreached = [
        f"{experts}.{matrix}"
        for experts in UNREACHED_EXPERTS
        for matrix in ("gate_proj", "up_proj", "down_proj")
    ]
    for warning, block in zip(result.warnings, (1, 2), strict=True):
        of_block = [name for name in unreached if name.startswith(f"model.layers.{block}.")]
        names, text = warning.removeprefix("layers ").split(": ", 1)
        names, more = names.split(" and ")
        assert text == "no calibration token reaches it: pruned by magnitude"
        assert set(names.split(", ")) < set(of_block)
        assert more == f"{len(of_block) - 3} more of its block"
    for experts in UNREACHED_EXPERTS:
        path, number = experts.rsplit(".", 1)
        for name in (f"{path}.gate_up_proj", f"{path}.down_proj"):
            mask = result.masks[name][int(number)]
            if "allocation" not in RECIPES[kind]:  # which gives these layers a sparsity of their own
                assert torch.equal(mask, by_magnitude[name][int(number)])
            expected = dense.get_parameter(name)[int(number)].masked_fill(mask, 0)
            assert torch.equal(model.get_parameter(name)[int(number)], expected)


_SHARING = {
    "vocab_size": 384,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.2,
    "pad_token_id": None,
}


def gemma3n() -> PreTrainedModel:
    """Make a model whose last two blocks read the keys and values of earlier ones."""
    config = Gemma3nTextConfig(
        **_SHARING,
        vocab_size_per_layer_input=384,
        hidden_size_per_layer_input=8,
        num_kv_shared_layers=2,
        layer_types=["full_attention"] * 4,
        activation_sparsity_pattern=[0.0] * 4,
        laurel_rank=8,
    )
    return Gemma3nForCausalLM(config)


def gemma4() -> PreTrainedModel:
    """Make a model that does the same through a container that all blocks are given."""
    config = Gemma4TextConfig(
        **_SHARING,
        global_head_dim=8,
        vocab_size_per_layer_input=384,
        hidden_size_per_layer_input=8,
        num_kv_shared_layers=2,
        layer_types=["full_attention"] * 4,
    )
    return Gemma4ForCausalLM(config)


def zamba2() -> PreTrainedModel:
    """Make a model that uses the weights of one attention block in several places."""
    config = Zamba2Config(
        **{name: value for name, value in _SHARING.items() if name != "head_dim"},
        mamba_d_state=8,
        mamba_headdim=16,
        mamba_ngroups=1,
        n_mamba_heads=4,
        num_mem_blocks=1,
        hybrid_layer_ids=[1, 3],
        layers_block_type=["mamba", "hybrid"] * 2,
    )
    return Zamba2ForCausalLM(config)


@pytest.mark.parametrize("kind", ["wanda", "gblm", "magnitude"])
@pytest.mark.parametrize("sharing", [gemma3n, gemma4, zamba2])
def test_families_whose_blocks_share_state_are_refused_by_name(
    sharing: Callable[[], PreTrainedModel], kind: str, three_windows: Tensor
) -> None:
    torch.manual_seed(0)
    model = sharing().eval()
    with pytest.raises(InvalidInput, match=rf"{type(model).__name__} cannot be pruned") as refused:
        pruned_by(recipe_of(kind), model, three_windows)
    assert refused.value.field == "model.id"
