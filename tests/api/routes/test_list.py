"""The list of jobs over REST: by date, by a part of the model's name, oldest first. And who asks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update

from jobs.database import Database
from jobs.tables import Job, JobEvent, first_id_at
from tests.api.drive import SMALLEST, ClientOf, Jobs, pages_of

MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)


def listed(client: TestClient, **query: Any) -> list[str]:
    """The ids of all pages."""
    return [job["id"] for page in pages_of(client, "/v1/jobs", **query) for job in page]


@pytest.fixture
def hourly(jobs: Jobs, database: Database) -> list[str]:
    """Seven jobs, submitted one hour after the other from midnight on, the oldest first."""
    made = []
    for hour in range(7):
        job_id = jobs.queued(model=f"org/model-{hour % 3}")
        with database.begin() as session:
            at = MIDNIGHT + timedelta(hours=hour, milliseconds=1)
            seconds = (at - session.scalars(select(func.clock_timestamp())).one()).total_seconds()
            fresh = session.scalars(select(func.uuidv7(text(f"interval '{seconds} s'")))).one()
            session.execute(JobEvent.__table__.delete().where(JobEvent.job_id == job_id))
            session.execute(update(Job).where(Job.id == job_id).values(id=fresh, created_at=at))
            made.append(str(fresh))
    return made


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize(("since", "until"), [(None, None), (2, None), (None, 5), (2, 5), (5, 2), (9, None)])
def test_jobs_are_listed_by_when_they_were_submitted(
    client: TestClient, hourly: list[str], order: str, since: int | None, until: int | None
) -> None:
    times = {
        name: f"2026-01-02T{hour:02}:00:00Z" for name, hour in (("since", since), ("until", until)) if hour
    }
    expected = hourly[since or 0 : 7 if until is None else until]
    if order == "newest":
        expected = expected[::-1]
    assert listed(client, limit=2, order=order, **times) == expected


def test_the_display_name_is_shown_everywhere(client: TestClient) -> None:
    request = SMALLEST | {"name": "nightly <7>", "timeout_seconds": 60}
    job = client.post("/v1/jobs", json=request).json()
    assert (job["name"], job["spec"]["name"], job["spec"]["timeout_seconds"]) == (
        "nightly <7>",
        "nightly <7>",
        60,
    )
    assert client.get("/v1/jobs").json()["items"][0]["name"] == "nightly <7>"
    for path in ("/jobs", f"/jobs/{job['id']}"):
        assert "nightly &lt;7&gt;" in client.get(path).text
    for wrong in (
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"timeout_seconds": 59},
        {"timeout_seconds": 604_801},
    ):
        assert client.post("/v1/jobs", json=SMALLEST | wrong).status_code == 422


def test_a_date_needs_its_time_zone(client: TestClient) -> None:
    answer = client.get("/v1/jobs?since=2026-01-02T00:00:00")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "since")


def test_filters_and_dates_hold_together(client: TestClient, hourly: list[str]) -> None:
    found = listed(client, search="MODEL-1", since="2026-01-02T02:00:00Z", state="queued", limit=1)
    assert found == [hourly[4]]
    assert listed(client, state=["queued", "failed"], order="oldest", limit=2) == hourly


def test_a_part_of_the_name_finds_what_the_page_finds(client: TestClient, hourly: list[str]) -> None:
    for part in ("org/", "Model-2", "%", "nothing"):
        html = client.get("/jobs", params={"search": part, "limit": 200}).text
        on_the_page = [job_id for job_id in reversed(hourly) if f'id="job-{job_id}"' in html]
        assert listed(client, search=part) == on_the_page


def test_the_first_id_of_a_millisecond_is_below_those_of_postgres(database: Database) -> None:
    made = select(func.uuidv7().label("id")).select_from(func.generate_series(1, 50)).subquery()
    with database.begin() as session:
        rows = session.execute(select(made.c.id, func.uuid_extract_timestamp(made.c.id))).all()
    assert len(rows) == 50
    for made_id, at in rows:
        assert first_id_at(at) <= made_id < first_id_at(at + timedelta(milliseconds=1))


def test_a_program_learns_whose_key_it_has(client_of: ClientOf) -> None:
    me = client_of("eve", ["jobs:write"]).get("/v1/me").json()
    assert (me["owner"], me["scopes"], me["expires_at"]) == ("eve", ["jobs:write"], None)
    admin = client_of()
    (key,) = admin.get("/v1/keys").json()["items"]
    assert admin.get("/v1/me").json() == {
        "owner": "ada",
        "key_id": key["id"],
        "scopes": key["scopes"],
        "expires_at": None,
    }
    assert admin.get("/v1/me", headers={"Authorization": ""}).status_code == 401
