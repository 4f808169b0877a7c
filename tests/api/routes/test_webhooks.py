import base64
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from jobs.database import Database
from jobs.settings import Settings
from jobs.tables import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints, outbox
from tests.api.drive import Jobs

URL = "https://hooks.example.org/pruneserve"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook_allow": ("ci.internal",)})


def made(client: TestClient, **wanted: object) -> dict:  # type: ignore[type-arg]
    answer = client.post("/v1/webhooks", json={"url": URL} | wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_the_secret_is_shown_once(client: TestClient) -> None:
    new = made(client)
    assert len(base64.b64decode(new["secret"].removeprefix("whsec_"))) == 32
    shown = client.get(f"/v1/webhooks/{new['id']}").json()
    assert new == shown | {"secret": new["secret"]}
    assert client.get("/v1/webhooks").json()["items"] == [shown]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://hooks.example.org"},
        {"url": "https://10.0.0.1/"},
        {"url": "https://[::ffff:127.0.0.1]/"},
        {"url": "x" * 2000},
        {"events": []},
        {"events": ["job.began"]},
        {"format": "teams"},
    ],
)
def test_invalid_webhooks_are_refused(client: TestClient, wrong: dict[str, object]) -> None:
    answer = client.post("/v1/webhooks", json={"url": URL} | wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(next(iter(wrong)))


@pytest.mark.threat
def test_two_requests_make_no_webhook_too_many_together(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = endpoints.create

    def slow(*arguments: Any) -> Any:
        time.sleep(0.5)
        return create(*arguments)

    monkeypatch.setattr(endpoints, "create", slow)
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 1)
    with ThreadPoolExecutor(2) as pool:
        answers = [*pool.map(lambda _: client.post("/v1/webhooks", json={"url": URL}).status_code, range(2))]
    assert sorted(answers) == [201, 409]


def test_the_operator_can_allow_internal_and_http_addresses(client: TestClient) -> None:
    made(client, url="http://ci.internal:8080/hook")


def test_an_endpoint_can_be_changed_and_switched_off(client: TestClient, jobs: Jobs) -> None:
    new = made(client)
    address = f"/v1/webhooks/{new['id']}"
    assert client.patch(address, json={"url": "http://x.example"}).status_code == 422
    assert client.patch(address, json={"enabled": "yes"}).status_code == 422
    changed = client.patch(
        address, json={"url": URL + "2", "events": ["job.failed"], "enabled": False}
    ).json()
    assert (changed["url"], changed["events"], changed["enabled"]) == (URL + "2", ["job.failed"], False)
    assert changed["disabled_reason"] == "switched off by its owner"
    jobs.fail(jobs.running(), "no")
    assert client.get(f"{address}/deliveries").json()["items"] == []
    assert client.patch(address, json={"enabled": True}).json()["disabled_reason"] is None
    jobs.fail(jobs.running(), "no")
    assert [item["event"] for item in client.get(f"{address}/deliveries").json()["items"]] == ["job.failed"]
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_the_format_is_standard_unless_another_is_named(client: TestClient) -> None:
    assert made(client)["format"] == "standard"
    new = made(client, format="slack")
    address = f"/v1/webhooks/{new['id']}"
    assert client.get(address).json()["format"] == "slack"
    assert client.patch(address, json={"enabled": True}).json()["format"] == "slack"


@pytest.mark.threat
def test_the_path_of_a_slack_webhook_is_shown_nowhere(client: TestClient) -> None:
    new = made(client, format="slack", url="https://hooks.slack.com:8443/services/T0/B0/x?y=x")
    address = f"/v1/webhooks/{new['id']}"
    shown = [new, client.get(address).json(), *client.get("/v1/webhooks").json()["items"]]
    shown.append(client.patch(address, json={"events": ["job.failed"]}).json())
    assert {each["url"] for each in shown} == {"https://hooks.slack.com:8443/…"}
    # Another format would show it, so it comes with another address.
    refused = client.patch(address, json={"format": "standard"})
    assert (refused.status_code, "T0" in refused.text) == (422, False)
    assert refused.json()["errors"][0]["field"] == "url"
    changed = client.patch(address, json={"format": "standard", "url": URL}).json()
    assert (changed["format"], changed["url"]) == ("standard", URL)


@pytest.mark.parametrize("shown", ["https://hooks.slack.com:8443/…", "https://hooks.slack.com/%E2%80%a6"])
def test_an_address_as_it_is_shown_is_refused_and_not_stored(
    client: TestClient, database: Database, shown: str
) -> None:
    new = made(client, format="slack", url="https://hooks.slack.com:8443/services/T0/B0/x")
    address = f"/v1/webhooks/{new['id']}"
    for answer in (
        client.patch(address, json={"url": shown}),
        client.post("/v1/webhooks", json={"url": shown}),
    ):
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["field"] == "url"
        assert "without its path: give all of it" in error["message"]
    # The path is still the one that was given.
    with database.begin() as session:
        endpoint = session.scalars(select(WebhookEndpoint)).one()
        assert endpoint.url.endswith("/services/T0/B0/x")


def test_messages_are_listed_and_replayed(client: TestClient) -> None:
    address = f"/v1/webhooks/{made(client)['id']}"
    sent = client.post(f"{address}/test")
    assert (sent.status_code, sent.json()["state"], sent.json()["event"]) == (202, "pending", "webhook.test")
    (listed,) = client.get(f"{address}/deliveries").json()["items"]
    assert listed == sent.json()
    replay = f"{address}/deliveries/{listed['id']}/replay"
    assert client.post(replay).json()["state"] == "pending"
    assert client.post(f"{address}/deliveries/{made(client)['id']}/replay").status_code == 404


@pytest.mark.threat
def test_a_webhook_takes_no_test_messages_beyond_the_limit_of_pending_ones(
    client: TestClient, database: Database, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_PENDING", 3)
    full, other = (f"/v1/webhooks/{made(client)['id']}" for _ in range(2))
    sent = [client.post(f"{full}/test").json()["id"] for _ in range(3)]
    refused = client.post(f"{full}/test")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:pruneserve:problem:quota-exceeded")
    assert "3 pending messages" in refused.json()["detail"]
    assert client.post(f"{other}/test").status_code == 202
    # One that is pending may be sent at once: there are no more of them.
    assert client.post(f"{full}/deliveries/{sent[0]}/replay").status_code == 202
    with database.begin() as session:
        session.get_one(WebhookDelivery, sent[0]).next_attempt_at = None
    assert client.post(f"{full}/test").status_code == 202
    assert client.post(f"{full}/deliveries/{sent[0]}/replay").status_code == 409
    assert client.post(f"{other}/deliveries/{sent[0]}/replay").status_code == 404
    jobs.fail(jobs.running(), "no")  # what jobs do is announced in any case
    assert client.get(f"{full}/deliveries").json()["items"][0]["event"] == "job.failed"
    assert client.post(f"{full}/test").status_code == 409


def test_the_number_of_webhooks_is_limited(client: TestClient) -> None:
    for _ in range(20):
        made(client)
    answer = client.post("/v1/webhooks", json={"url": URL})
    assert answer.status_code == 409
    assert "20" in answer.json()["detail"]


class TestWithoutAKey:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"secret_keys": ()})

    def test_no_secret_is_kept_in_the_clear(self, client: TestClient) -> None:
        answer = client.post("/v1/webhooks", json={"url": URL})
        assert answer.status_code == 501
        assert "PRUNESERVE_SECRET_KEYS" in answer.json()["detail"]
