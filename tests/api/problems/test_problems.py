import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.problems.base import FieldError
from jobs.database import Database
from pruning.recipe.methods import ALLOCATIONS
from tests.api.drive import SMALLEST, Jobs

SECRET = "SEKRET-INPUT"


def requests() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("POST", "/v1/jobs", {"json": {SECRET: SECRET}}),
        ("POST", "/v1/jobs", {"json": SMALLEST | {"model": SECRET + "!", "method": SECRET, "dtype": SECRET}}),
        ("POST", "/v1/jobs", {"content": SECRET, "headers": {"Content-Type": "application/json"}}),
        ("POST", "/v1/jobs", {"content": SECRET, "headers": {"Content-Type": SECRET}}),
        ("POST", "/v1/jobs", {"json": SMALLEST, "headers": {"Idempotency-Key": SECRET + " "}}),
        ("GET", f"/v1/jobs?state={SECRET}&cursor={SECRET}&method={SECRET}&limit={SECRET}&{SECRET}!=1", {}),
        ("GET", f"/v1/jobs/{SECRET}", {}),
        ("GET", f"/v1/jobs/{SECRET}/events?after={SECRET}", {"headers": {"Last-Event-ID": SECRET}}),
        ("GET", f"/v1/{SECRET}", {}),
        ("PUT", "/v1/jobs", {}),
        ("GET", "/v1/jobs", {"headers": {"Authorization": f"Bearer {SECRET}"}}),
        ("GET", "/v1/jobs", {"headers": {"Host": SECRET}}),
        ("POST", "/v1/jobs", {"json": SMALLEST, "headers": {"Origin": SECRET}}),
    ]


@pytest.mark.parametrize(("method", "path", "request_"), requests())
def test_a_problem_quotes_only_the_values_that_it_refuses(
    client: TestClient, method: str, path: str, request_: dict[str, Any]
) -> None:
    answer = client.request(method, path, **request_)
    assert 400 <= answer.status_code < 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].startswith("urn:pruneserve:problem:")
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["detail"]
    for error in problem.get("errors", []):
        assert {"field", "message"} <= error.keys() <= {"field", "message", "value"}
        if error["field"].lower() not in {"authorization", "cookie", "host", "origin"}:
            error.pop("value", None)
    if path != "/v1/jobs" or "json" not in request_ or SECRET not in request_["json"]:
        assert SECRET not in json.dumps(problem)


NO_NUMBER, NO_FLAG, NO_OBJECT = "must be a number", "must be true or false", "must be an object"


@pytest.mark.parametrize(
    ("change", "value", "message"),
    [
        ({"sparsity": 1.5}, "1.5", None),
        ({"sparsity": -1}, "-1", None),
        ({"sparsity": 10**100}, "a number of more than 80 digits", None),
        ({"sparsity": "half"}, '"half"', NO_NUMBER),
        ({"sparsity": {"password": 1}}, None, NO_NUMBER),
        ({"sparsity": None}, None, None),
        ({"sparsity": None, "pattern": "2:3:4"}, '"2:3:4"', None),
        ({"save_masks": 1}, "1", NO_FLAG),
        ({"save_masks": "yes"}, '"yes"', NO_FLAG),
        ({"refit": "yes"}, '"yes"', "must be true, false, or an object with options"),
        ({"calibration": {"samples": True}}, "true", "must be an integer"),
        ({"calibration": {"samples": None}}, "null", "must be an integer"),
        ({"calibration": {"samples": 1.5}}, "1.5", "must be an integer"),
        ({"calibration": "builtin"}, '"builtin"', f'{NO_OBJECT}, such as {{"dataset": "builtin"}}'),
        ({"layers": ["*"]}, "a list of 1 item", NO_OBJECT),
        ({"layers": "*"}, '"*"', NO_OBJECT),
        ({"layers": {"include": ["*"] * 65}}, "a list of 65 items", "must have at most 64 items"),
        ({"evaluation": {"tasks": "piqa"}}, '"piqa"', "must be a list"),
        ({"dtype": "a\u202eb\x1b[31m\u00e9\n"}, '"a\\u202eb\\u001b[31m\u00e9\\n"', None),
        (
            {"labels": {"team": "x" * 256}},
            f'"{"x" * 79}\u2026" (256 characters)',
            "must have at most 255 characters",
        ),
        ({"model": "/etc/passwd"}, '"/etc/passwd"', None),
        ({"model": {}}, None, None),
        ({"model": 5}, "5", "must be a string, or an object with id and revision"),
        ({"model": ""}, '""', "must have at least 1 character"),
        (
            {"structure": {"mlp_chanels": 0.25}},
            None,
            "is not a field of this request; did you mean mlp_channels?",
        ),
        ({"samples": 5}, None, "is not a field of this request"),
    ],
)
def test_a_refusal_quotes_the_value_on_one_short_line_and_says_in_terms_of_json_what_is_accepted(
    client: TestClient, change: dict[str, Any], value: str | None, message: str | None
) -> None:
    (error,) = client.post("/v1/jobs", json=SMALLEST | change).json()["errors"]
    assert error.get("value") == value
    assert message in (None, error["message"])


@pytest.mark.parametrize("url", ["http://10.0.0.1/SEKRET", "ftp://x/SEKRET", "SEKRET" * 1000, ["SEKRET"]])
def test_the_address_of_a_webhook_is_a_secret_and_not_quoted(client: TestClient, url: object) -> None:
    answer = client.post("/v1/webhooks", json={"url": url})
    assert [error["field"] for error in answer.json()["errors"]] == ["url"]
    assert "SEKRET" not in answer.text


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/v1/jobs?limit=0", "limit", '"0"'),
        ("/v1/jobs?state=sleeping", "state.0", '"sleeping"'),
        ("/v1/jobs/7", "job_id", '"7"'),
    ],
)
def test_a_refusal_quotes_the_value_of_a_parameter(
    client: TestClient, path: str, field: str, value: str
) -> None:
    (error,) = client.get(path).json()["errors"]
    assert (error["field"], error["value"]) == (field, value)


def test_an_unknown_field_is_named_only_if_its_name_is_plain(client: TestClient) -> None:
    answer = client.post("/v1/jobs", json=SMALLEST | {"sparsty": 1, "<b>": 1, "\x00": 1})
    assert sorted(error["field"] for error in answer.json()["errors"]) == ["?", "?", "sparsty"]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/sweeps", "job"), ("/v1/webhooks", "url"), ("/v1/zoo", "job_id"), ("/v1/keys", "name")],
)
def test_a_missing_field_is_named(client: TestClient, path: str, field: str) -> None:
    errors = client.post(path, json={}).json()["errors"]
    assert errors == [{"field": field, "message": "is required"}]


@pytest.mark.parametrize(
    "change",
    [{"labels": {"-team": "x"}}, {"labels": {"a" * 64: "x"}}, {"evaluation": {"tasks": ["../x"]}}],
)
def test_a_name_is_refused_in_words_and_not_by_a_regular_expression(
    client: TestClient, change: dict[str, Any]
) -> None:
    (error,) = client.post("/v1/jobs", json=SMALLEST | change).json()["errors"]
    assert "letter or a digit" in error["message"]
    assert "[" not in error["message"]


@pytest.mark.parametrize("choice", [7, None, {}, {"name": 7}])
def test_a_choice_without_a_name_is_refused_with_the_names(client: TestClient, choice: object) -> None:
    (error,) = client.post("/v1/jobs", json=SMALLEST | {"allocation": choice}).json()["errors"]
    names = ", ".join(f"'{name}'" for name in ALLOCATIONS)
    assert error["field"] == "allocation"
    assert error["message"] == f"must be one of {names}, or an object with such a name and its options"


def test_an_unknown_method_is_refused_with_the_grades_too(client: TestClient) -> None:
    (error,) = client.post("/v1/jobs", json=SMALLEST | {"method": "bset"}).json()["errors"]
    assert error["field"] == "method"
    assert error["message"].endswith("'best', 'recovered'; did you mean 'best'?")


def test_405_lists_every_method_of_the_address(client: TestClient) -> None:
    document = client.get("/v1/openapi.json").json()
    some_id = "00000000-0000-0000-0000-000000000000"
    for path, operations in document["paths"].items():
        (unsupported, *_) = {"PUT", "PATCH"} - {method.upper() for method in operations}
        answer = client.request(unsupported, re.sub(r"\{\w+\}", some_id, path))
        assert answer.status_code == 405
        allowed = set(answer.headers["Allow"].split(", "))
        assert allowed - {"HEAD"} == {method.upper() for method in operations}, path


def test_an_internal_error_reveals_nothing_of_the_service(
    client: TestClient, database: Database, jobs: Jobs
) -> None:
    job_id = jobs.queued()
    with database.begin() as session:
        session.connection().exec_driver_sql("UPDATE jobs SET spec = '{}'")
    answer = client.get(f"/v1/jobs/{job_id}")
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "urn:pruneserve:problem:internal-error",
        "title": "Internal error",
        "status": 500,
        "detail": "The service has failed. Its log has the details; report it to the operator.",
    }


@pytest.mark.threat
@pytest.mark.parametrize("name", ["url", "key", "token", "secret", "password", "code"])
@pytest.mark.parametrize("prefix", ["", "webhook."])
def test_credentials_are_never_quoted(prefix: str, name: str) -> None:
    assert FieldError.of(f"{prefix}{name}", "is wrong", SECRET).value is None
    assert FieldError.of(f"{prefix}{name}s", "is wrong", SECRET).value is not None


@pytest.mark.threat
def test_a_body_that_is_no_object_is_not_quoted(client: TestClient) -> None:
    """It may be the address of a webhook by itself."""
    answer = client.post("/v1/webhooks", json=f"https://hooks.example/{SECRET}")
    assert answer.status_code == 422
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", ["/v1", "/v1/"])
def test_an_address_of_the_api_without_anything_is_a_problem_document(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "urn:pruneserve:problem:not-found"


@pytest.mark.threat
def test_of_countless_mistakes_the_first_hundred_are_answered(client: TestClient) -> None:
    """To word each of them would keep all other requests waiting."""
    answer = client.post("/v1/jobs", json={f"f{number}": 1 for number in range(5000)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 100
