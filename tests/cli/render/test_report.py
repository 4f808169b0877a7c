"""The commands read fields that the report has."""

import json
from typing import Any

from cli.render.report import Fidelity, ReportExcerpt, Sparsity, Speed, StageCost, Structure
from pruning.report.schema import Report, StructureFacts

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
    assert Structure.model_fields.keys() <= SCHEMA["$defs"]["StructureFacts"]["properties"].keys()
    assert Sparsity.model_fields.keys() <= fields(report["sparsity"]).keys()
    assert Speed.model_fields.keys() <= SCHEMA["$defs"]["SpeedFacts"]["properties"].keys()
    assert Fidelity.model_fields.keys() <= fields(report["perplexity"]).keys()


def test_the_comparison_with_the_dense_model_is_said_where_it_was_measured() -> None:
    assert str(Fidelity(kl=0.25, agreement=0.625)) == (
        "KL 0.2500 nats per token; the same most probable token in 62.5%"
    )
    assert str(Fidelity()) == ""


def test_a_speed_that_nobody_measured_is_not_said() -> None:
    sizes = {"bytes": 1000, "dense_bytes": 2000}
    masked = Speed.model_validate(sizes | {"speedup": 1.0, "rates": []})
    measured = Speed.model_validate(sizes | {"speedup": 1.25, "rates": [{"phase": "prefill"}]})
    noisy = Speed.model_validate(sizes | {"speedup": None, "rates": [{"phase": "prefill"}]})
    assert noisy.text.endswith("; the speed-up is not measurable: the noise exceeds the gain")
    assert masked.text == "1.0 kB of 2.0 kB"
    assert measured.text == "1.0 kB of 2.0 kB; 1.25 times as fast as the dense model"


def test_what_is_left_of_a_smaller_model_is_said_in_words() -> None:
    facts = {
        "depth": {
            "dense": 30,
            "kept": "0-27",
            "dropped": [{"block": 29, "kl": 0.1}, {"block": 28, "kl": 0.2}],
        },
        "units": [
            {"kind": "kv_groups", "dense": 4, "requested": 3, "kept": 3},
            {"kind": "mlp_channels", "dense": 1536, "requested": 1150, "kept": 1152},
        ],
        "blocks": [],
        "dense_parameters": 2000,
        "parameters": 1500,
        "dense_bytes": 4000,
        "bytes": 3000,
    }
    report = StructureFacts.model_validate_json(json.dumps(facts))
    in_each = "3 of 4 KV groups, 1,152 of 1,536 MLP channels in each"
    assert Structure.model_validate(report.model_dump()).text == (
        f"1,500 of 2,000, 25.0% fewer: 28 of 30 blocks; {in_each}"
    )
    widths = StructureFacts.model_validate_json(json.dumps(facts | {"depth": None}))
    assert widths.left == f"{in_each} block"
    units = [{"kind": "experts", "dense": 4, "requested": 3, "kept": 3}]
    some = [{"block": block, "kind": "experts", "kept": "0-2"} for block in (1, 2)]  # not in block 0
    for depth, words in ((None, "each block"), (facts["depth"], "each")):
        values = facts | {"depth": depth, "units": units, "blocks": some}
        experts = StructureFacts.model_validate_json(json.dumps(values))
        assert experts.left.endswith(f"3 of 4 experts in {words} that has them")
    every = StructureFacts.model_validate_json(
        json.dumps(facts | {"depth": None, "units": units, "blocks": [{**some[0], "block": 0}, *some]})
    )
    assert every.left == "3 of 4 experts in each block"
    assert Structure(parameters=0, dense_parameters=0, left="nothing").text == "0 of 0: nothing"
    assert Structure(parameters=1500, dense_parameters=2000).text == "1,500 of 2,000, 25.0% fewer"
