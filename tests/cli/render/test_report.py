"""The commands read fields that the report has."""

from typing import Any

from cli.render.report import Fidelity, ReportExcerpt, Sparsity, StageCost
from pruning.report.schema import Report

SCHEMA: dict[str, Any] = Report.model_json_schema(mode="serialization")


def fields(schema: dict[str, Any]) -> dict[str, Any]:
    """The fields of an object, or of the items of an array."""
    target = schema.get("items", schema)
    resolved: dict[str, Any] = SCHEMA["$defs"][target["$ref"].rpartition("/")[2]]["properties"]
    return resolved


def test_every_field_of_the_excerpt_is_in_the_report() -> None:
    report = SCHEMA["properties"]
    assert ReportExcerpt.model_fields.keys() <= report.keys()
    assert StageCost.model_fields.keys() <= fields(report["stages"]).keys()
    assert Sparsity.model_fields.keys() <= fields(report["sparsity"]).keys()
    assert Fidelity.model_fields.keys() <= fields(report["perplexity"]).keys()


def test_the_comparison_with_the_dense_model_is_said_where_it_was_measured() -> None:
    assert str(Fidelity(kl=0.25, agreement=0.625)) == (
        "KL 0.2500 nats per token; the same most probable token in 62.5%"
    )
    assert str(Fidelity()) == ""
