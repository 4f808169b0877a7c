"""What a job costs besides its computation: files by hand, and the memory of a process as it was measured."""

import pytest

from pruning.estimate import Estimate, Machine, ModelShape, disk, shape_of_config
from pruning.estimate.work import Windows
from pruning.recipe import Evaluation, Recipe, Stage

SMOLLM2_135M = {
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49_152,
    "tie_word_embeddings": True,
    "max_position_embeddings": 8192,
    "torch_dtype": "bfloat16",
}
RATE = 4e8  # bytes per second


def machine(device: str) -> Machine:
    """One that computes in no time at all."""
    rates = {"float32": 1e30, "bfloat16": 1e30}
    return Machine(device=device, memory_bytes=80 * 10**9, operations_per_second=rates, bytes_per_second=1e30)


@pytest.fixture(scope="module")
def shape() -> ModelShape:
    return shape_of_config(SMOLLM2_135M)


def estimate(shape: ModelShape, device: str, **recipe: object) -> Estimate:
    wanted = {"model": "org/name", "method": "wanda", "sparsity": 0.5, "dtype": "float32", **recipe}
    return Estimate.of(Recipe.model_validate(wanted), Evaluation(), shape, machine(device))


def test_the_time_that_files_take(shape: ModelShape) -> None:
    weights = 30 * (2 * 576**2 + 2 * 576 * 192 + 3 * 576 * 1536)
    model = 2 * (weights + 49_152 * 576)
    # Read twice, a bit for each weight written and sent, and the result sent.
    wanda = (2 * model + 2 * weights // 8 + model) / RATE
    assert estimate(shape, "cuda:0").seconds == pytest.approx(wanda, rel=1e-6)
    # Norms of four bytes are written and sent by one stage, and read by the next.
    gblm = estimate(shape, "cuda:0", method="gblm")
    assert gblm.seconds == pytest.approx(wanda + 3 * 4 * weights / RATE, rel=1e-6)
    # The method none writes no masks.
    nothing = estimate(shape, "cuda:0", method="none", sparsity=None)
    assert nothing.seconds == pytest.approx(3 * model / RATE, rel=1e-6)
    assert Stage.PRUNE not in [stage.name for stage in nothing.stages]
    both = estimate(shape, "cuda:0", method="gblm", allocation="gradient")
    assert both.seconds == pytest.approx(wanda + 2 * 3 * 4 * weights / RATE, rel=1e-6)


def test_the_files_of_a_pass_for_gates_are_counted(shape: ModelShape) -> None:
    wanted = {"model": "org/name", "structure": {"mlp_channels": 0.25}, "dtype": "float32"}
    wanted["calibration"] = {"dataset": "builtin", "samples": 64, "sequence_length": 512}
    evaluation = Evaluation(dataset="builtin", sequence_length=64, windows=2)
    recipe = Recipe.model_validate(wanted)
    files = disk.RunFiles.estimated(recipe, evaluation, shape, "float32", memory=2**62)
    found = max(shards for shards, _ in files.moments())
    # The repaired weights and the smaller model; the inputs of a block and the gradient behind it.
    model = 2 * (30 * (2 * 576**2 + 2 * 576 * 192 + 3 * 576 * 1536) + 49_152 * 576)
    assert found == pytest.approx(2 * model + 2 * 64 * 512 * 576 * 4, rel=1e-3)


def test_shards_are_counted_where_a_method_masks(shape: ModelShape) -> None:
    wanted = {"model": "org/name", "calibration": {"dataset": "builtin", "sequence_length": 512}}
    wanda, nothing = (
        disk.RunFiles.estimated(
            Recipe.model_validate(wanted | fields), Evaluation(dataset="builtin", windows=2), shape, "float32"
        )
        for fields in ({"method": "wanda", "sparsity": 0.5}, {"method": "none"})
    )
    before = [shards for shards, _ in nothing.moments()]
    # A bit for each weight; during the pruning, two checkpoints of what comes into a block as well.
    masks, checkpoints = (
        shape.block_weights // 8,
        2 * 4 * 576 * Windows.of_calibration(wanda.recipe, shape).tokens,
    )
    more = [shards - fewer for (shards, _), fewer in zip(wanda.moments(), before, strict=True)]
    assert more == [0, masks + checkpoints, masks, masks]


def test_the_memory_of_a_process_on_a_cpu_is_what_was_measured(shape: ModelShape) -> None:
    """docs/performance.md: Wanda in float32 on 16 windows of 512 tokens, resident."""
    windows = {"dataset": "builtin", "samples": 16, "sequence_length": 512}
    found = estimate(shape, "cpu", calibration=windows)
    (prune,) = (stage.memory_bytes for stage in found.stages if stage.name == "prune")
    assert prune == pytest.approx(1073e6, rel=0.15)
    resolve = estimate(shape, "cuda:0", calibration=windows).stages[0]
    assert resolve.memory_bytes == 0, "a GPU holds neither the process nor the mapped checkpoint"


def test_a_gpu_writes_a_blocks_norms_while_the_next_block_computes() -> None:
    wide = {"hidden_size": 8192, "intermediate_size": 28_672, "num_hidden_layers": 80}
    large = shape_of_config(SMOLLM2_135M | wide)
    recipe = Recipe.model_validate(
        {"model": "org/name", "method": "gblm", "sparsity": 0.5, "dtype": "bfloat16"}
    )
    quick = machine("cuda:0")
    slow = quick.model_copy(update={"operations_per_second": {"bfloat16": 1e14}})
    found = [Estimate.of(recipe, Evaluation(), large, there) for there in (quick, slow)]
    assert [each.schedule for each in found] == ["streamed", "streamed"]
    computed = 10 * large.block_weights * 128 * 2048 / 1e14  # 8PT at most at the peak rate, and more at less
    written = 2 * 4 * large.block_weights / RATE
    in_no_time, in_a_while = (each.seconds_by_stage["gradients"] for each in found)
    assert in_no_time == pytest.approx(written)
    assert in_a_while > computed > written, "the slow one computes for longer than it writes"
    assert in_a_while < 2 * computed, "and writes meanwhile"
