"""The estimate of a recipe with structure, against the shape of the config that the cut leaves."""

from typing import Any

import pytest

from pruning.estimate import ASSUMED, Estimate, training_memory, work
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.by_stage import StageEstimate, seconds
from pruning.estimate.shape import ModelShape, smaller_shape
from pruning.estimate.work import Windows
from pruning.recipe import DistilOptions, Evaluation, Recipe, Stage, StructureOptions

LLAMA = {
    "model_type": "llama",
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 64,
    "vocab_size": 1000,
}
MIXTRAL = {**LLAMA, "model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}
QWEN_MOE = {
    **LLAMA,
    "model_type": "qwen2_moe",
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 256,
    "shared_expert_intermediate_size": 384,
    "mlp_only_layers": [0],
}
OPT = {
    "model_type": "opt",
    "hidden_size": 512,
    "ffn_dim": 2048,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "vocab_size": 1000,
    "max_position_embeddings": 128,
}


@pytest.mark.parametrize(
    ("config", "structure", "changed"),
    [
        (LLAMA, {"mlp_channels": 0.25}, {"intermediate_size": 768}),
        (LLAMA, {"mlp_channels": 24}, {"intermediate_size": 1000}),
        (LLAMA, {"kv_heads": 0.5}, {"num_attention_heads": 4, "num_key_value_heads": 2}),
        (
            LLAMA,
            {"parameters": 0.5},
            {"intermediate_size": 512, "num_attention_heads": 4, "num_key_value_heads": 2},
        ),
        (OPT, {"mlp_channels": 0.5}, {"ffn_dim": 1024}),
        (MIXTRAL, {"experts": 0.25}, {"num_local_experts": 6}),
        (MIXTRAL, {"experts": 5}, {"num_local_experts": 3}),
        (QWEN_MOE, {"kv_heads": 0.5}, {"num_attention_heads": 4, "num_key_value_heads": 2}),
        (QWEN_MOE, {"mlp_channels": 0.5}, {"moe_intermediate_size": 128}),
    ],
)
def test_the_shape_is_that_of_the_smaller_config(
    config: dict[str, Any], structure: dict[str, Any], changed: dict[str, int]
) -> None:
    found = smaller_shape(shape_of_config(config), StructureOptions.model_validate(structure))
    assert found == shape_of_config({**config, **changed})


def test_experts_are_measured_on_a_walk_without_second_moments() -> None:
    shape, windows = shape_of_config(MIXTRAL), Windows(16, 128)
    found = work.cutting(StructureOptions(experts=2), shape, windows).operations
    assert found == pytest.approx(2.5 * work.forward(shape, windows).operations)


def test_the_work_of_a_cut_is_counted_by_the_tokens_of_each_expert_and_for_all_of_them() -> None:
    shape, windows = shape_of_config(MIXTRAL), Windows(16, 128)
    operations = {}
    for name in ("mlp_channels", "kv_heads"):
        structure = StructureOptions.model_validate({name: 0.5})
        found = work.cutting(structure, shape, windows).operations
        operations[name] = found - 2.5 * work.forward(shape, windows).operations
    # Per block: a quarter of the tokens in each of eight experts, of width 1024; the attention is of 512.
    moments = {"mlp_channels": 8 / 4 * 1024**2, "kv_heads": 512**2}
    solved = {
        "mlp_channels": 8 * (4 / 3 * 1024**3 + 4 * 512 * 1024**2),
        "kv_heads": 4 / 3 * 512**3 + 4 * 512 * 512**2,
    }
    for name, operation in operations.items():
        assert operation == pytest.approx(3 * (2 * moments[name] * windows.tokens + solved[name]))


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_solvers_take_the_time_of_float32_and_second_moments_that_of_bfloat16_on_cuda(device: str) -> None:
    """A CPU with AMX multiplies bfloat16 matrices ten times as fast, and a GPU as well."""
    rates = {"float32": 1e11, "bfloat16": 1e12}
    machine = ASSUMED.model_copy(update={"device": device, "operations_per_second": rates})
    shape, windows = shape_of_config(LLAMA), Windows(16, 128)
    done = work.cutting(StructureOptions(mlp_channels=0.5), shape, windows)
    walk = work.forward(shape, windows) * 2.5
    moments, solved = 2 * 1024**2 * 2048, 4 / 3 * 1024**3 + 4 * 512 * 1024**2
    rate_of_moments = rates["float32" if device == "cpu" else "bfloat16"]
    expected = len(shape.blocks) * (moments / rate_of_moments + solved / rates["float32"]) / 0.8
    found = seconds(done, "bfloat16", machine) - seconds(walk, "bfloat16", machine)
    assert found == pytest.approx(expected)


def test_shared_experts_and_blocks_without_experts_take_no_part_in_a_cut() -> None:
    shape, windows = shape_of_config(QWEN_MOE), Windows(16, 128)
    walk = 2.5 * work.forward(shape, windows).operations
    cut, share = (
        work.cutting(StructureOptions.model_validate(structure), shape, windows).operations - walk
        for structure in ({"mlp_channels": 0.5}, {"parameters": 0.5})
    )
    # Two of three blocks have experts, of width 256, each with a quarter of the tokens.
    solved = 8 * (4 / 3 * 256**3 + 4 * 512 * 256**2)
    assert cut == pytest.approx(2 * (2 * 8 / 4 * 256**2 * windows.tokens + solved))
    # Whole experts make up the share, with the KV heads of all blocks.
    solved = 4 / 3 * 512**3 + 4 * 512 * 512**2
    assert share == pytest.approx(3 * (2 * 512**2 * windows.tokens + solved))


def test_a_cpu_evaluates_a_model_that_is_called_as_a_whole_and_any_other_by_blocks() -> None:
    shape, recipe = shape_of_config(LLAMA), Recipe.model_validate({"model": "org/name", "method": "none"})

    def held(**evaluation: Any) -> int:
        stages = Estimate.of(recipe, Evaluation.model_validate(evaluation), shape, ASSUMED).stages
        return next(stage.memory_bytes for stage in stages if stage.name == Stage.EVALUATE)

    blocks, whole = held(), held(tasks=["arc_easy"])
    assert whole - blocks == 4 * 2 * shape.largest_block.weights  # two of the three blocks


def estimate(**fields: object) -> Estimate:
    recipe = Recipe.model_validate({"model": "org/name", **fields})
    return Estimate.of(recipe, Evaluation(), shape_of_config(LLAMA), ASSUMED)


def test_the_stages_are_those_that_run() -> None:
    alone = estimate(structure={"mlp_channels": 0.5})
    assert [stage.name for stage in alone.stages] == [
        *("resolve", "gradients", "cut", "evaluate", "speed", "upload"),
    ]
    both = estimate(structure={"mlp_channels": 0.5}, method="gblm", sparsity=0.5)
    assert [stage.name for stage in both.stages] == [
        *("resolve", "gradients", "cut", "gradients", "prune", "evaluate", "speed", "upload"),
    ]
    masked = estimate(method="gblm", sparsity=0.5)
    assert [stage.name for stage in masked.stages] == ["resolve", "gradients", "prune", "evaluate", "upload"]
    assert alone.output_bytes < masked.output_bytes


def test_the_speed_is_estimated_where_it_is_measured() -> None:
    recipe = Recipe.model_validate({"model": "org/name", "structure": {"mlp_channels": 0.5}})
    shape, left = shape_of_config(LLAMA), shape_of_config({**LLAMA, "intermediate_size": 512})
    for device, prompt, generated in (("cpu", 64, 8), ("cuda", 512, 32)):
        machine = ASSUMED.model_copy(update={"device": device})
        found = {one.name: one for one in Estimate.of(recipe, Evaluation(), shape, machine).stages}
        # Each prefills one sequence 5 or 9 times, and eight sequences 7 or 11 times.
        of_both = sum(2 * one.block_weights + 2 * 3 * 512 * prompt for one in (shape, left))
        fewest, most = (prompt * of_both * sequences for sequences in (5 + 7 * 8, 9 + 11 * 8))
        assert found[Stage.SPEED].operations in (pytest.approx(fewest), pytest.approx(most))
        # Each decodes 4 times at least with one sequence, and 5 times with eight.
        read = generated * 9 * (shape.parameters + left.parameters) * 2
        assert found[Stage.SPEED].seconds > read / machine.bytes_per_second
    off = Estimate.of(recipe, Evaluation(speed="off"), shape, ASSUMED)
    assert Stage.SPEED not in off.seconds_by_stage
    small = ASSUMED.model_copy(update={"memory_bytes": 1_000_000})
    assert Stage.SPEED not in Estimate.of(recipe, Evaluation(), shape, small).seconds_by_stage


@pytest.mark.parametrize(("windows", "all_pairs"), [(1, False), (100_000, True)])
def test_the_speed_takes_a_share_of_what_runs_before_it(windows: int, all_pairs: bool) -> None:
    fields = {
        "model": "org/name",
        "structure": {"mlp_channels": 0.5},
        "calibration": {"dataset": "builtin", "samples": 2, "sequence_length": 24},
    }
    recipe, shape = Recipe.model_validate(fields), shape_of_config(LLAMA)
    found = Estimate.of(recipe, Evaluation(windows=windows), shape, ASSUMED)
    stages = found.seconds_by_stage
    before = sum(seconds for name, seconds in stages.items() if name not in (Stage.SPEED, Stage.UPLOAD))
    fewest, most = (_seconds_of_pairs(shape, found, pairs) for pairs in (3, 7))
    assert (most < 0.1 * before) == all_pairs
    assert (fewest > 0.1 * before) == (not all_pairs)
    assert stages[Stage.SPEED] == pytest.approx(most if all_pairs else fewest)


def _seconds_of_pairs(shape: ModelShape, found: Estimate, pairs: int) -> float:
    left = smaller_shape(shape, StructureOptions(mlp_channels=0.5))
    done = work.speed(shape, left, found.dtype, ASSUMED.kind, pairs=pairs)
    return seconds(done, found.dtype, ASSUMED) + (shape.stored_bytes + left.stored_bytes) / 4e8


def test_gates_and_norms_share_one_entry_of_seconds() -> None:
    both = estimate(structure={"mlp_channels": 0.5}, method="gblm", sparsity=0.5)
    of_gradients = [stage.seconds for stage in both.stages if stage.name == Stage.GRADIENTS]
    assert len(of_gradients) == 2
    assert both.seconds_by_stage[Stage.GRADIENTS] == pytest.approx(sum(of_gradients))


@pytest.mark.parametrize("structure", [None, {"mlp_channels": 0.5}])
def test_narrower_states_are_estimated_with_less_memory_and_more_time(
    structure: dict[str, Any] | None,
) -> None:
    shape, masked = shape_of_config(LLAMA), {} if structure else {"method": "wanda", "sparsity": 0.5}

    def estimated(state: str) -> StageEstimate:
        values = {"model": "org/name", "structure": structure, "dtype": "bfloat16", **masked}
        recipe = Recipe.model_validate({**values, "recovery": {"distil": {"state": state}}})
        stages = Estimate.of(recipe, Evaluation(), shape, ASSUMED).stages
        return next(stage for stage in stages if stage.name == Stage.RECOVER)

    wide, narrow, narrowest = map(estimated, ("float32", "8-bit", "bfloat16"))
    trained = (
        shape_of_config({**LLAMA, "intermediate_size": 512}).parameters if structure else shape.block_weights
    )
    # No copy in bfloat16; a byte in place of four, and a float32 for 256 of them, of both moments; then half
    # of each master.
    of_weight = 2 + 2 * (4 - 1 - 4 / 256)
    assert wide.memory_bytes - narrow.memory_bytes == pytest.approx(trained * of_weight, abs=1)
    assert narrow.memory_bytes - narrowest.memory_bytes >= 2 * trained
    assert narrowest.seconds == narrow.seconds > wide.seconds
    assert estimated("auto") == wide


def test_seven_billion_weights_are_trained_on_80_gb_and_the_widest_state_that_fits_is_taken() -> None:
    config = {
        **LLAMA, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 32, "head_dim": 128, "vocab_size": 32000,
    }  # fmt: skip
    shape = shape_of_config(config)
    found = {}
    for gigabytes in (24, 40, 80, 141):
        found[gigabytes] = training_memory.TrainingMemory.fitting(
            shape, DistilOptions(), 2048, "bfloat16", "cuda", smaller=None, memory_bytes=gigabytes * 1e9
        )
    assert [one.state for one in found.values()] == ["bfloat16", "bfloat16", "8-bit", "float32"]
    assert found[24].size > 24e9  # and is refused
    assert [one.graphs for one in found.values()] == [1, 1, 32, 14]
    least = training_memory.whole_model_training(
        shape, DistilOptions(), 2048, "bfloat16", "cuda", state="8-bit"
    )
    assert least < 6.5 * shape.parameters
    assert least < found[80].size < 0.7 * 80e9
