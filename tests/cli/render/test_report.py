"""The commands read fields that the report has."""

from typing import Any

from cli.render.report import ReportExcerpt, Sparsity, StageCost
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
