"""Methods that change the weights they keep: in the model, and in the file that is written."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from pruning.checkpoint.checkpoint import resolve
from pruning.errors import NumericalFailure
from pruning.output.in_place import replace_in_place
from pruning.output.writer import write_model
from pruning.recipe import ModelReference
from tests.pruning.families import FAMILIES, five_windows, make
from tests.pruning.pruned import pruned
from tests.tiers import nightly

UPDATING = [
    {"method": "sparsegpt"},
    {"method": "admm"},
    {"method": "gblm", "refit": True},
    {"method": "best"},
]


def last_hidden(model: PreTrainedModel, windows: Tensor) -> Tensor:
    with torch.no_grad():
        return model(input_ids=windows, use_cache=False).logits


@pytest.mark.parametrize(
    "family", [family if family in ("llama", "gpt2") else nightly(family) for family in FAMILIES]
)
@pytest.mark.parametrize("fields", UPDATING, ids=lambda fields: "-".join(map(str, fields.values())))
def test_masked_weights_are_zero_and_kept_ones_are_the_reported_weights(
    family: str, fields: dict[str, object]
) -> None:
    model = make(family)
    dense = {name: parameter.clone() for name, parameter in model.named_parameters()}
    result = pruned(model, five_windows(), **fields)
    assert result.weights.keys() == result.masks.keys()
    for name, parameter in model.named_parameters():
        if name in result.masks:
            assert torch.equal(parameter, result.weights[name])
            assert torch.equal(parameter == 0, result.masks[name])
            assert not torch.signbit(parameter[result.masks[name]]).any()
            assert not torch.equal(parameter, dense[name].masked_fill(result.masks[name], 0))
        else:
            assert torch.equal(parameter, dense[name])


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_updating_kept_weights_reduces_the_error_of_the_first_block(family: str) -> None:
    def distance(**fields: object) -> float:
        model = make(family)
        wanted = last_hidden(model, five_windows())
        pruned(model, five_windows(), method="wanda", **fields)
        return float((last_hidden(model, five_windows()) - wanted).norm())

    assert distance(refit=True) < distance()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_written_file_has_the_weights_of_the_pruned_model(
    family: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    make(family, dtype).save_pretrained(tmp_path / "dense")
    checkpoint = resolve(ModelReference(id=str(tmp_path / "dense")), roots=None, hub_token=None)
    model = checkpoint.load(dtype, torch.device("cpu"))
    result = pruned(model, five_windows(), method="best")
    (tmp_path / "pruned").mkdir()
    write_model(checkpoint, result, tmp_path / "pruned", save_masks=False)

    before = load_file(tmp_path / "dense/model.safetensors")
    after = load_file(tmp_path / "pruned/model.safetensors")
    assert {name: tensor.dtype for name, tensor in after.items()} == {
        name: tensor.dtype for name, tensor in before.items()
    }
    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path / "pruned", dtype=dtype)
    for name, parameter in model.named_parameters():
        assert torch.equal(reloaded.get_parameter(name), parameter), name


def test_only_the_named_tensors_of_a_file_change(tmp_path: Path) -> None:
    make("llama").save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    before = load_file(path)
    name = "model.layers.1.mlp.up_proj.weight"
    new = torch.rand(before[name].shape, dtype=torch.float64)
    replace_in_place(path, {name: new, "elsewhere": new})
    after = load_file(path)
    assert torch.equal(after.pop(name), new.float())
    assert all(torch.equal(tensor, before[other]) for other, tensor in after.items())


def test_weights_that_are_not_finite_name_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    infinite = lambda weight, *_, **__: torch.full_like(weight, torch.inf)  # noqa: E731 - shorter than a function
    monkeypatch.setattr("pruning.methods.refit.refit", infinite)
    with pytest.raises(NumericalFailure, match=r"layer model\.layers\.0\.self_attn\.q_proj: .* not finite"):
        pruned(make("llama"), five_windows(), method="wanda", refit=True)


def test_a_factorisation_that_fails_names_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> Tensor:
        raise torch.linalg.LinAlgError

    monkeypatch.setattr("pruning.methods.sparsegpt.inverse_factor", never)
    with pytest.raises(NumericalFailure, match=r"layer model\.layers\.0\.self_attn\.q_proj: .* damping"):
        pruned(make("llama"), five_windows(), method="sparsegpt")


def test_increased_damping_is_a_warning_with_the_layers_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from pruning.methods import sparsegpt

    def only_with_more(moments: Tensor, *, damping: float) -> Tensor:
        if damping < 0.05:
            raise torch.linalg.LinAlgError
        return original(moments, damping=damping)

    original = sparsegpt.inverse_factor
    monkeypatch.setattr(sparsegpt, "inverse_factor", only_with_more)
    warnings = pruned(make("llama"), five_windows(), method="sparsegpt").warnings
    assert len(warnings) == 3  # one for the seven layers of each block
    assert warnings[0].startswith("layers model.layers.0.self_attn.q_proj, ")
    assert warnings[0].endswith(" and 4 more of its block: solved with damping 0.1 in place of 0.01")
