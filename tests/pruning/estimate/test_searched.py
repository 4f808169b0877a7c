"""What a search of the layers' sparsities will take: time and disk space."""

from pathlib import Path
from typing import Any

import pytest

from pruning.checkpoint.checkpoint import resolve
from pruning.estimate import Estimate, disk, shape_of_config, work
from pruning.estimate.shape import ASSUMED
from pruning.estimate.work import Windows
from pruning.models.blocks import find_stack
from pruning.models.memory import shape_of
from pruning.recipe import Evaluation, ModelReference, Recipe, Stage
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.runs import run_recipe

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "vocab_size": 1000,
    "torch_dtype": "float32",
}
SEARCH: dict[str, Any] = {"allocation": "search"}


def estimate(**fields: Any) -> Estimate:
    recipe = Recipe.model_validate({"model": "org/name", "method": "gblm", "sparsity": 0.5, **fields})
    return Estimate.of(recipe, Evaluation(), shape_of_config(LLAMA), ASSUMED)


def test_a_search_prunes_twice_and_takes_a_pass_with_gradients_between() -> None:
    guided, searched = estimate(allocation="gradient"), estimate(**SEARCH)
    assert [stage.name for stage in searched.stages] == [
        *("resolve", "gradients", "trial", "search", "prune", "evaluate", "upload"),
    ]
    by_stage = {stage.name: stage for stage in searched.stages}
    before = {stage.name: stage for stage in guided.stages}
    assert by_stage[Stage.TRIAL].operations == before[Stage.PRUNE].operations
    assert by_stage[Stage.PRUNE] == before[Stage.PRUNE]
    shape, windows = shape_of_config(LLAMA), Windows(16, 2048)
    one = work.gradients(shape, windows, norms=1, passes=1)
    assert by_stage[Stage.SEARCH].operations == one.operations
    assert searched.seconds > guided.seconds + by_stage[Stage.TRIAL].seconds


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gblm", "sparsegpt"])
@pytest.mark.parametrize("schedule", ["whole", "streamed"])
def test_what_a_search_writes_is_at_most_what_was_estimated(
    tiny_llama_dir: Path, method: str, schedule: str, tmp_path: Path
) -> None:
    recipe = Recipe.model_validate(
        {
            "model": str(tiny_llama_dir),
            "method": method,
            "sparsity": 0.5,
            "dtype": "float32",
            "calibration": {"dataset": "builtin", "samples": 4, "sequence_length": 32},
            **SEARCH,
        }
    )
    evaluation, store, sizes = (
        Evaluation(dataset="builtin", sequence_length=32, windows=4),
        tmp_path / "s",
        [],
    )

    class Watching:
        def stage_started(self, stage: Stage, steps: int) -> None: ...

        def step_finished(self, stage: Stage, done: int, steps: int) -> None:
            files = [path for path in store.rglob("*") if path.suffix not in (".json", ".partial")]
            sizes.append((sum(path.stat().st_size for path in files if path.is_file()), stage))

        def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None: ...

    resume_store = DirectoryResumeStore(store)
    run_recipe(
        recipe,
        evaluation,
        output=tmp_path / "out",
        progress=Watching(),
        resume_store=resume_store,
        schedule=schedule,
    )
    model = resolve(ModelReference(id=str(tiny_llama_dir))).skeleton
    shape = shape_of(find_stack(model), stored_dtype="float32")
    estimated = disk.scratch(recipe, evaluation, shape, "float32")
    written, stage = max(sizes)
    headers = 60_000  # of the shards of a model so small
    assert stage in {Stage.SEARCH, Stage.PRUNE, Stage.EVALUATE}
    assert 0.25 * estimated < written < estimated + headers  # on `whole`, no norms and inputs are written
