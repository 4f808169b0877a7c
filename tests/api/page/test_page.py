import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from api.actions.jobs import delete
from api.page.jobs import detail
from jobs.access import page_sessions
from jobs.database import Database
from jobs.lifecycle import attempt_files, lifecycle
from jobs.lifecycle.events import Event, StepFinished
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.storage.store import StoredFile
from jobs.tables import NOW, ApiKey, Job, PageSession
from pruning.recipe import Stage
from tests.api.drive import ORIGIN, Jobs, MakeKey, scopes_but


@pytest.fixture
def page(anonymous: TestClient, make_key: MakeKey) -> TestClient:
    """A browser that has signed in as ada."""
    assert sign_in(anonymous, make_key()).status_code == 303
    return anonymous


def sign_in(browser: TestClient, key: str, back: str = "/jobs") -> object:
    return browser.post("/sign-in", data={"key": key, "next": back}, headers=ORIGIN)


def link(database: Database, **lifetime: timedelta) -> str:
    with database.begin() as session:
        key_id = session.scalars(select(ApiKey.id)).one()
        return f"/sign-in?token={page_sessions.create_link(session, key_id, **lifetime)}"


@pytest.mark.parametrize("path", ["/jobs", "/jobs/stream", "/jobs/00000000-0000-0000-0000-000000000000"])
def test_a_page_without_session_redirects_to_sign_in_and_back(anonymous: TestClient, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/sign-in?next={path.replace('/', '%2F')}"


def test_signing_in_with_a_key_gives_a_cookie_that_scripts_cannot_read(
    anonymous: TestClient, make_key: MakeKey
) -> None:
    key = make_key()
    answer = anonymous.post("/sign-in", data={"key": f" {key} ", "next": "/jobs"}, headers=ORIGIN)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert key not in cookie
    assert anonymous.get("/jobs").status_code == 200


def test_over_https_the_cookie_stays_on_https(anonymous: TestClient, make_key: MakeKey) -> None:
    browser = TestClient(anonymous.app, base_url="https://testserver", follow_redirects=False)
    answer = browser.post("/sign-in", data={"key": make_key()}, headers={"Origin": "https://testserver"})
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("key", ["", "ps_nothing", "x" * 200])
def test_a_wrong_key_does_not_sign_in(anonymous: TestClient, key: str) -> None:
    answer = anonymous.post("/sign-in", data={"key": key}, headers=ORIGIN)
    assert answer.status_code == 401
    assert "not valid" in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil.example", "/jobs.evil", "javascript:x", ""]
)
def test_signing_in_redirects_to_no_other_site(anonymous: TestClient, make_key: MakeKey, back: str) -> None:
    answer = anonymous.post("/sign-in", data={"key": make_key(), "next": back}, headers=ORIGIN)
    assert answer.headers["Location"] == "/jobs"


def test_signing_in_leads_back_to_each_place_of_the_navigation(page: TestClient, make_key: MakeKey) -> None:
    (places,) = re.findall(r'<nav class="places".*?</nav>', page.get("/jobs").text, re.DOTALL)
    targets = [*re.findall(r'href="([^"]+)"', places), "/compare"]
    answers = [
        page.post("/sign-in", data={"key": make_key(), "next": target}, headers=ORIGIN) for target in targets
    ]
    assert "/settings" in targets
    assert [answer.headers["Location"] for answer in answers] == targets


def test_a_link_signs_in_once(anonymous: TestClient, make_key: MakeKey, database: Database) -> None:
    make_key()
    path = link(database)
    answer = anonymous.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs")
    assert anonymous.get("/jobs").status_code == 200
    assert anonymous.get(path).status_code == 401


def test_an_expired_link_does_not_sign_in(
    anonymous: TestClient, make_key: MakeKey, database: Database
) -> None:
    make_key()
    assert anonymous.get(link(database, lifetime=timedelta(seconds=-1))).status_code == 401


def test_a_links_token_is_not_a_session(anonymous: TestClient, make_key: MakeKey, database: Database) -> None:
    make_key()
    anonymous.cookies.set("pruneserve_session", link(database).partition("=")[2])
    assert anonymous.get("/jobs").status_code == 303


@pytest.mark.parametrize(
    "ending",
    [
        update(PageSession).values(expires_at=NOW),
        update(ApiKey).values(revoked_at=NOW),
        update(ApiKey).values(expires_at=NOW),
    ],
)
def test_a_session_ends_with_its_time_and_with_its_key(
    page: TestClient, database: Database, ending: object
) -> None:
    assert page.get("/jobs").status_code == 200
    with database.begin() as session:
        session.execute(ending)  # type: ignore[call-overload]
    assert page.get("/jobs").status_code == 303


def test_signing_out_ends_the_session_itself(page: TestClient) -> None:
    token = page.cookies["pruneserve_session"]
    assert page.post("/sign-out", headers=ORIGIN).headers["Location"] == "/sign-in"
    page.cookies.set("pruneserve_session", token)
    assert page.get("/jobs").status_code == 303


def test_the_session_serves_the_api_as_well(page: TestClient, jobs: Jobs) -> None:
    job_id = jobs.queued()
    assert page.get(f"/v1/jobs/{job_id}/artifacts").json() == {"items": []}


def test_the_list_shows_jobs_of_the_owner_by_filter_and_by_page(page: TestClient, jobs: Jobs) -> None:
    jobs.queued(owner="eve", model="eve/secret")
    jobs.queued(method="wanda", model="org/wanted")
    jobs.queued(method="magnitude", model="org/other")
    html = page.get("/jobs?state=&method=&owner=").text
    assert "wanted" in html
    assert "other" in html
    assert "secret" not in html
    html = page.get("/jobs?state=queued&method=wanda").text
    assert "wanted" in html
    assert ">other<" not in html
    first = page.get("/jobs?limit=1").text
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert "wanted" in page.get(older.replace("&amp;", "&")).text


def test_every_state_of_a_job_has_its_page(page: TestClient, jobs: Jobs) -> None:
    running, failed, succeeded = jobs.running(), jobs.running(), jobs.running()
    jobs.progress(running, "prune", 12, 30)
    jobs.fail(failed, "has pickles only; convert it to safetensors")
    jobs.succeed(succeeded, [FinishedArtifact("model.safetensors", "k", 269_060_552, "ab" * 32)])
    expected = {
        jobs.queued(): ["Queued", "Waiting: no worker is connected.", "Cancel job"],
        running.job_id: ["Running", "12 of 30", "About 1 min 00 s left", 'value="12"', "Cancel job"],
        failed.job_id: ["Failed", "convert it to safetensors", "Change and run again"],
        succeeded.job_id: ["Succeeded", "26.80", "63.10", "+135.4 %", "up_proj", "269 MB", "/files.tar"],
    }
    for job_id, texts in expected.items():
        html = page.get(f"/jobs/{job_id}").text
        assert [text for text in texts if text not in html] == []
    assert "Cancel job" not in page.get(f"/jobs/{succeeded.job_id}").text


def test_a_retried_job_shows_no_moment_of_its_earlier_run(page: TestClient, jobs: Jobs) -> None:
    job_id = jobs.running().job_id
    page.post(f"/jobs/{job_id}/cancel", headers=ORIGIN)
    with jobs.database.begin() as session:
        claim = lifecycle.Claim(job_id, 1, session.get_one(Job, job_id).lease_token, "ada", {})  # type: ignore[arg-type]
        assert lifecycle.finish_cancelling(session, claim)

    def moments() -> list[str]:
        return re.findall(r"<div><dt>(\w+)</dt><dd><time", page.get(f"/jobs/{job_id}").text)

    assert moments() == ["Submitted", "Started", "Cancelling", "Cancelled"]
    page.post(f"/jobs/{job_id}/retry", headers=ORIGIN)
    assert moments() == ["Submitted", "Retried"]
    with jobs.database.begin() as session:
        assert lifecycle.claim(session, job_id, "worker", 3000)
    assert moments() == ["Submitted", "Retried", "Started"]


@pytest.mark.parametrize("path", ["/jobs/nothere", "/jobs/nothere/stream", "/compare?job=x", "/nothing"])
def test_a_problem_keeps_the_navigation_and_speaks_of_no_document(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == (422 if "?" in path else 404)
    assert '<a href="/jobs"' in answer.text
    assert ("Sign out" in answer.text) is (path != "/nothing")
    assert "errors&#39;" not in answer.text


def test_revoking_a_key_asks_first_and_marks_the_key_in_use(
    page: TestClient, make_key: MakeKey, database: Database
) -> None:
    make_key()
    html = page.get("/settings").text
    forms = re.findall(r'<details class="confirm">.*?</details>', html, re.DOTALL)
    assert len(forms) == html.count("/revoke") == 2
    assert ["You are signed in with this key" in form for form in forms] == [False, True]
    (in_use,) = re.findall(r'action="([^"]+)"', forms[1])
    assert page.post(in_use, headers=ORIGIN).status_code == 303
    assert page.get("/jobs").headers["Location"].startswith("/sign-in")


def test_list_and_comparison_show_the_same_measured_sparsity(page: TestClient, jobs: Jobs) -> None:
    claim = jobs.running(sparsity=0.53)
    assert "gblm 53 %" in page.get("/jobs").text
    jobs.succeed(claim)
    for path in ("/jobs", f"/compare?job={claim.job_id}"):
        assert re.findall(r"gblm (50|53) %", page.get(path).text) == ["50"], path
    summary = page.get("/v1/jobs").json()["items"][0]
    assert (summary["sparsity"], summary["measured_sparsity"]) == (0.53, 0.5)


def test_cancelling_works_by_a_plain_form(page: TestClient, jobs: Jobs) -> None:
    job_id = jobs.queued()
    for _ in range(2):
        answer = page.post(f"/jobs/{job_id}/cancel", headers=ORIGIN)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/jobs/{job_id}")
    assert "Cancelled" in page.get(f"/jobs/{job_id}").text


def test_a_read_only_session_sees_no_buttons(anonymous: TestClient, make_key: MakeKey, jobs: Jobs) -> None:
    sign_in(anonymous, make_key(scopes=scopes_but("jobs:write")))
    job_id = jobs.queued()
    assert "Cancel job" not in anonymous.get(f"/jobs/{job_id}").text
    answer = anonymous.post(f"/jobs/{job_id}/cancel", headers=ORIGIN)
    assert answer.status_code == 403
    assert "jobs:write" in answer.text


def test_user_text_is_escaped(page: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.fail(claim, '<img src=x onerror="alert(1)">')
    for path in ("/jobs", f"/jobs/{claim.job_id}"):
        html = page.get(path).text
        assert "&lt;img" in html
        assert "<img" not in html


def test_a_step_sends_the_progress_and_no_button() -> None:
    step = StepFinished(attempt=1, stage=Stage.PRUNE, step=1, steps=2)
    batch = [Event(id=3, at=datetime.now(UTC), data=step)]
    assert detail._changed_by(batch, waits_otherwise=False) == ["progress"]


def test_the_stream_of_a_job_sends_its_fragments_and_its_end(page: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.progress(claim, "prune", 12, 30)
    jobs.succeed(claim, fidelity={"kl": 0.71238, "agreement": 0.625})
    text = page.get(f"/jobs/{claim.job_id}/stream?after=0").text
    kinds = re.findall(r"^event: (\w+)$", text, re.MULTILINE)
    assert kinds == [
        "progress",
        "record",
        "announcement",
        "overview",
        "figures",
        "arrival",
        "end",
    ]
    assert "63.10" in text
    assert "62.5 %" in text
    assert "KL 0.7124 nats" in text


def test_the_stream_of_a_job_that_is_deleted_while_it_is_read_ends(
    page: TestClient, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = jobs.running()
    jobs.succeed(claim)
    followed = page.app.state.resources.streams  # type: ignore[attr-defined]
    read_in_turn, reads = followed.read_in_turn, []

    async def delete_after_the_events(owner: str, read: Callable[[], object]) -> object:
        reads.append(read)
        if len(reads) == 2:
            delete(jobs.database, "ada", claim.job_id)
        return await read_in_turn(owner, read)

    monkeypatch.setattr(followed, "read_in_turn", delete_after_the_events)
    text = page.get(f"/jobs/{claim.job_id}/stream?after=0").text
    assert re.findall(r"^event: (\w+)$", text, re.MULTILINE) == ["end"]


def test_pages_have_no_inline_script_and_load_no_foreign_files(page: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim)
    for path in ("/jobs", f"/jobs/{claim.job_id}", "/sign-in", "/jobs?limit=0"):
        html = page.get(path).text
        assert not re.search(r"<style|style=|<script(?! defer src=)|\son\w+=|https?://(?!testserver)", html)


def test_assets_are_served_with_their_licences(anonymous: TestClient) -> None:
    for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', anonymous.get("/sign-in").text):
        assert anonymous.get(asset).status_code == 200
    for library in ("htmx", "htmx-ext-sse"):
        assert "Permission to use" in anonymous.get(f"/static/vendor/{library}.LICENSE").text


def test_only_blocks_that_are_finished_are_said_to_take_room(
    client: TestClient, jobs: Jobs, database: Database
) -> None:
    claim, shard = jobs.running(), StoredFile("x", 262, "0" * 64)
    for stage, is_said in (("evaluate", False), ("prune", True)):
        with database.begin() as session:
            assert attempt_files.record_block(session, claim, stage, 0, shard, {})
        page = client.get(f"/jobs/{claim.job_id}").text
        assert ("Finished blocks take 262 B" in page) == is_said
