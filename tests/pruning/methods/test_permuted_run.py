"""Whole runs with `permute`: checkpoint, report and card, and runs that are killed."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report import Report
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.runs import Steps, contents, die, run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama

pytestmark = pytest.mark.slow

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=2, speed="off")
CALIBRATION = {"dataset": "builtin", "samples": 3, "sequence_length": 24}
RECIPES: dict[str, dict[str, Any]] = {
    "gblm": {"method": "gblm"},
    "best": {"method": "best"},
    "cut": {"method": "wanda", "structure": {"mlp_channels": 16}},
}


@pytest.fixture(name="model", scope="module")
def four_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tiny_llama(num_hidden_layers=4), tmp_path_factory.mktemp("permuted") / "model")


def recipe(model: Path, **fields: Any) -> Recipe:
    given = {"pattern": "2:4", "permute": True, "dtype": "float64", "calibration": CALIBRATION, **fields}
    return Recipe.model_validate({"model": str(model), **given})


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_that_is_killed_twice_ends_with_the_same_bytes(name: str, model: Path, tmp_path: Path) -> None:
    wanted = recipe(model, **RECIPES[name])
    run_recipe(wanted, EVALUATION, output=tmp_path / "whole", save_masks=True)
    output, state = tmp_path / "out", tmp_path / "state"
    for blocks in (1, 3):
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                run_recipe(
                    wanted,
                    EVALUATION,
                    output=output,
                    save_masks=True,
                    progress=Steps(at=(Stage.PRUNE, blocks), end=die),
                    resume_store=DirectoryResumeStore(state),
                )
            os._exit(1)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    run_recipe(wanted, EVALUATION, output=output, save_masks=True, resume_store=DirectoryResumeStore(state))
    assert contents(output) == contents(tmp_path / "whole")


def test_the_report_and_the_card_say_it(model: Path, tmp_path: Path) -> None:
    report = run_recipe(
        recipe(model, method="wanda", layers={"exclude": ["model.layers.2.mlp.*"]}),
        EVALUATION,
        output=tmp_path / "out",
    )
    facts = report.permutation
    assert facts is not None
    assert [(order.block, order.kind) for order in facts.blocks] == [
        (block, kind)
        for block in range(4)
        for kind in ("value_channels", "mlp_channels")
        if (block, kind) != (2, "mlp_channels")
    ]
    assert not facts.left
    assert all(0.5 < order.kept_before <= order.kept_after < 1 for order in facts.blocks)
    written = Report.model_validate_json((tmp_path / "out" / "pruning_report.json").read_text())
    assert written == report
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Its channels are in another order" in card
    assert "unchanged, in another order" in card

    dense, found = (
        AutoModelForCausalLM.from_pretrained(path).state_dict() for path in (model, tmp_path / "out")
    )
    order = [int(number) for number in facts.blocks[1].order.split(",")]
    down: Callable[[dict[str, Tensor]], Tensor] = lambda of: of["model.layers.0.mlp.down_proj.weight"]  # noqa: E731 - shorter than a function
    assert torch.equal(down(found), down(dense)[:, order].masked_fill(down(found) == 0, 0))


def test_the_report_says_what_was_not_moved(tmp_path: Path) -> None:
    model = save_checkpoint(tiny_llama(), tmp_path / "model")
    report = run_recipe(recipe(model, method="wanda", pattern="8:16"), EVALUATION, output=tmp_path / "out")
    assert report.permutation is not None
    (left,) = report.permutation.left
    assert (left.kind, left.blocks) == ("value_channels", "0-2")
    plain = run_recipe(recipe(model, method="wanda", permute=False), EVALUATION, output=tmp_path / "plain")
    assert plain.permutation is None
