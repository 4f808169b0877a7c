"""The shapes of a search for a size, against every shape that a model can be cut to."""

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from jobs.sweeps import shapes as module
from jobs.sweeps.shapes import NoCandidateShape, Shape, Unsearchable, shapes
from jobs.sweeps.target import Target
from pruning.estimate import ModelShape, shape_of_config
from pruning.estimate.shape import smaller_shape
from pruning.recipe import StructureOptions
from tests.jobs.sweeps.llama import LLAMA


def parameters_of(kv_heads: int, channels: int, blocks: int = 0, *, of: int = 2) -> int:
    """Count the parameters of a model of `of` blocks without so many KV heads, MLP channels and blocks."""
    config = LLAMA | {
        "num_hidden_layers": of - blocks,
        "intermediate_size": 128 - channels,
        "num_attention_heads": 3 * (4 - kv_heads),
        "num_key_value_heads": 4 - kv_heads,
    }
    with torch.device("meta"):
        return int(AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).num_parameters())


def found(config: dict[str, Any] = LLAMA, *, multiple_of: int | None = 1, **target: Any) -> list[Shape]:
    return shapes(shape_of_config(config), Target(**target), multiple_of=multiple_of)


DENSE = parameters_of(0, 0)


@pytest.mark.parametrize("share", [0.9, 0.7, 0.5])
def test_each_division_takes_out_the_least_that_meets_the_bound(share: float) -> None:
    bound = int(share * DENSE)
    everything = found(max_parameters=bound)
    candidates = [one for one in everything if "blocks" not in one.structure]
    shorter = [one.structure for one in everything if one.structure.keys() == {"blocks"}]
    assert shorter == ([{"blocks": 1}] if parameters_of(0, 0, 1) <= bound else [])
    divisions = {
        (one.structure.get("kv_heads", 0), one.structure.get("mlp_channels", 0)) for one in candidates
    }
    # 12, 6 and 3 heads divide a hidden size of 48; 9 do not.
    expected = set()
    for kv_heads in (0, 2, 3):
        meeting = [channels for channels in range(128) if parameters_of(kv_heads, channels) <= bound]
        if meeting:
            expected.add((kv_heads, meeting[0]))
        if meeting and meeting[0] == 0:
            break
    assert {kv_heads for kv_heads, _ in divisions} == {kv_heads for kv_heads, _ in expected}
    for kv_heads, channels in divisions:
        assert parameters_of(kv_heads, channels) <= bound
        (least,) = (least for other, least in expected if other == kv_heads)
        assert least <= channels <= least + 2  # norms are estimated, with a reserve


def test_what_is_estimated_is_what_the_model_has() -> None:
    for one in found(max_bytes=int(0.7 * 2 * DENSE)):
        gone = (one.structure.get(name, 0) for name in ("kv_heads", "mlp_channels", "blocks"))
        measured = parameters_of(*gone)
        assert measured <= one.parameters <= 1.005 * measured
        assert one.weight_bytes == 2 * one.parameters


def test_widths_are_multiples() -> None:
    for multiple, used in ((None, 8), (16, 16)):
        for one in found(max_parameters=int(0.6 * DENSE), multiple_of=multiple):
            assert (128 - one.structure.get("mlp_channels", 0)) % used == 0


def test_a_bound_on_what_is_measured_is_tried_with_more_and_less_reserve() -> None:
    by_heads: dict[int, list[Shape]] = {}
    for one in (one for one in found(min_speedup=1.3) if "blocks" not in one.structure):
        by_heads.setdefault(one.structure.get("kv_heads", 0), []).append(one)
    first, second = by_heads[0]
    assert second.parameters < first.parameters
    assert 1.3 < first.speedup < second.speedup


def test_at_most_so_many_shapes_are_compared() -> None:
    wide = LLAMA | {"num_attention_heads": 24, "num_key_value_heads": 24, "hidden_size": 96, "head_dim": 8}
    everything = found(wide, max_parameters=80_000, max_jobs=32)
    few = found(wide, max_parameters=80_000, max_jobs=3)
    assert len(everything) > 3
    assert len(few) == 3
    assert (few[0], few[-1]) == (everything[0], everything[-1])


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"max_parameters": 10}, "what can go is not enough"),
        ({"max_parameters": 10**9}, "meets it already"),
        ({"min_speedup": 90.0}, "not enough"),
    ],
)
def test_a_bound_that_no_shape_meets_is_refused(target: dict[str, float], reason: str) -> None:
    with pytest.raises(NoCandidateShape, match=reason):
        found(**target)


@pytest.mark.parametrize(("share", "experts"), [(0.9, 1), (0.7, 2)])
def test_of_a_mixture_heads_experts_or_blocks_go(share: float, experts: int) -> None:
    mixtral = LLAMA | {"model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2}
    dense = shape_of_config(mixtral)
    found = [one.structure for one in shapes(dense, Target(max_parameters=int(share * dense.parameters)))]
    # One expert of each block is a quarter of all experts, which are 0.83 of the model.
    assert {"experts": experts} in found
    assert {"blocks": 1} in found
    assert ({"kv_heads": 3} in found) == (share == 0.9)
    assert all(len(structure) == 1 for structure in found)


@pytest.mark.parametrize("share", [0.8, 0.5])
def test_blocks_and_channels_go_together(share: float) -> None:
    deep = LLAMA | {"num_hidden_layers": 10}
    bound = int(share * parameters_of(0, 0, of=10))
    everything = [one.structure for one in found(deep, max_parameters=bound, max_jobs=32)]
    (alone,) = (one["blocks"] for one in everything if one.keys() == {"blocks"})
    mixed = {one["blocks"]: one["mlp_channels"] for one in everything if len(one) == 2 and "blocks" in one}
    assert len(mixed) == min(4, alone - 1)
    assert max(mixed) == alone - 1
    for blocks, channels in mixed.items():
        assert parameters_of(0, channels, blocks, of=10) <= bound
        # Norms are estimated, with a reserve.
        assert parameters_of(0, channels - 3, blocks, of=10) > bound


def test_only_as_many_blocks_go_as_are_needed() -> None:
    deep = LLAMA | {"num_hidden_layers": 10}
    *_, shorter = found(deep, max_parameters=int(0.65 * shape_of_config(deep).parameters))
    assert shorter.structure == {"blocks": 4}


@pytest.mark.threat
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_hidden_layers": 2049}, "has 2049 layers; .* at most 2048"),
        ({"num_attention_heads": 1025, "num_key_value_heads": 1025}, "has 1025 KV heads; .* at most 1024"),
        ({"num_local_experts": 4097}, "has 4097 experts in a block; .* at most 4096"),
        ({"model_type": "llama", "intermediate_size": 1_000_001}, "has 1000001 MLP channels; .* 1000000"),
        ({"num_attention_heads": 4, "num_key_value_heads": 8}, "has 8 KV heads, .* heads, 4"),
    ],
)
def test_a_config_with_more_than_any_model_has_is_refused(wrong: dict[str, Any], message: str) -> None:
    mixtral = LLAMA | {"model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2}
    with pytest.raises(Unsearchable, match=message):
        found(mixtral | wrong, max_bytes=1)


@pytest.mark.threat
def test_a_kind_of_block_is_cut_once_however_many_blocks_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = []

    def counted(shape: ModelShape, structure: StructureOptions) -> ModelShape:
        blocks.append(len(shape.blocks))
        return smaller_shape(shape, structure)

    monkeypatch.setattr(module, "smaller_shape", counted)
    deep = LLAMA | {"num_hidden_layers": 2048}
    everything = found(deep, max_parameters=shape_of_config(deep).parameters // 2)
    assert set(blocks) == {1}
    for one in everything:
        left = smaller_shape(shape_of_config(deep), StructureOptions.model_validate(one.structure))
        assert left.parameters < one.parameters < 1.02 * left.parameters
