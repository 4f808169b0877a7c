"""The generated models keep step with the API."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pruneserve_client import models
from pruneserve_client.base import Model
from pruneserve_client.models import Gblm, JobRequest, Magnitude, ModelReference, Owl, Vary, Wanda
from pruning.recipe import ALLOCATIONS, METHODS
from tools.client_models import MODELS, generated, loosened
from tools.contracts import openapi


def test_the_models_are_those_of_the_openapi_document() -> None:
    assert MODELS.read_text() == generated(), "the API has changed: run `make client`"


def test_every_object_of_the_document_has_a_model_with_its_fields() -> None:
    for name, schema in openapi()["components"]["schemas"].items():
        if schema.get("type") == "object":
            model = getattr(models, name)
            assert model.model_fields.keys() == schema.get("properties", {}).keys()


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        (Magnitude(), {"name": "magnitude"}),
        (Gblm(norm="l2"), {"name": "gblm", "norm": "l2"}),
        (Owl(band=0.1), {"name": "owl", "band": 0.1}),
        (Vary(method=[Wanda(), "ria"]), {"method": [{"name": "wanda"}, "ria"]}),
        (
            JobRequest(model=ModelReference(id="org/name"), method=Gblm(), sparsity=0.5),
            {"model": {"id": "org/name"}, "method": {"name": "gblm"}, "sparsity": 0.5},
        ),
    ],
)
def test_only_what_was_set_and_the_names_of_variants_are_sent(model: Model, sent: dict[str, object]) -> None:
    assert model.as_sent() == sent


def test_the_schema_of_every_variant_requires_its_name() -> None:
    schemas = openapi()["components"]["schemas"]
    for options in (*METHODS.registered.values(), *ALLOCATIONS.registered.values()):
        assert "name" in schemas[options.__name__]["required"]


@pytest.mark.slow
def test_the_documented_examples_are_typed_without_the_plugin_of_pydantic(tmp_path: Path) -> None:
    checkout = Path(__file__).parents[2]
    page = (checkout / "docs" / "client.md").read_text()
    program = tmp_path / "examples.py"
    program.write_text("\n".join(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)))
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nstrict = true\n")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", f"--config-file={settings}", f"--cache-dir={tmp_path}", str(program)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_client_does_not_validate_for_the_server() -> None:
    reference = {"$ref": "#/components/schemas/Other"}
    schema = {
        "type": "object",
        "title": "Thing",
        "properties": {
            "title": {"type": "string", "maxLength": 5, "title": "Title"},
            "state": {"type": "string", "enum": ["on", "off"], "default": "on"},
            "one": {"oneOf": [reference], "discriminator": {"propertyName": "kind"}},
        },
        "required": ["title"],
        "additionalProperties": False,
    }
    assert loosened(schema) == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "state": {
                "default": "on",
                "anyOf": [{"type": "string", "enum": ["on", "off"]}, {"type": "string"}],
            },
            "one": {"anyOf": [reference, {"type": "object", "additionalProperties": True}]},
        },
        "required": ["title"],
    }


def test_one_unit_of_a_structure_is_sent_as_the_server_reads_it() -> None:
    for written in (1, 1.0):
        sent = JobRequest.model_validate({"model": "org/name", "structure": {"kv_heads": written}}).as_sent()
        assert '"kv_heads": 1}' in json.dumps(sent)
