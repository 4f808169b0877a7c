"""The page of webhooks, compared with what the REST API says of the same ones."""

import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from jobs.tables import NOW, WebhookDelivery, WebhookEndpoint
from tests.api.drive import ClientOf, scopes_but

ORIGIN = {"Origin": "http://testserver"}
ADDRESS = "https://hooks.example.org/a&b"


def make(client: TestClient, address: str = ADDRESS, *events: str) -> str:
    body = {"url": address} | ({"events": [*events]} if events else {})
    answer = client.post("/v1/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_webhook_is_shown_tested_stopped_resumed_and_deleted(client_of: ClientOf) -> None:
    client, other = client_of(), client_of("eve")
    mine, theirs = make(client, ADDRESS, "job.failed"), make(other, "https://hooks.example.org/theirs")
    page = html.unescape(client.get("/webhooks").text)
    assert ADDRESS in page
    assert "theirs" not in page
    assert re.findall(r'data-name="Told of">([^<]*)<', page) == ["job.failed"]
    assert "whsec_" not in page

    def press(button: str, webhook: str = mine, **form: str) -> int:
        return client.post(f"/webhooks/{webhook}/{button}", data=form, headers=ORIGIN).status_code

    assert press("test") == 303
    (message,) = client.get(f"/v1/webhooks/{mine}/deliveries").json()["items"]
    assert (message["event"], message["state"]) == ("webhook.test", "pending")
    assert "webhook.test" in client.get("/webhooks").text
    for enabled in (False, True):
        assert press("enable", enabled=str(enabled).lower()) == 303
        webhook = client.get(f"/v1/webhooks/{mine}").json()
        assert webhook["enabled"] is enabled
        assert ("stopped: switched off by its owner" in client.get("/webhooks").text) is not enabled
    for button, form in (("test", {}), ("enable", {"enabled": "false"}), ("delete", {})):
        assert press(button, theirs, **form) == 404
    assert press("delete") == 303
    assert client.get("/v1/webhooks").json()["items"] == []
    assert "No webhooks yet" in client.get("/webhooks").text
    assert [item["id"] for item in other.get("/v1/webhooks").json()["items"]] == [theirs]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"last_error": "no <b>answer</b>", "next_attempt_at": None}, "no &lt;b&gt;answer&lt;/b&gt;"),
        ({"last_status": 204, "delivered_at": NOW, "next_attempt_at": None}, ": 204"),
    ],
)
def test_a_message_says_what_became_of_it(
    client: TestClient, database: sessionmaker[Session], values: dict[str, object], shown: str
) -> None:
    webhook = make(client)
    client.post(f"/v1/webhooks/{webhook}/test")
    with database.begin() as session:
        session.execute(update(WebhookDelivery).values(values))
        session.execute(update(WebhookEndpoint).values(failing_since=NOW))
    (message,) = client.get(f"/v1/webhooks/{webhook}/deliveries").json()["items"]
    page = client.get("/webhooks").text
    assert re.findall(r'class="badge \w+">(\w+)</span> webhook.test', page) == [message["state"].capitalize()]
    assert shown in page
    assert "failing since" in page


@pytest.mark.parametrize("message_format", ["standard", "slack"])
def test_the_form_creates_a_webhook_and_shows_its_secret_once(
    client: TestClient, message_format: str
) -> None:
    form = {"url": ADDRESS, "events": ["job.failed", "job.started"], "format": message_format}
    answer = client.post("/webhooks", data=form, headers=ORIGIN)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    (made,) = client.get("/v1/webhooks").json()["items"]
    assert (made["events"], made["format"]) == (["job.failed", "job.started"], message_format)
    assert len(re.findall(r"whsec_[A-Za-z0-9+/=]{44}", html.unescape(answer.text))) == 1
    assert "whsec_" not in client.get("/webhooks").text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://hooks.example.org/"}, "must begin with https://"),
        ({"url": ""}, "url"),
        ({"events": []}, "events"),
        ({"format": "teams"}, "format"),
    ],
)
def test_the_form_refuses_what_rest_does_and_no_event_at_all(
    client: TestClient, change: dict[str, object], said: str
) -> None:
    form = {"url": ADDRESS, "events": ["job.failed"], "format": "slack"} | change
    answer = client.post("/webhooks", data=form, headers=ORIGIN)
    assert answer.status_code == 422
    assert said in answer.text
    assert client.get("/v1/webhooks").json()["items"] == []


def test_the_command_names_this_service_and_a_reader_sees_neither_it_nor_buttons(client_of: ClientOf) -> None:
    make(client_of())
    page = html.unescape(client_of().get("/webhooks").text)
    assert "PRUNESERVE_URL=http://testserver pruneserve tools webhooks new https://" in page
    reader = client_of(scopes=scopes_but("jobs:write")).get("/webhooks").text
    assert ADDRESS in html.unescape(reader)
    assert "pruneserve tools webhooks" not in reader
    assert 'action="/webhooks' not in reader
