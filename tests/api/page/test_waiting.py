"""What REST and the page say of a job that waits for the Hub or the store."""

import re
from datetime import UTC, datetime

from fastapi.testclient import TestClient

from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from tests.api.drive import Jobs
from tests.claims import claimed


def waiting_job(jobs: Jobs, tries: int) -> lifecycle.Claim:
    """A job whose Hub did not answer so many times."""
    claim = jobs.running()
    error = JobError(type="unreachable", message="the Hub did not deliver <b>x</b>; try again later")
    for number in range(tries):
        with jobs.database.begin() as session:
            if number:
                again = claimed(session, claim.job_id, "worker", 3000)
                claim = again
            assert lifecycle.requeue_while_unreachable(
                session, claim, error, 3600.0, what="the Hub did not deliver <b>x</b>"
            )
    return claim


def test_rest_and_the_page_show_what_a_job_waits_for(client: TestClient, jobs: Jobs) -> None:
    claim = waiting_job(jobs, 3)
    path = f"/jobs/{claim.job_id}"
    shown = client.get(f"/v1{path}").json()
    waiting = shown["waiting"]
    assert (waiting["message"], waiting["tries"]) == ("the Hub did not deliver <b>x</b>", 3)
    attempts = [attempt["outcome"] for attempt in shown["attempts"]]
    assert (shown["state"], shown["error"], attempts) == ("queued", None, ["unreachable"] * 3)
    next_try = datetime.fromisoformat(waiting["next_try_at"]).astimezone(UTC)
    assert datetime.fromisoformat(waiting["since"]) < next_try
    assert client.get("/v1/jobs").json()["items"][0]["waiting"] == waiting

    html = client.get(path).text
    words = " ".join(html.split())
    assert f"next try at {next_try:%H:%M:%S} UTC (3 tries so far): the Hub did not deliver &lt;b&gt;" in words
    assert re.findall(r"<span>(\d)\. (\w+)</span>", html) == [
        (str(number), "Unreachable") for number in (1, 2, 3)
    ]
    assert f"waiting for the Hub, next try at {next_try:%H:%M:%S} UTC" in client.get("/jobs").text

    with jobs.database.begin() as session:
        assert lifecycle.claim(session, claim.job_id, "worker", 3000)
    assert client.get(f"/v1{path}").json()["waiting"] is None


def test_rest_and_the_page_show_a_job_that_waits_for_the_store(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    path = f"/jobs/{claim.job_id}"
    full = "the store is full"
    error = JobError(type="store", message=f"{full}; the operator must make room")
    with jobs.database.begin() as session:
        assert lifecycle.requeue_while_unreachable(session, claim, error, 3600.0, what=full)
    waiting = client.get(f"/v1{path}").json()["waiting"]
    assert (waiting["reason"], waiting["message"], waiting["tries"]) == ("store", full, 1)
    assert client.get("/v1/jobs").json()["items"][0]["waiting"] == waiting
    since, next_try = (
        datetime.fromisoformat(waiting[name]).astimezone(UTC) for name in ("since", "next_try_at")
    )
    words = " ".join(client.get(path).text.split())
    again = f"next try at {next_try:%H:%M:%S} UTC"
    assert f"Waiting for the store since {since:%H:%M:%S}, {again} (1 try so far): {full}." in words
    assert f"waiting for the store, {again}: {full}" in words, "it is among the events too"
    assert f"waiting for the store, {again}" in client.get("/jobs").text

    with jobs.database.begin() as session:
        assert lifecycle.claim(session, claim.job_id, "worker", 3000)
    assert client.get(f"/v1{path}").json()["waiting"] is None
