from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from api.rate_limit import MAX_SWEEP_WRITES_OF_OWNER
from tests.api.drive import SMALLEST, ClientOf

KEY = {"Idempotency-Key": "build-42"}


def test_the_same_key_and_body_give_the_same_job(client: TestClient) -> None:
    first = client.post("/v1/jobs", json=SMALLEST, headers=KEY)
    second = client.post("/v1/jobs", json=SMALLEST, headers=KEY)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.headers["Location"] == second.headers["Location"]
    assert len(client.get("/v1/jobs").json()["items"]) == 1


def test_the_same_key_with_another_body_is_refused(client: TestClient) -> None:
    client.post("/v1/jobs", json=SMALLEST, headers=KEY)
    answer = client.post("/v1/jobs", json=SMALLEST | {"sparsity": 0.6}, headers=KEY)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:pruneserve:problem:idempotency-key-reused"


def test_a_key_is_its_owners_own(client_of: ClientOf) -> None:
    ada, eve = client_of("ada"), client_of("eve")
    answers = [someone.post("/v1/jobs", json=SMALLEST, headers=KEY) for someone in (ada, eve)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


def test_a_refused_request_does_not_use_its_key_up(client: TestClient) -> None:
    assert client.post("/v1/jobs", json=SMALLEST | {"sparsity": 2}, headers=KEY).status_code == 422
    assert client.post("/v1/jobs", json=SMALLEST, headers=KEY).status_code == 201


def test_a_request_that_is_repeated_late_does_not_make_a_deleted_job_again(client: TestClient) -> None:
    first = client.post("/v1/jobs", json=SMALLEST, headers=KEY).json()["id"]
    assert client.post(f"/v1/jobs/{first}/cancel").status_code == 200
    assert client.post("/v1/jobs", json=SMALLEST, headers=KEY).json()["id"] == first
    assert client.delete(f"/v1/jobs/{first}").status_code == 204
    for body in (SMALLEST, SMALLEST | {"sparsity": 0.6}):
        again = client.post("/v1/jobs", json=body, headers=KEY)
        assert again.status_code == 422
        assert again.json()["type"] == "urn:pruneserve:problem:idempotency-key-reused"
        assert "was deleted. Use a new key" in again.json()["detail"]
    assert client.get("/v1/jobs").json()["items"] == []


def test_concurrent_requests_make_one_job_with_one_event(client: TestClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/jobs", json=SMALLEST, headers=KEY), range(24)))
    assert sorted(answer.status_code for answer in answers) == [200] * 23 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    (job,) = client.get("/v1/jobs").json()["items"]
    events = client.get(f"/v1/jobs/{job['id']}/events", headers={"Accept": "application/json"}).json()
    assert [event["id"] for event in events["items"]] == [1]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\x7f", "é"])
def test_an_invalid_idempotency_key_is_refused(client: TestClient, key: str) -> None:
    answer = client.post("/v1/jobs", json=SMALLEST, headers={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "idempotency-key"
    assert ("must be printable ASCII characters without spaces" in error["message"]) == (0 < len(key) < 256)


SWEEP = {"job": {"model": "org/name", "method": "gblm"}, "vary": {"sparsity": [0.3, 0.4]}}
SEARCH = {"job": {"model": "org/name", "method": "gblm"}, "target": {"max_perplexity_increase": 0.05}}


@pytest.mark.parametrize(("request_", "jobs"), [(SWEEP, 2), (SEARCH, 1)], ids=["sweep", "search"])
def test_concurrent_requests_make_one_sweep(
    client: TestClient, request_: dict[str, object], jobs: int
) -> None:
    with ThreadPoolExecutor(MAX_SWEEP_WRITES_OF_OWNER) as pool:
        sent = pool.map(lambda _: client.post("/v1/sweeps", json=request_, headers=KEY), range(8))
        answers = list(sent)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(client.get("/v1/sweeps").json()["items"]) == 1
    assert len(client.get("/v1/jobs").json()["items"]) == jobs


def test_more_requests_at_once_than_are_admitted_make_one_sweep(client: TestClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/sweeps", json=SWEEP, headers=KEY), range(8)))
    assert {answer.status_code for answer in answers} <= {200, 201, 503}
    assert len(client.get("/v1/sweeps").json()["items"]) == 1
    assert client.post("/v1/sweeps", json=SWEEP, headers=KEY).status_code == 200


def test_a_key_of_a_job_makes_no_sweep_and_the_other_way_round(client: TestClient) -> None:
    assert client.post("/v1/jobs", json=SMALLEST, headers=KEY).status_code == 201
    other = {"Idempotency-Key": "sweep"}
    assert client.post("/v1/sweeps", json=SWEEP, headers=other).status_code == 201
    for path, body, key in (
        ("/v1/sweeps", SWEEP, KEY),
        ("/v1/jobs", SMALLEST, other),
        ("/v1/sweeps", SEARCH, other),
    ):
        answer = client.post(path, json=body, headers=key)
        assert answer.json()["type"] == "urn:pruneserve:problem:idempotency-key-reused"
