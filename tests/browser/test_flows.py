"""What people do on the page: submit, follow, cancel, select, compare, promote; with a worker if needed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.access import api_keys
from jobs.lifecycle import lifecycle, owner_moves
from jobs.states import JobState
from jobs.sweeps import sweeps
from jobs.tables import Job
from tests.api.drive import Jobs
from tests.browser.exhibits import claim as claimed
from tests.browser.exhibits import gallery, report, submit
from tests.browser.visitor import Visitor
from tests.stack import Stack

PATIENCE = 120_000.0  # milliseconds


@pytest.fixture(scope="module")
def service(shared_stack: Stack) -> tuple[Stack, str]:
    """The whole service, and the address of its API."""
    shared_stack.start_scheduler()
    shared_stack.start_worker()
    return shared_stack, str(shared_stack.start_api().base_url).rstrip("/")


def a_complaint_goes_when_the_job_can_be_estimated(page: Page) -> None:
    """Another field changes, so that the one that was wrong is not any more."""
    page.get_by_label("Sparsity", exact=True).fill("0.6")
    page.get_by_label("Pattern", exact=True).fill("2:4")
    page.get_by_role("button", name="Submit the job").click()
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("link")).to_have_text("sparsity")
    page.get_by_label("Pattern", exact=True).fill("unstructured")
    expect(alert).to_have_count(0)
    expect(page.get_by_label("Sparsity", exact=True)).not_to_have_attribute("aria-invalid", "true")


class TestWithAWorker:
    @pytest.fixture
    def address(self, service: tuple[Stack, str]) -> str:
        return service[1]

    @pytest.fixture
    def stack(self, service: tuple[Stack, str]) -> Stack:
        return service[0]

    @pytest.fixture
    def database(self, service: tuple[Stack, str]) -> sessionmaker[Session]:
        return service[0].database

    def test_sign_in_submit_follow_and_promote(
        self, visit: Callable[..., Visitor], stack: Stack, database: sessionmaker[Session]
    ) -> None:
        visitor = visit(signed_in=False)
        page = visitor.page
        with database.begin() as session:
            key = api_keys.create(session, "ada", "browser")
        page.goto("/jobs")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="New job").click()

        page.get_by_label("Model id").fill(str(stack.model))
        expect(page.locator(".estimate")).to_contain_text("sparsity is required")
        a_complaint_goes_when_the_job_can_be_estimated(page)
        page.get_by_label("Sparsity", exact=True).fill("0.5")
        page.get_by_label("Goal or method", exact=True).select_option("wanda")
        expect(page.get_by_label("Alpha")).to_have_count(0)
        page.get_by_label("Goal or method", exact=True).select_option("gblm")
        page.get_by_label("Alpha").fill("50")
        page.get_by_text("texts, windows, seed").click()
        for name, text in (
            ("dataset", str(stack.calibration)),
            ("samples", "400"),
            ("sequence_length", "32"),
        ):
            page.locator(f"[id='calibration.{name}']").fill(text)
        page.get_by_text("texts, windows, zero-shot tasks").click()
        page.locator("[id='evaluation.dataset']").fill("builtin")
        page.locator("[id='evaluation.sequence_length']").fill("32")
        page.locator("[id='evaluation.windows']").fill("4")
        expect(page.locator(".estimate")).to_contain_text("in 4 blocks")
        page.get_by_role("button", name="Submit the job").click()

        page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))
        address = page.url
        expect(page.locator(".stepper .active")).to_be_visible(timeout=PATIENCE)
        page.evaluate("window.stayed = true")
        expect(page.locator(".badge.succeeded")).to_be_visible(timeout=PATIENCE)
        assert page.evaluate("window.stayed"), "the page was loaded again to show the end"
        page.get_by_text("Show the result").click()
        visitor.load_pictures()
        expect(page.get_by_text("alpha 50", exact=False)).to_be_visible()
        expect(page.get_by_role("link", name="model.safetensors", exact=True)).to_be_visible()

        page.get_by_role("link", name="Add to the zoo").click()
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
        # The form that could not be accepted was answered 422, and Chromium says so.
        visitor.complaints = [said for said in visitor.complaints if "422" not in said]

    def test_a_running_job_is_followed_and_cancelled_by_keyboard(
        self, visit: Callable[..., Visitor], stack: Stack
    ) -> None:
        visitor = visit()
        page = visitor.page
        job_id = stack.submit(stack.spec(samples=4000))  # longer than a browser on a busy machine takes
        page.goto(f"/jobs/{job_id}")
        expect(page.locator(".stepper .active .name")).to_have_text("Gradients", timeout=PATIENCE)
        visitor.watch_the_layout()
        first = float(page.locator("#bar").get_attribute("value") or 0)
        expect(page.locator("#bar")).not_to_have_attribute("value", f"{first:g}", timeout=PATIENCE)
        assert visitor.layout_shift() < 0.05
        page.locator("#cancel").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Yes, cancel it")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".badge.cancelled")).to_be_visible(timeout=PATIENCE)
        assert stack.job(job_id).state == JobState.CANCELLED
        expect(page.get_by_role("button", name="Retry")).to_be_visible()


class TestWithoutAWorker:
    """The API alone; jobs are moved as a worker would move them."""

    def test_rows_are_live_and_selected_jobs_stay_selected(
        self, visit: Callable[..., Visitor], database: sessionmaker[Session], jobs: Jobs
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
        page.get_by_role("button", name="Compare").click()
        visitor.load_pictures()
        expect(page.get_by_role("heading", level=1)).to_have_text("Compare 3 jobs")
        expect(page.get_by_text("On the front")).to_have_count(2)
        assert visitor.barriers() == ""

    def test_a_hidden_tab_closes_its_stream_and_is_current_when_shown_again(
        self, visit: Callable[..., Visitor], database: sessionmaker[Session]
    ) -> None:
        shown = gallery(database)
        page = visit().page
        page.goto("/jobs")
        expect(page.locator(".badge.cancelled")).to_have_count(1)
        for hidden in ("true", "false"):
            page.evaluate(
                f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}})"
            )
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            if hidden == "true":
                assert page.evaluate("stream === null || stream.readyState === EventSource.CLOSED")
                with database.begin() as session:
                    owner_moves.cancel(session, "ada", shown["queued"])
        expect(page.locator(".badge.cancelled")).to_have_count(2)

    def test_the_page_works_without_javascript(
        self, visit: Callable[..., Visitor], database: sessionmaker[Session], jobs: Jobs
    ) -> None:
        shown = gallery(database)
        page = visit(java_script_enabled=False).page
        page.goto("/jobs")
        page.get_by_label("State").select_option("queued")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_role("checkbox")).to_have_count(1)
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Cancel …").click()
        page.get_by_role("button", name="Yes, cancel 1 job").click()
        page.goto(f"/jobs/{shown['queued']}")
        expect(page.locator(".badge.cancelled")).to_be_visible()
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(".badge.queued")).to_be_visible()
        page.goto("/jobs/new")
        page.get_by_label("Model id").fill("org/name")
        page.get_by_label("Sparsity").fill("0.5")
        page.get_by_label("Goal or method", exact=True).select_option("sparsegpt")
        page.get_by_role("button", name="Show its options").first.click()
        page.get_by_label("Columns").fill("64")
        page.get_by_role("button", name="Submit the job").click()
        expect(page.get_by_text("columns 64", exact=False)).to_be_visible()

    def test_all_jobs_are_selected_at_once_counted_and_their_buttons_stay_in_sight(
        self, visit: Callable[..., Visitor], database: sessionmaker[Session]
    ) -> None:
        for _ in range(30):
            submit(database)
        page = visit(viewport={"width": 1000, "height": 600}).page
        page.goto("/jobs")
        count, everything = page.locator("#count"), page.get_by_label("All on this page")
        expect(page.get_by_role("button", name="Compare")).to_be_in_viewport()
        page.get_by_label("Select ").nth(4).check()
        expect(count).to_have_text("1")
        assert everything.evaluate("(box) => box.indeterminate")
        everything.check()
        expect(count).to_have_text("30")
        assert page.locator("input[name=job]:checked").count() == 30
        everything.uncheck()
        expect(count).to_have_text("")

    def test_times_are_the_browsers_own_and_the_title_says_how_far_a_job_is(
        self, visit: Callable[..., Visitor], database: sessionmaker[Session], jobs: Jobs
    ) -> None:
        job_id = submit(database)
        with database.begin() as session:
            session.execute(update(Job).values(created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
        page = visit(timezone_id="Asia/Kolkata").page
        page.goto(f"/jobs/{job_id}")
        moment = page.locator(".moments time").first
        expect(moment).to_have_text("2026-01-02 08:34:05")
        expect(moment).to_have_attribute("title", "2026-01-02 03:04:05 UTC")
        expect(page.locator("#log")).to_contain_text("local time")
        expect(page).to_have_title(re.compile("^Queued · HuggingFaceTB/SmolLM2-135M"))
        claim = claimed(database, job_id)
        jobs.progress(claim, "prune", 15, 30)
        expect(page).to_have_title(re.compile("^Prune 50 % · "), timeout=PATIENCE)

    def test_a_hidden_tab_notifies_when_its_job_ends_if_that_was_asked_for(
        self, visit: Callable[..., Visitor], jobs: Jobs
    ) -> None:
        claims = [jobs.running(), jobs.running()]
        for claim, asks in zip(claims, (True, False), strict=True):
            page = visit(permissions=["notifications"]).page
            page.add_init_script(
                "window.told = []; window.Notification = class {"
                " static permission = 'default'; static requestPermission = async () => 'granted';"
                " constructor(title, more) { window.told.push([title, more.body]); } };"
            )
            page.goto(f"/jobs/{claim.job_id}")
            if asks:
                page.get_by_role("button", name="Notify me when it ends").click()
                expect(page.get_by_role("button", name="You will be notified")).to_be_visible()
                page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
                page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            jobs.succeed(claim)
            expect(page.locator(".overview .badge.succeeded")).to_be_visible(timeout=PATIENCE)
            told = page.evaluate("told")
            assert [words[1] for words in told] == (["Job succeeded."] if asks else [])

    def test_a_complaint_goes_when_its_field_changes(self, visit: Callable[..., Visitor]) -> None:
        visitor = visit()
        page = visitor.page
        page.goto("/jobs/new?model.id=org/name&sparsity=1.5&calibration.samples=0")
        page.get_by_role("button", name="Submit the job").click()
        alert = page.get_by_role("alert")
        expect(alert.get_by_role("listitem")).to_have_count(2)
        page.get_by_label("Sparsity", exact=True).fill("50%")
        expect(alert.get_by_role("listitem")).to_have_text(re.compile("^calibration.samples "))
        expect(page.locator("[id='hint-sparsity'] .missed")).to_have_count(0)
        page.locator("[id='calibration.samples']").fill("8")
        expect(alert).to_have_count(0)
        visitor.complaints = [said for said in visitor.complaints if "422" not in said]

    def test_a_search_goes_on_while_its_page_is_open(
        self, visit: Callable[..., Visitor], database: sessionmaker[Session], jobs: Jobs
    ) -> None:
        visitor = visit()
        page = visitor.page
        page.goto("/jobs/new#vary.sparsity")
        page.get_by_label("Model id").fill("org/name")
        page.get_by_label("Search: increase over dense at most").fill("50%")
        page.get_by_role("button", name="Submit the job").dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text("org/name")
        expect(page.locator(".figures")).to_contain_text("no model has met the bound yet")
        page.evaluate("window.stayed = true")
        with database.begin() as session:
            job_id = session.scalars(select(Job.id)).one()
            claim = lifecycle.claim(session, job_id, "worker", 3000)
            assert claim is not None
        with database.begin() as session:
            assert lifecycle.succeed(session, claim, report(0.5, 20.0, 25.0), [])
            sweeps.advance(session)
        expect(page.locator(".figures")).to_contain_text("at or above 50 % zeros", timeout=PATIENCE)
        visitor.load_pictures()
        page.get_by_text("Cancel search").click()
        page.get_by_role("button", name="Yes, cancel it").click()
        expect(page.locator(".overview .badge.cancelled")).to_be_visible()

    def test_the_keyboard_reaches_every_control_with_visible_focus(
        self, visit: Callable[..., Visitor], database: sessionmaker[Session], jobs: Jobs
    ) -> None:
        claim = jobs.running()
        with database.begin() as session:
            assert lifecycle.succeed(session, claim, report(0.5, 17.5, 25.1), [])
        page = visit().page
        page.goto(f"/jobs/{claim.job_id}")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        seen = []
        for _ in range(13):
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
        assert seen[:13] == [
            "Skip to content",
            "PruneServe",
            "Jobs",
            "Sweeps",
            "Uploads",
            "Storage",
            "Webhooks",
            "Zoo",
            "Keys",
            "Shares",
            "Workers",
            "Audit",
            "Sign out",
        ]
