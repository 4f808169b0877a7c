import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.app import create_app
from api.schemas.job_requests import JobRequest
from jobs.database import Database
from jobs.settings import Settings
from jobs.tables import WebhookDelivery, WebhookEndpoint
from jobs.webhooks.outbox import TEST, WebhookEvent, send_test
from tests.api.drive import Jobs


@pytest.fixture
def document(anonymous: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = anonymous.get("/v1/openapi.json").json()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_it_lists_the_api_and_not_the_page(document: dict[str, Any]) -> None:
    others = {path for path in document["paths"] if not path.startswith("/v1/")}
    assert others == {"/healthz", "/readyz"}


def test_every_operation_documents_its_problems(document: dict[str, Any]) -> None:
    names = []
    for name, operation in operations(document):
        names.append(operation["operationId"])
        assert operation["summary"]
        assert operation["tags"]
        for status, response in operation["responses"].items():
            if status >= "400":
                problem = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
                assert problem["content"].keys() == {"application/problem+json"}, (name, status)
        if "/v1/" in name:
            assert {"401", "403", "429", "503"} <= operation["responses"].keys()
            assert operation["security"]
    assert len(names) == len(set(names))


def test_every_operation_is_named_after_what_it_does(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert {"submit_job", "list_jobs", "get_job", "cancel_job", "get_job_events"} <= set(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)


def test_every_type_has_one_schema(document: dict[str, Any]) -> None:
    """FastAPI adds `-Input` and `-Output` to a name where requests and answers differ."""
    assert [name for name in document["components"]["schemas"] if not name.isalnum()] == []


def test_every_property_and_parameter_is_described(document: dict[str, Any]) -> None:
    properties = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, facts in schema.get("properties", {}).items()
        if "description" not in facts
    ]
    parameters = [
        f"{name} {parameter['name']}"
        for name, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if "description" not in parameter
    ]
    assert (properties, parameters) == ([], [])


def test_no_title_is_that_of_two_schemas(document: dict[str, Any]) -> None:
    """A generator that names types by their titles would write one over the other."""
    titles = [schema.get("title", name) for name, schema in document["components"]["schemas"].items()]
    assert sorted(titles) == sorted(document["components"]["schemas"])


def test_no_property_has_an_object_as_its_default(document: dict[str, Any]) -> None:
    """openapi-python-client drops a schema with such a property, and all that need it."""
    schemas = document["components"]["schemas"].values()
    properties = [facts for schema in schemas for facts in schema.get("properties", {}).values()]
    assert not [facts for facts in properties if isinstance(facts.get("default"), dict)]
    assert '`{"name": "uniform"}`' in str(
        document["components"]["schemas"]["JobRequest"]["properties"]["allocation"]["description"]
    )


def test_the_document_has_the_address_of_the_service(anonymous: TestClient, settings: Settings) -> None:
    assert [server["url"] for server in anonymous.get("/v1/openapi.json").json()["servers"]] == ["/"]
    public = settings.model_copy(update={"public_url": "https://prune.example.org"})
    servers = create_app(public).openapi()["servers"]
    assert [server["url"] for server in servers] == ["https://prune.example.org"]


def test_every_message_to_a_webhook_is_described(document: dict[str, Any]) -> None:
    assert document["webhooks"].keys() == {*WebhookEvent, TEST}
    for message in document["webhooks"].values():
        assert message["post"]["summary"]
        assert message["post"]["requestBody"]["content"]["application/json"]["schema"]


def test_webhook_messages_match_the_document(
    database: Database, jobs: Jobs, document: dict[str, Any]
) -> None:
    with database.begin() as session:
        events = ["job.succeeded", "job.failed"]
        endpoint = WebhookEndpoint(owner="ada", url="https://example.com", events=events, secret=b"s")
        session.add(endpoint)
        session.flush()
        send_test(session, endpoint)
    jobs.succeed(jobs.running())
    jobs.fail(jobs.running(), "no")
    with database.begin() as session:
        payloads = {each.event: each.payload for each in session.scalars(select(WebhookDelivery))}
    assert payloads.keys() == {"webhook.test", "job.succeeded", "job.failed"}
    for event, payload in payloads.items():
        body = document["webhooks"][event]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert list(jsonschema_rs.iter_errors(document | body, payload, validate_formats=True)) == []
        schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        data = document["components"]["schemas"][schema["properties"]["data"]["$ref"].rpartition("/")[2]]
        assert payload.keys() == schema["properties"].keys()
        assert payload["data"].keys() == data["properties"].keys()


def test_the_examples_of_a_request_are_valid_requests(document: dict[str, Any]) -> None:
    for example in document["components"]["schemas"]["JobRequest"]["examples"]:
        JobRequest.model_validate(example)
