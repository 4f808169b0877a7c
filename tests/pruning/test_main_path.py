"""The main path stays readable: the recipe goes straight through, and no stage is handed what it ignores."""

import ast
import inspect
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from bench.trace_recipe import trace
from pruning.run import run
from pruning.stages.evaluate import EvaluateStage, EvaluationInputs
from pruning.stages.gradients import GradientInputs, GradientStage
from pruning.stages.prune import PruneStage
from pruning.stages.resolve import ResolveStage

STAGES = (ResolveStage, GradientStage, PruneStage, EvaluateStage)


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "gblm"},
        {"method": "sparsegpt", "order": "layers"},
        {"method": "wanda", "allocation": "owl"},
    ],
    ids=lambda fields: fields["method"],
)
def test_a_recipe_passes_through_few_files_and_seldom_returns(fields: dict[str, str], tmp_path: Path) -> None:
    found = trace(tmp_path, **fields)
    assert found.calls[0] == ("run.py", "run")
    assert "stages/prune.py" in found.stays
    assert found.files <= 20
    assert found.returns <= 5


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
    constructor = ast.parse(inspect.getsource(stage))
    assert handed <= {node.id for node in ast.walk(constructor) if isinstance(node, ast.Name)}
    written = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    assert written <= attributes_read(source, "self")


@pytest.mark.parametrize(
    ("inputs", "stage", "owner"),
    [(GradientInputs, GradientStage, "self._inputs"), (EvaluationInputs, EvaluateStage, "inputs")],
)
def test_a_stage_reads_all_of_its_resolved_inputs(inputs: type, stage: type, owner: str) -> None:
    module = inspect.getmodule(stage)
    assert module is not None
    source = ast.parse(inspect.getsource(module))
    read = (
        attributes_read(source, owner)
        | attributes_read(source, "self._inputs")
        | attributes_read(source, "inputs")
    )
    assert {field.name for field in fields(inputs)} <= read
