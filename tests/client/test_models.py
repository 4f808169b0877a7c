"""The generated models keep step with the API."""

import json

from pruneserve_client import models
from tools.client_models import MODELS, OPENAPI, generated, loosened


def test_the_models_are_those_of_the_openapi_document() -> None:
    assert MODELS.read_text() == generated(), "the API has changed: run `make client`"


def test_every_object_of_the_document_has_a_model_with_its_fields() -> None:
    for name, schema in json.loads(OPENAPI.read_text())["components"]["schemas"].items():
        if schema.get("type") == "object":
            model = getattr(models, name.removesuffix("-Input").removesuffix("-Output"))
            assert model.model_fields.keys() == schema.get("properties", {}).keys()


def test_what_the_server_judges_is_left_to_it() -> None:
    reference = {"$ref": "#/components/schemas/Other-Input"}
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
    assert loosened({"Thing": schema, "Other-Input": {"type": "object"}}) == {
        "Thing": {
            "type": "object",
            "properties": {
                "title": {"type": "string"},
                "state": {
                    "default": "on",
                    "anyOf": [{"type": "string", "enum": ["on", "off"]}, {"type": "string"}],
                },
                "one": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/Other"},
                        {"type": "object", "additionalProperties": True},
                    ]
                },
            },
            "required": ["title"],
        },
        "Other": {"type": "object"},
    }
