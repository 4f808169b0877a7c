"""Every page on a desktop and on a phone, in the light and the dark theme: accessible, small, self-contained.

Screenshots are kept in `.screens`.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session, sessionmaker

from jobs import zoo
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.queue import quarantine, steering
from jobs.settings import Settings
from jobs.storage.store import Store, attempt_prefix
from jobs.tables import Queue, Worker
from tests.api.drive import Jobs
from tests.browser.exhibits import belongings, gallery, search
from tests.browser.visitor import Visitor
from tests.jobs.queue.fleet import register
from tests.tiers import nightly

SCREENS = Path(__file__).parents[2] / ".screens"
MOST_BYTES = 300_000
PATIENCE = 60_000.0  # milliseconds
WINDOWS = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 360, "height": 740}}


@pytest.mark.parametrize(
    ("window", "scheme"),
    [
        ("wide", "light"),
        ("narrow", "dark"),
        *(nightly(*screen) for screen in (("wide", "dark"), ("narrow", "light"))),
    ],
)
def test_every_page_is_accessible_small_and_loads_from_this_service_only(
    visit: Callable[..., Visitor], database: sessionmaker[Session], window: str, scheme: str
) -> None:
    shown = gallery(database)
    found, searching = search(database, rounds=6), search(database, rounds=3)
    belongings(database)
    with database.begin() as session:
        entry = zoo.promote(session, "ada", shown["succeeded"], "The best that 50 % gives at this size.")
        assert entry is not None
        slug = entry.slug
        register(session, "worker-1")
        quarantine.quarantine(session, "sick-1-5f3e9a", "cpu", "its work directory cannot be written (EROFS)")
        steering.drain(session, "worker-1")
        steering.pause(session, "cpu", "root")
    chosen = "".join(f"&job={job_id}" for job_id in shown.values())
    visitor = visit(viewport=WINDOWS[window], color_scheme=scheme)
    paths = {
        "jobs": "/jobs",
        "none": "/jobs?search=nothing-is-called-so",
        "bulk": f"/jobs/bulk?action=cancel{chosen}",
        "compare": f"/compare?{chosen[1:]}",
        "new": "/jobs/new?sparsity=2&model.id=org/name",
        "several": "/jobs/new?vary.sparsity=30%25,50%25&model.id=org/name#vary.sparsity",
        "promote": f"/jobs/{shown['wanda']}/promote",
        "sweeps": "/sweeps",
        "search": f"/sweeps/{searching}",
        "search-ended": f"/sweeps/{found}",
        "zoo": "/zoo",
        "keys": "/keys",
        "storage": "/storage",
        "shares": "/shares",
        "uploads": "/uploads",
        "webhooks": "/webhooks",
        "workers": "/workers",
        "audit": "/audit",
        "sorted": "/jobs?sort=-sparsity&limit=3",
        "entry": f"/zoo/{slug}",
        **{
            state: f"/jobs/{shown[state]}" for state in ("queued", "running", "succeeded", "missed", "failed")
        },
        "refused": "/jobs/00000000-0000-0000-0000-000000000000",
        "nowhere": "/jobs/nothere",
    }
    barriers = {}
    SCREENS.mkdir(exist_ok=True)
    for name, path in paths.items():
        visitor.bytes = 0
        answer = visitor.page.goto(path, wait_until="load")
        assert answer is not None
        visitor.load_pictures()
        visitor.screenshot(SCREENS / f"{name}-{window}-{scheme}.png")
        assert visitor.overflow() == 0, name
        assert visitor.bytes < MOST_BYTES, name
        if found := visitor.barriers():
            barriers[name] = found
    # Chromium itself complains of the answer 404, as it should.
    visitor.complaints = [said for said in visitor.complaints if "404" not in said]
    assert barriers == {}


@pytest.mark.parametrize("window", WINDOWS)
def test_an_arriving_result_moves_nothing(visit: Callable[..., Visitor], jobs: Jobs, window: str) -> None:
    visitor, claim = visit(viewport=WINDOWS[window]), jobs.running()
    visitor.page.goto(f"/jobs/{claim.job_id}", wait_until="load")
    visitor.watch_the_layout()
    jobs.succeed(claim)
    expect(visitor.page.locator(".badge.succeeded")).to_be_visible(timeout=60_000)
    expect(visitor.page.locator(".result")).to_be_attached()
    assert visitor.layout_shift() < 0.01
    visitor.page.get_by_text("Show the result").click()
    followed = visitor.page.get_by_role("heading").all_inner_texts()
    visitor.page.reload(wait_until="load")
    assert visitor.page.get_by_role("heading").all_inner_texts() == followed
    assert followed.index("Result") < followed.index("Recipe")


def test_a_pointer_over_a_heat_map_meets_the_value_of_its_cell(
    visit: Callable[..., Visitor], database: sessionmaker[Session]
) -> None:
    shown = gallery(database)
    visitor = visit(viewport=WINDOWS["wide"])
    visitor.page.goto(f"/jobs/{shown['succeeded']}", wait_until="load")
    visitor.load_pictures()
    cell = visitor.page.locator(".cells rect").nth(40)
    cell.scroll_into_view_if_needed()
    said = cell.locator("title").text_content()
    box = cell.bounding_box()
    assert box is not None
    place = f"({box['x'] + box['width'] / 2}, {box['y'] + box['height'] / 2})"
    assert visitor.page.evaluate(f"document.elementFromPoint{place}.textContent") == said
    assert said is not None
    assert said.startswith("Block ")


def test_a_file_that_is_kept_compressed_is_saved_as_it_was(
    visit: Callable[..., Visitor], jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    plain = b"".join(os.urandom(7) + bytes(9) for _ in range(600_000))  # more than two frames
    (tmp_path / "file").write_bytes(plain)
    claim = jobs.running()
    key = f"{attempt_prefix(claim.job_id, 1)}/file"
    stored = Store(settings.store_url).put_file(key, tmp_path / "file", compress=True)
    artifact = FinishedArtifact(
        "model.safetensors", stored.key, stored.size, stored.sha256, stored.stored_size
    )
    jobs.succeed(claim, [artifact])
    visitor = visit()
    visitor.page.goto(f"/jobs/{claim.job_id}")
    link = visitor.page.get_by_role("link", name="model.safetensors")
    with visitor.page.expect_download() as download:
        link.click()
    assert Path(download.value.path()).read_bytes() == plain
    fetched = """async (url) => {
        const answer = await fetch(url);
        return [answer.headers.get("content-encoding"), (await answer.arrayBuffer()).byteLength];
    }"""
    assert visitor.page.evaluate(fetched, link.get_attribute("href")) == ["zstd", len(plain)]


def test_a_question_about_a_worker_stays_open_while_the_list_changes(
    visit: Callable[..., Visitor], database: sessionmaker[Session]
) -> None:
    def beats(*names: str) -> None:
        with database.begin() as session:
            for name in names:
                register(session, name)

    beats("worker-1")
    page = visit().page
    page.goto("/workers")
    beats("worker-0")
    expect(page.get_by_role("row", name="worker-0")).to_be_visible(timeout=PATIENCE)
    page.locator("summary", has_text="Drain worker-1").click()
    drain = page.get_by_role("button", name="Yes, drain it")
    drain.focus()
    beats("worker-2")
    expect(page.get_by_role("row", name="worker-2")).to_be_visible(timeout=PATIENCE)
    expect(drain).to_be_focused()
    drain.click()
    expect(page.get_by_role("row", name="worker-1")).to_contain_text("ends after its job")
    with database.begin() as session:
        assert session.get_one(Worker, "worker-1").draining
    page.locator("summary", has_text="Pause cpu").click()
    page.get_by_role("button", name="Yes, pause it").click()
    expect(page.get_by_role("row", name="cpu", exact=False).last).to_contain_text("by ada")
    page.get_by_role("button", name="Resume cpu").click()
    with database.begin() as session:
        assert session.get_one(Queue, "cpu").paused_at is None
