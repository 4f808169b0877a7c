"""The generated models keep step with the API."""

from pruneserve_client import models
from tools.client_models import MODELS, generated, loosened
from tools.contracts import openapi


def test_the_models_are_those_of_the_openapi_document() -> None:
    assert MODELS.read_text() == generated(), "the API has changed: run `make client`"


def test_every_object_of_the_document_has_a_model_with_its_fields() -> None:
    for name, schema in openapi()["components"]["schemas"].items():
        if schema.get("type") == "object":
            model = getattr(models, name)
            assert model.model_fields.keys() == schema.get("properties", {}).keys()


def test_what_the_server_judges_is_left_to_it() -> None:
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
