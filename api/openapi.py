"""The OpenAPI document, with the schemas that only our own answers refer to."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from api.problems.problems import ProblemDocument
from api.schemas.jobs import EventList

_TEMPLATE = "#/components/schemas/{model}"


class DocumentedAPI(FastAPI):
    """FastAPI finds the schemas of JSON answers by itself; ours come as problems and streams as well."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            _, ours = models_json_schema(
                [(ProblemDocument, "serialization"), (EventList, "serialization")], ref_template=_TEMPLATE
            )
            super().openapi()["components"]["schemas"] |= ours["$defs"]
        return super().openapi()
