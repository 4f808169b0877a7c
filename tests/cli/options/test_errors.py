"""Errors of the server speak of what was typed, and of the next step."""

from typing import Any

import pytest

from cli.options.errors import command_options, describe_error
from cli.options.job_options import JOB_OPTIONS
from pruneserve_client import InvalidRequest
from pruneserve_client.models import ProblemDocument
from tests.scripted_server import problem_document

OF_A_JOB: dict[str, Any] = {option.variable: None for option in JOB_OPTIONS} | {"recipe": None}
OF_A_SWEEP = OF_A_JOB | {"vary": None}
OF_A_SEARCH = OF_A_JOB | {"tolerance": None, "format_name": None}
OF_A_KEY: dict[str, Any] = {"name": "ci", "scope": None, "days": None}


@pytest.mark.parametrize(
    ("given", "field", "typed"),
    [
        (OF_A_JOB, "model", "--model"),
        (OF_A_JOB, "model.id", "--model"),
        (OF_A_JOB, "calibration.samples", "--samples"),
        (OF_A_JOB, "evaluation.sequence_length", "evaluation.sequence_length"),
        (OF_A_JOB, "evaluation.tasks.1", "--task"),
        (OF_A_JOB, "method", "--method"),
        (OF_A_JOB, "allocation", "--allocation"),
        (OF_A_JOB, "method.norm", "--option norm"),
        (OF_A_JOB, "structure.experts", "--structure experts"),
        (OF_A_JOB, "recovery.distil.tokens", "recovery.distil.tokens"),
        (OF_A_JOB | {"recipe": "job.json"}, "sparsity", "--sparsity (sparsity)"),
        (OF_A_JOB, "what.is.new", "what.is.new"),
        (OF_A_SWEEP, "job.sparsity", "--sparsity"),
        (OF_A_SWEEP, "vary.sparsity.0", "--vary"),
        (OF_A_SEARCH, "target.max_perplexity_increase", "--max-increase"),
        (OF_A_SEARCH, "target.tolerance", "--tolerance"),
        (OF_A_SEARCH, "target.export", "--gate-on"),
        (OF_A_SEARCH, "target.format", "--format"),
        (OF_A_JOB, "exports.0.gguf.type", "--export"),
        (OF_A_JOB, "gate.export", "--gate-on"),
        (OF_A_KEY, "scopes.0", "--scope"),
        (OF_A_KEY, "expires_in_days", "--days"),
        (OF_A_KEY, "model.id", "model.id"),
        ({"address": "http://x"}, "url", "the address"),
    ],
)
def test_a_field_is_called_by_what_was_typed(given: dict[str, Any], field: str, typed: str) -> None:
    problem = ProblemDocument.model_validate(problem_document("Not so.", 422, **{field: "is wrong"}))
    with command_options(given):
        said = describe_error(InvalidRequest("Not so.", status=422, problem=problem))
    assert said == f"Not so.\n  {typed}: is wrong"


def test_the_value_that_the_server_quotes_is_shown() -> None:
    document = problem_document("Not so.", 422, sparsity="must be less than 1")
    document["errors"][0]["value"] = "1.5"
    problem = ProblemDocument.model_validate(document)
    with command_options(OF_A_JOB):
        said = describe_error(InvalidRequest("Not so.", status=422, problem=problem))
    assert said == "Not so.\n  --sparsity: must be less than 1; got 1.5"
