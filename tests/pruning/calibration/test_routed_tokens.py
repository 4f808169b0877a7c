"""How many tokens of each calibration dataset each expert is given, against the routers' own choices."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.api import prune
from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward, PairedForward
from pruning.models.blocks import find_stack
from pruning.models.replay import Replay
from pruning.recipe import Calibration, Evaluation, Recipe, Stage
from pruning.report import Report
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.families import five_windows, make, with_unreached_experts
from tests.pruning.runs import Steps, contents, run_recipe
from tests.pruning.tiny import save_checkpoint

EXPERTS_PER_TOKEN = {"mixtral": 2, "qwen3_moe": 2, "gpt_oss": 2, "llama4": 2}
EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=2, speed="off")
MIXTURE = {
    "datasets": [{"dataset": "builtin", "weight": 3}, {"dataset": "builtin-code"}],
    "samples": 4,
    "sequence_length": 24,
}


def chosen_by_routers(model: PreTrainedModel, windows: Tensor, per_token: int) -> dict[int, Tensor]:
    """Return the experts of each token of each window, (windows, choices), by block, from the logits."""
    found: dict[int, Tensor] = {}

    def record(block: int) -> Callable[..., None]:
        def hook(_module: object, _args: object, output: Any) -> None:
            logits = output if isinstance(output, Tensor) else output[-1 if family_is_llama4 else 0]
            found[block] = logits.topk(per_token).indices.view(len(windows), -1)

        return hook

    family_is_llama4, hooks = type(model).__name__.startswith("Llama4"), []
    for number, block in enumerate(model.model.layers):
        moe = getattr(block, "mlp", None) or getattr(block, "feed_forward", None)
        router = getattr(moe, "gate", None) if not hasattr(moe, "router") else moe.router
        if router is not None and hasattr(moe, "experts"):
            hooks.append(router.register_forward_hook(record(number)))
    with torch.no_grad():
        model(input_ids=windows)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.usefixtures("two_windows_at_once")
@pytest.mark.parametrize("walk", [BlockwiseForward, PairedForward])
@pytest.mark.parametrize("family", EXPERTS_PER_TOKEN)
def test_the_tokens_of_each_expert_are_those_that_its_router_chose(
    family: str, walk: type[BlockwiseForward]
) -> None:
    model = make(family)
    chosen = chosen_by_routers(model, five_windows(), EXPERTS_PER_TOKEN[family])
    stack = find_stack(model)
    assert chosen
    with (
        torch.no_grad(),
        walk(Replay(stack, five_windows()), five_windows().split(2), windows_of=(3, 2)) as forward,
    ):
        for index, block in enumerate(stack.blocks):
            forward.begin_block(index)
            forward.measure(index, InputStatistics(block.layers, {"input_norms"}))
            forward.advance(index)
    for index in range(len(stack.blocks)):
        counted = forward.routed_tokens[index]
        if index not in chosen:
            assert counted == ()
            continue
        experts = len(counted[0])
        parts = chosen[index].split((3, 2))
        assert counted == tuple(tuple(part.flatten().bincount(minlength=experts).tolist()) for part in parts)


@pytest.mark.parametrize("count", [2, 5])
def test_a_model_in_memory_is_pruned_on_the_given_windows(count: int) -> None:
    recipe = Recipe.model_validate(
        {"model": "/any", "method": "wanda", "sparsity": 0.5, "calibration": MIXTURE}
    )
    result, alone = (
        prune(make("mixtral"), given, five_windows()[:count])
        for given in (recipe, recipe.model_copy(update={"calibration": Calibration()}))
    )
    assert result.routed == {}
    assert result.masks.keys() == alone.masks.keys()
    assert all(torch.equal(mask, alone.masks[name]) for name, mask in result.masks.items())


@pytest.fixture(name="model")
def moe(tmp_path: Path) -> Path:
    return save_checkpoint(with_unreached_experts(), tmp_path / "model")


def run(model: Path, output: Path, *, calibration: dict[str, Any] = MIXTURE, **options: Any) -> Report:
    given = {name: options.pop(name) for name in Recipe.model_fields if name in options}
    recipe = Recipe.model_validate({"model": str(model), "calibration": calibration, **given})
    return run_recipe(recipe, EVALUATION, output=output, **options)


@pytest.mark.parametrize(
    "recipe",
    [
        {"method": "wanda", "sparsity": 0.5},
        {"method": "wanda", "sparsity": 0.5, "order": "layers"},  # attention is measured before the experts
        {"method": "wanda", "sparsity": 0.5, "order": "layers", "refit": {"toward": 0.5}},
        {"structure": {"experts": 2}},
    ],
)
def test_a_report_counts_and_warns_of_experts_that_saw_none(
    model: Path, tmp_path: Path, recipe: dict[str, Any]
) -> None:
    report = run(model, tmp_path / "out", **recipe)
    assert [of_block.block for of_block in report.expert_tokens] == [1, 2]
    for of_block in report.expert_tokens:  # of three windows and of one, two experts for each token
        assert [sum(of_dataset) for of_dataset in of_block.tokens] == [3 * 24 * 2, 24 * 2]
        assert not any(any(of_dataset[4:]) for of_dataset in of_block.tokens)
    left = 12 if "structure" in recipe else 16
    warnings = [
        text for text in report.warnings if f" of {left} experts saw no calibration token of " in text
    ]
    assert len(warnings) == 2
    assert " of builtin-code (expert " in warnings[1]
    assert "of block 1, " in warnings[0]
    assert warnings[0].count("of block") <= 4


def test_one_dataset_is_not_counted_by_expert(model: Path, tmp_path: Path) -> None:
    alone = {"dataset": "builtin", "samples": 4, "sequence_length": 24}
    report = run(model, tmp_path / "out", calibration=alone, method="wanda", sparsity=0.5)
    assert report.expert_tokens == ()


@pytest.mark.parametrize(
    ("recipe", "stage"),
    [({"method": "wanda", "sparsity": 0.5}, Stage.PRUNE), ({"structure": {"experts": 2}}, Stage.CUT)],
)
def test_a_resumed_run_reports_the_same_tokens(
    model: Path, tmp_path: Path, recipe: dict[str, Any], stage: Stage
) -> None:
    run(model, tmp_path / "whole", **recipe)
    options = {"resume_store": DirectoryResumeStore(tmp_path / "state", print)}
    with suppress(InterruptedError):
        run(model, tmp_path / "out", progress=Steps(at=(stage, 2)), **recipe, **options)
    run(model, tmp_path / "out", **recipe, resume_store=DirectoryResumeStore(tmp_path / "state", print))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
