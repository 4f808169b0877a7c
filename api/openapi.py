"""The OpenAPI document: what FastAPI derives from the routes, and the schemas that it cannot see."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from api.problems.problem import ProblemDocument
from api.schemas.events import EventList
from pruning.report.schema import Report

_TEMPLATE = "#/components/schemas/{model}"


def operation_id(route: APIRoute) -> str:
    """Name an operation after its function: `submit_job`. Generated clients call their methods so."""
    return route.name


class DocumentedAPI(FastAPI):
    """A FastAPI application whose document also has the schemas of problems, event streams and reports."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, which is built once."""
        if self.openapi_schema is None:
            _, further = models_json_schema(
                [(model, "serialization") for model in (ProblemDocument, EventList, Report)],
                ref_template=_TEMPLATE,
            )
            components = super().openapi()["components"]
            components["schemas"] = further["$defs"] | components["schemas"]
        return super().openapi()
