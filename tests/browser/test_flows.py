"""What people do on the page: submit, follow, cancel, select, compare, promote.

Jobs are moved as a worker would move them.
"""

import json
import re
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from jobs.access import api_keys
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.states import JobState
from jobs.storage.store import Store, attempt_prefix
from jobs.sweeps import sweeps
from jobs.tables import Job
from tests.api.drive import LLAMA, Jobs
from tests.browser.exhibits import gallery, report, submit
from tests.browser.visitor import Visitor
from tests.claims import claimed, take

PATIENCE = 120_000.0  # milliseconds


@pytest.fixture
def model(settings: Settings) -> str:
    """The path of a model of which the server reads the configuration."""
    directory = settings.model_roots[0] / "llama"
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(LLAMA))
    return str(directory)


def succeed_with_a_file(database: Database, settings: Settings, job_id: UUID, directory: Path) -> None:
    """As a worker would, with a file that is in the store."""
    claim, path = take(database, job_id, "worker", 3000), directory / "weights"
    path.write_bytes(b"weights")
    stored = Store(settings.store_url).put_file(f"{attempt_prefix(job_id, 1)}/file", path)
    weights = FinishedArtifact("model.safetensors", stored.key, stored.size, stored.sha256)
    with database.begin() as session:
        assert lifecycle.succeed(session, claim, report(0.5, 17.5, 25.1), [weights])


def test_sign_in_submit_follow_and_promote(
    visit: Callable[..., Visitor], database: Database, settings: Settings, model: str, tmp_path: Path
) -> None:
    visitor = visit(signed_in=False)
    page = visitor.page
    with database.begin() as session:
        key = api_keys.create(session, "ada", "browser")[1]
    page.goto("/jobs")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="New job").click()

    page.get_by_label("Model", exact=True).fill(model)
    expect(page.locator(".estimate")).to_contain_text("How much: is required")
    page.get_by_label("How much").fill("0.5")
    page.get_by_label("Text", exact=True).fill("builtin")
    page.locator("#advanced").click()
    page.get_by_label("Method").select_option("gblm")
    page.get_by_label("Windows", exact=True).fill("400")
    page.get_by_label("Window length").fill("32")
    page.get_by_label("Name", exact=True).fill("the first one")
    page.get_by_label("Recipe (JSON)").fill(
        '{"method": {"alpha": 50}, "evaluation": {"dataset": "builtin", "sequence_length": 32, "windows": 4}}'
    )
    expect(page.locator(".estimate")).to_contain_text("in 2 blocks")
    page.get_by_role("button", name="Submit the job").click()

    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))
    address = page.url
    expect(page.get_by_role("heading", level=1)).to_have_text("the first one")
    page.evaluate("window.stayed = true")
    succeed_with_a_file(database, settings, UUID(address.rpartition("/")[2]), tmp_path)
    expect(page.locator(".badge.succeeded")).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("window.stayed"), "the page was loaded again to show the end"
    page.get_by_text("Show the result").click()
    visitor.load_pictures()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    with tarfile.open(download.value.path()) as archive:
        assert "model.safetensors" in {Path(name).name for name in archive.getnames()}
    page.locator("#details").click()
    expect(page.locator(".snippet pre").last).to_contain_text('"alpha": 50')

    page.locator("summary", has_text="Add to the zoo").click()
    page.get_by_label("What is it good for?").fill("for a test")
    page.get_by_role("button", name="Add to the zoo").click()
    expect(page.get_by_role("heading", name="How to load it")).to_be_visible()
    page.get_by_label("Places").get_by_role("link", name="Zoo").click()
    expect(page.get_by_text("for a test")).to_be_visible()
    page.goto(address)
    expect(page.get_by_role("link", name="See it in the zoo")).to_be_visible()
    assert visitor.barriers() == ""
    page.get_by_role("button", name="Sign out").click()
    page.goto(address)
    expect(page.get_by_label("API key")).to_be_visible()


def test_a_running_job_is_followed_and_cancelled_by_keyboard(
    visit: Callable[..., Visitor], database: Database, jobs: Jobs
) -> None:
    visitor = visit()
    page = visitor.page
    claim = jobs.running()
    page.goto(f"/jobs/{claim.job_id}")
    jobs.progress(claim, "gradients", 1, 30)
    expect(page.locator(".stage")).to_have_text("Gradients", timeout=PATIENCE)
    visitor.watch_the_layout()
    first = float(page.locator("#bar").get_attribute("value") or 0)
    jobs.progress(claim, "gradients", 2, 30)
    expect(page.locator("#bar")).not_to_have_attribute("value", f"{first:g}", timeout=PATIENCE)
    assert visitor.layout_shift() < 0.05
    page.locator("#cancel").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Yes, cancel it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".badge.cancelling")).to_be_visible()
    with database.begin() as session:
        assert session.get_one(Job, claim.job_id).state == JobState.CANCELLING
        assert lifecycle.finish_cancelling(session, claim)
    expect(page.locator(".badge.cancelled")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_rows_are_live_and_selected_jobs_stay_selected(
    visit: Callable[..., Visitor], database: Database, jobs: Jobs
) -> None:
    shown = gallery(database)
    visitor = visit()
    page = visitor.page
    page.goto("/jobs")
    for name in ("succeeded", "missed", "wanda"):
        page.locator(f"[id='select-{shown[name]}']").check()
    page.locator(f"[id='select-{shown['succeeded']}']").focus()
    with database.begin() as session:
        owner_moves.cancel(session, "ada", shown["queued"])
    expect(page.locator(".badge.cancelled")).to_have_count(2)
    assert page.locator("input[name=job]:checked").count() == 3
    expect(page.locator(f"[id='select-{shown['succeeded']}']")).to_be_focused()
    page.get_by_role("button", name="Compare the selected jobs").click()
    visitor.load_pictures()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 3 jobs")
    expect(page.get_by_text("On the front")).to_have_count(2)
    assert visitor.barriers() == ""


def test_a_hidden_tab_closes_its_stream_and_is_current_when_shown_again(
    visit: Callable[..., Visitor], database: Database
) -> None:
    shown = gallery(database)
    page = visit().page
    page.goto("/jobs")
    expect(page.locator(".badge.cancelled")).to_have_count(1)
    for hidden in ("true", "false"):
        page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        if hidden == "true":
            assert page.evaluate("stream === null || stream.readyState === EventSource.CLOSED")
            with database.begin() as session:
                owner_moves.cancel(session, "ada", shown["queued"])
    expect(page.locator(".badge.cancelled")).to_have_count(2)


def test_the_page_works_without_javascript(
    visit: Callable[..., Visitor], database: Database, jobs: Jobs
) -> None:
    shown = gallery(database)
    visitor = visit(java_script_enabled=False)
    page = visitor.page
    page.goto("/jobs")
    page.get_by_label("State").select_option("queued")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("checkbox")).to_have_count(1)
    page.goto(f"/jobs/{shown['queued']}")
    page.locator("summary", has_text="Cancel job").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator(".badge.cancelled")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".badge.queued")).to_be_visible()
    page.goto("/jobs/new")
    page.get_by_label("Model", exact=True).fill("org/name")
    page.get_by_label("Goal").select_option("smaller")
    page.get_by_role("button", name="Submit the job").click()
    expect(page.locator("[id='hint-amount']")).to_contain_text("write a share such as 25%")
    expect(page.get_by_label("Model", exact=True)).to_have_value("org/name")
    page.get_by_label("How much").fill("25%")
    page.get_by_role("button", name="Submit the job").click()
    expect(page.locator(".lead")).to_contain_text("parameters \N{MINUS SIGN}25")
    page.locator("#details").click()
    expect(page.get_by_text("Queued", exact=True).last).to_be_visible()
    # The form that was refused was answered 422, and Chromium says so.
    visitor.complaints = [said for said in visitor.complaints if "422" not in said]


def test_times_are_local_and_the_title_shows_the_progress(
    visit: Callable[..., Visitor], database: Database, jobs: Jobs
) -> None:
    job_id = submit(database)
    with database.begin() as session:
        session.execute(update(Job).values(created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    page = visit(timezone_id="Asia/Kolkata").page
    page.goto(f"/jobs/{job_id}")
    moment = page.locator(".moments time").first
    expect(moment).to_have_text("2026-01-02 08:34:05")
    expect(moment).to_have_attribute("title", "2026-01-02 03:04:05 UTC")
    page.locator("#details").click()
    expect(page.locator("#log")).to_contain_text("local time")
    expect(page).to_have_title(re.compile("^Queued · SmolLM2-135M"))
    claim = take(database, job_id, "worker-1", 3000)
    jobs.progress(claim, "prune", 15, 30)
    expect(page).to_have_title(re.compile("^Prune 50 % · "), timeout=PATIENCE)


def test_a_search_goes_on_while_its_page_is_open(
    visit: Callable[..., Visitor], database: Database, jobs: Jobs
) -> None:
    visitor = visit()
    page = visitor.page
    page.goto("/jobs/new")
    page.get_by_label("Model", exact=True).fill("org/name")
    page.locator("#advanced").click()
    page.get_by_label("Recipe (JSON)").fill(
        '{"job": {"method": "gblm"}, "target": {"max_perplexity_increase": 0.5}}'
    )
    page.get_by_role("button", name="Submit the job").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("name")
    expect(page.locator(".figures")).to_contain_text("no model has met the bound yet")
    page.evaluate("window.stayed = true")
    with database.begin() as session:
        job_id = session.scalars(select(Job.id)).one()
        claim = claimed(session, job_id, "worker", 3000)
    with database.begin() as session:
        assert lifecycle.succeed(session, claim, report(0.5, 20.0, 25.0), [])
        sweeps.advance(session)
    expect(page.locator(".figures")).to_contain_text("at or above 50 % zeros", timeout=PATIENCE)
    visitor.load_pictures()
    page.get_by_text("Cancel search").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator(".overview .badge.cancelled")).to_be_visible()


def test_the_keyboard_reaches_every_control_with_visible_focus(
    visit: Callable[..., Visitor], database: Database, jobs: Jobs
) -> None:
    claim = jobs.running()
    with database.begin() as session:
        assert lifecycle.succeed(session, claim, report(0.5, 17.5, 25.1), [])
    page = visit().page
    page.goto(f"/jobs/{claim.job_id}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    seen = []
    for _ in range(7):
        place = page.evaluate(
            """(() => {
                const on = document.activeElement, style = getComputedStyle(on);
                const width = parseFloat(style.outlineWidth);
                return [on.textContent.trim().slice(0, 20), style.outlineStyle, width];
            })()"""
        )
        seen.append(place[0])
        assert place[1] != "none", place
        assert place[2] >= 2, place
        page.keyboard.press("Tab")
    assert seen == ["Skip to content", "PruneServe", "Jobs", "Sweeps", "Zoo", "Settings", "Sign out"]
