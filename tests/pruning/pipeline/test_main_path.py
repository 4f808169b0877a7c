"""The main path stays readable: the recipe goes straight through, and no stage is handed what it ignores."""

import ast
import inspect
import pickle
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch

from pruning.files.frozen_file import AllowedRoots
from pruning.pipeline import evaluate, gradients, recover
from pruning.pipeline.evaluate import EvaluateStage, EvaluationInputs
from pruning.pipeline.gradients import GateStage, GradientInputs, GradientStage
from pruning.pipeline.prune import PruneStage
from pruning.pipeline.recover import RecoverStage, RecoveryInputs
from pruning.pipeline.resolve import ResolveStage
from pruning.pipeline.resources import DiskRoom
from pruning.pipeline.run import run
from pruning.pipeline.speed import SpeedStage
from pruning.pipeline.structure import CutStage
from pruning.recipe import Evaluation, Recipe
from pruning.resume.store import EphemeralResumeStore
from pruning.sandbox.reading import InProcessReader
from tests.pruning.pruned import ignore_steps

pytestmark = pytest.mark.slow

STAGES = (
    *(ResolveStage, GateStage, CutStage, GradientStage, PruneStage, RecoverStage, EvaluateStage),
    SpeedStage,
)


def test_what_resolve_leaves_can_be_sent_to_another_process(tiny_llama_dir: Path, tmp_path: Path) -> None:
    calibration = {"dataset": "builtin", "samples": 2, "sequence_length": 16}
    fields = {"model": str(tiny_llama_dir), "method": "wanda", "sparsity": 0.5, "calibration": calibration}
    recipe, store = Recipe.model_validate(fields), EphemeralResumeStore(tmp_path)
    room = DiskRoom(recipe, (), save_masks=False, output=tmp_path, resume_store=store, gradient_cache=None)
    resolved, loaded = ResolveStage(
        recipe=recipe,
        evaluation=Evaluation(dataset="builtin", windows=2, sequence_length=16),
        exports=(),
        devices=(torch.device("cpu"),),
        roots=AllowedRoots(),
        hub_token=None,
        reading=InProcessReader(),
        baseline=None,
        resume_store=store,
        output=tmp_path,
        room=room,
        schedule="auto",
        on_shape=lambda shape: None,
    ).run(ignore_steps)
    received = pickle.loads(pickle.dumps(resolved))  # noqa: S301 - our own
    assert received.model.facts == resolved.model.facts
    assert received.calibration_facts == resolved.calibration_facts
    again = received.model.load()
    for ours, theirs in zip(loaded.stack.layers, again.stack.layers, strict=True):
        assert ours.name == theirs.name
        assert torch.equal(ours.matrix, theirs.matrix)


def test_a_run_takes_one_request_and_one_set_of_services() -> None:
    assert list(inspect.signature(run).parameters) == ["request", "services"]


def attributes_read(source: ast.AST, owner: str) -> set[str]:
    """Names of the attributes of `owner` (such as 'self') that are read in a piece of source."""
    return {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Load)
        and ast.unparse(node.value) == owner
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_reads_every_field_that_it_is_handed(stage: type) -> None:
    source = ast.parse(inspect.getsource(stage))
    if is_dataclass(stage):
        assert {field.name for field in fields(stage)} <= attributes_read(source, "self")
        return
    handed = set(inspect.signature(stage).parameters)
    assert handed <= {node.id for node in ast.walk(source) if isinstance(node, ast.Name)}
    written = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    assert written <= attributes_read(source, "self")


@pytest.mark.parametrize(
    ("inputs", "module", "owners"),
    [
        (GradientInputs, gradients, ["inputs"]),
        (RecoveryInputs, recover, ["inputs"]),
        (EvaluationInputs, evaluate, ["self._inputs", "inputs"]),
    ],
)
def test_a_stage_reads_all_of_its_inputs(inputs: type, module: ModuleType, owners: list[str]) -> None:
    source = ast.parse(inspect.getsource(module))
    read = set[str]().union(*(attributes_read(source, owner) for owner in owners))
    assert {field.name for field in fields(inputs)} <= read
