"""The audit log: what is recorded, who reads it, and that nothing leaves it."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, exc, text, update

import jobs.manage as administration
from api import rate_limit
from cli.embedded import up
from jobs.access import api_keys, audit
from jobs.database import Database
from jobs.settings import Settings
from jobs.tables import AuditRecord
from tests.api.drive import ORIGIN, ClientOf, Jobs, MakeKey, scopes_but
from tests.jobs.queue.fleet import register

pytestmark = pytest.mark.threat


def records(admin: TestClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = admin.get("/v1/audit?limit=200").json()["items"]
    return items[::-1]


def told(record: dict[str, Any]) -> tuple[object, ...]:
    return tuple(record[name] for name in ("action", "owner", "subject", "subject_owner"))


def test_keys_made_and_revoked_are_recorded(client_of: ClientOf) -> None:
    admin = client_of("root")
    maker = admin.post("/v1/keys", json={"name": "x", "owner": "ada"}).json()
    ada = TestClient(admin.app, headers={"Authorization": f"Bearer {maker['key']}"})
    child = ada.post("/v1/keys", json={"name": "y"}).json()
    for _ in range(2):  # the second time there is nothing to record
        assert admin.delete(f"/v1/keys/{maker['id']}?cascade=true").status_code == 204
    assert admin.delete(f"/v1/keys/{uuid4()}").status_code == 404
    assert admin.get("/v1/keys?everyone=true").status_code == 200
    found = records(admin)
    made, revoked = f"key {maker['id']}", f"key {child['id']}"
    assert [told(record) for record in found] == [
        ("key.created", "root", made, "ada"),
        ("key.created", "ada", revoked, "ada"),
        ("key.revoked", "root", made, "ada"),
        ("key.revoked", "root", revoked, "ada"),
        ("others.read", "root", "all keys", None),
    ]
    assert found[1]["key_id"] == maker["id"]
    assert {record["address"] for record in found} == {"testclient"}


def test_the_key_that_made_changed_or_deleted_a_webhook_is_recorded(client_of: ClientOf) -> None:
    admin, keys = client_of("root"), [client_of("ada", scopes_but("admin")) for _ in range(2)]
    wanted = {"url": "https://hooks.example.org/secret"}
    made = keys[0].post("/v1/webhooks", json=wanted).json()
    address = f"/v1/webhooks/{made['id']}"
    assert keys[1].patch(address, json={"url": "http://10.0.0.1"}).status_code == 422
    assert admin.patch(address, json={"enabled": False}).status_code == 404
    assert keys[1].patch(address, json={"enabled": False}).status_code == 200
    same = {name: made[name] for name in ("events", "format")} | wanted
    for nothing in ({}, {"enabled": False}, same):
        assert keys[1].patch(address, json=nothing).status_code == 200
    assert keys[1].patch(address, json={"events": ["job.failed"], "enabled": True}).status_code == 200
    assert keys[0].delete(address).status_code == 204
    found, subject = records(admin), f"webhook {made['id']}"
    assert [told(record) for record in found] == [
        ("webhook.created", "ada", subject, "ada"),
        ("webhook.changed", "ada", subject, "ada"),
        ("webhook.changed", "ada", subject, "ada"),
        ("webhook.deleted", "ada", subject, "ada"),
    ]
    key_ids = [key.get("/v1/me").json()["key_id"] for key in keys]
    assert [record["key_id"] for record in found] == [key_ids[0], key_ids[1], key_ids[1], key_ids[0]]


def test_failed_sign_ins_are_recorded_and_no_secret_is(client_of: ClientOf, anonymous: TestClient) -> None:
    wrong = {"Authorization": "Bearer ps_wrong"}
    assert anonymous.get("/v1/jobs?secret=1", headers=wrong).status_code == 401
    assert anonymous.post("/sign-in", data={"key": "ps_wrong"}, headers=ORIGIN).status_code == 401
    assert anonymous.get("/sign-in?token=wrong").status_code == 401
    assert anonymous.get("/v1/jobs").status_code == 401  # nothing was tried
    found = records(client_of("root"))
    assert [told(record) for record in found] == [
        ("sign-in.failed", None, subject, None)
        for subject in ("GET /v1/jobs", "POST /sign-in", "GET /sign-in")
    ]


def test_a_failed_sign_in_at_an_address_that_no_table_can_hold_is_recorded(
    client_of: ClientOf, anonymous: TestClient
) -> None:
    for sent in ("%00", "%ed%a0%80", "%1b%5b31m"):
        answer = anonymous.get(f"/v1/zoo/{sent}", headers={"Authorization": "Bearer ps_wrong"})
        assert answer.status_code == 401, sent
    found = records(client_of("root"))
    assert [record["subject"].encode().isascii() for record in found] == [False] * 3
    assert [record["subject"][:11] for record in found] == ["GET /v1/zoo"] * 3
    assert not any(letter in record["subject"] for record in found for letter in "\x00\x1b\ud800")


def test_many_failed_sign_ins_leave_few_records(client_of: ClientOf, anonymous: TestClient) -> None:
    wrong = {"Authorization": "Bearer ps_wrong"}
    for _ in range(50):
        assert anonymous.get("/v1/jobs", headers=wrong).status_code == 401
    found = [record["subject"] for record in records(client_of("root"))]
    assert found == [
        *["GET /v1/jobs"] * 10,
        *(f"GET /v1/jobs (failure {count} of this address in this hour)" for count in (20, 40)),
    ]


def test_failures_are_logged_when_the_records_are_used_up(
    client_of: ClientOf,
    anonymous: TestClient,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "UNSAMPLED_TOTAL", 2)
    wrong = {"Authorization": "Bearer ps_wrong"}
    with caplog.at_level(logging.INFO, logger="audit"):
        for number in range(3):
            assert anonymous.get(f"/v1/jobs/{number}", headers=wrong).status_code == 401
    lines = [json.loads(entry.message) for entry in caplog.records if entry.name == "audit"]
    found = records(client_of("root"))
    assert [line["subject"].split(" (")[0] for line in lines] == [f"GET /v1/jobs/{n}" for n in range(3)]
    assert [line["id"] for line in lines] == [*(record["id"] for record in found), None]
    assert [told(line) for line in lines[:2]] == [told(record) for record in found]
    assert lines[2].keys() == lines[0].keys()


def test_a_key_made_on_the_command_line_is_recorded(
    client_of: ClientOf,
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The first key, which `pruneserve up` makes, is one of them."""
    monkeypatch.setattr(administration, "settings", lambda: settings)
    key_file = tmp_path / "api-key"
    up.sign_in_token(settings.database_url.get_secret_value(), key_file)
    keys = {
        up.OWNER: key_file.read_text().strip(),
        "ada": administration._new_key("ada", "by hand", ["jobs:read"]),
    }
    made = records(client_of("root"))
    for (owner, key), record in zip(keys.items(), made, strict=True):
        with database.begin() as session:
            principal = api_keys.authenticate(session, key)
        assert principal is not None
        assert told(record) == ("key.created", None, f"key {principal.key_id}", owner)
        assert (record["address"], record["key_id"]) == ("pruneserve-manage", None)


def test_what_an_admin_does_to_others_is_recorded(client_of: ClientOf, jobs: Jobs) -> None:
    admin, job_id = client_of("root"), jobs.queued("ada")
    assert admin.get("/jobs?owner=ada").status_code == 200
    assert admin.get(f"/jobs/{job_id}?owner=ada").status_code == 200
    assert admin.post(f"/jobs/{job_id}/cancel?owner=ada", headers=ORIGIN).status_code == 303
    assert admin.get("/jobs?owner=root").status_code == 200  # its own
    assert [told(record) for record in records(admin)] == [
        ("others.read", "root", "GET /jobs", "ada"),
        ("others.read", "root", f"GET /jobs/{job_id}", "ada"),
        ("others.changed", "root", f"POST /jobs/{job_id}/cancel", "ada"),
    ]


def test_an_admin_who_sees_in_the_list_of_workers_whose_jobs_run_is_recorded(
    client_of: ClientOf, jobs: Jobs, database: Database
) -> None:
    admin = client_of("root")
    with database.begin() as session:
        register(session, "worker")
    own = jobs.running("root")
    assert str(own.job_id) in admin.get("/v1/workers").text
    jobs.succeed(own)
    assert records(admin) == []
    of_another = jobs.running("ada")
    assert str(of_another.job_id) in admin.get("/v1/workers").text
    assert [told(record) for record in records(admin)] == [("others.read", "root", "GET /v1/workers", None)]


def test_repeated_reads_are_recorded_once_an_hour(
    client_of: ClientOf, jobs: Jobs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.begin() as session:
        register(session, "worker")
    admin, other = client_of("root"), client_of("root")
    elsewhere = TestClient(admin.app, client=("192.0.2.7", 1), headers=admin.headers)
    jobs.running("ada")
    paths = ("/v1/workers", "/jobs?owner=ada", "/jobs?owner=eve", "/v1/keys?everyone=true")
    for _ in range(3):
        assert {admin.get(path).status_code for path in paths} == {200}
    looks = [
        ("others.read", "root", "GET /v1/workers", None),
        ("others.read", "root", "GET /jobs", "ada"),
        ("others.read", "root", "GET /jobs", "eve"),
        ("others.read", "root", "all keys", None),
    ]
    assert [told(record) for record in records(admin)] == looks
    for client in (other, elsewhere, other, elsewhere):  # another key; another address
        assert client.get("/v1/workers").status_code == 200
    assert [told(record) for record in records(admin)] == [*looks, looks[0], looks[0]]
    assert len({(record["key_id"], record["address"]) for record in records(admin)}) == 3
    monkeypatch.setattr(audit, "_READ_LOG_INTERVAL", timedelta(microseconds=1))  # the hour is over
    assert admin.get("/v1/workers").status_code == 200
    assert [told(record) for record in records(admin)][-1:] == looks[:1]
    assert len(records(admin)) == 7


def test_an_admin_changes_jobs_of_others_on_the_page_alone_with_a_record(
    client_of: ClientOf, jobs: Jobs
) -> None:
    admin, looking, eve = (
        client_of("root"),
        client_of("root", scopes_but("jobs:write")),
        client_of("eve", scopes_but("admin")),
    )
    queued, claim = jobs.queued("ada"), jobs.running("ada")
    jobs.fail(claim, "for the test")
    cancel = f"/jobs/{queued}/cancel?owner=ada"
    retry = f"/jobs/{claim.job_id}/retry?owner=ada"
    ada = client_of("ada")

    def states() -> list[str]:
        return [ada.get(f"/v1/jobs/{each}").json()["state"] for each in (queued, claim.job_id)]

    assert [key.post(cancel, headers=ORIGIN).status_code for key in (looking, eve)] == [403, 403]
    assert [key.post(f"/v1/jobs/{queued}/cancel").status_code for key in (admin, eve)] == [404, 404]
    assert [key.get(f"/v1/jobs/{queued}").status_code for key in (admin, eve)] == [404, 404]
    assert states() == ["queued", "failed"]

    assert admin.post(cancel, headers=ORIGIN).status_code == 303
    assert admin.post(retry, headers=ORIGIN).status_code == 303
    assert states() == ["cancelled", "queued"]
    assert [told(record) for record in records(admin)] == [
        ("others.changed", "root", f"POST /jobs/{queued}/cancel", "ada"),
        ("others.changed", "root", f"POST /jobs/{claim.job_id}/retry", "ada"),
    ]


def test_changes_of_the_zoo_are_recorded(client_of: ClientOf, jobs: Jobs) -> None:
    admin, ada, claim = client_of("root"), client_of("ada", scopes_but("admin")), jobs.running("ada")
    jobs.succeed(claim)
    for note in ("", "", "small", "small"):  # every second time there is nothing to record
        slug = ada.post("/v1/zoo", json={"job_id": str(claim.job_id), "note": note}).json()["slug"]
    assert admin.delete(f"/v1/zoo/{slug}").status_code == 204
    assert [told(record) for record in records(admin)] == [
        ("zoo.promoted", "ada", f"zoo {slug}", "ada"),
        ("zoo.promoted", "ada", f"zoo {slug}", "ada"),
        ("zoo.withdrawn", "root", f"zoo {slug}", "ada"),
    ]


def test_only_an_admin_reads_it_page_by_page(client_of: ClientOf) -> None:
    admin, eve = client_of("root"), client_of("eve", scopes_but("admin"))
    assert eve.get("/v1/audit").status_code == 403
    for number in range(3):
        admin.post("/v1/keys", json={"name": str(number), "owner": "<b>ada</b>"[3:6]})
    first = admin.get("/v1/audit?limit=2").json()
    rest = admin.get("/v1/audit", params={"cursor": first["next_cursor"]}).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)


@pytest.mark.parametrize(
    "change",
    [delete(AuditRecord), update(AuditRecord).values(owner="eve"), text("TRUNCATE audit_records")],
    ids=["delete", "update", "truncate"],
)
def test_nothing_is_deleted_from_the_audit_log(client_of: ClientOf, database: Database, change: Any) -> None:
    admin = client_of("root")
    admin.post("/v1/keys", json={"name": "x"})
    before = records(admin)
    with pytest.raises(exc.ProgrammingError, match="can only be added to"), database.begin() as session:
        session.execute(change)
    assert records(admin) == before != []


def test_each_record_is_a_line_of_json_as_well(
    client_of: ClientOf, make_key: MakeKey, caplog: pytest.LogCaptureFixture
) -> None:
    admin = client_of("root")
    with caplog.at_level(logging.INFO, logger="audit"):
        admin.post("/v1/keys", json={"name": "x"})
    (line,) = [json.loads(entry.message) for entry in caplog.records if entry.name == "audit"]
    (record,) = records(admin)
    assert line["id"] == record["id"]
    assert told(line) == told(record)
