"""What the training of blocks asks of the environment, and what the resume store knows of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pruning.errors import InvalidInput
from pruning.recipe import Recipe
from pruning.stages.prune import PruneStage
from pruning.stages.resolve import ResolveStage

CUDA = torch.device("cuda:0")


def recipe(**fields: Any) -> Recipe:
    return Recipe.model_validate({"model": "org/name", "method": "wanda", "sparsity": 0.5, **fields})


TRAINED = recipe(recovery={"blocks": True})


def prune_stage(wanted: Recipe, *, deterministic: bool) -> PruneStage:
    model: Any = SimpleNamespace(
        placement=SimpleNamespace(device=CUDA),
        stack=SimpleNamespace(blocks=[None] * 3),
        checkpoint=SimpleNamespace(narrowest_dtype=torch.float32),
    )
    blocks: Any = {}
    return PruneStage(
        model,
        wanted,
        None,
        {},
        blocks,
        Path(),
        save_masks=False,
        deterministic=deterministic,
        held_out=None,
    )


def test_a_deterministic_training_needs_a_fixed_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with pytest.raises(InvalidInput) as caught:
        prune_stage(TRAINED, deterministic=True).prepare()
    assert caught.value.field == "deterministic"
    assert prune_stage(TRAINED, deterministic=False).prepare() == 3
    assert prune_stage(recipe(), deterministic=True).prepare() == 3
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    assert prune_stage(TRAINED, deterministic=True).prepare() == 3


def key(wanted: Recipe, *, deterministic: bool) -> object:
    of_the_method: Any = ResolveStage._method_key
    return of_the_method.fget(SimpleNamespace(devices=(CUDA,), recipe=wanted, deterministic=deterministic))


def test_blocks_trained_otherwise_are_not_taken_from_an_earlier_attempt() -> None:
    assert key(TRAINED, deterministic=True) != key(TRAINED, deterministic=False)
    assert key(recipe(), deterministic=True) == key(recipe(), deterministic=False)
