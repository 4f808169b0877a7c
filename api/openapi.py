"""The OpenAPI document: what FastAPI derives from the routes, and the schemas that it cannot see."""

import json
from threading import Lock
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from api.problems.base import MEDIA_TYPE, ProblemDocument
from api.schemas.jobs import EventList
from pruning.report import Report

_TEMPLATE = "#/components/schemas/{model}"


def operation_id(route: APIRoute) -> str:
    """Name an operation after its function: `submit_job`. Generated clients call their methods so."""
    return route.name


class DocumentedAPI(FastAPI):
    """A FastAPI application whose document also has the schemas of problems, event streams and reports.

    `serve_document` serves it from a thread. FastAPI's own route builds and encodes it in the event loop, for
    which every stream and every probe waits.
    """

    _encoded: bytes | None = None
    _encoding = Lock()

    def serve_document(self, _request: Request) -> Response:
        """Return the document as JSON."""
        with self._encoding:
            if self._encoded is None:
                self._encoded = bytes(JSONResponse(self.openapi()).body)
        return Response(self._encoded, media_type=JSONResponse.media_type)

    def openapi(self) -> dict[str, Any]:
        """Return the document, which is built once."""
        if self.openapi_schema is None:
            _, further = models_json_schema(
                [(model, "serialization") for model in (ProblemDocument, EventList, Report)],
                ref_template=_TEMPLATE,
            )
            document = super().openapi()
            components = document["components"]
            components["responses"] = _share_problems(document["paths"])
            components["schemas"] = further["$defs"] | components["schemas"]
            for schema in components["schemas"].values():
                _describe_tags(schema)
                _describe_defaults(schema)
        return super().openapi()


def _share_problems(paths: dict[str, Any]) -> dict[str, Any]:
    """Replace the problems of every operation by references, and return what they refer to."""
    shared: dict[str, Any] = {}
    for operation in (operation for methods in paths.values() for operation in methods.values()):
        for status, response in operation["responses"].items():
            if problem := response.get("content", {}).get(MEDIA_TYPE):
                name = "-or-".join(problem["examples"])
                shared[name] = response
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def _describe_defaults(schema: dict[str, Any]) -> None:
    """Move the default of an object to its description: generators support those of text and numbers only."""
    for facts in schema.get("properties", {}).values():
        if (
            facts.get("default", ...) is None
        ):  # as FastAPI leaves it out of the schemas that it derives itself
            del facts["default"]
        if isinstance(facts.get("default"), dict):
            facts["description"] = f"{facts['description']} By default `{json.dumps(facts.pop('default'))}`."


def _describe_tags(schema: dict[str, Any]) -> None:
    """Describe the discriminator of a union's variant: a property with one value only."""
    for facts in schema.get("properties", {}).values():
        if "const" in facts:
            facts.setdefault("description", "Says which of the variants this is.")
